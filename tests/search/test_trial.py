"""What is known of one trial."""

import json

import pytest

from archsearch.architecture import Architecture
from archsearch.search.baselines import Baseline
from archsearch.search.trial import State, Trial

GENERATOR = [{"type": "generator", "model": "m"}]
SINGLE = Baseline(kind="single call", model="m", style="direct")


@pytest.mark.parametrize(
    "trial",
    [
        Trial(
            number=3,
            origin="sampler",
            params={"a": 1},
            architecture=Architecture.parse(GENERATOR),
        ),
        Trial(
            number=3,
            origin="baseline",
            baseline=SINGLE,
            params=None,
            architecture=Architecture.parse(GENERATOR),
        ),
        Trial(
            number=3,
            origin="sampler",
            params={"a": 2},
            architecture=None,
            state=State.REFUSED,
            reason="it breaks a rule",
        ),
    ],
    ids=["point", "baseline", "refused"],
)
def test_it_is_proposed_again_as_it_was_recorded(trial):
    again = Trial.recorded(3, json.loads(json.dumps(trial.record)))
    assert again.record == trial.record
    assert (again.number, again.state, again.architecture) == (3, trial.state, trial.architecture)

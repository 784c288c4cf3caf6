"""What is known of one trial."""

import json
from dataclasses import replace

import pytest

from archsearch.architecture import Architecture
from archsearch.search.baselines import Baseline
from archsearch.search.trial import State, Trial, best_baseline
from tests.search.test_racing import incumbent

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


def test_where_the_budget_ends_a_continuation_what_it_continued_stands():
    paused = incumbent([1.0] * 5, 0)
    paused.state, paused.baseline, paused.continued_by = State.PAUSED, SINGLE, 1
    after = replace(paused, number=1, evaluation=None, state=State.RUNNING, continued_by=None)
    after.continues = paused
    after.run_dry("no room")
    assert (after.state, after.reason, after.exhausted) == (State.INCOMPLETE, "no room", True)
    latest = [trial for trial in (paused, after) if trial.continued_by is None]
    assert best_baseline(latest, "single call") is paused

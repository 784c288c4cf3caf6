"""The benches' simulation of many studies at once, held to the code that runs one."""

import sys
from pathlib import Path

import numpy as np
import pytest

from archsearch.budget import Limits
from archsearch.evaluate import Evaluation, Outcome
from archsearch.search.config import Racing
from archsearch.search.racing import Race
from archsearch.search.trial import State, Trial, ranking
from archsearch.search.unit import Unit
from archsearch.types import Measured, Score

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))
simulated = pytest.importorskip("simulated")

TRIALS, QUESTIONS = 20, 60


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return simulated.from_law(
        rng, 5, TRIALS, lambda rng, shape: 0.6 - 0.3 * rng.random(shape), spread=0.5
    )


def evaluation(scores, cost):
    return Evaluation(
        outcomes=tuple(
            Outcome(
                question_id=str(at),
                result=Score(value=float(score)),
                cost=Measured(flops=float(cost)),
            )
            for at, score in enumerate(scores)
        )
    )


def walked(scores, costs):
    """One study, trial by trial, as the coordinator does it."""
    trials = []
    for number, (row, cost) in enumerate(zip(scores, costs, strict=True)):
        landed = trials[: max(0, number - simulated.IN_FLIGHT + 1)]
        race = Race(
            settings=Racing(),
            incumbents=ranking(landed, Limits(), Unit.FLOPS),
            unit=Unit.FLOPS,
            questions=QUESTIONS,
            pause=QUESTIONS,
        )
        trial = Trial(number=number, origin="sampler", params=None, architecture=None)
        trial.state = State.COMPLETE
        for seen in range(10, QUESTIONS + 1, 10):
            trial.evaluation = evaluation(row[:seen], cost)
            if seen < QUESTIONS and (rival := race.lost_to(trial.evaluation)):
                trial.state, trial.yardstick = State.RACED_OUT, rival.scored.scores
                break
        trials.append(trial)
    return trials


def test_trials_are_stopped_where_the_race_stops_them(batch):
    scores = batch.draw(QUESTIONS)
    rule = simulated.by_predictive_probability(Racing().risk)
    outcome = simulated.raced(scores, batch.costs, rule, block=10)
    assert (outcome.asked < QUESTIONS).mean() > 0.2
    for row in range(len(scores)):
        trials = walked(scores[row], batch.costs[row])
        assert [len(trial.scored.scores) for trial in trials] == outcome.asked[row].tolist()
        assert [trial.worth for trial in trials] == pytest.approx(outcome.worths[row])
        able = outcome.asked == QUESTIONS
        first = simulated.ranked_first(scores.mean(axis=2), batch.costs, able)[row]
        assert ranking(trials, Limits(), Unit.FLOPS)[0].number == first


def test_scores_are_as_accurate_as_the_law_says(batch):
    assert batch.draw(20_000).mean(axis=2) == pytest.approx(batch.truth, abs=0.015)


def test_a_table_is_the_whole_population():
    rng = np.random.default_rng(1)
    scores, costs = rng.random((6, 30)), rng.random(6)
    studies = simulated.from_table(scores, costs, rng, 3, 4)
    assert studies.truth.shape == studies.costs.shape == (3, 4)
    for truth, cost in zip(studies.truth.ravel(), studies.costs.ravel(), strict=True):
        row = int(np.flatnonzero(costs == cost)[0])
        assert truth == pytest.approx(scores[row].mean())
    drawn = studies.draw(20_000)
    assert drawn.mean(axis=2) == pytest.approx(studies.truth, abs=0.02)
    # Trials of a study are asked the same questions.
    columns = {tuple(column) for column in scores[:, :].T}
    one = drawn[0, :, 0]
    rows = [int(np.flatnonzero(costs == cost)[0]) for cost in studies.costs[0]]
    assert any(np.allclose(np.array(column)[rows], one) for column in columns)

"""A trial is stopped when it will hardly overtake, and only by one that is no dearer."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.evaluate import Evaluation, Outcome
from archsearch.search.config import Racing
from archsearch.search.racing import Race, deviations_ahead, deviations_foreseen, overtaking
from archsearch.search.trial import State, Trial
from archsearch.search.unit import Unit
from archsearch.stats import standard_error
from archsearch.types import Failure, Measured, Score

QUESTIONS = 100


def by_id(values):
    return {str(at): float(value) for at, value in enumerate(values)}


def evaluation(values, flops=10.0, **failures):
    outcomes = [
        Outcome(question_id=question, result=Score(value=value), cost=Measured(flops=flops))
        for question, value in by_id(values).items()
    ]
    failed = [Outcome(question_id=q, result=f) for q, f in failures.items()]
    return Evaluation(outcomes=(*outcomes, *failed))


def incumbent(values, number=0, flops=10.0):
    trial = Trial(number=number, origin="sampler", params=None, architecture=None)
    trial.evaluation, trial.state = evaluation(values, flops), State.COMPLETE
    return trial


# -- the chance


values = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=30)


@given(values, st.integers(0, 100), st.randoms())
def test_it_is_a_probability_and_grows_with_every_point(scores, more, rng):
    theirs = by_id(rng.choice([0.0, 0.5, 1.0]) for _ in scores)
    questions = len(scores) + more
    before = overtaking(by_id(scores), theirs, questions=questions)
    assert 0 <= before <= 1
    worst = min(range(len(scores)), key=scores.__getitem__)
    better = [1.0 if at == worst else score for at, score in enumerate(scores)]
    graded = any(score % 1 for score in (*scores, *theirs.values()))
    if more == 0 or graded == any(score % 1 for score in (*better, *theirs.values())):
        assert overtaking(by_id(better), theirs, questions=questions) >= before - 1e-9


@given(values, st.randoms())
def test_at_the_end_it_is_known(scores, rng):
    theirs = by_id(rng.choice([0.0, 0.5, 1.0]) for _ in scores)
    passes = sum(scores) > sum(theirs.values()) + 1e-9
    assert overtaking(by_id(scores), theirs, questions=len(scores)) == float(passes)


def test_it_is_as_often_right_as_it_says():
    """Where wins, losses and ties are as likely as its prior has it: of trials that are told a
    chance of about p, about p overtake, and of those told under 1 % hardly any."""
    rng = np.random.default_rng(0)
    told, came = [], []
    for _ in range(4000):
        gained = rng.choice([1.0, -1.0, 0.0], size=QUESTIONS, p=rng.dirichlet([0.5] * 3))
        seen = int(rng.integers(10, 90))
        ours, theirs = by_id(gained[:seen] > 0), by_id(gained < 0)
        told.append(overtaking(ours, theirs, questions=QUESTIONS))
        came.append(gained.sum() > 0)
    told, came = np.array(told), np.array(came)
    assert (told < 0.01).sum() > 500
    assert came[told < 0.01].mean() <= 0.01
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        about = (told >= low) & (told <= low + 0.2)
        assert came[about].mean() == pytest.approx(told[about].mean(), abs=0.15)


# -- what is foreseen where others have answered the rest


def right(rng, truth, ease, size):
    """Scores of trials that are right where a number of their own is below what the question and
    the trial allow."""
    return (rng.normal(size=(*size, QUESTIONS)) < truth[..., None] + ease[:, None, :]).astype(float)


@pytest.fixture(scope="module")
def studies():
    """2,000 studies: an incumbent and nine others, and one more trial, of the same law."""
    rng = np.random.default_rng(1)
    ease, truth = rng.normal(size=(2000, QUESTIONS)), 0.4 * rng.normal(size=(2000, 11))
    scores = right(rng, truth, ease, truth.shape)
    return scores[:, 0], scores[:, 1:]


@pytest.mark.parametrize("seen", [10, 40, 90])
def test_what_is_foreseen_is_as_often_right_as_it_says(studies, seen):
    """Or errs in favour of the trial: at the beginning, it is taken to be as good as its rival."""
    ours, known = studies
    rival = known[np.arange(len(known)), known.mean(axis=2).argmax(axis=1)]
    told = deviations_foreseen(ours[:, :seen], rival, known)
    came = ours.sum(axis=1) > rival.sum(axis=1)
    assert came[told < -2.33].mean() <= 0.012  # one in a hundred, and two standard errors
    for low in (-1.5, -0.5, 0.5):
        about = (told >= low) & (told < low + 1)
        within = [NormalDist().cdf(low), NormalDist().cdf(low + 1)]
        assert came[about].mean() <= within[1] + 0.08
        assert came[about].mean() >= within[0] - 0.08 or seen < 40


def test_it_tells_more_than_differences_alone(studies):
    """Of trials that do not overtake, it stops more by the fortieth question."""
    ours, known = studies
    rival = known[np.arange(len(known)), known.mean(axis=2).argmax(axis=1)]
    behind = ours.sum(axis=1) <= rival.sum(axis=1)
    foreseen = deviations_foreseen(ours[:, :40], rival, known)
    paired = deviations_ahead(ours[:, :40] - rival[:, :40], QUESTIONS)
    assert (foreseen < -2.33)[behind].mean() > 1.1 * (paired < -2.33)[behind].mean()


def test_a_trial_is_taken_to_go_on_like_the_one_it_went_like():
    rng = np.random.default_rng(2)
    start = rng.random(50) < 0.5
    strong, weak = (np.r_[start, np.full(50, end)] * 1.0 for end in (1, 0))
    others = (rng.random((8, QUESTIONS)) < 0.5) * 1.0
    rival = (rng.random(QUESTIONS) < 0.6) * 1.0
    like_strong, like_weak = (
        deviations_foreseen(start * 1.0, rival, np.array([rival, one, *others]))
        for one in (strong, weak)
    )
    assert like_strong > like_weak + 1


@given(st.integers(1, QUESTIONS - 1), st.integers(1, 6), st.randoms(use_true_random=False))
def test_one_more_point_is_never_held_against_a_trial_whose_rivals_are_all_alike(seen, many, rng):
    """Where nothing tells questions apart."""
    known = np.full((many, QUESTIONS), 0.5)
    scores = np.array([rng.choice([0.25, 0.75]) for _ in range(seen)])
    better = scores + 0.25
    before, after = (deviations_foreseen(one, known[0], known) for one in (scores, better))
    assert after > before


# -- the race

HOPELESS, STRONG = [0.0] * 20, [1.0] * QUESTIONS


def race(*incumbents, risk=0.01, pause=QUESTIONS):
    return Race(
        settings=Racing(risk=risk),
        incumbents=incumbents,
        unit=Unit.FLOPS,
        questions=QUESTIONS,
        pause=pause,
    )


def test_costs_are_compared_on_the_questions_that_both_have_seen():
    """Where those are the long ones, a cheaper trial looks dear beside a whole mean."""
    rival = incumbent(STRONG)
    outcomes = [
        replace(outcome, cost=Measured(flops=20.0 if at < len(HOPELESS) else 1.0))
        for at, outcome in enumerate(rival.scored.outcomes)
    ]
    rival.evaluation = Evaluation(outcomes=tuple(outcomes))
    assert race(rival).lost_to(evaluation(HOPELESS, flops=19.0)) is None
    assert race(rival).lost_to(evaluation(HOPELESS, flops=20.0)) is rival


def test_the_hopeless_are_stopped_by_the_best_no_dearer_one():
    dear, cheap = incumbent(STRONG, 0, flops=20.0), incumbent(STRONG, 1, flops=10.0)
    assert race(dear, cheap).lost_to(evaluation(HOPELESS)) is cheap


@pytest.mark.parametrize(
    ("incumbents", "risk", "scores"),
    [
        ([], 0.01, HOPELESS),
        ([incumbent(STRONG, flops=10.1)], 0.01, HOPELESS),
        ([incumbent(STRONG)], 0.0, HOPELESS),
        ([incumbent(STRONG)], 0.01, [1.0] * 20),
        ([incumbent([0.0] * QUESTIONS)], 0.01, HOPELESS),
    ],
    ids=["nobody before", "all dearer", "off", "as good", "equally bad"],
)
def test_others_go_on(incumbents, risk, scores):
    assert race(*incumbents, risk=risk).lost_to(evaluation(scores)) is None


def test_a_trial_with_unscored_questions_is_not_judged():
    failed = evaluation(HOPELESS, q=Failure(kind="model", message="gone"))
    assert race(incumbent(STRONG)).lost_to(failed) is None


def test_what_a_sampler_is_told_is_no_easy_beginning():
    """It was level with the incumbent on ten easy questions: so it is worth what that one is."""
    rival = incumbent([1.0] * 10 + [0.0] * 30)
    trial = incumbent([1.0] * 10, number=1)
    trial.state, trial.yardstick = State.RACED_OUT, rival.scored.scores
    assert trial.worth == pytest.approx(0.25)
    assert trial.error == pytest.approx(standard_error([0.0] * 10))


def test_a_trial_that_pauses_is_looked_at_by_then():
    looks = [race(pause=25).next_look(seen) for seen in (0, 10, 20, 25, 35)]
    assert looks == [10, 20, 25, 35, 45]  # past it goes what has failures
    paused = [race(pause=25).pauses(evaluation([1.0] * seen)) for seen in (10, 20, 25)]
    assert paused == [False, False, True]
    # So that it is known what is to be asked again.
    failed = evaluation([1.0] * 25, q=Failure(kind="model", message="gone"))
    assert not race(pause=25).pauses(failed)


def test_a_paused_trial_is_compared_with_all_that_were_complete():
    """Level with their mean on ten questions, which were easy for one of them."""
    rivals = incumbent([1.0] * 10 + [0.0] * 30), incumbent([0.0] * 10 + [0.5] * 30, number=1)
    trial = incumbent([0.5] * 10, number=2)
    trial.state, trial.yardstick = State.PAUSED, race(*rivals).yardstick()
    assert trial.worth == pytest.approx((0.25 + 0.375) / 2)
    assert trial.error == pytest.approx(standard_error([0.0] * 10))

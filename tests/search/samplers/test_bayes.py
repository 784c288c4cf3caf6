"""Expected improvement under a process over points, with noise and constraints."""

from random import Random

import numpy as np
import pytest
from optuna.testing.pytest_samplers import SingleOnlySamplerTestCase

from archsearch.search.own_sampler import OwnSampler
from archsearch.search.samplers.bayes import Bayes, Code, Improvement, Process
from archsearch.search.seen import Seen
from archsearch.testing.sampler_contract import SamplerContract, score
from tests.search.samplers.optuna_suite import FiniteBasic, FiniteRelative

CHOICES = {"x": [1, 2, 4, 8, 16], "y": ["a", "b", "c"]}


def seen(x, y, value=None, *, over=-1.0, error=None, paused=False):
    return Seen(
        params={"x": x, "y": y},
        labels=CHOICES,
        value=value,
        error=error,
        paused=paused,
        constraints={"cost": over},
    )


def propose(trials, startup=1):
    return Improvement(startup).propose(trials, CHOICES, Random(0))


class TestBayes(SamplerContract):
    def config(self):
        return Bayes(startup_trials=4)  # so that it models in so few trials

    def test_no_point_comes_twice(self, loop):
        assert len({str(point) for point in loop().run(40)}) == 40

    def test_it_finds_a_good_point_soon(self, loop, space):
        """One of the best five of 60, by the 25th trial, whatever the seed."""
        good = sorted(map(score, space.points()))[-5]
        for seed in range(5):
            assert max(map(score, loop(seed=seed).run(25))) >= good


class TestInOptuna(FiniteBasic, FiniteRelative, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: OwnSampler(Improvement(startup=1), 0)


def test_nothing_is_modelled_before_enough_trials_are_kept():
    trials = [seen(1, "a", 0.5), seen(2, "a", 0.1, over=0.3), seen(4, "a")]
    assert propose(trials, startup=2) == {}
    assert propose(trials, startup=1) != {}


def test_it_goes_where_values_grow():
    trials = [seen(x, y, x / 16 * (y == "b")) for x in (1, 2, 4, 8) for y in "abc"]
    assert propose(trials) == {"x": 16, "y": "b"}


def test_it_stays_below_a_cap_that_it_has_met():
    """The larger x, the better, and the dearer; 8 was over the cap."""
    trials = [seen(x, y, x / 16, over=x / 6 - 1) for x in (1, 2, 4) for y in "ab"]
    trials += [seen(8, y, 0.2, over=8 / 6 - 1) for y in "ab"]
    assert propose(trials) == {"x": 4, "y": "c"}


def test_a_known_space_has_nothing_more_to_propose():
    assert propose([seen(x, y, 0.5) for x in CHOICES["x"] for y in CHOICES["y"]]) == {}


def test_running_points_are_not_proposed_again_and_the_next_lies_apart():
    trials = [seen(x, y, 0.5) for x in CHOICES["x"] for y in "ab"]
    running = [seen(x, "c") for x in (1, 2, 4, 8)]
    assert propose([*trials, *running]) == {"x": 16, "y": "c"}
    one, *_ = first = [propose([seen(4, "b", 0.5)])]
    second = propose([seen(4, "b", 0.5), seen(**one)])
    assert second not in first


EVERYWHERE = [
    seen(x, y, 0.4, error=0.02) for x in CHOICES["x"] for y in CHOICES["y"] if (x, y) != (8, "b")
]


def test_a_trial_doubles_what_it_was_scored_on_each_time_that_it_goes_on():
    looks = [0]
    while looks[-1] < 100:
        looks.append(Bayes(first_look=10).pauses_after(looks[-1], 100))
    assert looks == [0, 10, 20, 40, 80, 100]
    assert Bayes(first_look=10).pauses_after(0, 8) == 8


@pytest.mark.parametrize(("questions", "first"), [(200, 10), (50, 10), (30, 6), (3, 1)])
def test_the_first_look_is_a_part_of_a_small_split(questions, first):
    assert Bayes().pauses_after(0, questions) == first


def test_a_paused_point_is_proposed_again_until_it_is_not():
    promising = seen(8, "b", 0.6, error=0.1, paused=True)
    assert propose([*EVERYWHERE, promising]) == promising.params
    assert propose([*EVERYWHERE, promising, seen(8, "b")]) == {}
    assert propose([*EVERYWHERE, promising, seen(8, "b", 0.5, error=0.05)]) == {}
    assert propose([*EVERYWHERE, seen(8, "b", 0.6, error=0.1, over=0.2, paused=True)]) == {}


def test_the_more_promising_of_two_paused_points_goes_on():
    unsure, hopeless = (
        seen(8, y, value, error=0.1, paused=True) for y, value in [("b", 0.5), ("c", 0.1)]
    )
    others = [trial for trial in EVERYWHERE if trial.params != hopeless.params]
    assert propose([*others, hopeless, unsure]) == unsure.params


def test_what_went_on_counts_with_its_latest_score_alone():
    """Alone, the first look at it would draw the search there."""
    known = [seen(x, "a", 0.4, error=0.02) for x in (1, 4, 16)]
    latest = seen(16, "b", 0.1, error=0.02)
    assert propose([*known, seen(16, "b", 0.9, error=0.02, paused=True), latest]) == propose(
        [*known, latest]
    )
    assert propose([*known, seen(16, "b", 0.9, error=0.02)]) != propose([*known, latest])


def test_a_space_too_large_to_list_is_searched_around_the_best(space, monkeypatch):
    monkeypatch.setattr("archsearch.search.candidates.ENUMERABLE", 1)
    labels = space.choices()
    best = {"model": "large", "temperature": 0.0, "then": "fuse", "fuser": "large"}
    others = [point for point in space.points() if point["model"] == "small"]
    trials = [
        Seen(params=point, labels={n: labels[n] for n in point}, value=value)
        for point, value in [(best, 0.9), *((point, 0.1) for point in others)]
    ]
    point = Improvement(1, space).propose(trials, labels, Random(0))
    assert point in list(space.points())
    assert sum(point.get(name) != label for name, label in best.items()) <= 2


CODE = Code({name: tuple(range(4)) for name in "abcd"})


def drawn(errors):
    """60 times 60 points, the values there by a law of the process's own, and those of the first 40
    with noise of such standard errors."""
    rng = np.random.default_rng(0)
    points = rng.integers(4, size=(60, 4)) / 3
    shared, near = CODE.kernels(points, points)
    law = 0.01 * (0.65 * shared / 4 + 0.35 * near)
    for _ in range(60):
        values = rng.multivariate_normal(np.full(60, 0.5), law + 1e-12 * np.eye(60))
        yield points, values, (values[:40] + errors * rng.standard_normal(40)).tolist()


def predicted(points, noisy, errors=()):
    """Means and deviations at the points that the process was not told of."""
    return Process.fitted(CODE, points[:40], noisy, errors)._predicted(points[40:], points[:0])


@pytest.mark.parametrize("told", [False, True])
def test_what_it_predicts_is_as_far_off_as_it_says(told):
    """With the noise that it fits; and with that it is told, which differs from value to value."""
    errors = np.where(np.arange(40) % 2, 0.02, 0.2) if told else np.full(40, 0.03)
    off = []
    for points, values, noisy in drawn(errors):
        mean, deviation = predicted(points, noisy, errors.tolist() if told else ())
        off.append((values[40:] - mean) / deviation)
    assert np.mean(off) == pytest.approx(0, abs=0.25)
    assert np.std(off) == pytest.approx(1, abs=0.2)


def test_errors_that_are_told_make_it_predict_better():
    errors = np.where(np.arange(40) % 2, 0.02, 0.2)
    told, untold = [], []
    for points, values, noisy in drawn(errors):
        told.append(values[40:] - predicted(points, noisy, errors.tolist())[0])
        untold.append(values[40:] - predicted(points, noisy)[0])
    assert np.std(told) < np.std(untold)


def test_scores_of_few_questions_count_for_less():
    """Two are 0.2 above the others. What lies beside the surer one is proposed."""

    def proposed(*, sure, unsure):
        others = [(x, y) for x in (1, 2, 4) for y in "abc" if (x, y) not in {(4, "a"), (4, "b")}]
        trials = [seen(x, y, 0.5, error=0.02) for x, y in others]
        high = [seen(4, sure, 0.7, error=0.02), seen(4, unsure, 0.7, error=0.2)]
        return propose([*trials, *high])

    assert proposed(sure="a", unsure="b")["y"] == "a"
    assert proposed(sure="b", unsure="a")["y"] == "b"


def test_startup_trials_are_at_least_one():
    with pytest.raises(ValueError, match="startup_trials"):
        Bayes(startup_trials=0)

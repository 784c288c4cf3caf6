"""Random points, then expected improvement."""

import sys
from random import Random

import pytest
from optuna.testing.pytest_samplers import SingleOnlySamplerTestCase

from archsearch.errors import MissingExtra
from archsearch.search.samplers.archon_bo import ArchonBO, Improvement
from archsearch.search.seen import Seen
from archsearch.testing.sampler_contract import SamplerContract
from tests.search.samplers.optuna_suite import FiniteBasic, FiniteRelative

CHOICES = {"x": [1, 2, 4, 8, 16], "y": ["a", "b", "c"]}


def seen(x, y, value=None, *, kept=True):
    over = {"cost": -1.0 if kept else 1.0}
    return Seen(params={"x": x, "y": y}, labels=CHOICES, value=value, constraints=over)


def propose(trials, startup=1):
    return Improvement(startup).propose(trials, CHOICES, Random(0))


class TestArchonBO(SamplerContract):
    trials = 16

    def config(self):
        pytest.importorskip("sklearn")
        return ArchonBO(startup_trials=8)

    def test_no_point_comes_twice(self, loop):
        assert len({str(point) for point in loop().run(self.trials)}) == self.trials


# Python's warning filters are one per process, so two threads undo each other's.
@pytest.mark.filterwarnings("ignore:The optimal value found for dimension")
class TestInOptuna(FiniteBasic, FiniteRelative, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self, space):
        pytest.importorskip("sklearn")
        from archsearch.search.own_sampler import OwnSampler

        return lambda: OwnSampler(Improvement(startup=1), 0)


def test_it_is_archons_setting_by_default():
    assert ArchonBO().startup_trials == 230


def test_nothing_is_modelled_before_enough_distinct_points_are_kept():
    pytest.importorskip("sklearn")
    trials = [seen(1, "a", 0.5), seen(1, "a", 0.5), seen(2, "a", 0.1, kept=False), seen(4, "a")]
    assert propose(trials, startup=2) == {}
    assert propose(trials, startup=1) != {}


def test_it_goes_where_values_grow():
    """Values rise with x under b: the unseen point between and beyond good ones is the best bet."""
    pytest.importorskip("sklearn")
    trials = [seen(x, y, x / 16 * (y == "b")) for x in (1, 2, 4, 8) for y in "abc"]
    assert propose(trials) == {"x": 16, "y": "b"}


def test_what_was_refused_is_avoided():
    pytest.importorskip("sklearn")
    good = [seen(x, "b", 0.5 + x / 100) for x in (1, 2)]
    refused = [seen(x, y, 0.5, kept=False) for x in (8, 16) for y in "ac"]
    poor = [seen(1, "a", 0.1), seen(1, "c", 0.1)]
    assert propose([*good, *refused, *poor])["y"] == "b"


def test_a_known_space_has_nothing_more_to_propose():
    pytest.importorskip("sklearn")
    assert propose([seen(x, y, 0.5) for x in CHOICES["x"] for y in CHOICES["y"]]) == {}


def test_running_points_are_not_proposed_again():
    pytest.importorskip("sklearn")
    trials = [seen(x, y, 0.5) for x in CHOICES["x"] for y in "ab"]
    running = [seen(x, "c") for x in (1, 2, 4, 8)]
    assert propose([*trials, *running]) == {"x": 16, "y": "c"}


def test_a_space_too_large_to_list_is_sampled(space, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr("archsearch.search.candidates.ENUMERABLE", 10)
    points = list(space.points())
    labels = dict(space.choices())
    trials = [
        Seen(params=p, labels={n: labels[n] for n in p}, value=i / 60) for i, p in enumerate(points)
    ][::7]
    point = Improvement(1, space).propose(trials, space.choices(), Random(0))
    assert point in points
    assert point not in points[::7]


def test_without_scikit_learn_it_says_what_to_install(space, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.gaussian_process", None)
    with pytest.raises(MissingExtra, match=r"archon_bo sampler .*'archsearch\[archon_bo\]'"):
        ArchonBO().build(0, space)


def test_startup_trials_are_at_least_one():
    with pytest.raises(ValueError, match="startup_trials"):
        ArchonBO(startup_trials=0)

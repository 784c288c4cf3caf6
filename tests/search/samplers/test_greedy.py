"""One choice at a time, over results that are told to it."""

import pytest
from optuna.testing.pytest_samplers import SingleOnlySamplerTestCase

from archsearch.search.samplers.greedy import Greedy
from archsearch.testing.sampler_contract import SamplerContract, score
from tests.search.samplers.optuna_suite import FiniteBasic, FiniteRelative


class TestGreedy(SamplerContract):
    def config(self):
        return Greedy()

    def test_it_begins_with_the_first_labels(self, loop, space):
        assert loop().run(1) == [next(space.points())]

    def test_it_tries_each_label_of_one_choice_and_then_of_the_next(self, loop):
        points = loop().run(6, in_flight=1)
        first = {"model": "small", "temperature": 0.0, "then": "none"}
        large = {**first, "model": "large"}  # worth the most
        expert = {**first, "model": "expert"}
        assert points[:4] == [first, large, expert, {**large, "temperature": 0.7}]
        kept = max(points[1], points[3], key=score)
        assert [p["then"] for p in points[4:]] == ["fuse", "again"]
        assert all(p.items() >= {**kept, "then": p["then"]}.items() for p in points[4:])
        assert points[4]["fuser"] == "small"

    def test_it_begins_with_the_best_baseline(self, loop):
        poor = {"model": "small", "temperature": 0.7, "then": "none"}
        good = {"model": "large", "temperature": 0.0, "then": "fuse", "fuser": "large"}
        points = loop().run(4, in_flight=1, known=[poor, good])
        assert points[2:] == [{**good, "model": "small"}, {**good, "model": "expert"}]

    def test_what_was_refused_is_no_start(self, loop):
        poor = {"model": "small", "temperature": 0.7, "then": "none"}
        good = {"model": "large", "temperature": 0.0, "then": "fuse", "fuser": "large"}
        points = loop().run(
            3, in_flight=1, known=[poor, good], refuse=lambda point: point["then"] == "fuse"
        )
        assert points[2] == {**poor, "model": "large"}

    def test_it_starts_again_at_a_random_point(self, loop):
        """From the optimum, everything that one change leads to is tried, then something else."""
        points = loop().run(40, in_flight=1)
        best = max(points[:20], key=score)
        far = [p for p in points if sum(p.get(n) != v for n, v in best.items()) > 2]
        assert far
        assert len({str(point) for point in points}) == 40

    def test_it_climbs_to_a_point_that_no_single_change_betters(self, loop, space):
        points = loop().run(30, in_flight=1)
        best = max(points, key=score)
        assert score(best) >= sorted(map(score, space.points()))[-6]


class TestInOptuna(FiniteBasic, FiniteRelative, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self, space):
        return lambda: Greedy().build(0, space)

"""Every point once, each study in an order of its own."""

import pytest

from archsearch.search.samplers.exhaustive import Exhaustive
from archsearch.testing.sampler_contract import POINTS, SamplerContract
from tests.search.samplers.optuna_suite import FiniteBasic


class TestExhaustive(SamplerContract):
    trials = POINTS
    gives_up_after = 0

    def config(self):
        return Exhaustive()

    @pytest.mark.parametrize("in_flight", [1, 3, POINTS])
    def test_each_point_comes_exactly_once(self, loop, space, in_flight):
        points = loop().run(POINTS, in_flight=in_flight, refuse=lambda p: p["model"] == "small")
        assert sorted(map(str, points)) == sorted(map(str, space.points()))

    def test_known_points_do_not_come_again(self, loop, space):
        known = list(space.points())[::3]
        points = loop().run(POINTS, known=known)
        assert len({str(point) for point in points}) == POINTS

    def test_the_order_depends_on_the_seed_alone(self, loop):
        orders = [loop().run(POINTS, in_flight=n) for n in (1, 4)]
        assert orders[0] == orders[1]
        assert loop(seed=1).run(POINTS) != orders[0]
        assert loop().run(POINTS, refuse=lambda point: True) == orders[0]

    def test_past_the_last_point_any_comes_again(self, loop, space):
        points = loop().run(POINTS + 10)
        assert all(point in list(space.points()) for point in points[POINTS:])


class TestInOptuna(FiniteBasic):
    @pytest.fixture
    def sampler(self, space):
        return lambda: Exhaustive().build(0, space)

"""What every sampler owes. A test file inherits the class and gives one method:

class TestRandom(SamplerContract):
    def config(self) -> Random: ...
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archsearch.errors import ConfigError
from archsearch.registry import validate
from archsearch.search.config import SearchSettings
from archsearch.search.proposer import Proposer
from archsearch.search.sampler import SAMPLERS, Objective, SamplerConfig
from archsearch.search.space import Params, SearchSpace
from archsearch.seeds import seed_of

LAYERS = [
    {
        "type": "generator",
        "model": {"choose": ["small", "large", "expert"], "name": "model"},
        "temperature": {"choose": [0.0, 0.7], "name": "temperature"},
    },
    {
        "name": "then",
        "choose": {
            "none": [],
            "fuse": [{"type": "fuser", "model": {"choose": ["small", "large"], "name": "fuser"}}],
            "again": [
                {
                    "repeat": {"choose": [0, 1, 2], "name": "times"},
                    "layers": [{"type": "fuser", "samples": {"choose": [1, 4]}}],
                }
            ],
        },
    },
]
"""Choices inside choices, 60 points; numbers, and names whose order says nothing."""
POINTS = 60


def score(point: Params) -> float:
    """A result for each point, in [0, 1]: part is what its choices are worth, part is chance."""
    worth = {"large": 0.3, "expert": 0.2, "fuse": 0.3, "again": 0.1, 4: 0.05}
    trend = sum(worth.get(label, 0.0) for label in point.values() if not isinstance(label, float))
    return min(1.0, trend + seed_of(sorted(map(str, point.items()))) % 97 / 970)


class Loop:
    """Asks and tells as a study does, `in_flight` trials at once."""

    def __init__(
        self,
        config: SamplerConfig,
        space: SearchSpace,
        *,
        seed: int = 0,
        objective: Objective = "score",
    ) -> None:
        self.objective = objective
        self.proposer = Proposer(space, config, seed=seed, name="loop", objective=objective)
        self.points: list[Params] = []
        self.told = 0

    def ask(self, point: Params | None = None) -> Params:
        self.points.append(self.proposer.ask(len(self.points), point))
        return self.points[-1]

    def tell(self, *, refused: bool = False) -> None:
        """The result of the first trial that has none."""
        excess = 1.0 if refused else -1.0
        point = self.points[self.told]
        value = 0.5 if refused else score(point)
        values = [value] if self.objective == "score" else [value, float(len(point))]
        self.proposer.tell(self.told, values, over={"cost": -1.0, "valid": excess}, notes={})
        self.told += 1

    def run(
        self,
        trials: int,
        *,
        in_flight: int = 3,
        refuse: Callable[[Params], bool] = lambda point: False,
        known: list[Params] | None = None,
    ) -> list[Params]:
        for number in range(len(self.points), trials):
            while number - self.told >= in_flight:
                self.tell(refused=refuse(self.points[self.told]))
            self.ask(known[number] if known and number < len(known) else None)
        return self.points


class SamplerContract:
    """The tests. Samplers run as in a study: each ask makes a new one."""

    trials: int = 30
    """Trials of each run; enough that the sampler does more than its beginning."""
    gives_up_after: int = 20
    """Known points that it may propose in a row while there are unseen ones."""

    def config(self) -> SamplerConfig:
        raise NotImplementedError

    @pytest.fixture
    def space(self) -> SearchSpace:
        return validate(SearchSpace, {"layers": LAYERS}, where="space of the contract")

    @pytest.fixture
    def loop(self, space: SearchSpace) -> Callable[..., Loop]:
        return lambda **settings: Loop(self.config(), space, **settings)

    def test_it_is_named_in_a_study_file(self) -> None:
        config = self.config()
        assert SAMPLERS.get(config.name) is type(config)
        assert SAMPLERS.parse(config.model_dump(mode="json"), where="sampler") == config

    def test_a_trial_that_pauses_has_gone_on(self) -> None:
        for questions in (1, 7, 100):
            ends = [self.config().pauses_after(seen, questions) for seen in range(questions)]
            assert all(seen < end <= questions for seen, end in enumerate(ends))

    def test_it_proposes_points_of_the_space(
        self, loop: Callable[..., Loop], space: SearchSpace
    ) -> None:
        points = list(space.points())
        assert len(points) == POINTS
        assert all(point in points for point in loop().run(self.trials))

    def test_the_same_trials_and_seed_give_the_same_proposals(
        self, loop: Callable[..., Loop]
    ) -> None:
        assert loop().run(self.trials) == loop().run(self.trials)

    def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(
        self, loop: Callable[..., Loop]
    ) -> None:
        whole = loop().run(self.trials)
        for stop in (self.trials // 2, self.trials - 1):
            assert loop().run(self.trials, known=whole[:stop]) == whole

    def test_baselines_may_come_first(self, loop: Callable[..., Loop], space: SearchSpace) -> None:
        baselines = list(space.points())[::17]
        points = loop().run(self.trials, known=baselines)
        assert points[: len(baselines)] == baselines
        assert all(point in list(space.points()) for point in points)

    def test_it_follows_two_objectives_or_says_that_it_cannot(
        self, loop: Callable[..., Loop], space: SearchSpace
    ) -> None:
        if self.config().weighs_several:
            points = loop(objective="pareto").run(self.trials)
            assert all(point in list(space.points()) for point in points)
            return
        settings = {"sampler": self.config(), "objective": "pareto"}
        with pytest.raises(ConfigError, match="follows one; use tpe"):
            validate(SearchSettings, settings, where="search")

    def test_refusals_do_not_end_it(self, loop: Callable[..., Loop], space: SearchSpace) -> None:
        points = loop().run(self.trials, refuse=lambda point: point["model"] != "small")
        assert all(point in list(space.points()) for point in points)
        assert all(p in list(space.points()) for p in loop().run(8, refuse=lambda point: True))

    def test_all_may_be_under_way_at_once(
        self, loop: Callable[..., Loop], space: SearchSpace
    ) -> None:
        points = loop().run(self.trials, in_flight=self.trials)
        assert all(point in list(space.points()) for point in points)

    def test_duplicates_do_not_end_it(self, loop: Callable[..., Loop], space: SearchSpace) -> None:
        first = next(space.points())
        points = loop().run(max(self.trials, 14), known=[first] * 10)
        assert len({str(point) for point in points[10:]}) > 1

    def test_it_does_not_stay_with_known_points(self, loop: Callable[..., Loop]) -> None:
        known: set[str] = set()
        barren = 0
        for point in loop().run(self.trials):
            barren = barren + 1 if str(point) in known else 0
            known.add(str(point))
            assert barren <= self.gives_up_after or len(known) == POINTS

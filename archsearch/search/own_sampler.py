"""OwnSampler: an Optuna sampler that follows a strategy of ours. Imported only to search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from archsearch.errors import ConfigError
from archsearch.search.seen import ERROR, PAUSED, Seen, Strategy
from archsearch.search.space import Label


class OwnSampler(BaseSampler):
    """Keeps nothing from one trial to the next: the strategy is shown all trials each time.

    It takes choices among labels or whole numbers, and refuses others by name.
    """

    def __init__(
        self,
        strategy: Strategy,
        seed: int | None = None,
        choices: Mapping[str, Sequence[Label]] | None = None,
    ) -> None:
        """`choices` are all that there are; without them, those of earlier trials are known."""
        self._strategy, self._choices = strategy, choices
        self._rng = Random(seed)

    def reseed_rng(self) -> None:
        """A new random seed, as Optuna asks for in each thread."""
        self._rng.seed()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All choices that are known."""
        if self._choices is not None:
            return {name: CategoricalDistribution(labels) for name, labels in self._choices.items()}
        return {
            name: distribution
            for other in _others(study, trial)
            for name, distribution in other.distributions.items()
            if not distribution.single()
        }

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the strategy proposes."""
        seen = self._seen(study, trial)
        choices = {name: self._labels(name, found) for name, found in search_space.items()}
        return self._strategy.propose(seen, choices, self._rng)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """What the strategy picks."""
        seen = self._seen(study, trial)
        labels = self._labels(param_name, param_distribution)
        return self._strategy.pick(seen, dict(trial.params), param_name, labels, self._rng)

    def _labels(self, name: str, distribution: BaseDistribution) -> Sequence[Label]:
        if distribution.single() and not isinstance(distribution, CategoricalDistribution):
            return (distribution._asdict()["low"],)
        if isinstance(distribution, CategoricalDistribution):
            return distribution.choices
        if isinstance(distribution, IntDistribution):
            return range(distribution.low, distribution.high + 1, distribution.step)
        raise ConfigError(
            f"sampler {self._strategy.name!r} takes choices among labels or whole numbers; "
            f"{name!r} is a {distribution}; use another sampler, such as 'tpe'"
        )

    def _seen(self, study: Study, trial: FrozenTrial) -> list[Seen]:
        several = len(study.directions) > 1
        if several and self._strategy.compares:
            raise ConfigError(
                f"sampler {self._strategy.name!r} has one objective; the study has "
                f"{len(study.directions)}; use another sampler, such as 'tpe'"
            )
        sign = 1.0 if study.directions[0] is StudyDirection.MAXIMIZE else -1.0
        return [
            Seen(
                params=other.params,
                labels={n: self._labels(n, found) for n, found in other.distributions.items()},
                value=None if several else _value(other, sign),
                error=other.user_attrs.get(ERROR),
                paused=other.user_attrs.get(PAUSED, False),
                constraints=other.constraints,
            )
            for other in _others(study, trial)
        ]


def _others(study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
    """The trials of which some choice is known, running and failed ones included."""
    return [
        other
        for other in study.get_trials(deepcopy=False)
        if other.params and other.number != trial.number and other.state is not TrialState.WAITING
    ]


def _value(trial: FrozenTrial, sign: float) -> float | None:
    if trial.state is not TrialState.COMPLETE or trial.value is None or math.isnan(trial.value):
        return None
    return sign * trial.value

"""Flattened: shows a sampler of Optuna's every choice of a space, always. Imported only to search.

Samplers that model or cross whole points (Gaussian process, NSGA-II) see only what all trials have
in common, which in a space of alternatives is next to nothing; the rest they draw at random.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from random import Random
from typing import Any

import optuna
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from archsearch.search.space import Label, Params, SearchSpace

USEFUL = (TrialState.COMPLETE, TrialState.RUNNING)

Key = frozenset[tuple[str, Label]]


class Flattened(BaseSampler):
    """Asks another sampler in a study of its own, made anew from all trials so far.

    There, a choice that a trial does not have stands at its first label. What the other sampler
    proposes is cut down to the choices that exist. Where that is a point which is known, a new one
    beside it is taken: asked again, a model of noisy scores proposes the same.
    """

    def __init__(self, space: SearchSpace, sampler: Callable[[], BaseSampler], seed: int) -> None:
        """`sampler` makes the other one."""
        self._space, self._sampler = space, sampler
        self._labels = space.choices()
        self._choices: dict[str, BaseDistribution] = {
            name: CategoricalDistribution(labels) for name, labels in self._labels.items()
        }
        self._first: Params = {name: labels[0] for name, labels in self._labels.items()}
        self._rng = Random(seed)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Every choice of the space."""
        return self._choices

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A point that is new; nothing where all beside the one proposed are known."""
        others = [
            other
            for other in study.get_trials(deepcopy=False, states=USEFUL)
            if other.params and other.number != trial.number
        ]
        known = {_key(other.params) for other in others}
        violated = {name for t in others for name, excess in t.constraints.items() if excess > 0}
        shadow = optuna.create_study(directions=study.directions, sampler=self._sampler())
        shadow.add_trials(self._whole(other, violated) for other in others)
        whole = shadow.ask(self._choices).params
        point = self._cut(whole)
        return self._beside(whole, known) if _key(point) in known else point

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A random label."""
        return self._rng.choice(self._labels[param_name])

    def _whole(self, trial: FrozenTrial, violated: Set[str]) -> FrozenTrial:
        return optuna.create_trial(
            state=trial.state,
            values=trial.values,
            params={**self._first, **trial.params},
            distributions=self._choices,
            constraints=_constraints(trial, violated),
        )

    def _beside(self, whole: Params, known: Set[Key]) -> Params:
        """A random one of the new points that differ from a known one in one choice, and in those
        that come to exist by it."""
        steps = [(name, label) for name, labels in self._labels.items() for label in labels]
        for name, label in self._rng.sample(steps, len(steps)):
            point = self._cut({**whole, name: label})
            if _key(point) not in known:
                return point
        return {}

    def _cut(self, whole: Params) -> Params:
        """The choices that exist."""
        point: Params = {}
        self._space.suggest(lambda name, _: point.setdefault(name, whole[name]))
        return point


def _constraints(trial: FrozenTrial, violated: Set[str]) -> dict[str, float]:
    """Those that some trial violates: each of the others would cost a model that says nothing."""
    return {name: excess for name, excess in trial.constraints.items() if name in violated}


def _key(point: Params) -> Key:
    return frozenset(point.items())

"""Landscapes: what samplers are measured on, with the true score of every architecture known.

A landscape is a study (its space, models, cap and baselines) and what its architectures do. A
`World` is one seed of it: the questions that a search scores on, and noise of their own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import PrivateAttr

from archsearch.architecture import Architecture
from archsearch.search.config import StudyConfig
from archsearch.search.space import Params, SearchSpace
from archsearch.types import Measured


@dataclass(frozen=True, slots=True)
class Use:
    """Samples of one request that a question needs."""

    prompt: Hashable
    """Equal ones are prefilled once."""
    prompt_flops: float
    stream: Hashable
    """Equal ones share their samples, the first so many of which are used."""
    sample_flops: Sequence[float]


def flops_of(uses: Sequence[Use]) -> float:
    """Of all together, each distinct prompt once."""
    prompts = {use.prompt: use.prompt_flops for use in uses}
    return sum(prompts.values()) + sum(sum(use.sample_flops) for use in uses)


class World(Protocol):
    """One seed of a landscape."""

    def score(self, architecture: Architecture, question: int) -> float:
        """Measured on one of the search questions."""

    def uses(self, architecture: Architecture, question: int) -> Sequence[Use]:
        """What that took."""

    def kept(self, architecture: Architecture) -> float:
        """The true score, on what the search has not seen."""


class Landscape(Protocol):
    """A study, and what its architectures do."""

    @property
    def config(self) -> StudyConfig:
        """The study."""

    def world(self, seed: int) -> World:
        """One seed."""

    def truth(self, architecture: Architecture) -> float:
        """The true score, by which the optimum is known."""

    def flops(self, architecture: Architecture) -> float:
        """Per question, on average."""


def optimum(landscape: Landscape) -> float:
    """The best true score of the space within the cap per question."""
    limits, space = landscape.config.budget.per_question, landscape.config.space
    return max(
        landscape.truth(architecture)
        for architecture in map(space.architecture, space.points())
        if limits.over(Measured(flops=landscape.flops(architecture))) <= 0
    )


class Remembering(SearchSpace):
    """A space that makes each architecture once: what all seeds share."""

    _made: dict[tuple[Any, ...], Architecture] = PrivateAttr(default_factory=dict)

    def architecture(self, params: Params) -> Architecture:
        """See `SearchSpace`."""
        key = tuple(params.items())
        if key not in self._made:
            self._made[key] = super().architecture(params)
        return self._made[key]


def remembering(config: StudyConfig) -> StudyConfig:
    """A study with such a space."""
    space = Remembering.model_validate(config.space.model_dump())
    return config.model_copy(update={"space": space})

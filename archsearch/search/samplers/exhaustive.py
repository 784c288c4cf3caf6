"""Every point of the space once, in random order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Literal

from archsearch.search.sampler import SamplerConfig
from archsearch.search.seen import Seen, unseen_label
from archsearch.search.space import Label, Params, SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Exhaustive(SamplerConfig):
    """Each choice is drawn evenly among the labels under which points are left.

    The order depends on the study's seed alone, not on results, nor on how many trials are in
    flight. Past the last point, points come again. Optuna's `BruteForceSampler` stops the study
    there instead, which outside `Study.optimize` is an error (5.0.0).
    """

    name: Literal["exhaustive"] = "exhaustive"

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A sampler that learns the space from its trials."""
        from archsearch.search.own_sampler import OwnSampler

        return OwnSampler(_Unseen(), seed)


class _Unseen:
    """The strategy."""

    name = "exhaustive"
    compares = False

    def propose(
        self, seen: Sequence[Seen], choices: Mapping[str, Sequence[Label]], rng: Random
    ) -> Params:
        """Nothing: what exists shows only choice by choice."""
        return {}

    def pick(
        self,
        seen: Sequence[Seen],
        taken: Params,
        name: str,
        labels: Sequence[Label],
        rng: Random,
    ) -> Label:
        """A label that leads to an unseen point."""
        return unseen_label(seen, taken, name, labels, rng)

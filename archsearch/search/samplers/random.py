"""Uniform random choice: the baseline of every sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from archsearch.search.sampler import SamplerConfig
from archsearch.search.space import SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Random(SamplerConfig):
    """Optuna's `RandomSampler`."""

    name: Literal["random"] = "random"

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A `RandomSampler`."""
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=seed)

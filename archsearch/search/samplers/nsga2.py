"""NSGA-II, an evolutionary algorithm (Deb et al. 2002), with one objective and constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from archsearch.search.sampler import SamplerConfig
from archsearch.search.space import SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class NSGA2(SamplerConfig):
    """Optuna's `NSGAIISampler` on a flattened space.

    Its first generation is random: with fewer trials than `population` it is random search, and it
    takes about three generations to gain from the others. Generations are the trials in the order
    of their numbers, `population` at a time, baselines among the first.
    """

    name: Literal["nsga2"] = "nsga2"
    population: int = Field(default=50, ge=2)
    """Trials of one generation."""

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """An `NSGAIISampler` that sees every choice."""
        from archsearch.search.flattened import Flattened
        from archsearch.search.generations import Generations

        return Flattened(
            space, lambda: Generations(population_size=self.population, seed=seed), seed
        )

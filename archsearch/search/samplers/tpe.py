"""Tree-structured Parzen estimator (Bergstra et al. 2011; multivariate: Falkner et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from archsearch.search.sampler import SamplerConfig
from archsearch.search.space import SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class TPE(SamplerConfig):
    """Optuna's `TPESampler`, multivariate, with constraints."""

    name: Literal["tpe"] = "tpe"
    startup_trials: int = Field(default=10, ge=1)
    """Trials before it models anything; enqueued baselines count."""

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A `TPESampler`."""
        from optuna.samplers import TPESampler

        return TPESampler(
            multivariate=True,
            n_startup_trials=self.startup_trials,
            seed=seed,
        )

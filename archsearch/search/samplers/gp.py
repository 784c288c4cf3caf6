"""A Gaussian process with constrained expected improvement (Gardner et al. 2014; log form: Ament et
al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from archsearch.errors import MissingExtra
from archsearch.search.sampler import SamplerConfig
from archsearch.search.space import SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class GP(SamplerConfig):
    """Optuna's `GPSampler` on a flattened space; trials under way and constraints are modelled too.

    Needs the `gp` extra. Optuna advises at most 500 trials.
    """

    name: Literal["gp"] = "gp"
    startup_trials: int = Field(default=10, ge=1)
    """Random trials before it models anything; enqueued baselines count."""

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A `GPSampler` that sees every choice."""
        try:
            import scipy  # noqa: F401
            import torch  # noqa: F401
        except ImportError as error:
            raise MissingExtra("the gp sampler", "gp") from error
        from optuna.samplers import GPSampler

        from archsearch.search.flattened import Flattened

        return Flattened(
            space,
            lambda: GPSampler(
                seed=seed, n_startup_trials=self.startup_trials, warn_independent_sampling=False
            ),
            seed,
        )

"""Any sampler of Optuna, by the name of its class."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, JsonValue, model_validator

from archsearch.errors import ConfigError, UnknownName
from archsearch.search.sampler import SamplerConfig
from archsearch.search.space import SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

INSTEAD = {
    "BruteForceSampler": "it ends `Study.optimize`, which we do not use; give {name: exhaustive}",
    "GridSampler": "it ends `Study.optimize`, which we do not use; give {name: exhaustive}",
    "PartialFixedSampler": "it wraps another sampler; leave the choice out of the space",
}
"""Samplers of Optuna that cannot work here, and what to do."""


class FromOptuna(SamplerConfig):
    """`{name: optuna, sampler: CmaEsSampler, options: {n_startup_trials: 5}}`.

    The seed is ours, where it takes one. What such a sampler writes into trials beside their
    results (CMA-ES, NSGA-III and QMC do) is lost when a run is resumed; TPE with `group` does not
    repeat exactly then either (Optuna 5.0.0).
    """

    name: Literal["optuna"] = "optuna"
    sampler: str
    """A class of `optuna.samplers`."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Its arguments."""

    @model_validator(mode="after")
    def _can_be_made(self) -> FromOptuna:
        self._make(0)
        return self

    @property
    def weighs_several(self) -> bool:
        """As it shows itself: Optuna's tell it by an error, once there is a trial to learn from."""
        import optuna

        study = optuna.create_study(directions=["maximize", "minimize"], sampler=self._make(0))
        try:
            for value in range(2):
                trial = study.ask()
                trial.suggest_categorical("choice", ["a", "b"])
                study.tell(trial, [value, value])
        except ValueError:
            return False
        return True

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """The sampler."""
        return self._make(seed)

    def _make(self, seed: int) -> BaseSampler:
        import warnings

        from optuna.exceptions import ExperimentalWarning

        cls = self._class()
        takes_seed = "seed" in inspect.signature(cls).parameters
        options: dict[str, Any] = {"seed": seed, **self.options} if takes_seed else self.options
        with warnings.catch_warnings():
            # Whoever names it has chosen it.
            warnings.simplefilter("ignore", ExperimentalWarning)
            try:
                return cls(**options)
            except (TypeError, ValueError, ImportError) as error:
                raise ConfigError(
                    f"options of {self.sampler} must be its arguments, and what it imports be "
                    f"installed; {error}; received {self.options}"
                ) from None

    def _class(self) -> type[BaseSampler]:
        known = _samplers()
        if self.sampler in INSTEAD:
            raise ConfigError(f"{self.sampler} cannot be used: {INSTEAD[self.sampler]}")
        if self.sampler not in known:
            raise UnknownName("sampler of Optuna", self.sampler, known)
        return known[self.sampler]


def _samplers() -> Mapping[str, type[BaseSampler]]:
    """Samplers by name, without those that are not to be used."""
    from optuna import samplers

    found = {name: getattr(samplers, name) for name in samplers.__all__ if name not in INSTEAD}
    return {
        name: cls
        for name, cls in found.items()
        if inspect.isclass(cls)
        and issubclass(cls, samplers.BaseSampler)
        and not inspect.isabstract(cls)
    }

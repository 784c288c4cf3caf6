"""The contract of a sampler: a `sampler:` entry that makes an Optuna sampler for one ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from archsearch.registry import Registry

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class SamplerConfig(BaseModel, ABC):
    """A subclass is one sampler, named by its `name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str

    @abstractmethod
    def build(self, seed: int) -> BaseSampler:
        """A new sampler. Each ask gets its own, seeded by the trial's number, so what it proposes
        depends on the trials told so far and on nothing it remembers."""


SAMPLERS: Registry[SamplerConfig] = Registry(
    kind="sampler", shelf="archsearch.search.samplers", base=SamplerConfig, key="name"
)

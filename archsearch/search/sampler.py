"""The contract of a sampler: a `sampler:` entry that makes an Optuna sampler for one ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from archsearch.registry import Registry
from archsearch.search.space import SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


Objective = Literal["score", "pareto"]
"""The best score under the caps, or the front of score against the logarithm of cost."""


class SamplerConfig(BaseModel, ABC):
    """A subclass is one sampler, named by its `name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str

    @property
    def weighs_several(self) -> bool:
        """Whether it can follow several objectives."""
        return True

    def pauses_after(self, seen: int, questions: int) -> int:
        """After how many of all `questions` a trial pauses that begins (`seen` is 0) or goes on
        after so many; after all: it does not. What it scored so far is told, and it goes on when
        its point is proposed again (freeze-thaw Bayesian optimisation: Swersky et al. 2014)."""
        return questions

    @abstractmethod
    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A new sampler for points of `space`. Each ask gets its own, seeded by the trial's number,
        so what it proposes depends on the trials told so far and on nothing it remembers.

        Raises `MissingExtra` or `ConfigError` when it cannot be had."""


SAMPLERS: Registry[SamplerConfig] = Registry(
    kind="sampler", shelf="archsearch.search.samplers", base=SamplerConfig, key="name"
)


def chosen(named: SamplerConfig | None, space: SearchSpace, trials: int) -> SamplerConfig:
    """The sampler of a study: the one that its file names; where it names none, `exhaustive` for a
    space of at most `trials` points, all of which are evaluated anyway, else `tpe`.

    Exhaustive asks for no point twice, where TPE did in 14% of its proposals; what it lacks, an
    order by promise, matters only when the budget ends before the trials do."""
    if named is not None:
        return named
    name = "exhaustive" if space.holds_at_most(trials) else "tpe"
    return SAMPLERS.parse({"name": name}, where="search.sampler")

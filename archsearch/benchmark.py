"""The contract of a benchmark: questions, targets kept apart from them, and a scorer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from archsearch.errors import ConfigError
from archsearch.program import Execute
from archsearch.registry import Registry
from archsearch.seeds import digest
from archsearch.types import Question, Score, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A question and, apart from it, its target."""

    question: Question
    target: Target


class SplitSizes(BaseModel):
    """Questions in each split. Search proposes on the first, names the winner with the help of the
    second, and opens the third once, at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    search: int = Field(default=100, ge=1)
    select: int = Field(default=100, ge=0)
    test: int = Field(default=200, ge=1)

    @property
    def total(self) -> int:
        """Questions in all three."""
        return self.search + self.select + self.test


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """Three disjoint sets of items, each in a fixed shuffled order."""

    search: tuple[Item, ...]
    select: tuple[Item, ...]
    test: tuple[Item, ...]

    @property
    def ids(self) -> dict[str, list[str]]:
        """Question ids by split."""
        named = {"search": self.search, "select": self.select, "test": self.test}
        return {name: [item.question.id for item in items] for name, items in named.items()}


class Benchmark(BaseModel, ABC):
    """A `benchmark:` entry of a study file. A subclass is one benchmark, named by its `name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ClassVar[int] = 1
    """Raised whenever loading or scoring may give another result than before."""
    executes: ClassVar[bool] = False
    """Whether a score takes programs to be run, so that there must be a sandbox."""

    name: str

    @abstractmethod
    def load(self, count: int) -> Sequence[Item]:
        """At least `count` items where there are that many, else all; the same ones every time.

        A benchmark that generates its questions makes the first `count` of an endless row, so a
        larger count only adds to the end. Raises `ConfigError` or `MissingExtra` with a remedy.
        """

    def score(self, text: str, target: Target) -> Score:
        """Scores a final answer. Pure; any text at all gives a `Score`, never an exception."""
        raise NotImplementedError(
            f"{self.name} overrides `score`, or `judge` where it runs programs"
        )

    async def judge(self, text: str, target: Target, execute: Execute) -> Score:
        """`score`, for a benchmark that has to run programs, which it does through `execute` alone.

        The same text gives the same `Score`, whoever asks and in any order. Raises `SandboxFailed`
        where it cannot say because of the sandbox.
        """
        return self.score(text, target)

    @property
    def fingerprint(self) -> str:
        """Hex digest of everything that decides questions and scores."""
        return digest({"benchmark": self.model_dump(mode="json"), "version": self.version})


BENCHMARKS: Registry[Benchmark] = Registry(
    kind="benchmark", shelf="archsearch.benchmarks", base=Benchmark, key="name"
)


async def score_of(benchmark: Benchmark, text: str, target: Target, execute: Execute) -> Score:
    """What `benchmark` says of a final answer.

    Raises `ConfigError` where that is no score in [0, 1]: statistics would trip over it only when
    everything is paid for.
    """
    found: object = await benchmark.judge(text, target, execute)
    if isinstance(found, Score):
        if isinstance(found.value, (int, float)) and 0 <= found.value <= 1:
            return found
        found = f"Score(value={found.value!r})"
    raise ConfigError(
        f"a benchmark must give a `Score` whose value is a number from 0 to 1; "
        f"{benchmark.name!r} gave {found}; correct its `score`"
    )


def split(
    items: Sequence[Item],
    sizes: SplitSizes,
    *,
    seed: int,
    kept: Mapping[str, Sequence[str]] | None = None,
) -> Splits:
    """Disjoint splits, fixed by `seed` and the question ids alone.

    Each id gets a rank that depends on (seed, id), which shuffles; items are taken in rank order:
    test first, then select, then search, so enlarging search moves no question of the other two.
    `kept`: question ids by split, of smaller splits that these continue. More `items` would
    otherwise change what is taken.
    """
    counts = Counter(item.question.id for item in items)
    ids = counts.keys()
    if repeated := [one for one in ids if counts[one] > 1]:
        raise ConfigError(
            f"question ids must be unique; {len(items) - len(ids)} are repeated, the first of them "
            f"{repeated[0]!r}; correct the data, or have `load` give each question once"
        )
    if len(items) < sizes.total:
        raise ConfigError(
            f"the splits ask for {sizes.total} questions and the benchmark has {len(items)}; "
            f"lower splits.search, splits.select or splits.test"
        )
    kept = kept or {}
    if lost := {one for named in kept.values() for one in named} - ids:
        raise ConfigError(
            f"a run goes on with its own questions; {len(lost)} are no longer in the benchmark, "
            f"such as {min(lost)!r}; restore them, or choose another --out"
        )
    by_id = {item.question.id: item for item in items}
    before = {name: [by_id[one] for one in kept.get(name, ())] for name in sizes.model_dump()}
    taken = {item.question.id for named in before.values() for item in named}
    ranked = sorted(by_id, key=lambda one: digest([seed, one]))
    free = (by_id[one] for one in ranked if one not in taken)

    def filled(name: str, size: int) -> tuple[Item, ...]:
        return (*before[name][:size], *islice(free, max(0, size - len(before[name]))))

    test, select = filled("test", sizes.test), filled("select", sizes.select)
    return Splits(search=filled("search", sizes.search), select=select, test=test)

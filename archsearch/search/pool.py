"""Pool: N samples of everything that the generators of a study may ask, each question drawn once.

What a search with `--replay` then costs is arithmetic: every architecture whose later layers ask no
model (a vote, a choice by rule) is scored from the pool, as if its models were there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from archsearch.answering import AnsweringLayer
from archsearch.architecture import Architecture
from archsearch.benchmark import Item
from archsearch.budget import Account
from archsearch.cost import upper_bound
from archsearch.errors import ConfigError
from archsearch.evaluate import Evaluator
from archsearch.meter import Meter
from archsearch.search.baselines import Baseline
from archsearch.search.config import StudyConfig
from archsearch.search.forecast import Forecast
from archsearch.search.opening import opened, tariff
from archsearch.search.progress import Progress
from archsearch.store import SampleStore
from archsearch.types import Failure, Question, UpperBound, total

_ASKED = sorted(AnsweringLayer.model_fields.keys() - {"type"})
"""What decides, with the question, on a request for answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What is to be drawn."""

    config: StudyConfig
    generators: tuple[Architecture, ...]
    """One generator each, with all the samples that are wanted of it."""
    items: tuple[Item, ...]
    questions: tuple[Question, ...]
    """Those of the search split, which forecasts look at."""
    asked_for: int
    """The most samples of a prompt that the space or a baseline asks for."""

    @classmethod
    def of(
        cls,
        config: StudyConfig,
        *,
        samples: int | None = None,
        split: str | None = None,
        kept: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """The pool of a study: its space's generators and its baselines', on one split or on all.

        `samples` of each prompt; by default the most that any of them asks for. `kept`: the
        questions of a run, by split, which stay in theirs. Raises `ConfigError` for a split without
        questions.
        """
        splits = config.load_splits(kept)
        names = [split] if split else ["search", "select", "test"]
        items = tuple(item for name in names for item in getattr(splits, name, ()))
        asked = list(_asked(config))
        if not items:
            raise ConfigError(
                f"the split must be search, select or test, and not empty; got {split!r}"
            )
        most = max(layer["samples"] for layer in asked)
        return cls(
            config=config,
            generators=_generators(asked, samples or most),
            items=items,
            questions=tuple(item.question for item in splits.search),
            asked_for=most,
        )

    def of_each(self, samples: int) -> Self:
        """The same with another number of samples of each prompt."""
        asked = [layer for generator in self.generators for layer in generator.dump()]
        return replace(self, generators=_generators(asked, samples))

    @property
    def most(self) -> int:
        """Samples of each prompt whose temperature lets them differ."""
        return max(g.plan[0].completions for g in self.generators)

    @property
    def samples(self) -> int:
        """Samples in all, whether or not some store holds them."""
        return len(self.items) * sum(g.plan[0].completions for g in self.generators)

    def upper_bound(self) -> UpperBound:
        """Of all samples, if every prompt and every reply filled its cap; loads nothing."""
        tariffs = {
            name: tariff(entry, entry.known_shape()) for name, entry in self.config.models.items()
        }
        each = [upper_bound(generator.plan, tariffs) for generator in self.generators]
        return total(UpperBound, each).scaled(len(self.items))

    async def draw(self, place: Path | str, progress: Progress, meter: Meter) -> list[Failure]:
        """Draws what the store at `place` lacks; returns what became of questions that failed.
        That a model refused one is kept as well, and is no failure.

        The study's cap counts the whole pool, whoever drew it: raises `BudgetExhausted` there.
        Whatever ends it, what was drawn is kept, and the same call goes on from there.
        """
        config = self.config
        progress.questions_wanted = len(self.items) * len(self.generators)
        with SampleStore(place) as store:
            account = Account(config.budget.study)
            async with opened(config, store, account=account, meter=meter) as dispatcher:
                tariffs = dispatcher.tariffs
                evaluator = Evaluator(
                    benchmark=config.benchmark, dispatcher=dispatcher, tariffs=tariffs
                )
                await self._count(Forecast(dispatcher, tariffs, self.questions))
                return await self._draw(evaluator, progress)

    async def _count(self, forecast: Forecast) -> None:
        """Has the prompts counted whose lengths a replay will ask for before its first trial."""
        settings = self.config.baselines
        for generator in self.generators:
            forecast.check(generator)
            await forecast.expected(generator)
        for single in _singles(self.config):
            for samples in range(2, settings.max_samples + 1):
                ranked = replace(single, kind="best-of-n", samples=samples)
                await forecast.expected(ranked.architecture(settings))

    async def _draw(self, evaluator: Evaluator, progress: Progress) -> list[Failure]:
        progress.phase = "drawing"
        failures: list[Failure] = []

        async def drain(generator: Architecture) -> None:
            async for outcome in evaluator.outcomes(generator, self.items):
                progress.questions += 1
                if isinstance(outcome.result, Failure):
                    failures.append(outcome.result)

        # All at once: models that take turns then switch seldom, and no batch has a tail.
        tasks = [asyncio.ensure_future(drain(generator)) for generator in self.generators]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        progress.phase = "done"
        return failures


def _generators(asked: Iterable[dict[str, Any]], samples: int) -> tuple[Architecture, ...]:
    wanted = [Architecture.parse([{**layer, "samples": samples}]) for layer in asked]
    return tuple({one.digest: one for one in wanted}.values())


def _asked(config: StudyConfig) -> Iterator[dict[str, Any]]:
    """Generators, as plain data, that ask what layers of the space or the baselines may ask."""
    for part in config.space.parts():
        for point in part.points():
            try:
                yield from _answering(part.architecture(point))
            except ConfigError:
                continue  # it needs what other layers leave
    for single in _singles(config):
        repeated = replace(single, kind="self-consistency", samples=config.baselines.max_samples)
        for baseline in (single, repeated):
            yield from _answering(baseline.architecture(config.baselines))


def _answering(architecture: Architecture) -> Iterator[dict[str, Any]]:
    for row in architecture.rows:
        for layer in row:
            if isinstance(layer, AnsweringLayer):
                yield {"type": "generator", **layer.model_dump(include=set(_ASKED))}


def _singles(config: StudyConfig) -> Iterator[Baseline]:
    for model in config.writers:
        for style in config.baselines.styles:
            yield Baseline(kind="single call", model=model, style=style)

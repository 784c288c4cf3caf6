"""Curves: score and cost against the number of samples, of every generator of a pool.

A pool of N samples of each question tells of every n <= N at once, with less variance than the
first n samples would; see `archsearch.pool`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from archsearch.answers import extract
from archsearch.architecture import Architecture
from archsearch.benchmark import Benchmark, Item, score_of
from archsearch.calls import Walk
from archsearch.cost import measured
from archsearch.dispatch import Dispatcher
from archsearch.errors import MissingSample, RequestRejected
from archsearch.pool import majority_vote, pass_at_k
from archsearch.search.opening import opened
from archsearch.search.pool import Pool
from archsearch.search.progress import Progress
from archsearch.stats import Floats, Interval, mean_interval
from archsearch.store import SampleStore
from archsearch.types import Slate

AT_ONCE = 64
"""Questions whose samples are judged at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A generator with `samples` samples."""

    samples: int
    any_passes: Interval
    """Mean over questions of the best score of so many samples: pass@k, where scores are 0 or 1."""
    vote: Interval
    """Mean score of the answer that most of them have."""
    flops: float
    """Per question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One generator at 1, 2, 4, ... samples, up to all of the pool."""

    generator: Architecture
    points: tuple[Point, ...]

    def dump(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {"generator": self.generator.dump(), "points": [_plain(p) for p in self.points]}


@dataclass(frozen=True, slots=True)
class _Judged:
    """All samples of one question: a number for each n from 1."""

    any_passes: Floats
    vote: Floats
    flops: Floats


async def curves(
    pool: Pool, place: Path | str, progress: Progress, *, unsafe: bool = False
) -> list[Curve]:
    """The curves of all generators of `pool`, in its order, from the samples in the store at
    `place`; none is drawn. A question that a model refused scores 0. Programs are run where the
    benchmark runs them.

    Raises `MissingSample` where the store lacks one, and says what it holds; `SandboxFailed` where
    a program cannot be run.
    """
    progress.questions_wanted = len(pool.items) * len(pool.generators)
    progress.phase = "judging"
    with SampleStore(place, only_read=True) as store:
        async with opened(pool.config, store, replay=True, unsafe=unsafe) as dispatcher:
            try:
                return [await _curve(one, pool, dispatcher, progress) for one in pool.generators]
            except MissingSample as error:
                fewer = await _held(pool, dispatcher)
                if not 0 < fewer < pool.most:
                    raise
                raise MissingSample(
                    f"{error}; or pass --samples {fewer}: so many of each prompt are there, and "
                    f"{pool.most} were asked for"
                ) from None


async def held(pool: Pool, place: Path | str) -> int:
    """How many samples the store at `place` holds of each prompt: of the first question of `pool`
    that no model refused; 0 where it lacks even the first of some generator."""
    with SampleStore(place, only_read=True) as store:
        async with opened(pool.config, store, replay=True) as dispatcher:
            return await _held(pool, dispatcher)


async def _held(pool: Pool, dispatcher: Dispatcher) -> int:
    for item in pool.items:
        with suppress(RequestRejected):
            return await _samples_of(pool, item, dispatcher)
    return 0


async def _samples_of(pool: Pool, item: Item, dispatcher: Dispatcher) -> int:
    """Found by halving: what is asked for in a replay and is not there costs nothing."""

    async def has(samples: int) -> bool:
        wanted = pool.of_each(samples)
        for generator in wanted.generators:
            try:
                await generator.step()(Slate(question=item.question), Walk(dispatcher))
            except MissingSample:
                return False
        return wanted.most == samples  # at temperature 0 there is one only

    least, beyond = 0, 1
    while await has(beyond):
        least, beyond = beyond, 2 * beyond
    while beyond - least > 1:
        middle = (least + beyond) // 2
        least, beyond = (middle, beyond) if await has(middle) else (least, middle)
    return least


async def _curve(
    generator: Architecture, pool: Pool, dispatcher: Dispatcher, progress: Progress
) -> Curve:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: Item) -> _Judged:
        async with gate:
            found = await _judged(generator, item, pool.config.benchmark, dispatcher)
            progress.questions += 1
            return found

    judged = await asyncio.gather(*map(one, pool.items))
    return Curve(generator=generator, points=tuple(_points(judged)))


async def _judged(
    generator: Architecture, item: Item, benchmark: Benchmark, dispatcher: Dispatcher
) -> _Judged:
    walk = Walk(dispatcher, party=generator.digest)
    try:
        slate = await generator.step()(Slate(question=item.question), walk)
    except RequestRejected:
        # It scores 0, as in an evaluation, however many samples are asked for.
        nothing = np.zeros(generator.plan[0].completions)
        return _Judged(any_passes=nothing, vote=nothing, flops=nothing)
    texts = [candidate.text for candidate in slate.candidates]
    distinct = list(dict.fromkeys(texts))
    judged = await asyncio.gather(
        *(score_of(benchmark, text, item.target, walk.execute) for text in distinct)
    )
    values = {text: score.value for text, score in zip(distinct, judged, strict=True)}
    scores = [values[text] for text in texts]
    answers = [extract(item.question.answer_kind, text) for text in texts]
    rng = np.random.default_rng(0)
    alone = [replace(used, completion_tokens=()) for used in walk.used]
    prompts, whole = (measured(used, dispatcher.tariffs).flops for used in (alone, walk.used))
    shares = np.arange(1, len(texts) + 1) / len(texts)
    return _Judged(
        any_passes=pass_at_k(scores),
        vote=majority_vote(answers, scores, rng=rng),
        flops=prompts + (whole - prompts) * shares,
    )


def _points(judged: Sequence[_Judged]) -> Iterator[Point]:
    rng = np.random.default_rng(0)
    for samples in _sizes(min(len(one.flops) for one in judged)):
        at = samples - 1
        yield Point(
            samples=samples,
            any_passes=mean_interval([one.any_passes[at] for one in judged], rng=rng),
            vote=mean_interval([one.vote[at] for one in judged], rng=rng),
            flops=float(np.mean([one.flops[at] for one in judged])),
        )


def _sizes(most: int) -> list[int]:
    """1, 2, 4, ... and the last.

    >>> _sizes(12)
    [1, 2, 4, 8, 12]
    """
    return [2**power for power in range(most.bit_length()) if 2**power < most] + [most]


def _plain(point: Point) -> dict[str, Any]:
    intervals = {"any_passes": point.any_passes, "vote": point.vote}
    return {
        "samples": point.samples,
        **{name: [one.value, one.low, one.high] for name, one in intervals.items()},
        "flops_per_question": point.flops,
    }

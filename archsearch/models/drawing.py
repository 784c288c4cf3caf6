"""How a request is drawn: checked, cut into parts that an engine takes at once, merged again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from math import isfinite

from archsearch.errors import RequestRejected
from archsearch.seeds import SEED_BITS
from archsearch.types import MOST_LOGPROBS, Completion, Request

Samples = AsyncGenerator[tuple[int, Completion], None]
"""What `Model.stream` gives."""


def drawn(request: Request, ask: Callable[[Request, int], Samples], *, most: int) -> Samples:
    """The samples of `request`, from requests for at most `most` of them, all asked at once.

    `ask(part, seed)` draws such a part, whose first sample has `seed`. At temperature 0 one sample
    is drawn and stands for all. Without a seed a random one is taken. Raises `RequestRejected` at
    once for what `check` refuses.
    """
    check(request)
    seed = random.randrange(1 << SEED_BITS) if request.seed is None else request.seed
    if request.temperature == 0 and request.n > 1:
        return _copied(ask(replace(request, n=1), seed), request.n, seed)
    if request.n <= most:
        return ask(request, seed)
    parts = []
    for first in range(0, request.n, most):
        part = replace(request, n=min(most, request.n - first), seed=seed + first)
        parts.append(_shifted(ask(part, seed + first), first))
    return _merged(parts)


def check(request: Request, *, scores: bool = False) -> None:
    """Raises `RequestRejected` for what engines take differently: some refuse, some guess.

    `scores`: the model is a reward model.
    """
    broken = next(_broken(request, scores=scores), None)
    if broken:
        rule, received = broken
        raise RequestRejected(f"{rule}; received {received!r}; correct the layer that asks")


def _broken(request: Request, *, scores: bool) -> Iterator[tuple[str, object]]:
    """The rules that a request breaks, each with what was received."""
    if request.scoring != scores:
        yield "a reward model scores, any other model writes", request
    if request.n < 1:
        yield "n must be at least 1", request.n
    if request.max_tokens < 1 and not scores:
        yield "max_tokens must be at least 1", request.max_tokens
    if not 0 <= request.logprobs <= MOST_LOGPROBS:
        yield f"logprobs must be from 0 to {MOST_LOGPROBS}", request.logprobs
    if not (isfinite(request.temperature) and request.temperature >= 0):
        yield "temperature must be finite and at least 0", request.temperature
    if not 0 < request.top_p <= 1:
        yield "top_p must be above 0 and at most 1", request.top_p
    if not all(request.stop):
        yield "stop strings must not be empty", request.stop
    if not request.messages:
        yield "a prompt must have messages", request.messages


def encodable(text: str) -> str:
    r"""`text` as UTF-8 can carry it: surrogates that stand alone become U+FFFD, pairs are joined.

    >>> encodable("a\ud83d b\ud83d\ude00") == "a\ufffd b\U0001f600"
    True
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


async def _copied(samples: Samples, count: int, seed: int) -> Samples:
    async with aclosing(samples):
        async for _, completion in samples:
            for index in range(count):
                yield index, replace(completion, seed=seed + index)


async def _shifted(samples: Samples, first: int) -> Samples:
    async with aclosing(samples):
        async for index, completion in samples:
            yield first + index, completion


async def _merged(parts: Sequence[Samples]) -> Samples:
    """The samples of all parts as they come. The first error ends, and closing closes, them all."""
    arrived: asyncio.Queue[tuple[int, Completion] | asyncio.Task[None]] = asyncio.Queue()

    async def drain(part: Samples) -> None:
        async with aclosing(part):
            async for sample in part:
                arrived.put_nowait(sample)

    tasks = [asyncio.create_task(drain(part)) for part in parts]
    for task in tasks:
        task.add_done_callback(arrived.put_nowait)
    left = len(tasks)
    try:
        while left:
            item = await arrived.get()
            if isinstance(item, asyncio.Task):
                item.result()
                left -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

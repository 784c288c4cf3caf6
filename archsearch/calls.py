"""A walk: one question's way through one architecture, and the `Calls` that its layers see.

It counts occurrences, so that each request knows which samples are its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from math import fsum
from typing import Any, Generic, TypeVar

from archsearch.cost import Used
from archsearch.dispatch import Dispatcher
from archsearch.draw import Asked
from archsearch.layer import Calls
from archsearch.program import Execution, Program
from archsearch.types import Completion, Message, Request

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Branch(Generic[Result]):
    """One item of `Walk.each` on its way."""

    walk: Walk
    task: asyncio.Future[Result]


class Walk:
    """One question's way through one architecture; the `Calls` that its layers see.

    The k-th occurrence of a request takes the next sample indices, counted in layer-path order
    and never by time.
    """

    def __init__(
        self, dispatcher: Dispatcher, *, replicate: int = 0, party: str = "", path: str = ""
    ) -> None:
        """`replicate` tells repeats of a whole evaluation apart; parties take turns at a model."""
        self._dispatcher, self._replicate = dispatcher, replicate
        self._party, self._path = party, path
        self._before: Counter[str] = Counter()
        """Samples of each key taken before this walk or branch began."""
        self._taken: Counter[str] = Counter()
        self._used: list[Used | None] = []
        self._cpu_seconds: dict[str, float] = {}
        """Of each distinct program executed, by its key."""
        self._begun = 0
        """Requests made before this branch began."""

    @property
    def used(self) -> tuple[Used, ...]:
        """Every request answered so far, in layer-path order."""
        return tuple(call for call in self._used if call)

    @property
    def cpu_seconds(self) -> float:
        """Of the distinct programs executed so far."""
        return fsum(self._cpu_seconds.values())

    @property
    def path(self) -> str:
        """Layer path of whoever holds this object."""
        return self._path

    def at(self, segment: str) -> Walk:
        """The same walk, one level deeper in the layer path."""
        deeper = Walk(
            self._dispatcher,
            replicate=self._replicate,
            party=self._party,
            path=f"{self._path}/{segment}" if self._path else segment,
        )
        deeper._before, deeper._taken, deeper._used = self._before, self._taken, self._used
        deeper._cpu_seconds, deeper._begun = self._cpu_seconds, self._begun
        return deeper

    async def complete(self, request: Request) -> tuple[Completion, ...]:
        """`request.n` completions in sample-index order; see `layer.Calls`."""
        asked = self._dispatcher.identify(request, replicate=self._replicate)
        indices = self._take(asked)
        slot = self._slot()
        found = await self._samples(asked, indices)
        completions = tuple(found[index] for index in indices)
        self._used[slot] = _used(asked, completions)
        return completions

    @asynccontextmanager
    async def successive(
        self, request: Request, *, ahead: int
    ) -> AsyncIterator[AsyncIterator[Completion]]:
        """The completions of `complete` one by one; see `layer.Calls`."""
        asked = self._dispatcher.identify(request, replicate=self._replicate)
        indices = iter(self._take(asked))
        slot, taken = self._slot(), list[Completion]()
        flying: deque[asyncio.Future[dict[int, Completion]]] = deque()

        async def in_order() -> AsyncIterator[Completion]:
            while True:
                for index in islice(indices, ahead - len(flying)):
                    sample = self._samples(asked, [index])
                    flying.append(asyncio.ensure_future(sample))
                if not flying:
                    return
                (completion,) = (await flying[0]).values()
                flying.popleft()
                taken.append(completion)
                self._used[slot] = _used(asked, taken)
                yield completion

        try:
            yield in_order()
        finally:
            await _cancel(flying)
            drawn = [one for found in map(_result, flying) if found for one in found.values()]
            self._dispatcher.meter.waste([_used(asked, drawn)] if drawn else [])

    async def each(
        self,
        items: Sequence[Item],
        step: Callable[[Item, Calls], Awaitable[Result]],
        *,
        enough: Callable[[Sequence[Result]], bool] | None = None,
        ahead: int | None = None,
    ) -> list[Result]:
        """`step` on every item at once; see `layer.Calls`.

        Branches set out as if none asked for what another asks. Where an earlier one did, the
        later one is walked again from where the earlier one left its counts: the samples it took
        by mistake are the earlier one's own.

        Where a branch raises, `used` has what it and all that are over by then have asked: a
        question that a model refused is scored, and costs what was asked for it.
        """
        before, since = self._before + self._taken, Counter[str]()
        waiting, flying = iter(enumerate(items)), deque[_Branch[Result]]()
        results, over = list[Result](), list[Walk]()
        try:
            while not (results and enough and enough(results)):
                for at, item in islice(waiting, (ahead or len(items)) - len(flying)):
                    walk = self._branch(at, before)
                    flying.append(_Branch(walk, asyncio.ensure_future(step(item, walk))))
                if not flying:
                    break
                result = await flying[0].task
                if since.keys() & flying[0].walk._taken.keys():
                    walk = self._branch(len(results), before + since)
                    again = asyncio.ensure_future(step(items[len(results)], walk))
                    flying[0] = _Branch(walk, again)
                    result = await again
                walk = flying.popleft().walk
                results.append(result)
                since += walk._taken
                self._join(walk)
        except BaseException:
            over = [branch.walk for branch in flying if branch.task.done()]
            for walk in over:
                self._join(walk)
            raise
        finally:
            await _cancel(branch.task for branch in flying)
            for branch in flying:
                if branch.walk not in over:
                    self._dispatcher.meter.waste(branch.walk.used)
        self._taken.update(since)
        return results

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        """Whether the rendered prompt is at most `cap` tokens."""
        return await self._dispatcher.fits(model, messages, cap)

    async def execute(self, program: Program) -> Execution:
        """What became of a program; see `layer.Calls`."""
        executed = await self._dispatcher.execute(program)
        self._cpu_seconds[executed.key] = executed.execution.cpu_seconds
        return executed.execution

    def _take(self, asked: Asked) -> list[int]:
        count = asked.request.n
        if asked.request.temperature == 0:
            return [0] * count
        first = self._before[asked.key] + self._taken[asked.key]
        self._taken[asked.key] += count
        return list(range(first, first + count))

    async def _samples(self, asked: Asked, indices: Sequence[int]) -> dict[int, Completion]:
        progress = self._begun + len(self._used)
        return await self._dispatcher.samples(asked, indices, party=self._party, progress=progress)

    def _slot(self) -> int:
        """A place among requests that are answered sooner."""
        self._used.append(None)
        return len(self._used) - 1

    def _branch(self, at: int, before: Counter[str]) -> Walk:
        branch = self.at(str(at))
        branch._before, branch._taken, branch._used = before, Counter(), []
        branch._cpu_seconds = {}
        branch._begun = self._begun + len(self._used)
        return branch

    def _join(self, branch: Walk) -> None:
        self._used.extend(branch._used)
        self._cpu_seconds.update(branch._cpu_seconds)


def _used(asked: Asked, completions: Sequence[Completion]) -> Used:
    return Used(
        role=asked.request.role,
        model=asked.request.model,
        prompt=asked.prompt,
        prompt_tokens=completions[0].usage.prompt_tokens,
        completion_tokens=tuple(c.usage.completion_tokens for c in completions),
    )


def _result(done: asyncio.Future[Result]) -> Result | None:
    return None if done.cancelled() or done.exception() else done.result()


async def _cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels them and waits until they are gone."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

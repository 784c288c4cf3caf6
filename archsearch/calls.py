"""The one door to models: store look-up, single flight, metering, retries, deadlines.

A `Dispatcher` serves a whole run; it owns every draw. A `Walk` is one question's way through one
architecture: it counts occurrences, so that each request knows which samples are its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Generic, TypeVar

from archsearch.budget import Account
from archsearch.cost import Tariff, Tariffs, Used
from archsearch.errors import TransientModelError, UnknownName
from archsearch.gate import Gate
from archsearch.layer import Calls
from archsearch.models.base import Model
from archsearch.patience import Patience
from archsearch.seeds import seed_of
from archsearch.store import SampleStore, prompt_key, sample_key
from archsearch.types import Completion, Measured, Message, Request, UpperBound

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and its identities."""

    request: Request
    prompt: str
    """Identity of the rendered prompt on its model."""
    key: str
    """Identity of its samples."""


@dataclass(slots=True)
class Meter:
    """Tokens of a run so far: drawn are paid now, reused were paid before or are being paid."""

    drawn_samples: int = 0
    reused_samples: int = 0
    drawn_prompt_tokens: int = 0
    """Once per request, whole."""
    drawn_cached_tokens: int = 0
    """Of those, what the engines said they had cached."""
    drawn_completion_tokens: int = 0
    reused_completion_tokens: int = 0
    drawn_flops: float = 0.0
    retries: int = 0
    wasted_samples: int = 0
    """Drawn or taken from the store ahead of need, and then not needed."""
    wasted_completion_tokens: int = 0

    def waste(self, used: Iterable[Used]) -> None:
        """Counts what nobody needed in the end."""
        for call in used:
            self.wasted_samples += len(call.completion_tokens)
            self.wasted_completion_tokens += sum(call.completion_tokens)


class _Draw:
    """Consecutive samples on their way, detached from whoever asked for them."""

    def __init__(self, indices: Sequence[int]) -> None:
        loop = asyncio.get_running_loop()
        self.samples: dict[int, asyncio.Future[Completion]] = {
            i: loop.create_future() for i in indices
        }
        self.waiting = 0
        self.task: asyncio.Task[None] | None = None
        for future in self.samples.values():
            # Whoever still waits gets the error; with nobody left, nobody need be warned of it.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())

    @property
    def left(self) -> list[int]:
        """Indices not there yet."""
        return [index for index, future in self.samples.items() if not future.done()]


class Dispatcher:
    """Draws the samples that the store lacks, each once; all who want one wait for the same."""

    def __init__(
        self,
        models: Mapping[str, Model],
        store: SampleStore,
        *,
        tariffs: Tariffs | None = None,
        account: Account | None = None,
        patience: Patience | None = None,
        meter: Meter | None = None,
    ) -> None:
        """`models` and `tariffs` by the names that architectures use; both belong to the caller,
        as does the store."""
        self.meter = meter or Meter()
        self._models = dict(models)
        self._store = store
        self._tariffs = tariffs or {n: Tariff(shape=m.shape) for n, m in self._models.items()}
        self._account = account or Account()
        self._patience = patience or Patience()
        self._gates = {name: Gate(model.capacity) for name, model in self._models.items()}
        self._flights: dict[tuple[str, int], _Draw] = {}
        self._overheads: dict[str, int] = {}

    def with_store(self, store: SampleStore) -> Dispatcher:
        """The same models, account and meter, with another store; what this one holds is unknown
        to it, so everything is drawn."""
        return Dispatcher(
            self._models,
            store,
            tariffs=self._tariffs,
            account=self._account,
            patience=self._patience,
            meter=self.meter,
        )

    def identify(self, request: Request, *, replicate: int) -> Asked:
        """The identities of a request's prompt and samples."""
        prompt = prompt_key(self._model(request.model).identity, request.messages)
        return Asked(request, prompt, sample_key(prompt, request, replicate=replicate))

    async def samples(self, asked: Asked, indices: Sequence[int]) -> dict[int, Completion]:
        """The completions of the given sample indices, from the store or drawn now.

        Raises `BudgetExhausted` before a draw that could pass the study's cap, `ModelUnavailable`
        or `RequestRejected` when a sample could not be had.
        """
        found = self._store.get(asked.key, indices)
        for index, completion in found.items():
            self._charge(asked, index, completion)
            self._count_reused(completion)
        missing = sorted(set(indices) - found.keys())
        return found | await self._wait(asked, missing) if missing else found

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        """Whether the rendered prompt is at most `cap` tokens."""
        if await self._most_tokens(model, messages) <= cap:
            return True
        return await self._count_tokens(model, messages) <= cap

    async def close(self) -> None:
        """Cancels the draws in flight and waits until they are gone; finished samples are kept."""
        tasks = {draw.task for draw in self._flights.values() if draw.task}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _model(self, name: str) -> Model:
        try:
            return self._models[name]
        except KeyError:
            raise UnknownName("model", name, self._models) from None

    async def _most_tokens(self, model: str, messages: Sequence[Message]) -> int:
        """An upper bound that needs no tokenizer: a token is at least one byte."""
        if model not in self._overheads:
            blank = [Message(role="user", content="")]
            self._overheads[model] = await self._count_tokens(model, blank)
        return sum(
            len(message.content.encode("utf-8", "surrogatepass")) + self._overheads[model]
            for message in messages
        )

    async def _count_tokens(self, model: str, messages: Sequence[Message]) -> int:
        counts: list[int] = []

        async def attempt() -> None:
            counts.append(await self._model(model).count_tokens(messages))

        await self._patience.persist(attempt, whom=f"model {model!r}", retrying=self._count_retry)
        return counts[0]

    async def _wait(self, asked: Asked, indices: Sequence[int]) -> dict[int, Completion]:
        """Waits without owning: a cancelled waiter leaves the draw to the others, and only the
        last one to go cancels it."""
        draws = self._join(asked, indices)
        for draw in draws:
            draw.waiting += 1
        try:
            return {
                index: await asyncio.shield(draw.samples[index])
                for draw in draws
                for index in indices
                if index in draw.samples
            }
        finally:
            for draw in draws:
                draw.waiting -= 1
                if not draw.waiting and draw.task:
                    draw.task.cancel()

    def _join(self, asked: Asked, indices: Sequence[int]) -> list[_Draw]:
        """The draws that will bring `indices`: those in flight, and new ones for the rest."""
        flying = {index: self._flights.get((asked.key, index)) for index in indices}
        joined = dict.fromkeys(draw for draw in flying.values() if draw)
        self.meter.reused_samples += sum(draw is not None for draw in flying.values())
        fresh = [index for index, draw in flying.items() if draw is None]
        capacity = self._model(asked.request.model).capacity
        return [*joined, *(self._launch(asked, run) for run in _runs(fresh, capacity))]

    def _launch(self, asked: Asked, indices: Sequence[int]) -> _Draw:
        draw = _Draw(indices)
        self._flights.update({(asked.key, index): draw for index in indices})
        draw.task = asyncio.get_running_loop().create_task(self._bring(asked, draw))
        return draw

    async def _bring(self, asked: Asked, draw: _Draw) -> None:
        """Settles every future of a draw: with its sample, or with the reason why not."""
        name, gate, places = (
            asked.request.model,
            self._gates[asked.request.model],
            len(draw.samples),
        )
        try:
            await gate.take(places)
            try:
                async with self._account.holding(await self._bound(asked.request, places)):
                    await self._patience.persist(
                        lambda: self._attempt(asked, draw),
                        whom=f"model {name!r}",
                        retrying=self._count_retry,
                    )
            finally:
                gate.give(places)
        except BaseException as error:
            for future in draw.samples.values():
                if not future.done():
                    future.cancel() if isinstance(
                        error, asyncio.CancelledError
                    ) else future.set_exception(error)
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            for index in draw.samples:
                del self._flights[asked.key, index]

    async def _bound(self, request: Request, samples: int) -> UpperBound:
        model, tariff = self._models[request.model], self._tariffs[request.model]
        prompt = min(model.context, await self._most_tokens(request.model, request.messages))
        completion = tariff.completion(UpperBound, prompt, request.max_tokens)
        return tariff.prompt(UpperBound, prompt) + completion.scaled(samples)

    async def _attempt(self, asked: Asked, draw: _Draw) -> None:
        """Asks for what is left; commits each sample as it comes."""
        for run in _runs(draw.left, len(draw.samples)):
            request = replace(asked.request, n=len(run), seed=seed_of(asked.key) + run[0])
            first = True
            async with aclosing(self._model(request.model).stream(request)) as stream:
                async for offset, drawn in stream:
                    index = run[offset]
                    self._count_drawn(request, drawn, prompt=first)
                    first = False
                    completion = self._store.put(asked.key, index, drawn)
                    self._charge(asked, index, completion)
                    draw.samples[index].set_result(completion)
        if draw.left:
            raise TransientModelError(f"the answer ended with {len(draw.left)} samples missing")

    def _charge(self, asked: Asked, index: int, completion: Completion) -> None:
        usage, tariff = completion.usage, self._tariffs[asked.request.model]
        self._account.charge(asked.prompt, tariff.prompt(Measured, usage.prompt_tokens))
        self._account.charge(
            f"{asked.key}/{index}",
            tariff.completion(Measured, usage.prompt_tokens, usage.completion_tokens),
        )

    def _count_drawn(self, request: Request, drawn: Completion, *, prompt: bool) -> None:
        usage, tariff, meter = drawn.usage, self._tariffs[request.model], self.meter
        meter.drawn_samples += 1
        meter.drawn_completion_tokens += usage.completion_tokens
        cost = tariff.completion(Measured, usage.prompt_tokens, usage.completion_tokens)
        meter.drawn_flops += cost.flops
        if prompt:
            meter.drawn_prompt_tokens += usage.prompt_tokens
            meter.drawn_cached_tokens += usage.cached_tokens
            meter.drawn_flops += tariff.prefilled(usage.prompt_tokens, usage.cached_tokens)

    def _count_retry(self) -> None:
        self.meter.retries += 1

    def _count_reused(self, completion: Completion) -> None:
        self.meter.reused_samples += 1
        self.meter.reused_completion_tokens += completion.usage.completion_tokens


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

    def __init__(self, dispatcher: Dispatcher, *, replicate: int = 0, path: str = "") -> None:
        """`replicate` tells repeats of a whole evaluation apart."""
        self._dispatcher, self._replicate, self._path = dispatcher, replicate, path
        self._before: Counter[str] = Counter()
        """Samples of each key taken before this walk or branch began."""
        self._taken: Counter[str] = Counter()
        self._used: list[Used | None] = []

    @property
    def used(self) -> tuple[Used, ...]:
        """Every request answered so far, in layer-path order."""
        return tuple(call for call in self._used if call)

    @property
    def path(self) -> str:
        """Layer path of whoever holds this object."""
        return self._path

    def at(self, segment: str) -> Walk:
        """The same walk, one level deeper in the layer path."""
        deeper = Walk(
            self._dispatcher,
            replicate=self._replicate,
            path=f"{self._path}/{segment}" if self._path else segment,
        )
        deeper._before, deeper._taken, deeper._used = self._before, self._taken, self._used
        return deeper

    async def complete(self, request: Request) -> tuple[Completion, ...]:
        """`request.n` completions in sample-index order; see `layer.Calls`."""
        asked = self._dispatcher.identify(request, replicate=self._replicate)
        indices = self._take(asked)
        slot = self._slot()
        found = await self._dispatcher.samples(asked, indices)
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
                    flying.append(asyncio.ensure_future(self._dispatcher.samples(asked, [index])))
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
        """
        before, since = self._before + self._taken, Counter[str]()
        waiting, flying = iter(enumerate(items)), deque[_Branch[Result]]()
        results: list[Result] = []
        try:
            while not (results and enough and enough(results)):
                for at, item in islice(waiting, (ahead or len(items)) - len(flying)):
                    walk = self._branch(at, before)
                    flying.append(_Branch(walk, asyncio.ensure_future(step(item, walk))))
                if not flying:
                    break
                walk, result = flying[0].walk, await flying[0].task
                flying.popleft()
                if since.keys() & walk._taken.keys():
                    walk = self._branch(len(results), before + since)
                    result = await step(items[len(results)], walk)
                results.append(result)
                since += walk._taken
                self._used.extend(walk._used)
        finally:
            await _cancel(branch.task for branch in flying)
            for branch in flying:
                self._dispatcher.meter.waste(branch.walk.used)
        self._taken.update(since)
        return results

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        """Whether the rendered prompt is at most `cap` tokens."""
        return await self._dispatcher.fits(model, messages, cap)

    def _take(self, asked: Asked) -> list[int]:
        count = asked.request.n
        if asked.request.temperature == 0:
            return [0] * count
        first = self._before[asked.key] + self._taken[asked.key]
        self._taken[asked.key] += count
        return list(range(first, first + count))

    def _slot(self) -> int:
        """A place among requests that are answered sooner."""
        self._used.append(None)
        return len(self._used) - 1

    def _branch(self, at: int, before: Counter[str]) -> Walk:
        branch = self.at(str(at))
        branch._before, branch._taken, branch._used = before, Counter(), []
        return branch


def _runs(indices: Sequence[int], longest: int) -> list[list[int]]:
    """Sorted indices in runs of consecutive ones, none longer than `longest`.

    >>> _runs([0, 1, 2, 5, 6], 2)
    [[0, 1], [2], [5, 6]]
    """
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] + 1 == index and len(runs[-1]) < longest:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


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

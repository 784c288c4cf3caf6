"""The dispatcher: store look-up, single flight, metering, retries, deadlines.

One serves a whole run, and owns every draw: whoever wants a sample waits for it without owning it.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from archsearch.budget import Account
from archsearch.cost import Tariff, Tariffs
from archsearch.draw import Asked, Draw, Watcher
from archsearch.errors import MissingSample, RequestRejected, TransientModelError, UnknownName
from archsearch.executor import Executed, Executor
from archsearch.gate import BACK, Gate
from archsearch.meter import Meter
from archsearch.models.base import Model
from archsearch.patience import Patience
from archsearch.program import Program, Runner
from archsearch.seeds import seed_from
from archsearch.store import SampleStore, prompt_key, sample_key
from archsearch.types import Completion, Measured, Message, Request, UpperBound


@dataclass(frozen=True, slots=True)
class _Line:
    """A model, what it costs, and the way in."""

    model: Model
    tariff: Tariff
    gate: Gate


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
        sandbox: Callable[[], Awaitable[Runner]] | None = None,
    ) -> None:
        """`models` and `tariffs` by the names that architectures use; both belong to the caller,
        as does the store. Without an `account` nothing is charged. `sandbox` gives the one in which
        programs run, open; without it none runs."""
        self.meter = meter or Meter()
        self._store = store
        self._account = account
        self._sandbox = sandbox
        self._executor = Executor(sandbox, store, self.meter)
        self._patience = patience or Patience()
        self._lines = {
            name: _Line(
                model,
                tariffs[name] if tariffs else Tariff(shape=model.shape),
                Gate(model.capacity),
            )
            for name, model in models.items()
        }
        self._flights: dict[tuple[str, int], Draw] = {}
        self._overheads: dict[str, int] = {}
        self._missing: set[tuple[str, int]] = set()
        """What a replay asked for in vain: samples by key and index, prompts with index -1."""

    @property
    def models(self) -> dict[str, Model]:
        """By the names that architectures use."""
        return {name: line.model for name, line in self._lines.items()}

    @property
    def tariffs(self) -> dict[str, Tariff]:
        """What each model's tokens cost, by the same names."""
        return {name: line.tariff for name, line in self._lines.items()}

    @property
    def capacity(self) -> int:
        """Samples that all models together work on at once."""
        return sum(line.model.capacity for line in self._lines.values())

    def beside(
        self,
        *,
        store: SampleStore | None = None,
        account: Account | None = None,
        meter: Meter | None = None,
    ) -> Dispatcher:
        """Another one over the same models, with what is given in place of this one's. What draws
        each has in flight is unknown to the other."""
        return Dispatcher(
            self.models,
            store or self._store,
            tariffs=self.tariffs,
            account=account or self._account,
            patience=self._patience,
            meter=meter or self.meter,
            sandbox=self._sandbox,
        )

    def identify(self, request: Request, *, replicate: int) -> Asked:
        """The identities of a request's prompt and samples."""
        prompt = prompt_key(self._line(request.model).model.identity, request.messages)
        return Asked(request, prompt, sample_key(prompt, request, replicate=replicate))

    async def samples(
        self, asked: Asked, indices: Sequence[int], *, party: str = "", progress: int = 0
    ) -> dict[int, Completion]:
        """The completions of the given sample indices, from the store or drawn now.

        At a model that is busy parties take turns, and who made less `progress` goes first. Raises
        `BudgetExhausted` before a draw that could pass the study's cap, `ModelUnavailable` or
        `RequestRejected` when a sample could not be had, `MissingSample` in a replay.
        """
        found: dict[int, Completion] = {}
        missing = sorted(set(indices))
        while stored := self._store.get(asked.key, missing):
            self._count_reused(stored.values())
            await self._pay(asked, stored)  # meanwhile others may draw what is missing
            found |= stored
            missing = [index for index in missing if index not in found]
        if missing:
            flying = self._flying(asked.key, missing)
            fresh = [index for index in missing if index not in flying]
            draws = dict.fromkeys([*flying.values(), *self._launch(asked, fresh, party, progress)])
            for watcher in (watchers := [draw.watch(missing) for draw in draws]):
                try:
                    found |= await watcher.samples()
                except BaseException:
                    _leave(watchers)
                    raise
            _leave(watchers)
            self._count_reused(found[index] for index in flying)
        return found

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        """Whether the rendered prompt is at most `cap` tokens."""
        if await self._most_tokens(model, messages) <= cap:
            return True
        return await self.count_tokens(model, messages) <= cap

    async def count_tokens(self, model: str, messages: Sequence[Message]) -> int:
        """See `Model.count_tokens`. The store keeps what was counted once, for replays to come.

        Raises `ModelUnavailable`, or `MissingSample` in a replay.
        """
        prompt = prompt_key(self._line(model).model.identity, messages)
        tokens = self._store.tokens(prompt)
        if tokens is None:
            try:
                tokens = await self._count_tokens(model, messages)
            except MissingSample:
                self._miss(prompt, [-1])
                raise
            self._store.put_tokens(prompt, tokens)
        return tokens

    async def execute(self, program: Program) -> Executed:
        """What became of a program; see `layer.Calls.execute` for what it raises.

        Each distinct program is charged once, when the study first needs it.
        """
        executed = await self._executor.execute(program)
        if self._account:
            cost = Measured(cpu_seconds=executed.execution.cpu_seconds)
            self._account.charge({executed.key: cost})
        return executed

    async def close(self) -> None:
        """Cancels what is in flight and waits until it is gone; what is finished is kept."""
        tasks = {draw.task for draw in self._flights.values() if draw.task}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self._executor.close(), return_exceptions=True)

    def _line(self, name: str) -> _Line:
        try:
            return self._lines[name]
        except KeyError:
            raise UnknownName("model", name, self._lines) from None

    async def _most_tokens(self, model: str, messages: Sequence[Message]) -> int:
        """An upper bound that needs no tokenizer: a token is at least one byte."""
        if model not in self._overheads:
            blank = [Message(role="user", content="")]
            self._overheads[model] = await self.count_tokens(model, blank)
        each = self._overheads[model]
        return sum(each + len(m.content.encode("utf-8", "surrogatepass")) for m in messages)

    async def _count_tokens(self, model: str, messages: Sequence[Message]) -> int:
        counts: list[int] = []

        async def attempt() -> None:
            counts.append(await self._line(model).model.count_tokens(messages))

        async def pause(error: TransientModelError, seconds: float) -> None:
            self.meter.retries += 1
            await asyncio.sleep(seconds)

        await self._patience.persist(attempt, whom=f"model {model!r}", pause=pause)
        return counts[0]

    def _flying(self, key: str, indices: Iterable[int]) -> dict[int, Draw]:
        """The draws in flight that will bring some of the samples."""
        flights = ((index, self._flights.get((key, index))) for index in indices)
        return {index: draw for index, draw in flights if draw and not draw.given_up}

    def _launch(
        self, asked: Asked, indices: Sequence[int], party: str, progress: int
    ) -> list[Draw]:
        """New draws that will bring the samples."""
        model = self._line(asked.request.model).model
        longest = min(model.together, model.capacity)
        draws = [Draw(asked, run, party, progress) for run in _runs(indices, longest)]
        for draw in draws:
            self._flights.update({(asked.key, index): draw for index in draw.indices})
            draw.task = asyncio.get_running_loop().create_task(self._bring(draw))
        return draws

    async def _bring(self, draw: Draw) -> None:
        """Settles every sample of a draw, or tells those who wait why not."""
        asked, line = draw.asked, self._lines[draw.asked.request.model]
        try:
            await self._enter(draw, line, draw.progress)
            await self._persist_or_recall(draw, line)
        except BaseException as error:
            draw.fail(error)
            if isinstance(error, MissingSample):
                self._miss(asked.key, draw.left)
            if isinstance(error, asyncio.CancelledError):
                self.meter.cancelled_samples += draw.places
                raise
        finally:
            line.gate.give(draw.places)
            for index in draw.indices:
                if self._flights.get((asked.key, index)) is draw:  # else it is drawn anew already
                    del self._flights[asked.key, index]

    async def _persist_or_recall(self, draw: Draw, line: _Line) -> None:
        """Keeps why a model refused; a replay, which has no model to ask, is refused again."""
        key = draw.asked.key
        try:
            await self._persist(draw, line)
        except RequestRejected as error:
            self._store.put_refusal(key, draw.left, str(error))
            raise
        except MissingSample:
            why = self._store.refusal(key, draw.left)
            if why is None:
                raise
            raise RequestRejected(why) from None

    async def _enter(self, draw: Draw, line: _Line, progress: int) -> None:
        wanted = len(draw.indices) - len(draw.found)
        await line.gate.take(wanted, draw.party, progress=progress)
        draw.places, draw.began = wanted, asyncio.get_running_loop().time()

    async def _persist(self, draw: Draw, line: _Line) -> None:
        async def pause(error: TransientModelError, seconds: float) -> None:
            """Others go in meanwhile; where there was too much at once, nobody does."""
            self.meter.retries += 1
            if error.overload:
                line.gate.overloaded(draw.began, seconds)
            line.gate.give(draw.places)
            draw.places = 0
            await asyncio.sleep(seconds)
            await self._enter(draw, line, BACK)

        whom = f"model {draw.asked.request.model!r}"
        await self._patience.persist(
            lambda: self._ask(draw, line),
            whom=whom,
            pause=pause,
            within=lambda: self._holding(draw),
        )

    async def _bound(self, request: Request, indices: Sequence[int]) -> UpperBound:
        line = self._lines[request.model]
        prompt = min(line.model.context, await self._most_tokens(request.model, request.messages))
        completion = line.tariff.completion(UpperBound, prompt, request.max_tokens)
        return line.tariff.prompt(UpperBound, prompt) + completion.scaled(len(indices))

    @asynccontextmanager
    async def _holding(self, draw: Draw) -> AsyncIterator[None]:
        """Holds what an attempt may take. Between two of them nothing is held, as those who hold
        the places at the gate may be waiting for it."""
        if self._account is None:
            yield
            return
        async with self._account.holding(await self._bound(draw.asked.request, draw.left)):
            yield

    async def _ask(self, draw: Draw, line: _Line) -> None:
        """Asks for what is left; commits each sample as it comes."""
        asked = draw.asked
        for run in _runs(draw.left, len(draw.indices)):
            request = replace(asked.request, n=len(run), seed=seed_from(asked.key) + run[0])
            first = True
            async with aclosing(line.model.stream(request)) as stream:
                async for offset, drawn in stream:
                    self._settle(draw, line, run[offset], drawn, prompt=first)
                    first = False
        if draw.left:
            raise TransientModelError(f"the answer ended with {len(draw.left)} samples missing")

    def _settle(
        self, draw: Draw, line: _Line, index: int, drawn: Completion, *, prompt: bool
    ) -> None:
        self._count_drawn(line.tariff, drawn, prompt=prompt)
        completion = self._store.put(draw.asked.key, index, drawn)
        self._charge(draw.asked, {index: completion})
        draw.places -= 1
        line.gate.answered()
        line.gate.give()
        draw.settle(index, completion)

    def _miss(self, key: str, indices: Iterable[int]) -> None:
        self._missing.update((key, index) for index in indices)
        self.meter.missing = len(self._missing)

    async def _pay(self, asked: Asked, found: Mapping[int, Completion]) -> None:
        """Charges what was in the store. What a study needs for the first time passes its cap no
        more than a draw may; what it was charged before is free, however little is left."""
        tariff = self._line(asked.request.model).tariff
        names = dict(_charges(asked, found, tariff))
        if self._account is None or self._account.has_charged(names):
            self._charge(asked, found)
            return
        async with self._account.holding(await self._bound(asked.request, list(found))):
            self._charge(asked, found)

    def _charge(self, asked: Asked, found: Mapping[int, Completion]) -> None:
        if self._account:
            tariff = self._lines[asked.request.model].tariff
            self._account.charge(dict(_charges(asked, found, tariff)))

    def _count_drawn(self, tariff: Tariff, drawn: Completion, *, prompt: bool) -> None:
        usage, meter = drawn.usage, self.meter
        meter.drawn_samples += 1
        meter.drawn_completion_tokens += usage.completion_tokens
        meter.drawn_flops += tariff.decoded(usage.prompt_tokens, usage.completion_tokens)
        if prompt:
            meter.drawn_prompt_tokens += usage.prompt_tokens
            meter.drawn_cached_tokens += usage.cached_tokens
            meter.drawn_flops += tariff.prefilled(usage.prompt_tokens, usage.cached_tokens)

    def _count_reused(self, completions: Iterable[Completion]) -> None:
        for completion in completions:
            self.meter.reused_samples += 1
            self.meter.reused_completion_tokens += completion.usage.completion_tokens


def _leave(watchers: Iterable[Watcher]) -> None:
    for watcher in watchers:
        watcher.leave()


def _charges(
    asked: Asked, found: Mapping[int, Completion], tariff: Tariff
) -> Iterator[tuple[str, Measured]]:
    """What samples cost, by name: their prompt once for all that are sampled alike, and each
    completion."""
    for index, completion in found.items():
        prompt, tokens = completion.usage.prompt_tokens, completion.usage.completion_tokens
        yield f"{asked.key}/prompt", tariff.prompt(Measured, prompt)
        yield f"{asked.key}/{index}", tariff.completion(Measured, prompt, tokens)


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

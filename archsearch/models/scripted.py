r"""A model that follows a script: no weights, no I/O, the same reply to the same question.

For tests and for trying a study out before a GPU is paid for. Tests give `Scripted` functions; a
study file writes the script down:

    models:
      small:
        backend: scripted
        replies:
          - {match: "capital of (\\w+)", texts: ["Paris", "The capital of \\1?"]}
          - {match: "", texts: ["I do not know."]}
        latency: 0.05
        faults: {rate: 0.01, kinds: [transient, hang]}

A token is a word with the white space around it, so a text never has more tokens than bytes; a
message costs one more. There is no stop token. A script is sure of itself: where log probabilities
are asked for, each token said has probability 1, and no other token has any.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from archsearch.errors import RequestRejected, TransientModelError
from archsearch.models.base import Model, ModelConfig
from archsearch.models.drawing import Samples, check, drawn
from archsearch.seeds import digest, seed_of
from archsearch.shape import ModelShape
from archsearch.types import Completion, FinishReason, Logprobs, Message, Request, Usage

Fault = Literal["transient", "rejected", "hang"]

SHAPE = ModelShape(
    layers=2,
    hidden=64,
    heads=4,
    kv_heads=2,
    head_dim=16,
    vocab=1000,
    active_parameters=100_000,
    total_parameters=164_000,
)
"""What a script costs unless told otherwise: a made-up model of 0.1 million parameters."""

_TOKEN = re.compile(r"\s*\S+(?:\s+\Z)?|\s+\Z")


class Reply(BaseModel):
    """What is said to a last user message that `match` is found in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str
    """A regular expression; the empty one is found in everything."""
    texts: tuple[str, ...] = Field(min_length=1)
    """Each sample's seed takes one. They may refer to groups of `match` (`\\1`, `\\g<name>`)."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            for text in self.texts:
                re.sub(self.match, text, "")
        except (re.error, IndexError) as error:
            raise ValueError(
                f"match and texts must be a regular expression and its templates ({error})"
            ) from None
        return self


class Faults(BaseModel):
    """Which samples fail, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(ge=0, le=1)
    """Share of samples that fail; which ones, their prompt and seed decide."""
    kinds: tuple[Fault, ...] = Field(default=("transient",), min_length=1)
    """A failing sample takes one. `transient` and `hang` (no answer, ever) strike its first attempt
    only, as a retry is meant to help; `rejected` strikes them all."""


class ScriptedConfig(ModelConfig):
    """Written-down replies, without any weights.

    The first one that matches the last user message is given; without one it is rejected.
    """

    passing: ClassVar[frozenset[str]] = ModelConfig.passing | {"latency", "faults", "capacity"}

    backend: Literal["scripted"] = "scripted"
    replies: tuple[Reply, ...] = Field(min_length=1)
    latency: float = Field(default=0.0, ge=0)
    """Seconds from a request to each of its samples."""
    faults: Faults | None = None
    capacity: int = Field(default=64, ge=1)
    context: int = Field(default=8192, ge=2)

    def known_shape(self) -> ModelShape:
        """As typed in, or that of the made-up model."""
        return self.shape or SHAPE

    async def open(self) -> Scripted:
        """The scripted model."""
        script = [reply.model_dump() for reply in self.replies]
        return Scripted(
            self._reply,
            latency=self.latency,
            fault=_Strikes(self.faults) if self.faults else None,
            capacity=self.capacity,
            context=self.context,
            identity=f"scripted:{digest(script)}",
            shape=self.known_shape(),
        )

    def _reply(self, request: Request, seed: int) -> str:
        asked = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
        for reply in self.replies:
            if found := re.search(reply.match, asked):
                choice = seed_of(["reply", asked, seed]) % len(reply.texts)
                return found.expand(reply.texts[choice])
        raise RequestRejected(
            f"a script must have a reply to every message; it has none to {asked!r}; "
            'add `{match: "", texts: [...]}` as its last'
        )


class Scripted(Model):
    """A model made of functions of a request and the seed of one of its samples."""

    def __init__(
        self,
        reply: Callable[[Request, int], str],
        *,
        latency: float | Callable[[Request, int], float] = 0.0,
        fault: Callable[[Request, int], Fault | None] | None = None,
        capacity: int = 64,
        together: int = 64,
        context: int = 8192,
        identity: str = "scripted",
        shape: ModelShape | None = SHAPE,
        score: Callable[[Request], float] | None = None,
    ) -> None:
        """`reply` gives the text, `latency` the seconds it takes, `fault` what goes wrong.

        At temperature 0 all three are asked with seed 0, whatever the request's. With `score` it is
        a reward model, which never replies.
        """
        self.together = together
        self.identity, self.shape, self.capacity, self.context = identity, shape, capacity, context
        self._reply = reply
        self._latency = latency
        self._fault = fault
        self._score = score
        self.scores = score is not None
        self._closed = False
        self._waiting: set[asyncio.Future[None]] = set()

    def stream(self, request: Request) -> Samples:
        """Samples in the order of their latencies; capacity is declared, not enforced."""
        if self._score:
            return self._scored(request, self._score)
        return drawn(request, self._draw, most=request.n)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words, and one for each message."""
        return _count(messages)

    async def close(self) -> None:
        """Ends the calls in flight."""
        self._closed = True
        for over in self._waiting:
            _end(over)

    async def _scored(self, request: Request, score: Callable[[Request], float]) -> Samples:
        check(request, scores=True)
        usage = Usage(prompt_tokens=self._prompt_tokens(request), completion_tokens=0)
        await self._wait(self._delay(request, 0))
        await self._strike(request, 0)
        seed = request.seed or 0
        scored = Completion(
            text="", finish_reason="stop", usage=usage, seed=seed, score=score(request)
        )
        yield 0, scored

    def _prompt_tokens(self, request: Request) -> int:
        """Raises `RequestRejected` where they fill the context."""
        count = _count(request.messages)
        if count >= self.context:
            raise RequestRejected(
                f"a prompt must leave room in a context of {self.context} tokens; it has {count}; "
                f"shorten it"
            )
        return count

    async def _draw(self, request: Request, seed: int) -> Samples:
        prompt_tokens = self._prompt_tokens(request)
        room = self.context - prompt_tokens
        greedy = request.temperature == 0
        used = [0 if greedy else seed + index for index in range(request.n)]
        due = [self._delay(request, one) for one in used]
        passed = 0.0
        await asyncio.sleep(0)  # as any model would, it lets others run before it answers
        for index in sorted(range(request.n), key=due.__getitem__):
            await self._wait(due[index] - passed)
            passed = due[index]
            await self._strike(request, used[index])
            reply = self._reply(request, used[index])
            text, finish_reason, tokens = _cut(reply, request, room)
            yield (
                index,
                Completion(
                    text=text,
                    finish_reason=finish_reason,
                    usage=Usage(prompt_tokens=prompt_tokens, completion_tokens=tokens),
                    seed=seed + index,
                    logprobs=_certain(reply, tokens) if request.logprobs else None,
                ),
            )

    def _delay(self, request: Request, seed: int) -> float:
        return self._latency(request, seed) if callable(self._latency) else self._latency

    async def _strike(self, request: Request, seed: int) -> None:
        fault = self._fault(request, seed) if self._fault else None
        if fault == "transient":
            raise TransientModelError("a transient fault, as scripted")
        if fault == "rejected":
            raise RequestRejected("a rejection, as scripted")
        if fault == "hang":
            await self._wait(None)

    async def _wait(self, seconds: float | None) -> None:
        """Waits (None: for ever), unless the model is closed before or meanwhile."""
        if seconds is None or seconds > 0:
            loop = asyncio.get_running_loop()
            over = loop.create_future()
            self._waiting.add(over)
            timer = None if seconds is None else loop.call_later(seconds, _end, over)
            try:
                await over
            finally:
                self._waiting.discard(over)
                if timer:
                    timer.cancel()
        if self._closed:
            raise TransientModelError("the model was closed")


def _end(wait: asyncio.Future[None]) -> None:
    if not wait.done():
        wait.set_result(None)


class _Strikes:
    """Picks faults by sample, and remembers whom they have struck."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._struck: set[str] = set()

    def __call__(self, request: Request, seed: int) -> Fault | None:
        sample = digest(["fault", [message.content for message in request.messages], seed])
        if int(sample[:8], 16) >= self._faults.rate * 16**8:
            return None
        fault = self._faults.kinds[int(sample[8:16], 16) % len(self._faults.kinds)]
        if fault != "rejected" and sample in self._struck:
            return None
        self._struck.add(sample)
        return fault


def _count(messages: Sequence[Message]) -> int:
    return sum(1 + _tokens(message.content) for message in messages)


def _tokens(text: str) -> int:
    """How many `_TOKEN` finds: words, and one for mere white space."""
    return len(text.split()) or bool(text)


def _certain(text: str, tokens: int) -> Logprobs:
    """The logarithm of 1 for each of the first `tokens` tokens of `text`."""
    return tuple(((token, 0.0),) for token in _TOKEN.findall(text)[:tokens])


def _cut(text: str, request: Request, room: int) -> tuple[str, FinishReason, int]:
    """What of `text` is said before a stop string or the last token allowed, why it ends there,
    and how many tokens were drawn for it."""
    most = min(request.max_tokens, room)
    if not request.stop and (count := _tokens(text)) <= most:
        return text, "stop", count
    ends = [token.end() for token in islice(_TOKEN.finditer(text), most + 1)]
    said = text[: ends[most - 1]] if len(ends) > most else text
    stops = [(at, at + len(stop)) for stop in request.stop if (at := said.find(stop)) >= 0]
    if stops:
        at, reached = min(stops)
        return said[:at], "stop", 1 + sum(end < reached for end in ends)
    return said, "length" if len(ends) > most else "stop", min(len(ends), most)

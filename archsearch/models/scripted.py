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
message costs one more. There is no stop token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from archsearch.errors import RequestRejected, TransientModelError
from archsearch.models.base import Model, ModelConfig
from archsearch.models.drawing import Samples, drawn
from archsearch.seeds import digest, seed_of
from archsearch.shape import ModelShape
from archsearch.types import Completion, FinishReason, Message, Request, Usage

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
        context: int = 8192,
        identity: str = "scripted",
        shape: ModelShape | None = SHAPE,
    ) -> None:
        """`reply` gives the text, `latency` the seconds it takes, `fault` what goes wrong.

        At temperature 0 all three are asked with seed 0, whatever the request's.
        """
        self.identity, self.shape, self.capacity, self.context = identity, shape, capacity, context
        self._reply = reply
        self._latency = latency
        self._fault = fault
        self._closed = asyncio.Event()

    def stream(self, request: Request) -> Samples:
        """Samples in the order of their latencies; capacity is declared, not enforced."""
        return drawn(request, self._draw, most=request.n)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words, and one for each message."""
        return _count(messages)

    async def close(self) -> None:
        """Ends the calls in flight."""
        self._closed.set()

    async def _draw(self, request: Request, seed: int) -> Samples:
        prompt_tokens = _count(request.messages)
        room = self.context - prompt_tokens
        if room < 1:
            raise RequestRejected(
                f"a prompt must leave room in a context of {self.context} tokens; it has "
                f"{prompt_tokens}; shorten it"
            )
        greedy = request.temperature == 0
        used = [0 if greedy else seed + index for index in range(request.n)]
        due = [self._delay(request, one) for one in used]
        passed = 0.0
        for index in sorted(range(request.n), key=due.__getitem__):
            await self._wait(due[index] - passed)
            passed = due[index]
            await self._strike(request, used[index])
            text, finish_reason, tokens = _cut(self._reply(request, used[index]), request, room)
            usage = Usage(prompt_tokens=prompt_tokens, completion_tokens=tokens)
            yield (
                index,
                Completion(text=text, finish_reason=finish_reason, usage=usage, seed=seed + index),
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
        await asyncio.sleep(0)
        if seconds is None or seconds > 0:
            try:
                await asyncio.wait_for(self._closed.wait(), seconds)
            except TimeoutError:
                return
        if self._closed.is_set():
            raise TransientModelError("the model was closed")


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
    return sum(1 + len(_TOKEN.findall(message.content)) for message in messages)


def _cut(text: str, request: Request, room: int) -> tuple[str, FinishReason, int]:
    """What of `text` is said before a stop string or the last token allowed, why it ends there,
    and how many tokens were drawn for it."""
    ends = list(accumulate(len(token) for token in _TOKEN.findall(text)))
    most = min(request.max_tokens, room)
    said = text[: ends[most - 1]] if len(ends) > most else text
    stops = [(at, at + len(stop)) for stop in request.stop if (at := said.find(stop)) >= 0]
    if stops:
        at, reached = min(stops)
        return said[:at], "stop", 1 + sum(end < reached for end in ends)
    return said, "length" if len(ends) > most else "stop", min(len(ends), most)

"""Residency: models that do not fit together take turns on a node.

Calls are queued by model. The resident model is drained (calls in flight finish, no new ones
start), put to sleep, and then the next one wakes; nothing is ever aborted. While others wait, the
resident goes on for a bounded number of seconds and calls, so that a switch, which takes seconds,
serves many; then the model whose call has waited longest takes over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol, runtime_checkable
from weakref import WeakValueDictionary

from archsearch.errors import ConfigError, TransientModelError
from archsearch.models.base import ModelConfig
from archsearch.shape import ModelShape

_GROUPS: WeakValueDictionary[str, Turns] = WeakValueDictionary()


@dataclass(slots=True, eq=False)
class Member:
    """A model that takes turns."""

    sleep: Callable[[], Awaitable[None]]
    """Frees the device for another model."""
    wake: Callable[[], Awaitable[None]]
    """Makes the model ready to answer; the first time it may have to be loaded."""
    waiting: deque[tuple[int, asyncio.Future[None]]] = field(default_factory=deque)
    """Calls to come, with the order in which they came among those of all members."""
    inside: int = 0
    """Calls in flight."""
    gone: bool = False


class Turns:
    """Who may use a node. At most one member is awake; a new member begins asleep."""

    def __init__(self, *, seconds: float = 30.0, calls: int = 1024) -> None:
        """What the resident may still begin while others wait: so many seconds, so many calls."""
        self._seconds, self._calls = seconds, calls
        self._members: list[Member] = []
        self._numbers = count()
        self._resident: Member | None = None
        self._open = False
        """Whether the resident takes new calls."""
        self._changed = asyncio.Event()
        """Set when the keeper has something to look at."""
        self._left: int | None = None
        """Calls that the resident may still begin; None while nobody else waits."""
        self._keeper: asyncio.Task[None] | None = None

    @staticmethod
    def of(group: str) -> Turns:
        """The turns of a group of models, made for the first of them, and gone with the last."""
        turns = _GROUPS.get(group)
        if turns is None:
            turns = _GROUPS[group] = Turns()
        return turns

    def join(
        self, *, sleep: Callable[[], Awaitable[None]], wake: Callable[[], Awaitable[None]]
    ) -> Member:
        """Adds a model, asleep."""
        member = Member(sleep, wake)
        self._members.append(member)
        return member

    def leave(self, member: Member) -> None:
        """Takes a model out that has freed the device. Its calls still to come raise."""
        if member.gone:
            return
        member.gone = True
        self._members.remove(member)
        if self._resident is member:
            self._resident, self._open = None, False
        self._dismiss(member, TransientModelError("the model was closed"))
        self._changed.set()

    @asynccontextmanager
    async def resident(self, member: Member) -> AsyncIterator[None]:
        """Waits until `member` is awake; it stays so for as long as the block runs."""
        await self._enter(member)
        try:
            yield
        finally:
            member.inside -= 1
            self._changed.set()

    async def _enter(self, member: Member) -> None:
        if member.gone:
            raise TransientModelError("the model was closed")
        if member is self._resident and self._open and self._left != 0:
            member.inside += 1
            if self._left is not None:
                self._left -= 1
            return
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        member.waiting.append((next(self._numbers), turn))
        self._changed.set()
        if self._keeper is None:
            self._keeper = loop.create_task(self._keep())
            self._left = self._calls
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():
                member.inside -= 1  # served and cancelled in the same breath
            self._changed.set()
            raise

    async def _keep(self) -> None:
        """Runs while anybody waits: gives each waiting member its turn, the oldest call first."""
        try:
            while (heir := self._first_in_line()) is not None:
                try:
                    await self._hand_over(heir)
                except Exception as error:  # noqa: BLE001 - those who wait are told, and try again
                    self._dismiss(heir, error)
        finally:
            self._keeper = self._left = None

    async def _hand_over(self, heir: Member) -> None:
        """Makes `heir` the resident and lets in who waits for it."""
        if heir is not self._resident:
            if not await self._clear(heir):
                return
            await heir.wake()
            if heir.gone:
                return  # it was closed meanwhile, and has freed the device
            self._resident = heir
        self._open, self._left = True, self._calls
        for _, turn in self._queue(heir):
            heir.inside += 1
            turn.set_result(None)
        heir.waiting.clear()

    async def _clear(self, heir: Member) -> bool:
        """Puts the resident to sleep, if there is one: after its quota, when it is drained. Returns
        whether `heir` is still waited for; what gave up before the drain is no reason for one."""
        resident = self._resident
        if resident is not None:
            deadline = asyncio.get_running_loop().time() + self._seconds
            while resident.inside and not resident.gone and self._left:
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0 or not await self._change(left):
                    break
                if not self._queue(heir):
                    return False
            self._open = False
            while resident.inside and not resident.gone:
                await self._change(None)
            if not resident.gone:
                await resident.sleep()
            if self._resident is resident:
                self._resident = None
        return bool(self._queue(heir))

    async def _change(self, seconds: float | None) -> bool:
        """Whether anything changed within `seconds`."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _first_in_line(self) -> Member | None:
        waiting = [member for member in self._members if self._queue(member)]
        return min(waiting, key=lambda member: member.waiting[0][0], default=None)

    @staticmethod
    def _queue(member: Member) -> deque[tuple[int, asyncio.Future[None]]]:
        """Who waits for a member, without those who gave up."""
        kept = [(number, turn) for number, turn in member.waiting if not turn.done()]
        member.waiting = deque(kept)
        return member.waiting

    def _dismiss(self, member: Member, error: Exception) -> None:
        for _, turn in self._queue(member):
            turn.set_exception(error)
        member.waiting.clear()


@runtime_checkable
class TakesMemory(Protocol):
    """A config whose model takes a device's memory."""

    def memory_bytes(self, shape: ModelShape) -> int:
        """Bytes for the weights, and for the caches of as many samples as it works on at once."""


def memory_bytes(shape: ModelShape, *, weight_bytes: float, cache_bytes: float, tokens: int) -> int:
    """Bytes of a model's weights and of a cache of `tokens` tokens.

    `weight_bytes` and `cache_bytes` are bytes per number. Activations (some GiB on a GPU) excluded.

    >>> from archsearch.shape import ModelShape
    >>> tiny = ModelShape(layers=2, hidden=8, heads=2, kv_heads=1, head_dim=4, vocab=10,
    ...                   active_parameters=100, total_parameters=180)
    >>> memory_bytes(tiny, weight_bytes=2, cache_bytes=2, tokens=10)
    680
    """
    weights = shape.total_parameters or shape.active_parameters + 2 * shape.hidden * shape.vocab
    numbers_per_token = 2 * shape.layers * shape.kv_heads * shape.head_dim
    return round(weights * weight_bytes + numbers_per_token * cache_bytes * tokens)


def memory_lines(models: Mapping[str, ModelConfig]) -> Iterator[str]:
    """What `archsearch check` tells of each model's memory, where it is known."""
    for name, entry in models.items():
        if not isinstance(entry, TakesMemory):
            continue
        try:
            shape = entry.known_shape()
        except ConfigError as error:
            yield f"memory of {name}: not known ({error})"
            continue
        if shape is not None:
            yield f"memory of {name}: {entry.memory_bytes(shape) / 2**30:.1f} GiB with full caches"

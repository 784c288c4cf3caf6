"""Draw: samples on their way, detached from whoever asked for them, and those who wait for some."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from archsearch.types import Completion, Request


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and its identities."""

    request: Request
    prompt: str
    """Identity of the rendered prompt on its model."""
    key: str
    """Identity of its samples."""


class Draw:
    """Consecutive samples on their way, detached from whoever asked for them."""

    def __init__(self, asked: Asked, indices: Sequence[int], party: str, progress: int) -> None:
        self.asked, self.party, self.progress = asked, party, progress
        self.indices = indices
        self.found: dict[int, Completion] = {}
        self.places = 0
        """Of the model's gate that are held."""
        self.began = 0.0
        """The loop's time when they were taken."""
        self.task: asyncio.Task[None] | None = None
        self._watchers: list[Watcher] = []

    @property
    def left(self) -> list[int]:
        """Indices not there yet."""
        return [index for index in self.indices if index not in self.found]

    @property
    def given_up(self) -> bool:
        """Whether it is being ended, which takes the time that the model needs for it."""
        return self.task is not None and bool(self.task.cancelling())

    def watch(self, indices: Sequence[int]) -> Watcher:
        """Somebody who waits for those of `indices` that are of this draw."""
        wanted = [index for index in indices if index in self.indices]
        watcher = Watcher(self, wanted, set(wanted) - self.found.keys())
        self._watchers.append(watcher)
        return watcher

    def settle(self, index: int, completion: Completion) -> None:
        """A sample is there."""
        self.found[index] = completion
        for watcher in self._watchers:
            watcher.hear(index)

    def fail(self, error: BaseException) -> None:
        """The rest will not come."""
        for watcher in self._watchers:
            watcher.despair(error)

    def leave(self, watcher: Watcher) -> None:
        """The last one to go ends the draw."""
        self._watchers.remove(watcher)
        if not self._watchers and self.task:
            self.task.cancel()


class Watcher:
    """One caller's wait for some samples of a draw."""

    def __init__(self, draw: Draw, wanted: Sequence[int], missing: set[int]) -> None:
        self.draw, self._wanted, self._missing = draw, wanted, missing
        self._there: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not missing:
            self._there.set_result(None)

    def hear(self, index: int) -> None:
        """A sample has come."""
        self._missing.discard(index)
        if not self._missing and not self._there.done():
            self._there.set_result(None)

    def despair(self, error: BaseException) -> None:
        """No more will come."""
        if self._there.done():
            return
        if isinstance(error, asyncio.CancelledError):
            self._there.cancel()
        else:
            self._there.set_exception(error)

    async def samples(self) -> dict[int, Completion]:
        """Those wanted, as soon as all are there."""
        await self._there
        return {index: self.draw.found[index] for index in self._wanted}

    def leave(self) -> None:
        """Waits no longer. An error that nobody has seen by now was some other draw's as well."""
        if self._there.done() and not self._there.cancelled():
            self._there.exception()
        self.draw.leave(self)

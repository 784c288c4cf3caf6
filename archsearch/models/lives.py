"""Lives: an engine that may die is started again, a bounded number of times.

A `Life` is one run of an engine, from its start to its end. It ends when it is closed, when a call
learns that the engine is dead, or when the engine brings nothing for too long and does not answer a
probe either: a process may be there, and even say that it is well, without ever answering again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from archsearch.errors import ModelError, ModelUnavailable, TransientModelError

Result = TypeVar("Result")

_LOOKS = 4
"""How often within `stall` seconds a life is looked after."""


class EngineDied(TransientModelError):
    """The engine is gone and will not come back by itself."""


class Life:
    """One run of an engine, on whose behalf calls are made."""

    def __init__(
        self,
        engine: Any,
        *,
        stop: Callable[[], None],
        probe: Callable[[Life], Coroutine[Any, Any, object]],
        stall: float,
    ) -> None:
        """`stop` frees what the engine took; it blocks, and is called once, in a thread.

        `probe` is the least that the engine can be asked; `stall` the seconds without a sign of
        life after which it is, and those that it has to answer in.
        """
        self.engine = engine
        self._stop, self._probe, self._stall = stop, probe, stall
        self._answers: set[asyncio.Future[Any]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._end: ModelError | None = None
        self._stopped: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._seen = self._loop.time()
        self._watch = self._loop.create_task(self._look_after())

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._end is not None

    def sign(self) -> None:
        """Called whenever the engine brings something."""
        self._seen = self._loop.time()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What `work` gives; cancelled with its caller. Raises as soon as the life ends, also when
        the engine leaves `work` waiting forever."""
        if self._end:
            work.close()
            raise self._end
        if not self._answers:
            self.sign()  # it had nothing to do until now
        task = self._loop.create_task(work)
        answer: asyncio.Future[Result] = self._loop.create_future()
        self._tasks.add(task)
        self._answers.add(answer)
        task.add_done_callback(lambda done: self._hand_over(done, answer))
        try:
            return await answer
        finally:
            self._answers.discard(answer)
            task.cancel()

    def end(self, reason: ModelError) -> None:
        """Ends the life: every call raises `reason`, those in flight and those to come."""
        if self._end:
            return
        self._end = reason
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(reason)
        if asyncio.current_task() is not self._watch:
            self._watch.cancel()

    async def stop(self) -> None:
        """Frees what the engine took, after the end; a second call waits for the first."""
        if self._stopped is None:
            self._stopped = self._loop.create_task(self._stop_once())
        await asyncio.shield(self._stopped)

    async def _stop_once(self) -> None:
        for task in self._tasks:
            task.cancel()
        # A call may wait on the very engine that no longer answers.
        await asyncio.wait([*self._tasks, self._watch], timeout=1.0)
        await asyncio.to_thread(self._stop)

    def _hand_over(self, task: asyncio.Task[Result], answer: asyncio.Future[Result]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, EngineDied):
            self.end(error)
        if answer.done():
            return
        if task.cancelled():
            answer.cancel()
        elif error:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(self._stall / _LOOKS)
            seen = self._seen
            if not self._answers or self._loop.time() - seen < self._stall:
                continue
            try:
                await asyncio.wait_for(self.run(self._probe(self)), self._stall)
            except (TimeoutError, ModelError):
                if self._seen == seen:  # else others were answered meanwhile
                    self.end(EngineDied(f"the engine brought nothing for {2 * self._stall:g} s"))
                    return


class Lives:
    """The lives of one engine, one after the other."""

    def __init__(
        self, start: Callable[[], Awaitable[Life]], *, restarts: int, name: str, remedy: str
    ) -> None:
        """`start` begins a life; a `ConfigError` of the first start is passed on.

        `name` and `remedy` are for the message that `restarts` were not enough.
        """
        self._start, self._restarts, self._name, self._remedy = start, restarts, name, remedy
        self._begun = 0
        self._life: asyncio.Task[Life] | None = None
        self._closed = False

    async def living(self) -> Life:
        """The life that goes on, begun now if need be. All who ask meanwhile wait for the same, and
        none of them cancels it."""
        if self._closed:
            raise TransientModelError("the model was closed")
        if self._life is None or (self._life.done() and _is_over(self._life)):
            self._life = self._begin()
        return await asyncio.shield(self._life)

    async def last(self) -> Life | None:
        """The latest life, over or not; None before the first."""
        if self._life is None:
            return None
        await asyncio.wait([self._life])
        return None if self._life.exception() else self._life.result()

    async def close(self) -> None:
        """Ends the life that goes on, and all that is asked of it; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        if life := await self.last():
            life.end(TransientModelError("the model was closed"))
            await life.stop()

    def _begin(self) -> asyncio.Task[Life]:
        if self._begun > self._restarts:
            raise ModelUnavailable(
                f"{self._name} may be started again {self._restarts} times and was; its engine "
                f"died once more; {self._remedy}"
            )
        self._begun += 1
        before = self._life
        task = asyncio.get_running_loop().create_task(self._next(before))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _next(self, before: asyncio.Task[Life] | None) -> Life:
        if before is None:
            return await self._start()
        if not before.exception():
            await before.result().stop()
        try:
            return await self._start()
        except Exception as error:
            raise TransientModelError(
                f"{self._name} could not be started again: {error}"
            ) from error


def _is_over(life: asyncio.Task[Life]) -> bool:
    return life.exception() is not None or life.result().ended

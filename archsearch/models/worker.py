"""One thread for all that torch does, and the way back from it.

The thread runs only while there is work, so an interpreter that exits waits for no more than that.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from archsearch.errors import ModelError, TransientModelError
from archsearch.models.chunks import excerpt
from archsearch.types import Completion

Item = tuple[int, Completion] | Exception | None
"""A sample with its index; an error, or None, is the last that comes."""
Result = TypeVar("Result")


class Outlet:
    """Where a call waits, in its event loop, for what the thread brings."""

    def __init__(self) -> None:
        """Belongs to the running event loop."""
        self.cancelled = False
        """Set when nobody waits any more; the thread looks at it between two steps."""
        self._arrived: asyncio.Queue[Item] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def put(self, item: Item) -> None:
        """From any thread. An error or None ends the call."""
        with suppress(RuntimeError):  # the loop is gone, and whoever waited with it
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, item)

    async def items(self) -> AsyncGenerator[tuple[int, Completion], None]:
        """The samples as they come. Closing the iterator cancels the call."""
        try:
            while (item := await self._arrived.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.cancelled = True


class Job(Protocol):
    """What an engine works on."""

    @property
    def outlet(self) -> Outlet:
        """Where its samples go."""


AnyJob = TypeVar("AnyJob", bound=Job)
ConsumedJob = TypeVar("ConsumedJob", bound=Job, contravariant=True)


class Engine(Protocol[ConsumedJob]):
    """What runs in the thread, and nowhere else."""

    @property
    def idle(self) -> bool:
        """Whether no job is left."""

    def step(self, arrived: Sequence[ConsumedJob]) -> None:
        """Takes new jobs and does a bounded piece of work."""

    def give_up(self, error: ModelError) -> None:
        """A step failed: `error` is the end of the jobs that it was for."""

    def shrink(self) -> int:
        """A step took more memory than there is: how many sequences are taken together from now
        on, half as many as before."""


class Worker(Generic[AnyJob]):
    """Runs an engine in one thread, step by step, while it has jobs."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._engine: Engine[AnyJob] | None = None
        self._lock = threading.Lock()
        self._arrived: list[AnyJob] = []
        self._outlets: set[Outlet] = set()
        self._busy = self._closed = False

    async def call(self, function: Callable[[], Result]) -> Result:
        """What `function` returns in the thread: for loading, before there is an engine."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def drive(self, engine: Engine[AnyJob]) -> None:
        """Hands over the engine that jobs are for."""
        self._engine = engine

    async def work(self, job: AnyJob) -> AsyncGenerator[tuple[int, Completion], None]:
        """Submits a job and gives its samples. Raises `TransientModelError` when closed."""
        self._submit(job)
        self._outlets.add(job.outlet)
        samples = job.outlet.items()
        try:
            async for sample in samples:
                yield sample
        finally:
            await samples.aclose()
            self._outlets.discard(job.outlet)

    def require_open(self) -> None:
        """Raises when the worker was closed."""
        if self._closed:
            raise TransientModelError("the model was closed")

    async def close(self) -> None:
        """Ends the calls in flight and waits for the thread, at most one step; lets go of the
        engine. A second time does nothing."""
        with self._lock:
            self._closed = True
        for outlet in self._outlets:
            outlet.cancelled = True
            outlet.put(TransientModelError("the model was closed"))
        await asyncio.to_thread(self._thread.shutdown)
        self._engine = None

    def _submit(self, job: AnyJob) -> None:
        with self._lock:
            self.require_open()
            self._arrived.append(job)
            if not self._busy:
                self._busy = True
                self._thread.submit(self._run)

    def _run(self) -> None:
        assert self._engine is not None  # noqa: S101 - jobs come after the engine
        while True:
            with self._lock:
                arrived, self._arrived = self._arrived, []
                if not arrived and self._engine.idle:
                    self._busy = False
                    return
            self._step(self._engine, arrived)

    @staticmethod
    def _step(engine: Engine[AnyJob], arrived: Sequence[AnyJob]) -> None:
        import torch

        try:
            with torch.inference_mode():
                engine.step(arrived)
        except ModelError as error:
            engine.give_up(error)
        except torch.OutOfMemoryError as error:
            engine.give_up(
                TransientModelError(
                    f"the sequences must fit the device's memory; at most {engine.shrink()} are "
                    f"taken together from now on; set a smaller `batch` ({excerpt(str(error))})"
                )
            )
        except Exception as error:  # noqa: BLE001 - somebody waits to hear of it
            engine.give_up(TransientModelError(f"the model failed: {excerpt(repr(error))}"))

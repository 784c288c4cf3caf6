"""One sandbox for all tests that only want programs run: to open one takes seconds."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AbstractAsyncContextManager

from archsearch.program import Execution, Program
from archsearch.sandbox import Sandbox


class SharedSandbox:
    """A sandbox in a thread and an event loop of its own, for callers in any."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._opened: AbstractAsyncContextManager[Sandbox] = Sandbox.open()

    def __enter__(self) -> SharedSandbox:
        self._thread.start()
        opening = self._opened.__aenter__()
        self._sandbox = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return self

    def __exit__(self, *exc_info: object) -> None:
        closing = self._opened.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(closing, self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def run(self, program: Program) -> Execution:
        running = asyncio.run_coroutine_threadsafe(self._sandbox.run(program), self._loop)
        return await asyncio.wrap_future(running)

"""What runs programs in tests: one sandbox for a whole session, and a record of what ran."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack
from functools import cache, cached_property
from typing import Any, TypeVar

import pytest

from archsearch.program import Execution, Program, Runner
from archsearch.sandbox import Sandbox
from archsearch.store import execution_key

Result = TypeVar("Result")


class SharedSandbox:
    """Runs each distinct program once for all tests of a process, whichever event loop asks.

    The best sandbox that the host gives, opened for the first program, in a thread with a loop of
    its own, as the tests each have another. Where there is none that raises `SandboxUnavailable`.
    """

    def __init__(self) -> None:
        self._executions: dict[str, Future[Execution]] = {}
        self._loop, self._stack = asyncio.new_event_loop(), AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @cached_property
    def _sandbox(self) -> Runner:
        return self._begun(self._stack.enter_async_context(Sandbox.open())).result()

    @property
    def identity(self) -> str:
        """The sandbox's."""
        return self._sandbox.identity

    async def run(self, program: Program) -> Execution:
        """What became of it when it ran first. Whoever is cancelled leaves it running."""
        key = key_of(program)
        if key not in self._executions:
            self._executions[key] = self._begun(self._sandbox.run(program))
        return await asyncio.shield(asyncio.wrap_future(self._executions[key]))

    def _begun(self, task: Coroutine[Any, Any, Result]) -> Future[Result]:
        return asyncio.run_coroutine_threadsafe(task, self._loop)

    def close(self) -> None:
        """Ends it; nothing runs any more."""
        self._begun(self._stack.aclose()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@cache
def shared_sandbox() -> SharedSandbox:
    """The one of this process."""
    return SharedSandbox()


@pytest.fixture(scope="session", autouse=True)
def shared_sandbox_ends() -> Iterator[None]:
    """For the `conftest.py` of tests that run programs: closes what they opened."""
    yield
    if shared_sandbox.cache_info().currsize:
        shared_sandbox().close()


class Recorder:
    """A runner that remembers what became of each program."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.executions: dict[str, Execution] = {}
        self.sources: list[str] = []
        """Distinct ones that were begun, in that order."""

    @property
    def identity(self) -> str:
        """The runner's."""
        return self._runner.identity

    async def run(self, program: Program) -> Execution:
        """As the runner does it."""
        if program.source not in self.sources:
            self.sources.append(program.source)
        execution = await self._runner.run(program)
        self.executions[key_of(program)] = execution
        return execution


class Replayer:
    """A runner that runs nothing, and knows what became of some programs."""

    identity = "replayer"

    def __init__(self, executions: Mapping[str, Execution]) -> None:
        self._executions = executions

    async def run(self, program: Program) -> Execution:
        """Raises `AssertionError` for a program that it does not know."""
        key = key_of(program)
        assert key in self._executions, f"a program that had not run before: {program}"
        return self._executions[key]


def key_of(program: Program) -> str:
    """What tells programs apart."""
    return execution_key("", program)


def giving(runner: Runner) -> Callable[[], Awaitable[Runner]]:
    """What a dispatcher opens its sandbox by."""

    async def given() -> Runner:
        return runner

    return given

"""The executor: programs run in the sandbox, each once. Store look-up, single flight, metering.

Whoever wants to know what becomes of a program waits for it without owning it, as with samples.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from archsearch.errors import SandboxFailed, SandboxUnavailable
from archsearch.meter import Meter
from archsearch.program import Execution, Program, Runner
from archsearch.store import SampleStore, execution_key

ATTEMPTS = 3
"""Runs of one program in which the sandbox itself may fail before it is given up."""
PAUSE = 0.2
"""Seconds before the second of them; each further pause is twice as long."""


@dataclass(frozen=True, slots=True)
class Executed:
    """A program's execution and its identity."""

    key: str
    execution: Execution


@dataclass(slots=True)
class _Flight:
    """A program on its way, and how many wait for it."""

    task: asyncio.Task[Execution]
    waiting: int = 0


class Executor:
    """Runs the programs that the store does not know, each once; all who want one wait for it."""

    def __init__(
        self,
        sandbox: Callable[[], Awaitable[Runner]] | None,
        store: SampleStore,
        meter: Meter,
    ) -> None:
        """`sandbox` gives what programs are run by, as soon as there is one; it and `store` belong
        to the caller. Without it no program is run."""
        self._sandbox, self._store, self._meter = sandbox, store, meter
        self._flights: dict[str, _Flight] = {}

    async def execute(self, program: Program) -> Executed:
        """What became of `program`. Raises as `layer.Calls.execute` does."""
        if self._sandbox is None:
            raise SandboxUnavailable(
                "programs run only in a sandbox, and none was opened; open one with "
                "`archsearch.sandbox.Sandbox.open`, and give it to the dispatcher"
            )
        runner = await self._sandbox()
        key = execution_key(runner.identity, program)
        if stored := self._store.execution(key):
            self._meter.reused_executions += 1
            return Executed(key, stored)
        return Executed(key, await self._flown(key, runner, program))

    async def _flown(self, key: str, runner: Runner, program: Program) -> Execution:
        flight = self._flights.get(key)
        if flight:
            self._meter.reused_executions += 1
        else:
            flight = _Flight(asyncio.ensure_future(self._run(key, runner, program)))
            self._flights[key] = flight
            flight.task.add_done_callback(self._landing(key, flight))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                flight.task.cancel()
                self._land(key, flight)  # whoever comes next starts anew

    def _landing(self, key: str, flight: _Flight) -> Callable[[asyncio.Task[Execution]], None]:
        def landed(task: asyncio.Task[Execution]) -> None:
            self._land(key, flight)
            if not task.cancelled():
                task.exception()  # nobody may be waiting any more

        return landed

    def _land(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _run(self, key: str, runner: Runner, program: Program) -> Execution:
        pause = PAUSE
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(pause)
                pause *= 2
            execution = await runner.run(program)
            self._meter.cpu_seconds += execution.cpu_seconds
            if execution.status != "sandbox_error":
                self._meter.executions += 1
                return self._store.put_execution(key, execution)
        raise SandboxFailed(
            f"a program is given up after {ATTEMPTS} failures of the sandbox; the last was: "
            f"{execution.error}; see `archsearch check` for what this host gives"
        )

    async def close(self) -> None:
        """Stops what is running, and waits until it is gone."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

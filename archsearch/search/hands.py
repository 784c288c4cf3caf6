"""Hands: what evaluates the questions that a coordinator hands out, a worker's or its own."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import asdict

from archsearch.architecture import Architecture
from archsearch.benchmark import Benchmark, Splits
from archsearch.budget import Account, ChargesInMemory
from archsearch.dispatch import Dispatcher
from archsearch.errors import RunError
from archsearch.evaluate import Evaluator
from archsearch.meter import Meter
from archsearch.search.tasks import LEASE, Finding, Key, Process, Tasks

SHORTEST, LONGEST = 0.02, 0.25
"""Seconds between two looks for tasks: while there are some, and when there were none for long."""
ROOM = 16
"""Questions under way at once at least."""


class Hands:
    """What one process has under way, and brings back with what it drew."""

    def __init__(
        self,
        tasks: Tasks,
        splits: Splits,
        benchmark: Benchmark,
        dispatcher: Dispatcher,
        *,
        name: str,
        process: Process,
    ) -> None:
        """`dispatcher` gives the models; what is charged here is the coordinator's to charge, as is
        the cap to mind. `name` is the worker's, which `process` is."""
        self._tasks, self._name, self._process = tasks, name, process
        self._items = {i.question.id: i for i in (*splits.search, *splits.select, *splits.test)}
        self._charges, self._meter = ChargesInMemory(), Meter()
        self._dispatcher = dispatcher.beside(
            account=Account(charges=self._charges), meter=self._meter
        )
        self._evaluator = Evaluator(
            benchmark=benchmark, dispatcher=self._dispatcher, tariffs=dispatcher.tariffs
        )
        self._reported = asdict(self._meter)
        self._room = max(ROOM, 2 * dispatcher.capacity)
        self._running: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Takes tasks and brings results until the run is over."""
        pause, renewed = SHORTEST, -LEASE
        try:
            while not self._tasks.over:
                if time.monotonic() - renewed > LEASE / 3:
                    self._tasks.renew(self._name, self._process)
                    renewed = time.monotonic()
                if taken := self._take_on():
                    renewed = time.monotonic()
                pause = SHORTEST if taken else min(2 * pause, LONGEST)
                await self._wait(pause)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._dispatcher.close()
            with suppress(RunError):  # where even that fails, its lease runs out
                self._tasks.leave(self._name)

    def _take_on(self) -> bool:
        """Takes as many tasks as are its share; whether there were any."""
        room = self._room - len(self._running)
        taken = self._tasks.lease(self._name, self._process, room=room) if room > 0 else []
        for key, architecture in taken:
            self._running.add(asyncio.ensure_future(self._evaluate(key, architecture)))
        return bool(taken)

    async def _wait(self, seconds: float) -> None:
        """Until something is done, at most so long. Raises what ended it."""
        if not self._running:
            await asyncio.sleep(seconds)
            return
        done, self._running = await asyncio.wait(
            self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            task.result()

    async def _evaluate(self, key: Key, architecture: Architecture) -> None:
        digest, question = key
        if architecture.digest != digest or question not in self._items:
            raise RunError(
                "all workers of a run must have the same archsearch and benchmark; "
                f"{architecture} or question {question} is another one here; install the same"
            )
        outcome = await self._evaluator.outcome(architecture, self._items[question])
        charges, now = self._charges.take(), asdict(self._meter)
        more = {name: now[name] - before for name, before in self._reported.items()}
        if self._tasks.bring(key, Finding(outcome=outcome, charges=charges, meter=more)):
            self._reported = now
        else:
            self._charges.record_charges(charges)  # goes with the next one

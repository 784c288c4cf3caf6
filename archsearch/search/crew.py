"""Crew: the coordinator's side of several workers. Hands out questions, takes in what comes back.

Only the coordinator asks, tells, records and minds the budget. It holds the upper bound of a
question from before it is handed out until its result is recorded, so the study's cap holds however
many workers draw. A question whose bound no longer fits is walked in the coordinator's own process,
draw by draw, as it would be without workers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count

from archsearch.architecture import Architecture
from archsearch.benchmark import Item
from archsearch.budget import Account
from archsearch.cost import Tariffs, upper_bound
from archsearch.errors import BudgetExhausted, RunError
from archsearch.evaluate import Evaluator, Outcome
from archsearch.ledger import Ledger
from archsearch.meter import Meter
from archsearch.search.hands import Hands
from archsearch.search.processes import Processes
from archsearch.search.tasks import Finding, Key, Tasks

POLL = 0.02
"""Seconds between two looks at what workers have brought."""


class Crew:
    """The workers of a run, wherever they are."""

    def __init__(
        self,
        tasks: Tasks,
        *,
        ledger: Ledger,
        account: Account,
        meter: Meter,
        tariffs: Tariffs,
        processes: Processes | None = None,
        hands: Hands | None = None,
    ) -> None:
        """`processes` are those that it starts itself, `hands` its own; others join as they
        like."""
        self._tasks, self._ledger, self._account, self._meter = tasks, ledger, account, meter
        self._tariffs, self._processes, self._hands = tariffs, processes, hands
        self._flights: dict[Key, asyncio.Task[Outcome]] = {}
        self._awaited: dict[Key, asyncio.Future[Outcome]] = {}
        self._numbers = count()
        self._broken: BaseException | None = None

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Workers are there while the body runs. What they have begun by its end they may finish;
        the next coordinator takes it in."""
        self._ledger.note("over", value=False)
        for architecture, question in self._tasks.begin():
            self._launch((architecture.digest, question), architecture)
        services = [asyncio.ensure_future(self._or_break(self._serve))]
        if self._hands:
            services.append(asyncio.ensure_future(self._or_break(self._hands.work)))
        try:
            if self._processes:
                self._processes.start()
            yield
            self._ledger.note("over", value=True)
        finally:
            ours = [*services, *self._flights.values()]
            for task in ours:
                task.cancel()
            await asyncio.gather(*ours, return_exceptions=True)
            if self._processes:
                self._processes.stop()
            with suppress(RunError):  # a full disk has been told of, and the next one does it
                self._tasks.withdraw()

    async def outcome(self, architecture: Architecture, question: str) -> Outcome:
        """What a worker made of a question. Raises `BudgetExhausted` where its upper bound does not
        fit, `RunError` when workers cannot go on."""
        key = (architecture.digest, question)
        flight = self._flights.get(key) or self._launch(key, architecture)
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            # What a worker has begun keeps its hold until it is done.
            if self._tasks.take_back(key):
                flight.cancel()
            raise

    def _launch(self, key: Key, architecture: Architecture) -> asyncio.Task[Outcome]:
        flight = asyncio.ensure_future(self._fly(key, architecture))
        self._flights[key] = flight
        flight.add_done_callback(lambda done: self._land(key, done))
        return flight

    def _land(self, key: Key, flight: asyncio.Task[Outcome]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # nobody may be waiting any more

    async def _fly(self, key: Key, architecture: Architecture) -> Outcome:
        async with self._account.holding(upper_bound(architecture.plan, self._tariffs)):
            if self._broken:
                raise self._broken
            result: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            self._awaited[key] = result
            try:
                self._tasks.put(architecture, key[1], number=next(self._numbers))
                return await result
            finally:
                del self._awaited[key]

    async def _or_break(self, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever ends `work`, those who wait must hear of it."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - see above
            self._broken = error
            for result in self._awaited.values():
                if not result.done():
                    result.set_exception(error)

    async def _serve(self) -> None:
        while True:
            for key, finding in self._tasks.findings():
                self._take_in(key, finding)
            self._look_after_workers()
            await asyncio.sleep(POLL)

    def _take_in(self, key: Key, finding: Finding) -> None:
        """Each step may happen twice: the process may die between any two."""
        self._account.charge(finding.charges)
        self._ledger.record_outcome(key[0], finding.outcome)
        for name, more in finding.meter.items():
            setattr(self._meter, name, getattr(self._meter, name) + more)
        self._tasks.strike_off(key)
        if self._processes:
            self._processes.made_progress()
        if (result := self._awaited.get(key)) and not result.done():
            result.set_result(finding.outcome)

    def _look_after_workers(self) -> None:
        if complaint := self._tasks.complaint():
            raise RunError(f"a worker could not go on: {complaint}")
        if self._processes and self._processes.replace_the_dead():
            self._tasks.bury()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegating(Evaluator):
    """An evaluator whose questions are walked by workers."""

    crew: Crew

    async def outcome(self, architecture: Architecture, item: Item) -> Outcome:
        """See `Evaluator`."""
        try:
            return await self.crew.outcome(architecture, item.question.id)
        except BudgetExhausted:
            return await Evaluator.outcome(self, architecture, item)

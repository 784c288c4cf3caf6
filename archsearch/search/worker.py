"""Worker: a process that evaluates what a coordinator hands out."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from archsearch.architecture import LAYERS, Architecture
from archsearch.benchmark import BENCHMARKS, Item
from archsearch.budget import Account, ChargesInMemory
from archsearch.database import Database, connect, is_server
from archsearch.errors import ArchsearchError, RunError
from archsearch.evaluate import Evaluator
from archsearch.ledger import PART, fact
from archsearch.models import MODELS
from archsearch.registry import validate
from archsearch.search.config import StudyConfig
from archsearch.search.opening import opened
from archsearch.search.run import server_of
from archsearch.search.sampler import SAMPLERS
from archsearch.search.tasks import LEASE, Finding, Key, Process, Tasks
from archsearch.store import SampleStore

SHORTEST, LONGEST = 0.02, 0.25
"""Seconds between two looks for tasks: while there are some, and when there were none for long."""
ROOM = 16
"""Questions under way at once at least."""


def prepare() -> None:
    """Imports what any worker needs, so that processes that are forked have it."""
    for registry in (LAYERS, BENCHMARKS, MODELS, SAMPLERS):
        _ = registry.classes  # looked up once, and imported with that


async def work(run: str, *, attached: bool = False, unsafe: bool = False) -> None:
    """Evaluates what the coordinator of a run hands out, until the run is over.

    `run` is its folder, or the address of its schema on a server. `attached` ends it as soon as
    its standard input does; `unsafe` runs programs outside any sandbox. Raises `RunError` where
    there is no run; what keeps it from going on is told to the coordinator, too.
    """
    if attached:
        _end_with_input()
    database = connect(*_place(run))
    tasks, name, process = Tasks(database), uuid4().hex, Process.seen(os.getpid())
    try:
        await _serve(run, database, tasks, name, process, unsafe=unsafe)
    except ArchsearchError as error:
        with suppress(RunError):  # where even that fails, the coordinator sees it end
            tasks.complain(name, process, str(error))
        raise
    finally:
        with suppress(RunError):
            tasks.leave(name)
        database.close()


def _place(run: str) -> tuple[Path | str, Any]:
    """Where the ledger of a run is."""
    if is_server(run):
        return run, PART
    settled = Path(run) / "config.yaml"
    if not settled.is_file():
        raise RunError(
            f"a worker joins a run that has begun; {settled} is not there; start the search first"
        )
    config = yaml.safe_load(settled.read_text(encoding="utf-8"))
    return server_of(config.get("database"), Path(run)) or Path(run) / "ledger.sqlite", PART


def _end_with_input() -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            loop.remove_reader(sys.stdin.fileno())
            if task:
                task.cancel()

    loop.add_reader(sys.stdin.fileno(), read)


async def _serve(
    run: str, database: Database, tasks: Tasks, name: str, process: Process, *, unsafe: bool
) -> None:
    settled = fact(database, "terms")
    if settled is None:
        raise RunError(f"a worker joins a run that has begun; {run} holds none; start it first")
    config = validate(StudyConfig, settled["config"], where=run)
    splits = await asyncio.to_thread(config.load_splits, fact(database, "splits"))
    items = {i.question.id: i for i in (*splits.search, *splits.select, *splits.test)}
    with SampleStore(settled["store"]) as store:
        charges = ChargesInMemory()
        account = Account(charges=charges)  # the cap is the coordinator's to mind
        async with opened(config, store, account=account, unsafe=unsafe) as dispatcher:
            identities = {name: model.identity for name, model in dispatcher.models.items()}
            _require_same(identities, settled["identities"])
            evaluator = Evaluator(
                benchmark=config.benchmark, dispatcher=dispatcher, tariffs=dispatcher.tariffs
            )
            await _Worker(evaluator, charges, tasks, items, name, process).work(database)


def _require_same(ours: Mapping[str, str], theirs: Mapping[str, str]) -> None:
    for name, identity in theirs.items():
        if ours[name] != identity:
            raise RunError(
                f"all workers of a run must have the same models; {name!r} is {identity} there "
                f"and {ours[name]} here; use the same revision and quantisation"
            )


class _Worker:
    """One worker and what it has in hand."""

    def __init__(
        self,
        evaluator: Evaluator,
        charges: ChargesInMemory,
        tasks: Tasks,
        items: Mapping[str, Item],
        name: str,
        process: Process,
    ) -> None:
        self._tasks, self._items, self._name, self._process = tasks, items, name, process
        self._evaluator, self._charges = evaluator, charges
        self._dispatcher = evaluator.dispatcher
        self._meter = self._dispatcher.meter
        self._reported = asdict(self._meter)
        self._room = max(ROOM, 2 * self._dispatcher.capacity)
        self._running: set[asyncio.Task[None]] = set()

    async def work(self, database: Database) -> None:
        """Takes tasks and brings results until the run is over."""
        pause, renewed = SHORTEST, -LEASE
        try:
            while not fact(database, "over"):
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

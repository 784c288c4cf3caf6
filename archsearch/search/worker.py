"""Worker: a process that evaluates what a coordinator hands out."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from archsearch.architecture import LAYERS
from archsearch.benchmark import BENCHMARKS
from archsearch.database import Database, connect, is_server
from archsearch.errors import ArchsearchError, RunError
from archsearch.ledger import PART, fact
from archsearch.models import MODELS
from archsearch.registry import validate
from archsearch.search.config import StudyConfig
from archsearch.search.hands import Hands
from archsearch.search.opening import opened
from archsearch.search.run import server_of
from archsearch.search.sampler import SAMPLERS
from archsearch.search.tasks import Process, Tasks
from archsearch.store import SampleStore


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
        raise RunError(
            f"a worker joins a search that was started with --join (or --workers); there is none "
            f"at {run}; start it so: the same command, with --join, goes on with one that has begun"
        )
    config = validate(StudyConfig, settled["config"], where=run)
    splits = await asyncio.to_thread(config.load_splits, fact(database, "splits"))
    with SampleStore(settled["store"]) as store:
        async with opened(config, store, unsafe=unsafe) as dispatcher:
            identities = {name: model.identity for name, model in dispatcher.models.items()}
            _require_same(identities, settled["identities"])
            hands = Hands(tasks, splits, config.benchmark, dispatcher, name=name, process=process)
            await hands.work()


def _require_same(ours: Mapping[str, str], theirs: Mapping[str, str]) -> None:
    for name, identity in theirs.items():
        if ours[name] != identity:
            raise RunError(
                f"all workers of a run must have the same models; {name!r} is {identity} there "
                f"and {ours[name]} here; use the same revision and quantisation"
            )

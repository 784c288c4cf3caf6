"""Searches with workers find what those without find, whoever is killed meanwhile."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
import yaml

from archsearch.architecture import Architecture
from archsearch.errors import RunError
from archsearch.ledger import Ledger, fact
from archsearch.meter import Meter
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.search.tasks import Process, Tasks
from archsearch.search.worker import work
from tests.search import products
from tests.search.studies import CAPS, SPACE, study

SCRIPT = {
    "backend": "scripted",
    "latency": 0.02,
    "replies": [
        {"match": r"(\d) \* 1", "texts": [r"\1"]},
        {"match": "", "texts": ["4", "12", "24", "8", "[2] > [1]", "nothing"]},
    ],
}
SIZES = {"search": 16, "select": 4, "test": 8}
SETTINGS = {"trials": 10, "in_flight": 4}


def scripted(**changes):
    given = {
        "models": {"m": SCRIPT},
        "benchmark": {"name": "products"},
        "splits": SIZES,
        "search": SETTINGS,
    }
    return study(**{**given, **changes})


def run(config, folder, **options):
    return asyncio.run(search(config, folder, Progress(), Meter(), **options))


def told(report):
    """What a search found, without what it paid for it."""
    return {key: report[key] for key in ("best", "baselines", "trials", "front", "finalists")}


@pytest.fixture(scope="module", autouse=True)
def third_party(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        products.installed(tmp_path_factory.mktemp("installed"), patch),
    ):
        yield


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The report of a search without workers."""
    return run(scripted(), tmp_path_factory.mktemp("alone"))


def test_two_workers_find_the_same_and_draw_nothing_twice(alone, tmp_path):
    report = run(scripted(), tmp_path, workers=2)
    assert told(report) == told(alone)
    assert report["tokens"]["drawn_completion"] == alone["tokens"]["drawn_completion"]
    assert report["flops"]["charged"] == pytest.approx(alone["flops"]["charged"])
    with Ledger(tmp_path) as ledger:
        assert ledger.database.rows("SELECT * FROM tasks") == []
        assert ledger.database.rows("SELECT * FROM workers") == []


def test_workers_on_a_server_find_the_same(alone, tmp_path, server):
    report = run(scripted(database=server), tmp_path, workers=2)
    assert told(report) == told(alone)
    assert report["tokens"]["drawn_completion"] == alone["tokens"]["drawn_completion"]
    assert not list(tmp_path.glob("*.sqlite"))


def test_the_cap_holds_with_workers_to_the_last_sample(alone, tmp_path):
    budget = {
        "per_question": {"flops": 6e6},
        "study": {"flops": alone["flops"]["charged"] / 2},
    }
    one = run(scripted(budget=budget), tmp_path / "one")
    two = run(scripted(budget=budget), tmp_path / "two", workers=2)
    assert two["flops"]["charged"] <= budget["study"]["flops"]
    # As much of the budget is used up as without workers.
    assert two["flops"]["charged"] > 0.9 * one["flops"]["charged"]
    assert two["best"]["test"]["n"] == 8


# -- kills


@pytest.mark.slow
def test_whoever_is_killed_the_search_ends_as_if_nobody_had_been(alone, tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(file(), sort_keys=False))
    chance = random.Random(7)
    for _ in range(3):
        with coordinator(tmp_path) as process:
            go_on(tmp_path, process, results=8)
            time.sleep(chance.uniform(0.0, 0.2))
            while not (workers := at_work(tmp_path)):  # what came in was left from before
                time.sleep(0.02)
            os.kill(chance.choice(workers), signal.SIGKILL)
            go_on(tmp_path, process, results=4)
            assert process.poll() is None
            workers += at_work(tmp_path)
            process.kill()
        assert all_gone(workers)
    with coordinator(tmp_path) as process:
        assert process.wait(60) == 0
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert told(report) == told(alone)
    assert report["flops"]["charged"] == pytest.approx(alone["flops"]["charged"])


def file():
    """The study of the other tests as a file, slow enough to be killed."""
    return {
        "name": "small",
        "space": SPACE,
        "models": {"m": {**SCRIPT, "latency": 0.15}},
        "benchmark": {"name": "products"},
        "splits": SIZES,
        "budget": {"per_question": {"flops": 3.9e7}},
        "search": SETTINGS,
        "baselines": {"styles": ["direct"], "max_samples": 16, **CAPS},
    }


def coordinator(folder):
    command = ["search", "study.yaml", "--out", "run", "--workers", "4"]
    return subprocess.Popen(
        [sys.executable, "-m", "archsearch", *command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def go_on(folder, process, *, results):
    """Waits for so many more."""
    before = recorded(folder)
    while process.poll() is None and recorded(folder) < before + results:
        time.sleep(0.02)


def recorded(folder):
    return len(rows(folder, "SELECT question FROM outcomes"))


def at_work(folder):
    return [number for (number,) in rows(folder, "SELECT process FROM workers")]


def rows(folder, query):
    place = folder / "run" / "ledger.sqlite"
    try:
        with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=60)) as db:
            return db.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


def all_gone(processes):
    """Whether they end within some seconds."""
    deadline = time.monotonic() + 20
    while not all(Process.seen(number).is_dead for number in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# -- workers that join


async def until(condition):
    """Waits for it, letting everything else go on."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - there is no event for what a database holds
            await asyncio.sleep(0)


async def with_a_worker(folder, meanwhile, config=None):
    """A search that others join, beside `meanwhile`; what both came to."""
    progress = Progress()
    config = config or scripted()
    searching = asyncio.ensure_future(search(config, folder, progress, Meter(), workers=0))
    await until(lambda: progress.phase != "starting" or searching.done())
    async with asyncio.timeout(60):
        return await asyncio.gather(searching, meanwhile(), return_exceptions=True)


def test_a_run_that_others_may_join_does_not_wait_for_them(alone, tmp_path):
    report = run(scripted(), tmp_path, workers=0)
    assert told(report) == told(alone)
    assert report["tokens"] == alone["tokens"]
    assert report["flops"]["charged"] == pytest.approx(alone["flops"]["charged"])
    with Ledger(tmp_path) as ledger:
        assert ledger.database.rows("SELECT * FROM tasks") == []
        assert ledger.database.rows("SELECT * FROM workers") == []


def test_a_worker_joins_by_itself_and_ends_with_the_run(alone, tmp_path):
    report, joined = asyncio.run(with_a_worker(tmp_path, lambda: work(str(tmp_path))))
    assert joined is None
    assert told(report) == told(alone)


def test_what_keeps_a_worker_from_going_on_ends_the_run_with_its_message(tmp_path):
    async def another_model():
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as db:
            db.execute(
                "UPDATE facts SET value = "
                "json_set(value, '$.identities.m', 'other') WHERE name = 'terms'"
            )
        await work(str(tmp_path))

    ended, worker = asyncio.run(with_a_worker(tmp_path, another_model))
    assert isinstance(worker, RunError)
    assert "must have the same models; 'm' is other there and scripted:" in str(worker)
    assert isinstance(ended, RunError)
    assert str(ended) == f"a worker could not go on: {worker}"


def test_another_archsearch_is_noticed(tmp_path):
    async def an_unknown_question():
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as db:
            unknown = "UPDATE tasks SET question = 'x' || question"
            await until(lambda: db.execute(unknown).rowcount)
        await work(str(tmp_path))

    ended, _ = asyncio.run(with_a_worker(tmp_path, an_unknown_question))
    with pytest.raises(RunError, match=r"the same archsearch and benchmark; .* install the same"):
        raise ended


def test_a_worker_needs_a_run(tmp_path, server):
    with pytest.raises(RunError, match="joins a run that has begun"):
        asyncio.run(work(str(tmp_path)))
    with pytest.raises(RunError, match="joins a search that was started with --join"):
        asyncio.run(work(server))


@pytest.mark.parametrize("before", [None, 0])
def test_a_worker_needs_a_run_that_others_may_join(tmp_path, before):
    """Also where they might before it was resumed."""
    for workers in (before, None):
        config = study(models=scripted().models, splits=SIZES, search={"trials": 2})
        run(config, tmp_path, workers=workers)
    with pytest.raises(RunError, match=rf"with --join .*; there is none at {tmp_path}; start it"):
        asyncio.run(work(str(tmp_path)))


def test_workers_that_die_one_after_another_end_the_run(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RunError, match=r"4 in a row did not, the last with status 1; .* without"):
        run(scripted(), tmp_path, workers=1)
    said = capfd.readouterr().err.splitlines()
    assert said == ["archsearch: the workers ended with status 1; others begin"] * 3


def test_a_resumed_run_takes_in_what_came_back_meanwhile(alone, tmp_path):
    """The coordinator goes while a worker is at it; the result is there when another comes."""
    begun = []
    place = tmp_path / "run"

    async def cut_off():
        searching = asyncio.ensure_future(search(scripted(), place, Progress(), Meter(), workers=0))
        await until(lambda: rows(tmp_path, TASKS))
        worker = asyncio.ensure_future(work(str(tmp_path / "run")))
        await until(lambda: rows(tmp_path, f"{TASKS} WHERE worker IS NOT NULL"))
        begun.extend(rows(tmp_path, f"{TASKS} WHERE worker IS NOT NULL AND result IS NULL"))
        searching.cancel()
        await asyncio.gather(searching, return_exceptions=True)
        await until(lambda: not rows(tmp_path, f"{TASKS} WHERE result IS NULL"))
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(cut_off())
    with Ledger(place) as ledger:
        brought = Tasks(ledger.database).findings()
        assert {key for key, _ in brought} >= set(begun)
        assert fact(ledger.database, "over") is False
    assert told(run(scripted(), place, workers=1)) == told(alone)
    with Ledger(place) as ledger:
        for (digest, question), finding in brought:
            assert ledger.outcomes(digest)[question] == finding.outcome
            assert ledger.record_charges(finding.charges).calls == 0  # they were taken in


TASKS = "SELECT digest, question FROM tasks"


def test_an_architecture_travels_whole():
    layers = [{"type": "generator", "model": "m", "samples": 4}, {"type": "fuser", "model": "m"}]
    architecture = Architecture.parse(layers)
    again = Architecture.parse(json.loads(json.dumps(architecture.dump())))
    assert again.digest == architecture.digest

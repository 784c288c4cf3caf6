"""What a run does where its disk is full or its files are torn: it says so, and loses nothing."""

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys

import pytest
import yaml

from archsearch.errors import RunError
from archsearch.evaluate import Outcome
from archsearch.ledger import Ledger
from archsearch.meter import Meter
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.store import SampleStore
from archsearch.testing.store_contract import KEY, completion
from archsearch.types import Score
from tests.search import products
from tests.search.studies import CAPS, SPACE, study

SCRIPT = {"backend": "scripted", "replies": [{"match": "", "texts": ["4", "12", "[2] > [1]"]}]}
STUDY = {
    "name": "small",
    "space": SPACE,
    "models": {"m": SCRIPT},
    "benchmark": {"name": "products"},
    "splits": {"search": 12, "select": 4, "test": 12},
    "budget": {"per_question": {"flops": 3.9e7}},
    "search": {"trials": 8, "in_flight": 3},
    "baselines": {"styles": ["direct"], "max_samples": 8, **CAPS},
}


@pytest.fixture(scope="module", autouse=True)
def third_party(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        products.installed(tmp_path_factory.mktemp("installed"), patch),
    ):
        yield


def run(folder):
    return asyncio.run(search(study(**STUDY), folder, Progress(), Meter()))


def told(report):
    return {key: report[key] for key in ("best", "baselines", "trials", "front", "finalists")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, run(folder)


# -- a full disk


def under_a_limit(folder, most):
    """A search whose files may have at most so many bytes: what follows fails as on a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    return subprocess.run(
        [sys.executable, "-m", "archsearch", "search", "study.yaml", "--out", "run"],
        cwd=folder,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_full_disk_ends_the_search_and_room_resumes_it(whole, tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    finished = {}
    for most in (40_000, 130_000, 180_000):
        done = under_a_limit(tmp_path, most)
        assert done.returncode == 1
        assert done.stderr.startswith("archsearch: "), done.stderr
        assert "make room, and the same command goes on from" in done.stderr.replace("\n", " ")
        with Ledger(tmp_path / "run") as ledger:
            rows = dict(ledger.database.rows("SELECT digest || question, outcome FROM outcomes"))
        assert finished.items() <= rows.items()
        finished = rows
    assert finished
    assert told(run(tmp_path / "run")) == told(whole[1])


# -- torn files


def torn(path, copy, size):
    """A copy of a file with only its first `size` bytes."""
    shutil.copy(path, copy)
    os.truncate(copy, size)


def test_of_a_torn_log_a_prefix_is_left(tmp_path):
    """As when the machine stops: the end of the log is missing, or is not what was written."""
    before, copies = tmp_path / "before", tmp_path / "copies"
    copies.mkdir()
    with Ledger(before) as ledger:
        for number in range(40):
            result = Score(value=1.0)
            ledger.record_outcome("d", Outcome(question_id=f"{number:02}", result=result))
        log = (before / "ledger.sqlite-wal").read_bytes()
        lengths = set()
        for cut in range(0, len(log), len(log) // 60):
            for name, content in {
                "cut": log[:cut],
                "flipped": log[:cut] + bytes([log[cut] ^ 0xFF]) + log[cut + 1 :],
            }.items():
                copy = copies / f"{name}{cut}"
                copy.mkdir()
                shutil.copy(before / "ledger.sqlite", copy)
                (copy / "ledger.sqlite-wal").write_bytes(content)
                with Ledger(copy) as torn_one:
                    left = sorted(torn_one.outcomes("d"))
                assert left == [f"{number:02}" for number in range(len(left))]
                lengths.add(len(left))
    assert len(lengths) > 20


@pytest.mark.parametrize("file", ["ledger", "samples"])
def test_a_torn_database_is_refused_or_whole(whole, tmp_path, file):
    """Cut anywhere: it is told, or nothing is missing."""
    folder, _ = whole
    path = folder / f"{file}.sqlite"
    with Ledger(folder) as ledger, SampleStore(folder / "samples.sqlite") as store:
        ledger.database.rows("SELECT 1")
        count, outcomes = store.count(), len(ledger.database.rows("SELECT 1 FROM outcomes"))
    refused = 0
    for at in range(1, 40):
        copy = tmp_path / str(at)
        copy.mkdir()
        torn(path, copy / path.name, path.stat().st_size * at // 40)
        try:
            if file == "ledger":
                with Ledger(copy) as found:
                    assert len(found.database.rows("SELECT 1 FROM outcomes")) == outcomes
            else:
                with SampleStore(copy / path.name) as samples:
                    assert samples.count() == count
        except RunError as error:
            assert "must be a sound SQLite file" in str(error)  # noqa: PT017 - either is well
            refused += 1
    assert refused > 30


def test_a_changed_byte_changes_no_sample_but_its_own(tmp_path):
    """What is not found any more is drawn again."""
    with SampleStore(tmp_path / "samples.sqlite") as store:
        for index in range(60):
            store.put(KEY, index, completion(f"sample {index} " * 8))
    content = (tmp_path / "samples.sqlite").read_bytes()
    for number in range(150):
        at = (number * 7919 + 4096) % len(content)
        copy = tmp_path / "copy.sqlite"
        copy.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            with SampleStore(copy) as store:
                found = store.get(KEY, range(60))
        except RunError:
            continue
        changed = [i for i in found if found[i] != completion(f"sample {i} " * 8)]
        assert len(changed) <= 1


def test_a_torn_mirror_is_made_again(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole[0], folder)
    for size in (0, 100, 5000, 50_000):
        os.truncate(folder / "study.db", size)
        assert told(run(folder)) == told(whole[1])
    assert (folder / "study.db").stat().st_size == (whole[0] / "study.db").stat().st_size


def test_torn_texts_are_written_anew(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole[0], folder)
    for name in ("report.json", "config.yaml", "best.yaml"):
        os.truncate(folder / name, 10)
    assert told(run(folder)) == told(whole[1])
    assert told(json.loads((folder / "report.json").read_text())) == told(whole[1])
    assert (folder / "best.yaml").read_text() == (whole[0] / "best.yaml").read_text()

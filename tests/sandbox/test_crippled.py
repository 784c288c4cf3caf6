"""On a host that lacks something no program runs, or a lower tier that says its name runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.cripple import LATER
from tests.sandbox.trial import scratch
from tests.sandbox.watch import Watch

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _sweep():
    yield
    for group in Path("/sys/fs/cgroup").glob("**/archsearch-test-*"):
        group.rmdir()


def crippled(kind):
    """What a process on such a host tells, and how often its program was seen to run."""
    with scratch() as folder, Watch(interval=0.01) as watch:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.sandbox.cripple", kind],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=240,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr.decode()[-2000:]
        left = [place.name for place in folder.iterdir()]
    told = json.loads(ran.stdout)
    if "skipped" in told:
        pytest.skip(told["skipped"])
    assert not left
    return told, watch.named


def refused(told, seen):
    """Nothing ran, and the error says so."""
    assert told["error"] == "SandboxUnavailable", told
    assert seen == 0
    return True


def ran_in(tier, told, seen):
    """The program ran there, as it should."""
    assert (told["tier"], told["status"], told["values"]) == (tier, "ok", [42]), told
    assert told["identity"].startswith(tier), told
    assert seen
    return True


def test_without_a_cripple_it_runs_and_is_seen():
    told, seen = crippled("none")
    assert told["status"] == "ok"
    assert seen


def test_without_namespaces_a_lower_tier_says_its_name():
    assert ran_in("landlock", *crippled("no_namespaces"))


def test_without_seccomp_nothing_runs():
    assert refused(*crippled("no_seccomp"))


def test_without_landlock_namespaces_hold():
    assert ran_in("bwrap", *crippled("no_landlock"))


def test_without_either_nothing_runs():
    assert refused(*crippled("neither_namespaces_nor_landlock"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root has anything to drop")
@pytest.mark.parametrize("kind", ["root_that_cannot_drop", "root_of_one_user"])
def test_a_root_that_cannot_drop_its_user_runs_nothing(kind):
    assert refused(*crippled(kind))


@pytest.mark.parametrize("kind", ["full_disk", "tiny_pids_limit"])
def test_without_room_nothing_runs(kind):
    assert refused(*crippled(kind))


@pytest.mark.parametrize("kind", LATER)
def test_a_host_that_runs_out_of_room_is_no_fault_of_the_program(kind):
    """It runs as it should, or the sandbox has failed; it never counts as a wrong program."""
    told, _ = crippled(kind)
    failed = told.get("error") in ("SandboxFailed", "SandboxUnavailable")
    assert failed or told["status"] in ("ok", "sandbox_error"), told

"""Which sandbox is taken, what is refused, and that nothing runs where none holds."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archsearch.errors import ConfigError, SandboxUnavailable, UnknownName
from archsearch.program import Call, Execution, Limits, Program
from archsearch.sandbox import Sandbox, canaries, ground, survey, tree
from archsearch.sandbox import sandbox as module
from archsearch.sandbox.tiers import AUTOMATIC, TIERS


async def opened(program=None, **options):
    async with Sandbox.open(processes=1, **options) as sandbox:
        return sandbox, await sandbox.run(program or Program(source="print(1)"))


def test_running_without_a_sandbox_has_to_be_meant():
    with pytest.raises(ConfigError, match="has to be meant; set unsafe=True"):
        asyncio.run(opened(tier="unsafe"))
    with pytest.raises(ConfigError, match="got the kind 'bwrap' too; leave out either"):
        asyncio.run(opened(tier="bwrap", unsafe=True))
    sandbox, ran = asyncio.run(opened(unsafe=True))
    assert (ran.tier, ran.status, sandbox.tier) == ("unsafe", "ok", "unsafe")
    assert sandbox.identity.startswith("unsafe CPython-3.")
    assert not Path(sandbox.keepers[0].settings["stage"]).exists()


def test_a_name_that_no_kind_has_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'bwrap'"):
        asyncio.run(opened(tier="bwrapp"))
    with pytest.raises(ConfigError, match="at least one program at once; got 0"):
        asyncio.run(Sandbox.open(unsafe=True, processes=0).__aenter__())
    with pytest.raises(SandboxUnavailable, match="got 'no-such-thing'; run: pip install"):
        asyncio.run(opened(unsafe=True, packages=["no-such-thing"]))


def test_named_packages_are_there_and_nothing_else():
    program = Program(
        source="import numpy\ndef f(): return numpy.arange(3).tolist(), numpy.__version__",
        calls=(Call(function="f"),),
    )
    sandbox, ran = asyncio.run(opened(program, packages=["numpy"]))
    assert ran.replies[0].value[0] == [0, 1, 2], ran
    assert f"numpy=={ran.replies[0].value[1]}" in sandbox.identity


def test_where_no_kind_holds_nothing_runs_and_the_message_says_why(monkeypatch):
    ran = []
    monkeypatch.setattr(TIERS["bwrap"], "obstacle", classmethod(lambda cls: "it is away; buy it"))
    monkeypatch.setattr(TIERS["landlock"], "obstacle", classmethod(lambda cls: "too old; renew"))
    monkeypatch.setattr(module.Keeper, "ask", lambda self, program: ran.append(program))
    with pytest.raises(SandboxUnavailable, match=r"bwrap: it is away; buy it; landlock: too old;"):
        asyncio.run(opened())
    assert ran == []


def test_the_next_kind_is_taken_where_the_best_cannot_be(monkeypatch):
    if not asyncio.run(survey("landlock"))[-1].ok:
        pytest.skip("this host gives no Landlock")
    monkeypatch.setattr(TIERS["bwrap"], "obstacle", classmethod(lambda cls: "it is away"))
    sandbox, ran = asyncio.run(opened())
    assert (sandbox.tier, ran.tier, ran.stdout) == ("landlock", "landlock", "1\n")


def test_the_canaries_refuse_what_does_not_hold():
    async def check():
        async with Sandbox.open(processes=1, unsafe=True) as sandbox:
            await canaries.check(sandbox, sandbox.keepers[0].settings["uid"], iter(()))

    with pytest.raises(SandboxUnavailable, match="does not hold here") as caught:
        asyncio.run(check())
    for way in ("read", "write", "tcp", "udp", "abstract", "send_signal", "unowned_memory"):
        assert f"{way}: " in str(caught.value)


def test_a_survivor_refuses_the_sandbox():
    async def check():
        async with Sandbox.open("landlock", processes=1) as sandbox:
            await sandbox.run(Program(source="1"))
            await canaries.check(sandbox, ground.user(0), iter([os.getpid()]))

    with pytest.raises(SandboxUnavailable, match=r"a process was left|gives none of these"):
        asyncio.run(check())


def test_root_that_cannot_become_another_user_is_refused(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert ground.user(0) is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def refuse(*args, **kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(SandboxUnavailable, match=r"root has to become another user.*CAP_SETUID"):
        ground.user(0)


@pytest.mark.parametrize("tier", [None, "landlock", "nsjail"])
def test_the_survey_goes_as_far_as_the_first_kind_that_holds(tier):
    standings = asyncio.run(survey(tier))
    tried = [one.tier for one in standings]
    assert tried == list(AUTOMATIC if tier is None else [tier])[: len(tried)]
    assert not any(one.ok for one in standings[:-1])
    assert all(bool(one.reason) != one.ok for one in standings)


class Scripted(module.Sandbox):
    """Tells what the script says, and how many ran at once."""

    def __init__(self, script, processes):
        self.tier, self.keepers = "scripted", list(range(processes))
        self._free, self._alone = asyncio.Queue(), asyncio.Lock()
        for keeper in self.keepers:
            self._free.put_nowait(keeper)
        self.script, self.running, self.most = script, 0, []

    async def _run(self, keeper, program):
        self.running += 1
        try:
            self.most.append(self.running)
            await asyncio.sleep(0.01)
            return Execution(tier="scripted", **self.script.pop(0))
        finally:
            self.running -= 1


def test_a_time_out_is_told_once_it_was_found_alone():
    starved = {"status": "timeout", "seconds": 1.0, "cpu_seconds": 0.5}
    busy = {"status": "timeout", "seconds": 1.0, "cpu_seconds": 0.99}

    async def three(first, second):
        sandbox = Scripted([first, {"status": "ok"}, {"status": "ok"}, second], 3)
        runs = [sandbox.run(Program(source=str(n))) for n in range(3)]
        found = [one.status for one in await asyncio.gather(*runs)]
        assert sandbox._free.qsize() == 3
        return found, sandbox.most

    assert asyncio.run(three(starved, {"status": "ok"})) == (["ok"] * 3, [1, 2, 3, 1])
    assert asyncio.run(three(starved, starved)) == (["timeout", "ok", "ok"], [1, 2, 3, 1])
    assert asyncio.run(three(busy, {})) == (["timeout", "ok", "ok"], [1, 2, 3])


def test_a_cancelled_confirmation_gives_the_places_back():
    async def cancel():
        sandbox = Scripted([{"status": "timeout", "seconds": 1.0}, *[{"status": "ok"}] * 9], 2)
        task = asyncio.create_task(sandbox.run(Program(source="1")))
        await asyncio.sleep(0.015)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert sandbox._free.qsize() == 2
        return (await sandbox.run(Program(source="2"))).status

    assert asyncio.run(cancel()) == "ok"


CHILD = """
import asyncio
from archsearch.program import Program
from archsearch.sandbox import Sandbox, tree
async def main():
    async with Sandbox.open(unsafe=True, processes=1) as sandbox:
        run = asyncio.create_task(sandbox.run(Program(source="while True: pass")))
        # Until the program runs.
        while not (warden := sandbox.keepers[0].pid) or len(list(tree.below(warden))) < 2:
            await asyncio.sleep(0.02)
        print(warden, sandbox.keepers[0].settings["stage"], flush=True)
        await run
asyncio.run(main())
"""


def test_when_archsearch_is_killed_nothing_is_left():
    here = os.environ | {"PYTHONPATH": str(Path(module.__file__).parents[2])}
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=here) as child:
        warden, stage = child.stdout.readline().split()
        below = list(tree.below(int(warden)))
        assert len(below) > 1
        child.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in below) or Path(stage).exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_program_that_is_no_plain_data_is_the_callers_error():
    program = Program(source="1", calls=(Call(function="f", args=(object(),)),))
    with pytest.raises(ValueError, match="object is no plain data"):
        asyncio.run(opened(program, unsafe=True))


def test_a_full_disk_is_a_failure_of_the_sandbox(monkeypatch):
    async def run():
        async with Sandbox.open(unsafe=True, processes=1) as sandbox:
            stage = Path(sandbox.keepers[0].settings["stage"])
            (stage / "scratch").rmdir()
            return await sandbox.run(Program(source="1", limits=Limits(seconds=1)))

    ran = asyncio.run(run())
    assert ran.status == "sandbox_error"
    assert "No such file" in ran.error

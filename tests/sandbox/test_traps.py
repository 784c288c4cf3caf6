"""Traps that harnesses were found in, one test each, for each kind of sandbox that isolates."""

import asyncio
import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from archsearch.errors import SandboxUnavailable
from archsearch.program import Call, Limits, Program
from archsearch.sandbox import Sandbox, tree
from archsearch.testing.sandbox_contract import Open

PLANTED = "a-key-that-nobody-may-see"


@pytest.fixture(scope="module", params=["bwrap", "landlock", "nsjail"])
def here(request):
    os.environ["ARCHSEARCH_API_KEY"] = PLANTED
    with asyncio.Runner() as runner:
        opening = Sandbox.open(request.param, processes=2)
        try:
            sandbox = runner.run(opening.__aenter__())
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        try:
            yield Open(sandbox, runner)
        finally:
            runner.run(opening.__aexit__(None, None, None))
            del os.environ["ARCHSEARCH_API_KEY"]


def test_1_no_environment_holds_a_secret(here):
    source = """
import glob, os
print(dict(os.environ))
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        print(open(path, "rb").read())
    except OSError:
        pass
"""
    ran = here.source(source)
    assert ran.status == "ok"
    assert "LD_LIBRARY_PATH" in ran.stdout
    assert PLANTED not in ran.stdout
    for keeper in here.sandbox.keepers:
        if keeper.pid:
            assert PLANTED.encode() not in Path(f"/proc/{keeper.pid}/environ").read_bytes()


COUNT = """
import threading, time
def count():
    made = 0
    try:
        while made < 200:
            threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
            made += 1
    except RuntimeError:
        pass
    time.sleep(0.5)
    return made
"""


def test_2_and_3_processes_are_limited_and_do_not_count_for_another(here):
    program = Program(
        source=COUNT, calls=(Call(function="count"),), limits=Limits(processes=10, seconds=20)
    )

    async def both():
        return await asyncio.gather(*[here.sandbox.run(program) for _ in range(2)])

    made = [reply.value for ran in here(both()) for reply in ran.replies]
    assert len(made) == 2
    assert all(7 <= one < 10 for one in made), made


BOMBS = {
    "heap": "x = [bytearray(1 << 20) for _ in range(2000)]",
    "shared": "import mmap\nx = mmap.mmap(-1, 1 << 30)\nx.write(b'x' * (1 << 30))",
    "memfd": "import os\nf = os.memfd_create('x')\nwhile True: os.write(f, b'x' * (1 << 20))",
    "shm": "f = open('/dev/shm/x', 'wb')\nwhile True: f.write(b'x' * (1 << 20))",
    "tmp": "f = open('x', 'wb')\nwhile True: f.write(b'x' * (1 << 20))",
    "files": """
n = 0
while True:
    open(f'{n}', 'wb').write(b'x' * (1 << 20))
    n += 1""",
    "root": "f = open('/x', 'wb')",
    "dev": "f = open('/dev/x', 'wb')",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_4_memory_is_limited_wherever_it_is_held(here, source):
    limits = Limits(memory_bytes=100 << 20, disk_bytes=32 << 20)
    before = memory_available()
    ran = here.source(source, limits=limits)
    assert ran.status in ("memory", "exception"), ran
    assert ran.memory_bytes < 200 << 20
    assert memory_available() > before - (600 << 20)


def memory_available():
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if "MemAvailable" in line)


def test_5_the_end_of_a_thread_ends_no_program(here):
    program = Program(source="import time; time.sleep(1); print('lived')")

    async def run():
        """The sandbox's processes are started while a thread runs that ends before the program."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as threads:
            await loop.run_in_executor(threads, threading.get_ident)
            task = asyncio.create_task(here.sandbox.run(program))
            await asyncio.sleep(0.3)
        return await task

    assert here(run()).stdout == "lived\n"


@pytest.mark.parametrize("output", ["stdout", "stderr"])
def test_6_a_survivor_that_holds_a_pipe_is_not_waited_for(here, output):
    source = f"""
import os, sys, time
print("said", file=sys.{output}, flush=True)
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
except PermissionError:
    pass
"""
    started = time.monotonic()
    ran = here.source(source, limits=Limits(seconds=20))
    assert time.monotonic() - started < 5
    assert (ran.status, getattr(ran, output)) == ("ok", "said\n")
    assert here.left() == []


def test_7_nothing_is_left_of_many(here):
    sources = ["print(1)", "1 / 0", "import os\nif os.fork() == 0:\n  os.setsid()\n  while 1: pass"]
    programs = [Program(source=sources[n % 3], limits=Limits(seconds=5)) for n in range(30)]

    async def all_of_them():
        return await asyncio.gather(*map(here.sandbox.run, programs))

    here.source("print(1)")
    stage = here.sandbox.keepers[0].settings["stage"]
    gc.collect()
    before = leftovers(here, stage)
    ran = here(all_of_them())
    assert {one.status for one in ran} <= {"ok", "exception"}
    gc.collect()
    assert leftovers(here, stage) == before
    assert here.left() == []


def leftovers(here, stage):
    """Open descriptors of all our processes, files in the stage, processes of ours."""
    pids = [os.getpid(), *(keeper.pid for keeper in here.sandbox.keepers if keeper.pid)]
    descriptors = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids]
    files = sum(len(names) for _, _, names in os.walk(stage))
    return (
        descriptors,
        files,
        list(Path(stage, "scratch").iterdir()),
        len(list(tree.below(os.getpid()))),
    )

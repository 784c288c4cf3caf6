"""Nothing piles up over many runs, and hostile programs do innocent ones no harm."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox.host import TIERS, opened
from tests.sandbox.soak import soak
from tests.sandbox.trial import Footprint, groups, innocent, scratch
from tests.sandbox.watch import descendants, survivors
from tests.sandbox.world import World


def soaked(tier, **sizes):
    async def run():
        async with opened(tier) as sandbox:
            found = await soak(sandbox, world, folder, **sizes, together=8)
            return found, Footprint(sandbox)

    with World() as world, scratch() as folder:
        found, footprint = asyncio.run(run())
        assert not world.breaches()
        assert not list(folder.rglob("*"))
    assert not footprint.left()
    assert not found.false_failures
    growth = found.growth
    assert growth["survivors"] <= 0
    assert growth["zombies"] == 0
    assert growth["descriptors"] <= 0
    assert growth["files"] <= 0
    assert growth["memory_mb"] < 50
    return found


@pytest.mark.parametrize("tier", TIERS)
def test_little_piles_up(tier):
    soaked(tier, runs=60, hostile=12)


@pytest.mark.slow
@pytest.mark.parametrize("tier", TIERS)
def test_nothing_piles_up_over_two_thousand_runs(tier):
    soaked(tier, runs=2000, hostile=200)


@pytest.mark.slow
@pytest.mark.parametrize("tier", TIERS)
def test_two_hundred_innocent_programs_beside_fifty_hostile_ones(tier):
    assert soaked(tier, runs=250, hostile=50).runs == 250


@pytest.mark.parametrize("tier", TIERS)
def test_a_sandbox_that_closes_early_leaves_nothing(tier):
    """Whoever opened it fails while programs run and others wait."""

    async def fail():
        async with opened(tier, processes=2) as sandbox:
            runs = [asyncio.ensure_future(innocent(sandbox)) for _ in range(20)]
            await asyncio.wait(runs, return_when="FIRST_COMPLETED")
            for run in runs:
                run.cancel()
            raise KeyError("of the caller")

    with scratch() as folder:
        before = descendants()
        with pytest.raises(KeyError, match="of the caller"):
            asyncio.run(asyncio.wait_for(fail(), 120))
        assert not survivors(before, within=10)
        assert not list(folder.rglob("*"))


KILLED = """
import asyncio, sys
from archsearch.program import Program
from archsearch.sandbox import Sandbox

async def main():
    async with Sandbox.open(tier=sys.argv[1], processes=2) as sandbox:
        programs = [Program(source=text) for text in (SPIN, SLEEP, SPIN)]
        runs = [asyncio.create_task(sandbox.run(program)) for program in programs]
        await asyncio.sleep(0.5)
        print(f"stage={sandbox.keepers[0].settings['stage']}", flush=True)
        await asyncio.gather(*runs)

SPIN, SLEEP = "while True: pass", "import time; time.sleep(60)"
asyncio.run(main())
"""


@pytest.mark.parametrize("tier", TIERS)
def test_archsearch_that_is_killed_leaves_nothing(tier):
    """No process, no file and no control group, though nobody was there to clean up."""
    with World(), scratch() as folder:
        before = descendants()
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, tier], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with process:
            said = process.stdout.readline()
            started = descendants() - before
            stages = [Path(line.split("=")[1]) for line in said.decode().split() if "=" in line]
            process.kill()
            if not said:
                pytest.skip(process.stderr.read().decode()[-300:])
        assert not _left(before, within=30)
        assert not list(folder.rglob("*"))
        assert not groups(started)
        assert [stage.exists() for stage in stages] == [False]


def _left(before, within):
    """Processes that are left, once they had time to clean up. What lost its parent is ours, for we
    are a subreaper while the world stands."""
    end = time.monotonic() + within
    while (left := survivors(before, within=0)) and time.monotonic() < end:
        os.waitpid(-1, os.WNOHANG)
        time.sleep(0.05)
    return left

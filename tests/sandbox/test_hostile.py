"""Hostile programs in every kind of sandbox that this host gives: none breaks out."""

import asyncio
import time
from pathlib import Path

import pytest

from archsearch.program import Call, Program
from tests.sandbox.case import CASES
from tests.sandbox.host import TIERS, opened
from tests.sandbox.trial import Footprint, batch, scratch
from tests.sandbox.watch import descendants, survivors
from tests.sandbox.world import World

TOGETHER = 7


@pytest.fixture(scope="module", params=TIERS)
def seen(request):
    """What was seen of all cases in one tier."""
    return run_all(request.param)


def run_all(tier):
    """Opens a sandbox, runs all cases, closes it, and looks for what is left."""

    async def run():
        async with opened(tier, processes=TOGETHER) as sandbox:
            seen = await batch(sandbox, world, CASES.values(), together=TOGETHER - 1)
            return seen, Footprint(sandbox)

    with World() as world, scratch() as folder:
        before = descendants()
        descriptors = _descriptors()
        seen, footprint = asyncio.run(run())
        seen.survivors = survivors(before, within=1)
        seen.leftovers = [*footprint.left(), *map(str, folder.rglob("*"))]
        if _descriptors() > descriptors:
            seen.leftovers.append("descriptors")
    return seen


def _descriptors():
    """How many this process has open for longer than a moment, as the world's own thread does."""
    counts = []
    for _ in range(5):
        counts.append(len(list(Path("/proc/self/fd").iterdir())))
        time.sleep(0.02)
    return min(counts)


@pytest.mark.parametrize("name", CASES)
def test_a_program_ends_as_it_may(seen, name):
    ended = seen.ended[name]
    assert not ended.faults, ended.execution


def test_nothing_outside_has_changed(seen):
    assert not seen.breaches


def test_innocent_programs_beside_them_do_as_they_do_alone(seen):
    assert len(seen.innocents) > 20
    assert not seen.false_failures


def test_nothing_is_left(seen):
    assert not seen.survivors
    assert not seen.leftovers


def test_there_are_enough():
    assert len(CASES) >= 60


NO_PROGRAMS = {
    "empty": ("", "ok"),
    "nul": ("x = 1\0", "exception"),
    "surrogate": ("x = '\ud800'", "ok exception"),
    "bad syntax": ("def f(:", "exception"),
    "bad encoding": ("# -*- coding: nonsense -*-\n", "ok exception"),
    "escapes": ("\x1b[2J\x07", "exception"),
    "deep": ("(" * 200_000 + ")" * 200_000, "exception memory"),
    "long": ("x = 1\n" * 500_000, "ok memory timeout"),
    "one line": ("x = " + "1 + " * 300_000 + "1", "exception memory ok"),
}


@pytest.mark.parametrize("tier", TIERS)
def test_text_that_is_no_program_is_the_programs_fault(tier):
    async def run():
        async with opened(tier, processes=2) as sandbox:
            programs = [Program(source=source) for source, _ in NO_PROGRAMS.values()]
            programs.append(Program(source="def f(x): return x", calls=(Call(function="g"),)))
            return await asyncio.gather(*map(sandbox.run, programs))

    *ended, missing = asyncio.run(run())
    for (name, (_, statuses)), execution in zip(NO_PROGRAMS.items(), ended, strict=True):
        assert execution.status in statuses.split(), (name, execution)
    assert missing.replies[0].status == "exception"


def test_no_program_is_a_module():
    """Whatever collects modules, as pytest does for their examples, would run it outside."""
    folder = Path(__file__).parent
    programs = [p for kind in ("hostile", "forged", "honest") for p in (folder / kind).iterdir()]
    assert len(programs) > 180
    assert {place.suffix for place in programs} == {".txt"}

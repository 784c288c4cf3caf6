"""Many runs in one sandbox, some of them hostile, and what has piled up after them."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from archsearch.sandbox import Sandbox
from tests.sandbox.case import CASES, Case
from tests.sandbox.trial import Footprint, attempt, differs, groups, innocent
from tests.sandbox.watch import descendants, told
from tests.sandbox.world import World

WARM = 40
"""Runs before the first look: caches fill."""
QUICK = [
    replace(case, limits=replace(case.limits, seconds=min(0.5, case.limits.seconds)))
    if "timeout" in case.statuses
    else case
    for case in CASES.values()
    if not case.calls
]
"""Cases; those that may time out do so soon."""


@dataclass(frozen=True, slots=True)
class Heap:
    """What is there at one moment."""

    descriptors: int
    """Of this process and of all below it."""
    files: int
    """In the folders for temporary files."""
    groups: int
    """Control groups that are ours."""
    memory_bytes: int
    """Of this process and of all below it: what is their own."""
    processes: tuple[str, ...]
    zombies: int

    @classmethod
    def look(cls, *folders: Path) -> Heap:
        """Looks now."""
        below = descendants()
        lines = told(below)
        everyone = {os.getpid(), *below}
        return cls(
            descriptors=sum(len(_names(f"/proc/{pid}/fd")) for pid in everyone),
            files=sum(1 for folder in folders for _ in folder.rglob("*")),
            groups=len(groups(below)),
            memory_bytes=sum(_own(pid) for pid in everyone),
            processes=tuple(line.split(" ", 2)[2] for line in sorted(lines)),
            zombies=sum(line.split()[1] == "Z" for line in lines),
        )


@dataclass(slots=True, kw_only=True)
class Soaked:
    """What became of many runs."""

    runs: int
    hostile: int
    seconds: float
    before: Heap
    after: Heap
    false_failures: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Of hostile runs."""

    @property
    def growth(self) -> dict[str, int]:
        """How much more there is after than before."""
        return {
            "survivors": len(self.after.processes) - len(self.before.processes),
            "zombies": self.after.zombies,
            "descriptors": self.after.descriptors - self.before.descriptors,
            "files": self.after.files - self.before.files + self.after.groups - self.before.groups,
            "memory_mb": (self.after.memory_bytes - self.before.memory_bytes) >> 20,
        }


async def soak(
    sandbox: Sandbox, world: World, folder: Path, *, runs: int, hostile: int, together: int
) -> Soaked:
    """`runs` programs, `hostile` of them hostile, in an order drawn once, `together` at a time.

    `folder` holds all temporary files of this process.
    """
    alone = await innocent(sandbox)
    await asyncio.gather(*(innocent(sandbox) for _ in range(WARM)))
    folders = (folder, Footprint(sandbox).stage / "scratch")
    before, began = Heap.look(*folders), time.monotonic()
    soaked = Soaked(runs=runs, hostile=hostile, seconds=0, before=before, after=before)
    gate = asyncio.Semaphore(together)

    async def one(case: Case | None) -> None:
        async with gate:
            if case:
                soaked.faults += [
                    f"{case.name}: {f}" for f in (await attempt(sandbox, world, case)).faults
                ]
                return
            if difference := differs(await innocent(sandbox), alone):
                soaked.false_failures.append(difference)

    await asyncio.gather(*(one(case) for case in _order(runs, hostile)))
    soaked.seconds = time.monotonic() - began
    await asyncio.sleep(0.3)
    soaked.after = Heap.look(*folders)
    return soaked


def _order(runs: int, hostile: int) -> Sequence[Case | None]:
    order = [QUICK[at % len(QUICK)] if at < hostile else None for at in range(runs)]
    random.Random(0).shuffle(order)
    return order


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _own(pid: int) -> int:
    """Bytes of memory that are the process's own."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0

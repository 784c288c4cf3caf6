"""Runs cases in a sandbox and gives what was seen, from outside, of each and of all together."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archsearch.program import Call, Execution, Program, Runner
from archsearch.sandbox import Sandbox
from tests.sandbox.case import LIMITS, Case
from tests.sandbox.watch import Watch, descendants, survivors
from tests.sandbox.world import World

GRACE = 2.0
"""Seconds beyond its limit within which a program must be gone."""
SCAVENGER = Path(__file__).parent / "scavenger.txt"
INNOCENT = """
import os, sys
seen = (sorted(os.environ.items()), sorted(os.listdir(".")), sys.path, sorted(sys.modules))
print(str(seen).replace(os.getcwd(), "here"))
def squares(numbers):
    return [number * number for number in numbers]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a case ended."""

    case: Case
    execution: Execution
    outside: float
    """Wall seconds that the run took, waiting for its turn and for a second try included."""
    leaked: bool

    @property
    def overrun(self) -> float:
        """Wall seconds that it lived beyond its limit."""
        return self.execution.seconds - self.case.limits.seconds

    @property
    def faults(self) -> list[str]:
        """What is wrong about it; no breach, unless a secret came out."""
        found = ["secrets: it told one"] if self.leaked else []
        if self.execution.status not in self.case.statuses:
            found.append(f"status {self.execution.status}, {self.execution.error[:200]!r}")
        if self.overrun > GRACE:
            found.append(f"overrun: {self.overrun:.1f} s")
        said = (self.execution.stdout, self.execution.stderr)
        if any(len(text.encode()) > self.case.limits.output_bytes * 3 for text in said):
            found.append(f"output: {max(map(len, said))} characters came out")
        return found


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen of a batch."""

    ended: dict[str, Ended] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    """Of the world as a whole."""
    innocents: list[Execution] = field(default_factory=list)
    false_failures: list[str] = field(default_factory=list)
    """Innocent programs that ran beside and after, and did not do as they do alone."""
    peak_bytes: int = 0
    survivors: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    """Files and descriptors."""


class Footprint:
    """Where a sandbox keeps files on the host, and which control groups are its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        """While it is open."""
        self.stage = Path(sandbox.keepers[0].settings["stage"])
        self.wardens = [keeper.pid for keeper in sandbox.keepers if keeper.pid]

    def left(self) -> list[str]:
        """What is still there, once it has closed."""
        stage = [str(self.stage)] if self.stage.exists() else []
        return [*stage, *groups(self.wardens)]


def groups(wardens: Iterable[int]) -> list[str]:
    """The control groups that these processes made."""
    made = (Path("/sys/fs/cgroup").glob(f"**/archsearch-{pid}-*") for pid in wardens)
    return [str(group) for of_one in made for group in of_one]


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that takes the temporary files of this process, so that each is found."""
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(
        prefix="archsearch-scratch-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        folder.chmod(0o755)
        tempfile.tempdir = os.environ["TMPDIR"] = name
        try:
            yield folder
        finally:
            tempfile.tempdir = before
            if variable is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = variable


async def attempt(sandbox: Runner, world: World, case: Case) -> Ended:
    """Runs one case."""
    began = time.monotonic()
    execution = await sandbox.run(case.program(world.brief(case.name)))
    outside = time.monotonic() - began
    # It must be possible to store what came out.
    json.dumps([execution.stdout, execution.stderr, execution.error], ensure_ascii=False).encode()
    return Ended(case=case, execution=execution, outside=outside, leaked=world.leaked(execution))


async def batch(sandbox: Runner, world: World, cases: Iterable[Case], *, together: int) -> Seen:
    """Runs cases, `together` at a time, beside innocent programs, and a scavenger after them."""
    seen, watch = Seen(), Watch(apart_from=[sibling.pid for sibling in world.siblings])
    alone = await innocent(sandbox)
    gate = asyncio.Semaphore(together)

    async def one(case: Case) -> None:
        async with gate:
            seen.ended[case.name] = await attempt(sandbox, world, case)

    with watch:
        async with beside(sandbox, seen), asyncio.TaskGroup() as group:
            for case in cases:
                group.create_task(one(case))
        seen.innocents.append(await innocent(sandbox))
        scavenged = await sandbox.run(
            Program(source=SCAVENGER.read_text("utf-8"), stdin=world.brief("scavenger"))
        )
    seen.false_failures += filter(None, (differs(one, alone) for one in seen.innocents))
    if world.mark in repr(scavenged) or scavenged.status != "ok":
        seen.breaches.append(f"marks: {scavenged}"[:1500])
    seen.breaches += [*world.breaches(), *sorted(watch.breaches)]
    seen.peak_bytes = watch.peak_bytes
    if seen.peak_bytes > together * LIMITS.memory_bytes * 1.5 + (256 << 20):
        seen.breaches.append(f"memory: {seen.peak_bytes >> 20} MiB were taken at once")
    return seen


async def innocent(sandbox: Runner) -> Execution:
    """Runs a program that does no harm and tells what it sees."""
    call = Call(function="squares", args=([1, 2, 3],))
    return await sandbox.run(Program(source=INNOCENT, calls=(call,)))


def differs(execution: Execution, alone: Execution) -> str:
    """How a run of the innocent program differs from one that it had for itself, if it does."""
    assert [reply.value for reply in alone.replies] == [[1, 4, 9]], alone
    told = [(one.status, one.replies, one.stdout) for one in (execution, alone)]
    return "" if told[0] == told[1] else f"{execution} is not {alone}"[:1500]


@contextlib.asynccontextmanager
async def beside(sandbox: Runner, seen: Seen) -> AsyncIterator[None]:
    """Runs innocent programs one after another for as long as it is entered."""
    ended = asyncio.Event()

    async def go_on() -> None:
        while not ended.is_set():
            seen.innocents.append(await innocent(sandbox))

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        ended.set()
        await task


def bare(case: Case, world: World, folder: Path) -> list[str]:
    """Runs a case in no sandbox, in an empty folder, and gives what is seen: what a breach would
    look like. Its parent is a process that may be killed.
    """
    before = descendants()
    (folder / "stdin").write_text(world.brief(case.name))
    start = "import subprocess, sys; subprocess.run(sys.argv[1:], close_fds=False)"
    command = [sys.executable, "-c", start, sys.executable, "-c", case.source]
    with (
        Watch(apart_from=[sibling.pid for sibling in world.siblings]) as watch,
        (folder / "stdin").open("rb") as stdin,
        (folder / "said").open("wb") as said,
    ):
        process = subprocess.Popen(
            command, stdin=stdin, stdout=said, stderr=said, cwd=folder,
            close_fds=False, start_new_session=True,
        )  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=case.limits.seconds + 2)
    found = [*world.breaches(), *sorted(watch.breaches)]
    found += [f"survivors: {left}" for left in survivors(before, within=0.1)]
    for pid in descendants() - before:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    said_text = (folder / "said").read_bytes().decode("utf-8", "replace")
    return [*found, *(["secrets: it told one"] if world.leaked(said_text) else [])]

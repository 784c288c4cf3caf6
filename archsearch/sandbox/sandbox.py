"""The sandbox as archsearch uses it: a pool in which each program has one of its own."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from archsearch.errors import ConfigError, SandboxFailed, SandboxUnavailable, UnknownName
from archsearch.program import Execution, Program, Reply
from archsearch.sandbox import canaries, cgroup, ground, plain
from archsearch.sandbox import stage as stages
from archsearch.sandbox.keeper import Keeper
from archsearch.sandbox.stage import Stage
from archsearch.sandbox.tiers import AUTOMATIC, TIERS

VERSION = "v3"
"""Part of every execution's key; another one where the same program may end otherwise."""
STARVED = 0.9
"""A program that had less than this share of a core until it timed out may have had to wait."""


class Sandbox:
    """Runs programs, each in a fresh sandbox; `archsearch.program.Runner`.

    ```python
    async with Sandbox.open() as sandbox:
        execution = await sandbox.run(Program(source="print(1)"))
    ```
    """

    def __init__(self, tier: str, stage: Stage, processes: int) -> None:
        """Not for callers, who would have a sandbox that nobody tried: see `open`."""
        self.tier = tier
        python = f"{platform.python_implementation()}-{platform.python_version()}"
        self.identity = " ".join([tier, python, platform.machine(), VERSION, *stage.packages])
        settings = _settings(tier, stage)
        self.keepers = [Keeper(settings | {"uid": ground.user(n)}) for n in range(processes)]
        self._free: asyncio.Queue[Keeper] = asyncio.Queue()
        self._alone = asyncio.Lock()
        for keeper in self.keepers:
            self._free.put_nowait(keeper)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        tier: str | None = None,
        processes: int | None = None,
        packages: Sequence[str] = (),
        unsafe: bool = False,
    ) -> AsyncIterator[Sandbox]:
        """A sandbox that holds: its canaries have been run in it.

        `tier`: the kind; None for the best that this host gives. `processes`: how many programs run
        at once; None for one a core. `packages`: names of installed distributions that programs may
        import, besides the standard library; what these depend on has to be named too. `unsafe`:
        runs programs in no sandbox at all, as the user; each result says so.

        Raises `SandboxUnavailable`, before any program, where no sandbox holds.
        """
        names = _chosen(tier, unsafe)
        if processes is None:
            processes = len(os.sched_getaffinity(0))
        if processes < 1:
            raise ConfigError(f"a sandbox runs at least one program at once; got {processes}")
        async with AsyncExitStack() as stack:
            stage = await asyncio.to_thread(stages.make, packages)
            stack.push_async_callback(asyncio.to_thread, stage.remove)
            yield await _first(stack, names, stage, processes)

    async def run(self, program: Program) -> Execution:
        """Runs it once, in a sandbox of its own.

        Never raises for what the program does. A time-out is told once it was found again while
        nothing else ran here, unless the program had a core to itself all along. Cancelled, it
        leaves nothing behind.
        """
        async with self._alone:  # in turn: the queue lets those who return overtake those who wait
            keeper = await self._free.get()
        try:
            execution = await self._run(keeper, program)
        finally:
            self._free.put_nowait(keeper)
        if execution.status != "timeout" or not _starved(execution):
            return execution
        return await self._run_alone(program)

    async def _run_alone(self, program: Program) -> Execution:
        """Runs it while no other program runs here."""
        taken: list[Keeper] = []
        async with self._alone:
            try:
                while len(taken) < len(self.keepers):
                    taken.append(await self._free.get())
                return await self._run(taken[0], program)
            finally:
                for keeper in taken:
                    self._free.put_nowait(keeper)

    async def _run(self, keeper: Keeper, program: Program) -> Execution:
        try:
            seen = await keeper.ask(program)
        except SandboxFailed as error:
            return Execution(status="sandbox_error", tier=self.tier, error=str(error))
        replies = tuple(_reply(content) for content in seen.pop("replies"))
        stdout, stderr = (_text(seen.pop(name)) for name in ("stdout", "stderr"))
        return Execution(tier=self.tier, replies=replies, stdout=stdout, stderr=stderr, **seen)


def _chosen(tier: str | None, unsafe: bool) -> tuple[str, ...]:
    """The kinds to try, the best first."""
    if unsafe and tier in (None, "unsafe"):
        return ("unsafe",)
    if unsafe:
        raise ConfigError(f"unsafe means no sandbox; got the kind {tier!r} too; leave out either")
    if tier == "unsafe":
        raise ConfigError("running without a sandbox has to be meant; set unsafe=True")
    if tier is not None and tier not in TIERS:
        raise UnknownName("kind of sandbox", tier, TIERS)
    return AUTOMATIC if tier is None else (tier,)


class Standing(NamedTuple):
    """Whether this host gives a kind of sandbox."""

    tier: str
    ok: bool
    reason: str
    """Why not, and the remedy; empty where it does."""


async def survey(tier: str | None = None) -> tuple[Standing, ...]:
    """Tries what `Sandbox.open` would, in its order, up to the first kind that is `ok`."""
    found: list[Standing] = []
    stage = await asyncio.to_thread(stages.make)
    try:
        for name in _chosen(tier, unsafe=False):
            async with AsyncExitStack() as stack:
                try:
                    await _establish(stack, name, stage, processes=1)
                except SandboxUnavailable as error:
                    found.append(Standing(name, False, str(error)))
                else:
                    return (*found, Standing(name, True, ""))
    finally:
        await asyncio.to_thread(stage.remove)
    return tuple(found)


async def _first(
    stack: AsyncExitStack, names: Sequence[str], stage: Stage, processes: int
) -> Sandbox:
    """The first of them that holds."""
    reasons = []
    for name in names:
        try:
            return await _establish(stack, name, stage, processes)
        except SandboxUnavailable as error:
            reasons.append(f"{name}: {error}")
    raise SandboxUnavailable(
        "programs run only in a sandbox that holds; this host gives none of these: "
        + "; ".join(reasons)
    )


async def _establish(stack: AsyncExitStack, name: str, stage: Stage, processes: int) -> Sandbox:
    """A sandbox of that kind, which has held."""
    async with AsyncExitStack() as own:
        sandbox = Sandbox(name, stage, processes)
        for keeper in sandbox.keepers:
            own.push_async_callback(keeper.close)
        if TIERS[name].isolates:
            await _release_canaries(sandbox)
        stack.push_async_callback(own.pop_all().aclose)
    return sandbox


async def _release_canaries(sandbox: Sandbox) -> None:
    user = sandbox.keepers[0].settings["uid"]
    wardens = (keeper.pid for keeper in sandbox.keepers if keeper.pid)
    try:
        await canaries.check(sandbox, user, wardens)
    except SandboxUnavailable as error:
        remedy = TIERS[sandbox.tier].remedy
        raise SandboxUnavailable("; ".join(filter(None, (str(error), remedy)))) from error


def _settings(tier: str, stage: Stage) -> dict[str, Any]:
    """What a warden has to know, but for the user of its programs."""
    kind = TIERS[tier]
    obstacle = kind.obstacle()
    if obstacle:
        raise SandboxUnavailable(obstacle)
    groups = cgroup.place()
    return {
        "tier": tier,
        "stage": str(stage.folder),
        "python": stage.python,
        "tool": kind.prepare(stage),
        "groups": (str(groups.folder), groups.version) if groups else ("", 0),
    }


def _starved(execution: Execution) -> bool:
    return execution.cpu_seconds < STARVED * execution.seconds


def _reply(content: bytes) -> Reply:
    status, value, error, _ = plain.decode(content)
    return Reply(status=status, value=value, error=error)


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")

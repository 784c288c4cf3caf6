"""The processes below one: what they take, and their end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Usage:
    """What some processes take."""

    cpu_seconds: float
    memory_bytes: int
    largest_bytes: int
    """Of the process that takes most."""
    threads: int


@dataclass(frozen=True, slots=True)
class End:
    """A process that ended, and what it took; the children that it waited for count with it."""

    pid: int
    code: int
    """Negative for a signal."""
    cpu_seconds: float
    memory_bytes: int
    """Resident at its peak."""


def adopt_orphans() -> None:
    """Makes the calling process the parent of every process below it that loses its own, so that
    it can find and reap them all."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot become a subreaper")


def children(pid: int) -> list[int]:
    """Of all its threads; none if it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_bytes().split())
    return found


def below(pid: int) -> Iterator[int]:
    """The process itself and all below it."""
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += children(one)


def usage(pids: Iterable[int]) -> Usage:
    """What they take now. CPU time counts the children that they waited for; memory that several of
    them share counts once for each."""
    cpu = threads = 0
    pages = [0]
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            cpu += sum(map(int, fields[11:15]))
            threads += int(fields[17])
            pages.append(int(fields[21]))
    return Usage(cpu / _TICKS, sum(pages) * _PAGE, max(pages) * _PAGE, threads)


def proportional(pids: Iterable[int]) -> int:
    """Their memory in bytes, what n processes share counting one n-th for each."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
            total += next(int(line.split()[1]) << 10 for line in lines if line[:4] == b"Pss:")
        except (OSError, StopIteration):  # not readable, or gone
            total += usage([pid]).memory_bytes
    return total


def end_all() -> Iterator[End]:
    """Kills and reaps every process below this one, until there is none.

    The kernel reaps for itself what dies with a namespace, and forgets what that took; so what the
    processes took until now is told first, as of a process that is none, and not twice.
    """
    before = usage(pid for child in children(os.getpid()) for pid in below(child))
    ended = list(_end_all())
    missing = before.cpu_seconds - sum(end.cpu_seconds for end in ended)
    yield End(0, 0, max(0.0, missing), before.largest_bytes)
    yield from ended


def _end_all() -> Iterator[End]:
    while True:
        for pid in children(os.getpid()):
            for one in list(below(pid)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(one, signal.SIGKILL)
        try:
            yield _reaped(*os.wait4(-1, 0))
        except ChildProcessError:
            return
        yield from reap()


def reap() -> Iterator[End]:
    """Every child that ended and was not reaped."""
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield _reaped(pid, status, used)


def _reaped(pid: int, status: int, used: resource.struct_rusage) -> End:
    code = os.waitstatus_to_exitcode(status)
    return End(pid, code, used.ru_utime + used.ru_stime, used.ru_maxrss << 10)

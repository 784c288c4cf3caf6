"""What programs do while they run, seen from outside: by /proc of the host, again and again.

A program that tries what cannot be seen otherwise calls itself `hostile` (its thread's name) and
pauses, so that it is looked at before and after.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_NAME = "hostile"
_DOORS = ("io_uring", "bpf", "perf_event", "userfaultfd", "fanotify")
"""What descriptors of doors into the kernel are called."""
_NAMESPACES = ("user", "net", "mnt", "uts", "ipc")


class Watch:
    """Looks at all processes below this one for as long as it is entered."""

    def __init__(self, *, interval: float = 0.03, apart_from: Collection[int] = ()) -> None:
        """Every `interval` seconds; `apart_from` are processes that are ours."""
        self.breaches: set[str] = set()
        self.named = 0
        """How often a process that calls itself hostile was seen."""
        self.peak_bytes = 0
        """Most memory that they took together, beyond what was taken at the start; what lies in
        files that are in memory is that of the whole host."""
        self._interval, self._apart_from = interval, set(apart_from)
        self._namespaces: dict[tuple[int, str], str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._shared = 0

    def __enter__(self) -> Self:
        """Starts."""
        self._shared = _shared()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self._interval):
            taken = max(0, _shared() - self._shared)
            for pid in descendants() - self._apart_from:
                with contextlib.suppress(OSError, ValueError):
                    taken += self._look(Path(f"/proc/{pid}"), pid)
            self.peak_bytes = max(self.peak_bytes, taken)

    def _look(self, place: Path, pid: int) -> int:
        """Notes breaches; gives the bytes that are the process's own."""
        status = dict(
            line.split(":\t", 1) for line in (place / "status").read_text().splitlines() if line
        )
        if status["Name"] == _NAME:
            self.named += 1
            self._look_closely(place, pid, status)
        return int(status.get("RssAnon", "0 kB").split()[0]) << 10

    def _look_closely(self, place: Path, pid: int, status: dict[str, str]) -> None:
        parent = int(status["PPid"])
        for kind in _NAMESPACES:
            now = str((place / "ns" / kind).readlink())
            before = self._namespaces.setdefault((pid, kind), now)
            if {now, before, self._namespaces.get((parent, kind), now)} != {now}:
                self.breaches.add(f"namespaces: one of its own, {kind}")
        for descriptor in (place / "fd").iterdir():
            target = str(descriptor.readlink())
            if any(door in target for door in _DOORS):
                self.breaches.add(f"descriptors: {target}")
        if f" {_NAME} " in (place / "mountinfo").read_text():
            self.breaches.add("mounts: a file system of its own")
        self.breaches |= {f"identity: {what}" for what in _rights(place, pid, status)}


def _rights(place: Path, pid: int, status: dict[str, str]) -> Iterator[str]:
    """What a process may that no program may."""
    if os.getuid() == 0 and "0" in status["Uid"].split():
        yield "the host's root"
    if status["NoNewPrivs"] != "1":
        yield "may gain privileges"
    if int((place / "oom_score_adj").read_text()) < int(_text("/proc/self/oom_score_adj")):
        yield "killed later than others for want of memory"
    if os.getpriority(os.PRIO_PROCESS, pid) < os.getpriority(os.PRIO_PROCESS, 0):
        yield "more urgent than others"


def descendants() -> set[int]:
    """All processes below this one, those that ended and were not waited for included."""
    below: dict[int, list[int]] = {}
    for pid, parent in _processes():
        below.setdefault(parent, []).append(pid)
    found: set[int] = set()
    left = below.get(os.getpid(), [])
    while left:
        pid = left.pop()
        found.add(pid)
        left.extend(below.get(pid, []))
    return found


def told(pids: Collection[int]) -> list[str]:
    """What processes are, for a message."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            state = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()[0]
            found.append(f"{pid} {state} {_text(f'/proc/{pid}/cmdline')[:100]!r}")
    return found


def survivors(before: Collection[int], *, within: float) -> list[str]:
    """The processes below this one that were not there before, once `within` seconds were given
    them to end."""
    end = time.monotonic() + within
    while (left := descendants() - set(before)) and time.monotonic() < end:
        time.sleep(0.02)
    return told(left)


def _processes() -> Iterator[tuple[int, int]]:
    for entry in os.listdir("/proc"):  # noqa: PTH208, a Path for each costs more than the rest
        if entry.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry), int(_text(f"/proc/{entry}/stat").rpartition(")")[2].split()[1])


def _shared() -> int:
    """Bytes that the whole host keeps in files that are in memory."""
    lines = _text("/proc/meminfo").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Shmem:"))


def _text(place: str) -> str:
    with open(place, encoding="utf-8", errors="replace") as file:  # noqa: PTH123, as above
        return file.read()

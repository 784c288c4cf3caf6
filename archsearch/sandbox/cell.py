"""One process in a sandbox, as the warden outside sees it: its pipes, its clock, its limits."""

from __future__ import annotations

import math
import os
import struct
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archsearch.program import Limits, Status
from archsearch.sandbox import disk, plain, tree
from archsearch.sandbox.cgroup import Group
from archsearch.sandbox.inside import CALL, END, READY
from archsearch.sandbox.launch import Launched, launch
from archsearch.sandbox.tiers.base import Tier

INTERPRETER_BYTES = 32 << 20
"""Address space of an interpreter that does nothing, on top of what a program may take."""
ERROR_BYTES = 8192
"""Room for one error in what a program answers, on top of its values."""
OPEN_FILES = 256
START_SECONDS = 60.0
WATCH_SECONDS = 0.04
_CHUNK = 1 << 16
_HEAD = struct.Struct(">I")


class Cell:
    """A process, from its start to the verdict on it."""

    def __init__(
        self, tier: Tier, limits: Limits, mode: str, scratch: Path | None, group: Group | None
    ) -> None:
        """`mode`: `plain`, `calls`, `subject` or `test`, as `inside.py` knows them."""
        self.tier = tier
        self.limits = limits
        self.mode = mode
        self.scratch = scratch
        self.group = group
        self.stdout, self.stderr, self._answers = bytearray(), bytearray(), bytearray()
        self.verdict: tuple[Status, str] | None = None
        """What stopped it from outside; the first holds."""
        self.ready = False
        self.told: tuple[str, str] | None = None
        """The error in its `END` and that error's builtin kind, empty for none."""
        self.exit_code: int | None = None
        self._open: dict[int, bytearray] = {}
        self._requests: int | None = None
        self._closing = False
        self._waiting: deque[memoryview] = deque()
        self._started = self._watched = time.monotonic()
        self._released: float | None = None
        self._ended: float | None = None

    def start(self, stdin: str, functions: tuple[str, ...]) -> None:
        """Starts it and sends its setup. Raises `OSError` where the host has no room for it."""
        text = stdin.encode("utf-8", "surrogatepass")
        self._process: Launched = launch(self.tier, self.limits, text, self.scratch, self.group)
        self._open = {
            self._process.stdout: self.stdout,
            self._process.stderr: self.stderr,
            self._process.answers: self._answers,
        }
        self._requests = self._process.requests
        setup = {
            "mode": self.mode,
            "rlimits": self._rlimits(),
            "paths": [self.tier.packages],
            "functions": list(functions),
            "filter": self.tier.filter() if self.tier.filters_inside else b"",
            "value_bytes": self.limits.output_bytes,
        }
        self.send(plain.encode(setup, 1 << 20))

    def _rlimits(self) -> dict[str, tuple[int, int]]:
        """Soft and hard limits. That of CPU time is a second late, should the warden be kept from
        watching; its signal tells it from other ends, and the one that cannot be caught follows."""
        limits = self.limits
        late = math.ceil(limits.cpu_seconds) + 1
        rlimits = {
            "RLIMIT_AS": limits.memory_bytes + INTERPRETER_BYTES,
            "RLIMIT_FSIZE": limits.disk_bytes,
            "RLIMIT_NOFILE": OPEN_FILES,
            "RLIMIT_CORE": 0,
        }
        processes = self.tier.processes(limits)
        if processes is not None:
            rlimits["RLIMIT_NPROC"] = processes
        same = {name: (value, value) for name, value in rlimits.items()}
        return same | {"RLIMIT_CPU": (late, late + 1)}

    # -- pipes

    @property
    def pid(self) -> int:
        """Of the sandbox's command."""
        return self._process.pid

    @property
    def readable(self) -> list[int]:
        """The descriptors that something may still come out of."""
        return list(self._open)

    @property
    def writable(self) -> int | None:
        """The descriptor that what waits is to go into; None while nothing waits."""
        return self._requests if self._waiting or self._closing else None

    def release(self, source: str) -> None:
        """Sends the source in; from now on its time counts."""
        self._released = time.monotonic()
        self.send(plain.encode(source, len(source) * 4 + 16))

    def send(self, content: bytes) -> None:
        """Sends plain data in, when there is room."""
        self._waiting.append(memoryview(_HEAD.pack(len(content) + 1) + CALL + content))
        self.write()

    def send_no_more(self) -> None:
        """Lets it see the end of what is sent."""
        self._closing = True
        self.write()

    def write(self) -> None:
        """Sends in what waits, as far as there is room."""
        if self._requests is None:
            return
        try:
            while self._waiting:
                piece = self._waiting[0]
                written = os.write(self._requests, piece)
                self._waiting[0] = piece[written:]
                if written == len(piece):
                    self._waiting.popleft()
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._waiting.clear()
            self._closing = True
        if self._closing:
            os.close(self._requests)
            self._requests = None

    def read(self, descriptor: int) -> bool:
        """Takes in what came; False where nothing is there now, or nothing can come any more."""
        try:
            piece = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not piece:
            os.close(descriptor)
            del self._open[descriptor]
            return False
        made = self._open[descriptor]
        made += piece
        if made is not self._answers and len(made) > self.limits.output_bytes:
            name = "stdout" if made is self.stdout else "stderr"
            self.stop("output", f"more than {self.limits.output_bytes} bytes on {name}")
            del made[self.limits.output_bytes :]
        return True

    def frames(self) -> Iterator[tuple[bytes, bytes]]:
        """Takes the frames that came whole, as kind and content, but for `READY` and `END`, which
        it keeps. What is no frame stops it."""
        while self.verdict is None and len(self._answers) >= _HEAD.size:
            (size,) = _HEAD.unpack_from(self._answers)
            if not 1 <= size <= self.limits.output_bytes + ERROR_BYTES:
                self.stop("exception", "it wrote among its answers what is no answer")
                return
            end = _HEAD.size + size
            if len(self._answers) < end:
                return
            kind = bytes(self._answers[_HEAD.size : _HEAD.size + 1])
            content = bytes(self._answers[_HEAD.size + 1 : end])
            del self._answers[:end]
            if not self._keep(kind, content):
                yield kind, content

    def _keep(self, kind: bytes, content: bytes) -> bool:
        if kind == READY and not self.ready:
            self.ready = True
        elif kind == END and self.told is None:
            told = read_plain(content)
            if not (isinstance(told, tuple) and [type(one) for one in told] == [str, str]):
                self.stop("exception", "it wrote among its answers what is no answer")
                return True
            self.told = told
        else:
            return False
        return True

    # -- limits

    def watch(self) -> None:
        """Stops it where it is past a limit; looks no more often than every `WATCH_SECONDS`."""
        limits, now = self.limits, time.monotonic()
        if now < self._watched + WATCH_SECONDS:
            return
        self._watched = now
        if not self.ready and now - self._started > START_SECONDS:
            self.stop("sandbox_error", f"it did not start within {START_SECONDS:.0f} seconds")
        if self._released is not None and now - self._released > limits.seconds:
            self.stop("timeout", f"more than {limits.seconds:g} seconds")
        if self._released is None or self.verdict:
            return
        pids = list(tree.below(self.pid))
        used = tree.usage(pids)
        if used.cpu_seconds > limits.cpu_seconds:
            self.stop("timeout", f"more than {limits.cpu_seconds:g} seconds of CPU time")
        most = limits.memory_bytes + self.tier.overhead_bytes
        if (self.group and self.group.killed()) or (
            used.memory_bytes > most and tree.proportional(pids) > most
        ):
            self.stop("memory", f"more than {limits.memory_bytes} bytes of memory")
        if not self.tier.namespaces:
            if used.threads > limits.processes:
                self.stop("exception", f"more than {limits.processes} processes and threads")
            if self.scratch and disk.is_full(self.scratch, pids, limits.disk_bytes):
                self.stop("memory", f"more than {limits.disk_bytes} bytes of files, or too many")

    def stop(self, status: Status, error: str) -> None:
        """Decides what became of it, unless that is decided."""
        self.verdict = self.verdict or (status, error)

    # -- the end

    @property
    def seconds(self) -> float:
        """Wall time since its source was sent in."""
        if self._released is None:
            return 0.0
        return max(0.0, (self._ended or time.monotonic()) - self._released)

    def end(self, code: int) -> None:
        """It exited by itself, with this code."""
        self._ended = time.monotonic()
        self.exit_code = self.tier.exit_code(code)

    def close(self) -> None:
        """Takes in what is left in its pipes, of which no process holds the other end now, and
        lets go of them."""
        self._ended = self._ended or time.monotonic()
        for descriptor in self.readable:
            while self.read(descriptor):
                pass
        for descriptor in self.readable:
            os.close(descriptor)
        self._open.clear()
        if self._requests is not None:
            os.close(self._requests)
            self._requests = None


def read_plain(content: bytes) -> Any:
    """The value; None for bytes that are none."""
    try:
        return plain.decode(content)
    except plain.NotPlain:
        return None

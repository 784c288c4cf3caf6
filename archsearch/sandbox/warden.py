"""A small process that starts programs in sandboxes, watches them, and cleans up, one at a time.

It stands between archsearch and the programs for four reasons. It is the one that orphans fall to,
so that none survives and none stays a zombie, and archsearch itself steals nobody's children. It
has one thread, which lives as long as it does: a sandbox that dies with its parent dies with the
*thread* that made it. Its environment is empty, so that no secret of the user can be found in it.
And it keeps its deadlines while the event loop of archsearch is busy.

The first message to it is the settings; each further one a program, or `None`, which takes the
program back, or `GO`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from archsearch.program import Program
from archsearch.sandbox import plain, rubbish, tree, wire
from archsearch.sandbox.cell import Cell
from archsearch.sandbox.cgroup import Group, Place
from archsearch.sandbox.job import Alone, Job, Tested, run
from archsearch.sandbox.tiers import TIERS, Ground, Tier

SWEEP_SECONDS = 2.0


class Warden:
    """Serves one connection until it ends."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.control = connection.fileno()
        self.child, self._bell = os.pipe()
        for end in (self.child, self._bell):
            os.set_blocking(end, False)
        settings = self._receive()
        self.tier: Tier = TIERS[settings["tier"]](
            Ground(
                stage=Path(settings["stage"]),
                python=settings["python"],
                uid=settings["uid"],
                tool=settings["tool"],
            )
        )
        folder, version = settings["groups"]
        self.place = Place(Path(folder), version) if folder else None
        self._leftover: list[Group] = []
        self._told_to_go = False

    def serve(self) -> None:
        """Runs what comes in until it is told to go; then nothing of ours is left."""
        tree.adopt_orphans()
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        try:
            while not self._told_to_go and (message := self._receive()) != wire.GO:
                if message is not None:
                    self.connection.sendall(wire.pack(self._run(wire.unpack_program(message))))
        except (EOFError, ConnectionError):  # archsearch died, and its other wardens see it too
            with contextlib.suppress(OSError):
                rubbish.remove(self.tier.ground.stage)
        finally:
            self._sweep(SWEEP_SECONDS)

    def called(self) -> bool:
        """Whether the host takes the program back, or is gone."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.child, 1 << 12)
        try:
            said = self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        if said:
            self._told_to_go = self._receive() == wire.GO
        return True

    def _run(self, program: Program) -> dict[str, Any]:
        job: Job = Tested(program) if program.test else Alone(program)
        folders: list[Path] = []

        def make(mode: str) -> Cell:
            if self.tier.needs_scratch:
                folders.append(self._scratch())
            scratch = folders[-1] if self.tier.needs_scratch else None
            limit = program.limits.memory_bytes + self.tier.overhead_bytes
            group = self.place.make(limit) if self.place else None
            return Cell(self.tier, program.limits, mode, scratch, group)

        try:
            ended = run(job, make, self)
            status, error = job.judge()
        except OSError as failure:
            ended, status, error = [], "sandbox_error", f"{type(failure).__name__}: {failure}"
        finally:
            self._leftover += [cell.group for cell in job.cells if cell.group]
            self._sweep()
            for folder in folders:
                rubbish.remove(folder)
        return _result(job, ended) | {"status": status, "error": error}

    def _sweep(self, seconds: float = 0.0) -> None:
        """Takes the groups of past programs away, trying for so long: a process on its way out of
        one keeps it for a moment."""
        end = time.monotonic() + seconds
        while self._leftover:
            self._leftover = [group for group in self._leftover if not group.remove()]
            if time.monotonic() >= end:
                break
            time.sleep(0.01)

    def _scratch(self) -> Path:
        """A folder for one program on the host."""
        folder = Path(tempfile.mkdtemp(dir=self.tier.ground.stage / "scratch"))
        uid = self.tier.ground.uid
        if uid is not None:
            os.chown(folder, uid, uid)
        return folder

    def _receive(self) -> Any:
        (size,) = wire.HEAD.unpack(self._exactly(wire.HEAD.size))
        return plain.decode(self._exactly(size))

    def _exactly(self, size: int) -> bytes:
        made = bytearray()
        while len(made) < size:
            piece = self.connection.recv(min(size - len(made), 1 << 20))
            if not piece:
                raise EOFError
            made += piece
        return bytes(made)


def _result(job: Job, ended: list[tree.End]) -> dict[str, Any]:
    """What was seen of a job from outside."""
    cells = job.cells
    return {
        "replies": job.replies,
        "stdout": b"".join(bytes(cell.stdout) for cell in cells),
        "stderr": b"".join(bytes(cell.stderr) for cell in cells),
        "exit_code": cells[0].exit_code if cells else None,
        "seconds": max((cell.seconds for cell in cells), default=0.0),
        "cpu_seconds": sum(end.cpu_seconds for end in ended),
        "memory_bytes": max((end.memory_bytes for end in ended), default=0),
    }


def main() -> None:
    """Serves the connection whose descriptor is the first argument."""
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        Warden(connection).serve()

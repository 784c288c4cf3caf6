"""Starts one process in a sandbox: pipes, fork, and what the child does before its command."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from archsearch.program import Limits
from archsearch.sandbox.cgroup import Group
from archsearch.sandbox.inside import ANSWERS, REQUESTS
from archsearch.sandbox.stage import CHANNEL
from archsearch.sandbox.tiers.base import FILTER, Tier

_NO_NEW_PRIVILEGES, _PARENT_DEATH_SIGNAL = 38, 1


@dataclass(frozen=True, slots=True)
class Launched:
    """The process, and our ends of its pipes, which do not block."""

    pid: int
    requests: int
    answers: int
    stdout: int
    stderr: int


def launch(
    tier: Tier, limits: Limits, stdin: bytes, scratch: Path | None, group: Group | None
) -> Launched:
    """Starts `inside.py` in a sandbox. The command's own troubles show as its exit. Raises
    `OSError` where the host has no process or descriptor left."""
    theirs: list[int] = []
    ours: list[int] = []
    try:
        theirs.append(_in_memory("stdin", stdin))
        for writes in (True, True, False, True):  # stdout, stderr, requests, answers
            ends = os.pipe()
            theirs.append(ends[1] if writes else ends[0])
            ours.append(ends[0] if writes else ends[1])
        theirs.append(_in_memory("filter", tier.filter()))
        if tier.named_pipes and scratch:
            _close(ours[2:])
            ours[2:] = _named_pipes(scratch, tier.ground.uid)
        pid = os.fork()
        if pid == 0:
            _become(tier, limits, theirs, scratch, group)
    except BaseException:
        _close(ours)
        raise
    finally:
        _close(theirs)
    for end in ours:
        os.set_blocking(end, False)
    stdout, stderr, requests, answers = ours
    return Launched(pid, requests, answers, stdout, stderr)


def _named_pipes(scratch: Path, uid: int | None) -> list[int]:
    """Our ends of two pipes in the folder, for requests and for answers. Open for both reading and
    writing, they are there before the other end is."""
    folder = Path(f"{scratch}{CHANNEL}")
    folder.mkdir()
    ends = []
    for name in ("requests", "answers"):
        os.mkfifo(folder / name, 0o600)
        ends.append(os.open(folder / name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    for place in (folder, *folder.iterdir()):
        os.chown(place, -1 if uid is None else uid, -1)
    return ends


def _become(
    tier: Tier, limits: Limits, files: list[int], scratch: Path | None, group: Group | None
) -> None:
    """In the child: becomes the sandbox's command. Never returns."""
    try:
        os.setsid()
        if group:
            group.join()
        with contextlib.suppress(OSError):  # it goes first when the host runs out of memory
            Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
        _arrange(files)
        _drop_privileges(tier.ground.uid)
        home = str(scratch or "/")
        os.chdir(home)
        command, environment = tier.command(limits, home), tier.environment(home)
        os.set_inheritable(FILTER, tier.takes_filter)
        tier.confine(limits, home)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
            signal.signal(number, signal.SIG_DFL)
        os.execve(command[0], command, environment)  # noqa: S606
    except BaseException as error:  # noqa: BLE001 (two of us must not go on)
        os.write(2, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(127)


def _arrange(files: list[int]) -> None:
    """Puts stdin, stdout, stderr, requests, answers and the filter where the command expects them,
    and closes all else."""
    wanted = (0, 1, 2, REQUESTS, ANSWERS, FILTER)
    high = [_above(file, max(wanted)) for file in files]
    for file, place in zip(high, wanted, strict=True):
        os.dup2(file, place)
    os.closerange(max(wanted) + 1, 1 << 16)


def _above(file: int, least: int) -> int:
    """A copy of the descriptor with a number above `least`."""
    copies: list[int] = []
    while not copies or copies[-1] <= least:
        copies.append(os.dup(file))
    return copies[-1]


def _drop_privileges(uid: int | None) -> None:
    """Becomes the user, for good, and dies with the parent."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_NO_NEW_PRIVILEGES, 1), (_PARENT_DEATH_SIGNAL, signal.SIGKILL)):
        if libc.prctl(option, int(value), 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option} failed")


def _in_memory(name: str, content: bytes) -> int:
    """A file of that content which can only be read."""
    written = os.memfd_create(name)
    try:
        with open(written, "wb", closefd=False) as file:
            file.write(content)
        return os.open(f"/proc/self/fd/{written}", os.O_RDONLY)
    finally:
        os.close(written)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)

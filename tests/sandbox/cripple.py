"""Makes this process live on a host that lacks something, for real and for good: by the kernel's
own means, so that whatever the sandbox tries fails as it would fail there.

    python -m tests.sandbox.cripple KIND

then opens a sandbox, runs a program in it, and prints what became of both as JSON.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import platform
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from archsearch.errors import ArchsearchError
from archsearch.program import Call, Program
from archsearch.sandbox import Sandbox
from tests.sandbox.watch import descendants

EPERM, ENOSYS, EINVAL = 1, 38, 22
NAMESPACES = 0x7E020000
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
PROGRAM = Program(
    source="""
import ctypes, time
ctypes.CDLL(None).prctl(15, b"hostile", 0, 0, 0)
time.sleep(0.2)
def double(number):
    return 2 * number
""",
    calls=(Call(function="double", args=(21,)),),
)
"""Seen from outside when it runs, by its name."""

_libc = ctypes.CDLL(None, use_errno=True)
_X86 = platform.machine() == "x86_64"
_UNSHARE, _SETNS, _MOUNT, _CLONE, _CLONE3 = (
    (272, 308, 165, 56, 435) if _X86 else (97, 268, 40, 220, 435)
)
_SECCOMP, _PRCTL, _LANDLOCK = (317, 157, (444, 445, 446)) if _X86 else (277, 167, (444, 445, 446))


def no_namespaces() -> None:
    """As Docker's own filter leaves it."""
    _deny({_UNSHARE: EPERM, _SETNS: EPERM, _MOUNT: EPERM, _CLONE3: ENOSYS}, {_CLONE: NAMESPACES})


def no_seccomp() -> None:
    """A kernel without filters, or an emulator of one."""
    _deny({_SECCOMP: ENOSYS}, {}, {_PRCTL: 22})


def no_landlock() -> None:
    """A kernel before 5.13, or gVisor's."""
    _deny(dict.fromkeys(_LANDLOCK, ENOSYS), {})


def neither_namespaces_nor_landlock() -> None:
    """An old kernel below Docker's filter."""
    no_namespaces()
    no_landlock()


def root_that_cannot_drop() -> None:
    """A container without the right to change its user: `--cap-drop ALL` as root."""
    for capability in range(64):
        _libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
    header, none = struct.pack("<Ii", 0x20080522, 0), bytes(24)
    if _libc.capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")


def root_of_one_user() -> None:
    """A rootless container: root is the only user that its namespace knows."""
    if _libc.unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text("0 0 1", "ascii")
    Path("/proc/self/gid_map").write_text("0 0 1", "ascii")


def full_disk() -> None:
    """No room in any folder for temporary files."""
    _empty_disks()
    _fill_disks(room=256 << 10)


def tiny_pids_limit() -> None:
    """A container that may hold three processes more."""
    _limit_pids(3)


KINDS: dict[str, Callable[[], None]] = {
    kind.__name__: kind
    for kind in (
        no_namespaces, no_seccomp, no_landlock, neither_namespaces_nor_landlock,
        root_that_cannot_drop, root_of_one_user, full_disk, tiny_pids_limit,
    )
}  # fmt: skip

LATER: dict[str, Callable[[], None]] = {
    "disk_that_fills": lambda: _fill_disks(room=0),
    "disk_that_fills_without_namespaces": lambda: _fill_disks(room=0),
    "pids_that_run_out": lambda: _limit_pids(1),
}
"""What comes over the host once the sandbox is open."""


async def main(kind: str) -> dict[str, Any]:
    """What became of the sandbox and of the program."""
    try:
        if kind in KINDS:
            KINDS[kind]()
    except OSError as error:
        return {"skipped": f"this host cannot be crippled so: {error}"}
    if kind.startswith("disk_that_fills"):
        _empty_disks()
    if kind.endswith("without_namespaces"):
        no_namespaces()
    try:
        async with Sandbox.open() as sandbox:
            if kind in LATER:
                LATER[kind]()
            execution = await sandbox.run(PROGRAM)
    except ArchsearchError as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {
        "tier": execution.tier,
        "status": execution.status,
        "values": [reply.value for reply in execution.replies],
        "message": execution.error,
        "identity": sandbox.identity,
    }


def _deny(
    calls: dict[int, int], flags: dict[int, int], first: dict[int, int] | None = None
) -> None:
    """Lets system calls fail for good: `calls` with these errors, `flags` where their first
    argument has one of these bits, `first` where their first argument is this."""
    steps = [(0x20, 0, 0, 0)]
    for number, error in calls.items():
        steps += [(0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | error)]
    for number, bits in flags.items():
        steps += [(0x15, 0, 4, number), (0x20, 0, 0, 16), (0x45, 0, 1, bits)]
        steps += [(0x06, 0, 0, 0x50000 | EPERM), (0x06, 0, 0, 0x7FFF0000)]
    for number, value in (first or {}).items():
        steps += [(0x15, 0, 4, number), (0x20, 0, 0, 16), (0x15, 0, 1, value)]
        steps += [(0x06, 0, 0, 0x50000 | EINVAL), (0x06, 0, 0, 0x7FFF0000)]
    steps.append((0x06, 0, 0, 0x7FFF0000))
    _install(steps)


def _install(steps: Iterable[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    room = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(room))
    # Without PR_SET_NO_NEW_PRIVS, which a container does not set either; root may.
    if _libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0):
        raise OSError(ctypes.get_errno(), "no filter of system calls")


def _empty_disks() -> None:
    """File systems of our own, which nobody else sees, in every folder for temporary files."""
    if _libc.unshare(0x00020000) or _libc.mount(None, b"/", None, 0x44000, None):
        raise OSError(ctypes.get_errno(), "no mounts of its own")
    for folder in TEMPORARY:
        if _libc.mount(b"small", folder.encode(), b"tmpfs", 0, b"size=256m,mode=1777"):
            raise OSError(ctypes.get_errno(), "mount")
    tempfile.tempdir = os.environ["TMPDIR"] = TEMPORARY[0]


def _fill_disks(room: int) -> None:
    """Leaves `room` bytes in every folder for temporary files."""
    for folder in TEMPORARY:
        with Path(folder, "full").open("wb", 0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                file.truncate(max(0, file.tell() - room))


def _limit_pids(more: int) -> None:
    """Puts this process, and all that it started, into a group that may hold so many more."""
    folder = next(
        (place for place in map(Path, ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"))
         if (place / "cgroup.procs").exists()), None,
    )  # fmt: skip
    if folder is None:
        raise OSError("no groups")
    group = folder / f"archsearch-test-{os.getpid()}"
    group.mkdir()
    everyone = {os.getpid(), *descendants()}
    for pid in everyone:
        (group / "cgroup.procs").write_text(str(pid), "ascii")
    taken = int((group / "pids.current").read_text("ascii"))
    (group / "pids.max").write_text(str(taken + more), "ascii")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1]))))  # noqa: T201

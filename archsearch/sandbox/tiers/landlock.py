"""Landlock and seccomp: for hosts that give no namespaces, as most containers do.

Landlock (ABI 6 or later) keeps a program to the stage, to a scratch folder that is deleted after
it, and from the network's TCP, from abstract sockets and from signalling others. Seccomp denies
what Landlock leaves open: sockets of all kinds, the attributes of files, and everything by which a
process could outlive its watcher; a program is one process here, with threads. What stays open:
whether a file of a given name exists.

Source: linux/landlock.h, and Documentation/userspace-api/landlock.rst in the kernel.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

from archsearch.program import Limits
from archsearch.sandbox.inside import install_filter
from archsearch.sandbox.seccomp import AUDIT, machine
from archsearch.sandbox.stage import DEVICES, INSIDE, loader
from archsearch.sandbox.tiers.base import Tier, run_python

LEAST_ABI = 6
"""The first that keeps signals and abstract sockets in."""
_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_FIFO, _MAKE_LINK, _REFER, _TRUNCATE = 1 << 10, 1 << 12, 1 << 13, 1 << 14
_ALL_FILES = (1 << 16) - 1
_ALL_TCP, _ALL_SCOPES = 3, 3

_READ = _READ_FILE | _READ_DIR
_SCRATCH = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE
_SCRATCH |= _MAKE_FIFO | _MAKE_LINK | _REFER | _TRUNCATE


class Landlock(Tier):
    """One process that sees the stage and writes to its scratch folder."""

    name = "landlock"
    namespaces = False
    needs_scratch = True
    remedy = "use Linux 6.12 or later, with Landlock among its security modules"

    @classmethod
    def obstacle(cls) -> str:
        """The kernel's Landlock is too old or switched off, or its system calls are not known."""
        if machine() not in AUDIT:
            return f"its system calls are known for {', '.join(AUDIT)}; this is {machine()}"
        version = _syscall(_CREATE, None, 0, _VERSION)
        if version < LEAST_ABI:
            found = f"version {version}" if version > 0 else "none"
            return (
                f"Landlock of version {LEAST_ABI} is needed; this host gives {found}; {cls.remedy}"
            )
        return ""

    def command(self, limits: Limits, scratch: str) -> list[str]:
        """The interpreter of the stage."""
        root = f"{self.ground.stage}/root"
        return run_python(f"{root}{self.ground.python}", f"{root}{INSIDE}")

    def confine(self, limits: Limits, scratch: str) -> None:
        """Gives up everything but what the rules name, for good."""
        rules = struct.pack("=QQQ", _ALL_FILES, _ALL_TCP, _ALL_SCOPES)
        ruleset = _checked(_syscall(_CREATE, rules, len(rules), 0), "landlock_create_ruleset")
        root = self.ground.stage / "root"
        python = root / self.ground.python.lstrip("/")
        _allow(ruleset, root, _READ)
        for place in (python, Path(loader(python))):
            _allow(ruleset, place, _READ_FILE | _EXECUTE)
        for name in DEVICES:
            _allow(ruleset, Path("/dev", name), _READ_FILE | _WRITE_FILE)
        _allow(ruleset, Path(scratch), _SCRATCH)
        _checked(_syscall(_RESTRICT, ruleset, 0), "landlock_restrict_self")
        os.close(ruleset)
        install_filter(self.filter())


def _allow(ruleset: int, place: Path, rights: int) -> None:
    """Adds a rule for a folder and all below it, or for a file."""
    descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(_syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0), f"a rule for {place}")
    finally:
        os.close(descriptor)


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    plain = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return int(libc.syscall(ctypes.c_long(number), *plain))


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what} failed")
    return result

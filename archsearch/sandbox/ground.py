"""The user that programs run as."""

from __future__ import annotations

import os
import pwd
import subprocess

from archsearch.errors import SandboxUnavailable

FIRST, LAST = 61_184, 65_519
"""The range that systemd keeps for users that exist for as long as a service; it fits into the
65,536 users of a container."""


def user(number: int) -> int | None:
    """The user for programs of that number, and its group; None, for the user of archsearch, unless
    that is root, who would have no limits. Raises `SandboxUnavailable` where root cannot become
    another."""
    if os.geteuid() != 0:
        return None
    span = LAST - FIRST
    start = os.getpid() * 64 + number
    free = (one for one in range(start, start + span) if not _known(FIRST + one % span))
    uid = FIRST + next(free, start) % span
    try:
        subprocess.run(["true"], user=uid, group=uid, extra_groups=[], check=True)  # noqa: S607
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SandboxUnavailable(
            f"root has to become another user (here {uid}) before it runs a program; {error}; "
            "run archsearch as an ordinary user, or with CAP_SETUID and CAP_SETGID"
        ) from error
    return uid


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True

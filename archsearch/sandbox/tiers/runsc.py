"""A kernel of its own, gVisor's, in user space; taken when named. The strictest kind, and the
slowest: programs never call the host's kernel themselves.

A program is one process here, as gVisor does not count them; its threads are limited by memory
alone. Frames go through named pipes, for gVisor hands down no descriptors but the first three.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from archsearch.errors import SandboxUnavailable
from archsearch.program import Limits
from archsearch.sandbox import seccomp
from archsearch.sandbox.stage import CHANNEL, Stage, is_open_to_all
from archsearch.sandbox.tiers.base import InOwnRoot


class Runsc(InOwnRoot):
    """Everything of the host is out of sight, its kernel included."""

    name = "runsc"
    needs_scratch = True
    named_pipes = True
    filters_inside = True
    overhead_bytes = 256 << 20

    @classmethod
    def prepare(cls, stage: Stage) -> str:
        """The machine's own runsc."""
        on_path = shutil.which("runsc")
        if on_path is None:
            raise SandboxUnavailable("gVisor is not installed; run: apt-get install runsc")
        if is_open_to_all(Path(on_path)):
            return on_path
        return str(shutil.copy2(on_path, stage.folder / "tools" / "runsc"))

    def command(self, limits: Limits, scratch: str) -> list[str]:
        """Runs the bundle that `confine` writes, under a name that no other has."""
        bundle = ("--bundle", scratch, Path(scratch).name)
        return [
            *(self.ground.tool, "--rootless", "--network=none", "--host-fifo=open"),
            *("--ignore-cgroups", "--root", f"{scratch}/state", "run", *bundle),
        ]

    def filter(self) -> bytes:
        """One process: nobody else would count them."""
        return seccomp.program(namespaces=False)

    def confine(self, limits: Limits, scratch: str) -> None:
        """Writes what gVisor is to run (an OCI bundle)."""
        variables = self.environment("").items()
        sizes = {"/tmp": limits.disk_bytes, "/dev/shm": self.SHARED_MEMORY_BYTES}  # noqa: S108
        mounts = [
            {"destination": path, "type": "tmpfs", "options": [f"size={size}"]}
            for path, size in sizes.items()
        ]
        pipes = {"destination": CHANNEL, "type": "bind", "source": f"{scratch}{CHANNEL}"}
        process = {
            "user": {"uid": 0, "gid": 0},  # of gVisor's kernel; of the host's it is ours
            "args": [*self.inside, CHANNEL],
            "env": [f"{name}={value}" for name, value in variables],
            "cwd": "/tmp",  # noqa: S108
            "noNewPrivileges": True,
        }
        bundle = {
            "ociVersion": "1.0.0",
            "process": process,
            "root": {"path": str(self.ground.stage / "root"), "readonly": True},
            "mounts": [*mounts, pipes],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]
            },
        }
        Path(scratch, "config.json").write_text(json.dumps(bundle), "utf-8")

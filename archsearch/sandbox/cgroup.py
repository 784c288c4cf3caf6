"""Memory control groups: a limit on what all processes of one sandbox hold together, the files that
they keep in memory included. Version 1 and version 2, wherever this process may make groups."""

from __future__ import annotations

import contextlib
import itertools
import os
from dataclasses import dataclass
from pathlib import Path

_COUNTER = itertools.count()


@dataclass(frozen=True, slots=True)
class Place:
    """A group in which groups can be made, and the version of its interface."""

    folder: Path
    version: int

    def sweep(self) -> None:
        """Takes away the groups of makers that are gone: one that was killed could not."""
        for folder in self.folder.glob("archsearch-*-*"):
            maker = folder.name.split("-")[1]
            if not Path("/proc", maker).exists():
                Group(folder, self.version).remove()

    def make(self, limit: int) -> Group | None:
        """A new group of at most `limit` bytes; None where the host does not let us."""
        group = Group(self.folder / f"archsearch-{os.getpid()}-{next(_COUNTER)}", self.version)
        try:
            group.folder.mkdir()
            group.limit(limit)
        except OSError:
            group.remove()
            return None
        return group


@dataclass(frozen=True, slots=True)
class Group:
    """A group for one sandbox."""

    folder: Path
    version: int

    def limit(self, size: int) -> None:
        """Sets the limit in bytes, without swap."""
        if self.version == 1:
            self._write("memory.limit_in_bytes", size)
            if (self.folder / "memory.memsw.limit_in_bytes").exists():
                self._write("memory.memsw.limit_in_bytes", size)
            return
        self._write("memory.max", size)
        with contextlib.suppress(OSError):  # there is none without swap
            self._write("memory.swap.max", 0)
        self._write("memory.oom.group", 1)

    def join(self) -> None:
        """Puts the calling process into it, and all that it will start."""
        self._write("cgroup.procs", 0)

    def killed(self) -> int:
        """How many processes the kernel killed for want of memory in it."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        with contextlib.suppress(OSError):
            for line in (self.folder / name).read_text("ascii").splitlines():
                word, _, count = line.partition(" ")
                if word == "oom_kill":
                    return int(count)
        return 0

    def remove(self) -> bool:
        """Takes it away; False while a process is still on its way out of it."""
        try:
            self.folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _write(self, name: str, value: int) -> None:
        (self.folder / name).write_text(str(value), "ascii")


def place(proc: Path = Path("/proc/self")) -> Place | None:
    """Where this process may make memory groups, if anywhere: found by making one."""
    for found in _candidates(proc):
        group = found.make(1 << 30)
        if group is not None:
            group.remove()
            found.sweep()
            return found
    return None


def _candidates(proc: Path) -> list[Place]:
    """The group of this process, of either version, and the one above it: under version 2 a group
    that holds processes can have none below."""
    try:
        mine = (proc / "cgroup").read_text("utf-8").splitlines()
        mounts = (proc / "mountinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in mine:
        _, controllers, path = line.split(":", 2)
        version = 2 if controllers == "" else 1
        if version == 1 and "memory" not in controllers.split(","):
            continue
        for folder in _mounted(mounts, version, path):
            found += [Place(folder, version)]
            found += [Place(folder.parent, version)] if version == 2 else []
    return [place for place in found if place.version == 1 or _gives_memory(place.folder)]


def _mounted(mounts: list[str], version: int, path: str) -> list[Path]:
    """Where the group `path` lies in the mounts of its hierarchy."""
    found = []
    for line in mounts:
        mount, _, kind = line.partition(" - ")
        system, _, options = kind.split(" ", 2)
        right = system == "cgroup2" if version == 2 else system == "cgroup"
        if not right or (version == 1 and "memory" not in options.split(",")):
            continue
        root, point = mount.split(" ")[3:5]
        inside = path.startswith(root.rstrip("/") + "/") or path == root
        found.append(Path(point, os.path.relpath(path, root)) if inside else Path(point))
    return found


def _gives_memory(folder: Path) -> bool:
    """Whether groups below have a memory controller, which is switched on here if it can be."""
    control = folder / "cgroup.subtree_control"
    try:
        if "memory" not in control.read_text("ascii").split():
            control.write_text("+memory", "ascii")
        return "memory" in control.read_text("ascii").split()
    except OSError:
        return False

"""Deletes what a program left, whatever its shape."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import tempfile
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def remove(folder: Path) -> None:
    """Deletes a folder of ours with all that is in it: deeper than a path can be long, without
    permissions, with links, which are deleted and never followed. What is not there is no error.

    Each folder within is moved to a new one beside `folder` before it is emptied, so that depth
    costs nothing.
    """
    if not folder.exists():
        return
    bin_ = Path(tempfile.mkdtemp(suffix=".rubbish", dir=folder.parent))
    top = os.open(bin_, _OPEN)
    waiting, names = [], map(str, itertools.count())
    try:
        with contextlib.suppress(FileNotFoundError):  # another process deletes it as well
            folder.chmod(0o700)
            folder.rename(bin_ / "top")
            waiting.append("top")
        while waiting:
            name = waiting.pop()
            waiting += _empty(name, top, names)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    bin_.rmdir()


def _empty(name: str, top: int, names: map[str]) -> list[str]:
    """Deletes the files of a folder in `top`, and moves its folders there under new names."""
    folder = os.open(name, _OPEN, dir_fd=top)
    moved = []
    try:
        for entry in os.listdir(folder):  # noqa: PTH208 (a descriptor is no path)
            mode = os.stat(entry, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISDIR(mode):
                os.unlink(entry, dir_fd=folder)
                continue
            os.chmod(entry, 0o700, dir_fd=folder)
            moved.append(next(names))
            os.rename(entry, moved[-1], src_dir_fd=folder, dst_dir_fd=top)
    finally:
        os.close(folder)
    return moved

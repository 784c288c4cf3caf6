"""What a program keeps on the host's disk, where it has no file system of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

MOST_FILES = 10_000
MOST_DEPTH = 100
"""Folders inside one another; to look at deeper ones takes time that is not the program's."""


def is_full(folder: Path, pids: Iterable[int], most: int) -> bool:
    """Whether there are more than `most` bytes in a folder and in the files without a name that
    these processes hold open, or more files than one can count quickly.

    What cannot be looked at counts as too much, such as a folder that its owner may not read.
    """
    total = 0
    try:
        held = _nameless(pids, folder.stat().st_dev)
        for count, size in enumerate(itertools.chain(held, _named(folder)), 1):
            total += size
            if total > most or count > MOST_FILES:
                return True
    except OSError:
        return True
    return False


def _named(folder: Path) -> Iterator[int]:
    """Bytes of each file and folder below one. What is removed meanwhile is left out."""
    waiting = [(str(folder), 0)]
    while waiting:
        path, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise OSError(f"more than {MOST_DEPTH} folders inside one another")
        with contextlib.suppress(FileNotFoundError), os.scandir(path) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    yield entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))


def _nameless(pids: Iterable[int], device: int) -> Iterator[int]:
    """Bytes of each file on a device that is held open and has been unlinked."""
    seen = set()
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    file = descriptor.stat()
                    if _is_nameless(file, device) and file.st_ino not in seen:
                        seen.add(file.st_ino)
                        yield file.st_blocks * 512


def _is_nameless(file: os.stat_result, device: int) -> bool:
    return stat.S_ISREG(file.st_mode) and file.st_nlink == 0 and file.st_dev == device

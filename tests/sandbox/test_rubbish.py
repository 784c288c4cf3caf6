"""Whatever a program leaves is deleted, and nothing else is."""

import os
import socket

from archsearch.sandbox import rubbish


def test_any_shape_is_deleted(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    folder = tmp_path / "folder"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d" * 100, dir_fd=here)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.symlink(outside, "link", dir_fd=here)
    os.close(here)
    (folder / "link").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "0").mkdir()
    (folder / "1").write_text("a name that is taken")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    locked = folder / "locked"
    (locked / "inner").mkdir(parents=True)
    (locked / "inner").chmod(0)
    locked.chmod(0)
    folder.chmod(0)
    rubbish.remove(folder)
    assert list(tmp_path.iterdir()) == [outside]
    assert (outside / "kept").read_text() == "kept"


def test_what_is_not_there_is_no_error(tmp_path):
    rubbish.remove(tmp_path / "absent")

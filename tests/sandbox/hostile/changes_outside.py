# Appends to, truncates, renames, links, dates and re-owns files that anybody may write.
# status: ok exception
# seen: files
# bare: files
import contextlib
import json
import os

world = json.loads(input())
for place in world["open_files"]:
    for change in (
        lambda: os.utime(place, (1, 1)),
        lambda: os.chmod(place, 0o777),
        lambda: os.chown(place, os.getuid(), os.getgid()),
        lambda: os.setxattr(place, "user.hostile", b"x"),
        lambda: os.link(place, place + "-linked"),
        lambda: os.link(place, "linked"),
        lambda: open(place, "a").write("x"),
        lambda: os.truncate(place, 0),
        lambda: os.rename(place, place + "-renamed"),
        lambda: os.unlink(place),
    ):
        with contextlib.suppress(OSError):
            change()

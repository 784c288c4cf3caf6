# C21. Removes what lies above its own folder.
# status: ok exception
# seen: files
# bare: files
import contextlib
import json
import os
import shutil

world = json.loads(input())
for up in range(12):
    for place in (*world["open_files"], *world["folders"]):
        shutil.rmtree("../" * up + place.lstrip("/"), ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink("../" * up + place.lstrip("/"))
for place in world["open_files"]:
    with contextlib.suppress(OSError):
        os.unlink(place)

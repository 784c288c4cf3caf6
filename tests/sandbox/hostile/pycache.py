# C47. Compiled files beside the modules that every program imports.
# status: ok exception
# seen: files, marks
import contextlib
import importlib.util
import json
import marshal
import os

world = json.loads(input())
code = marshal.dumps(compile(f"print('{world['mark']}')", "", "exec"))
for folder in world["libraries"]:
    with contextlib.suppress(OSError):
        os.makedirs(f"{folder}/__pycache__", exist_ok=True)
    place = f"{folder}/__pycache__/hostile-{world['token']}.cpython-311.pyc"
    with contextlib.suppress(OSError), open(place, "xb") as file:
        file.write(importlib.util.MAGIC_NUMBER + bytes(12) + code)

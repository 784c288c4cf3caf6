# C19. New files wherever files are kept.
# status: ok exception
# seen: files
# bare: files
import contextlib
import json
import os

world = json.loads(input())
folders = [*world["folders"], *world["libraries"], "/var/tmp", "/usr/local", "/etc", "/root", "/opt", "/home"]
for folder in folders:
    with contextlib.suppress(OSError), open(f"{folder}/hostile-{world['token']}", "w") as file:
        file.write("x")

# Names of files can be secrets: it lists whatever can be listed.
# status: ok exception
# seen: secrets
# bare: secrets
import contextlib
import glob
import json
import os

world = json.loads(input())
for folder in [*world["folders"], *(f"{root}{world['folders'][0]}" for root in glob.glob("/proc/*/root"))]:
    for above in (folder, os.path.dirname(folder)):
        with contextlib.suppress(OSError):
            print(os.listdir(above))

# C17. Secrets in the environment: its own, its parents', everybody's.
# status: ok exception
# seen: secrets
# bare: secrets
import contextlib
import glob
import os

print(dict(os.environ))
for name in ("environ", "cmdline", "task/*/environ"):
    for place in glob.glob(f"/proc/*/{name}"):
        with contextlib.suppress(OSError), open(place, "rb") as file:
            print(place, file.read())

# C9. Files without content, until no more can be made.
# status: exception ok timeout memory output
# limits: seconds=1
# seen: files
import contextlib

for folder in (".", "/tmp", "/dev/shm", "/var/tmp"):
    with contextlib.suppress(OSError):
        for at in range(1_000_000):
            open(f"{folder}/hostile-{at}", "x").close()

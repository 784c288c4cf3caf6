# C18. Keys under the home folder and elsewhere, by name, by `~`, and through /proc.
# status: ok exception
# seen: secrets
# bare: secrets
import contextlib
import glob
import json

world = json.loads(input())
places = ["/etc/shadow", *world["key_files"], *glob.glob("/root/.ssh/*"), *glob.glob("/home/*/.ssh/*")]
roots = ["", "/proc/1/root", "/proc/self/root", *glob.glob("/proc/[0-9]*/root")]
roots += glob.glob("/proc/[0-9]*/cwd")
for root in roots:
    for place in places:
        with contextlib.suppress(OSError), open(root + place, "rb") as file:
            print(root + place, file.read(4096))

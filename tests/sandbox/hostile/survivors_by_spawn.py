# The same by every other way of making a process: vfork, posix_spawn, a shell in the background.
# status: ok exception timeout
# seen: survivors
# bare: survivors
import contextlib
import os
import subprocess
import sys

sleep = [sys.executable, "-c", "import time; time.sleep(20)"]
with contextlib.suppress(OSError):
    os.posix_spawn(sys.executable, sleep, os.environ, setpgroup=0)
with contextlib.suppress(OSError):
    subprocess.Popen(sleep, start_new_session=True)
with contextlib.suppress(OSError):
    os.system("setsid sleep 20 >/dev/null 2>&1 </dev/null &")

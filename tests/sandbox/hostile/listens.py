# Waits for others to come to it.
# status: ok exception timeout
# limits: seconds=2
# seen: connections
# bare: connections
import contextlib
import json
import socket
import time

world = json.loads(input())
with contextlib.suppress(OSError), socket.socket() as door:
    door.bind(("0.0.0.0", world["free_port"]))
    door.listen()
    time.sleep(0.5)

# Multipath TCP and SMC end at a TCP listener, and are not called TCP.
# status: ok exception
# seen: connections
import contextlib
import json
import socket

world = json.loads(input())
for family, protocol in ((socket.AF_INET, 262), (socket.AF_INET, 256), (43, 0)):
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM, protocol) as connection:
        connection.settimeout(0.5)
        connection.connect(("127.0.0.1", world["tcp"]))
        connection.sendall(b"other")

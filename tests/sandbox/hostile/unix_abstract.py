# C26. Sockets that have a name and no file.
# status: ok exception
# seen: connections
# bare: connections
import contextlib
import json
import socket

world = json.loads(input())
with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
    connection.connect("\0" + world["abstract"])
    connection.sendall(b"abstract")

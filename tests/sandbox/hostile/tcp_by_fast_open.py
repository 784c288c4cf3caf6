# Data in the first packet: a connection without a call to connect.
# status: ok exception
# seen: connections
# bare: connections
import contextlib
import json
import socket

world = json.loads(input())
with contextlib.suppress(OSError), socket.socket() as connection:
    connection.settimeout(0.5)
    connection.sendto(b"fast open", 0x20000000, ("127.0.0.1", world["tcp"]))

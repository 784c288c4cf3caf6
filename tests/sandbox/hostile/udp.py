# C25. Datagrams, which need no connection.
# status: ok exception
# seen: connections
# bare: connections
import contextlib
import json
import socket

world = json.loads(input())
with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as sender:
    sender.sendto(b"udp", ("127.0.0.1", world["udp"]))
with contextlib.suppress(OSError):
    socket.gethostbyname(f"{world['token']}.example.org")

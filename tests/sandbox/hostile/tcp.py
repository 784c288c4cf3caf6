# C24. TCP to the host, by every address that may mean it.
# status: ok exception timeout
# limits: seconds=3
# seen: connections
# bare: connections
import contextlib
import json
import socket

world = json.loads(input())
for family, host, port in (
    (socket.AF_INET, "127.0.0.1", world["tcp"]),
    (socket.AF_INET, "0.0.0.0", world["tcp"]),
    (socket.AF_INET, "localhost", world["tcp"]),
    (socket.AF_INET6, "::1", world["tcp6"]),
    (socket.AF_INET6, "::ffff:127.0.0.1", world["tcp"]),
):
    with contextlib.suppress(OSError), socket.socket(family) as connection:
        connection.settimeout(0.5)
        connection.connect((host, port))
        connection.sendall(b"tcp")

# C26. Sockets that are files, such as those of docker, dbus and agents.
# status: ok exception
# seen: connections
# bare: connections
import contextlib
import glob
import json
import socket

world = json.loads(input())
for place in (world["unix"], *(f"{root}{world['unix']}" for root in glob.glob("/proc/*/root"))):
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        connection.sendall(b"unix")

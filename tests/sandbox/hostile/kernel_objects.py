# Pipes, watches, timers, queues and sockets in flight, until no more can be had.
# status: ok exception timeout memory
# limits: seconds=3
# seen: innocents
import array
import contextlib
import ctypes
import fcntl
import os
import select
import socket

libc = ctypes.CDLL(None)
kept = []
with contextlib.suppress(OSError, MemoryError):
    pair = socket.socketpair()
    for _ in range(1000):
        inner = socket.socketpair()
        pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end.fileno() for end in inner]))])
        pair = inner
for made in (
    lambda: fcntl.fcntl(os.pipe()[1], 1031, 1 << 20),
    lambda: kept.append(select.epoll()),
    lambda: libc.inotify_init() >= 0 or 1 / 0,
    lambda: libc.eventfd(0, 0) >= 0 or 1 / 0,
    lambda: libc.timer_create(0, None, ctypes.create_string_buffer(8)) >= 0 or 1 / 0,
):
    with contextlib.suppress(OSError, MemoryError, ZeroDivisionError):
        for _ in range(20_000):
            made()

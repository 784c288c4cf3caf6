"""The source of the canaries: what a program might try, as functions that say what they got away
with, or nothing. Runs inside a sandbox, never here."""

from __future__ import annotations

import ctypes
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path


def environment(allowed: tuple[str, ...]) -> str:
    """Variables that are not ours."""
    return ", ".join(sorted(set(os.environ) - set(allowed)))


def environments_of_others(secret: str) -> str:
    """A process whose environment holds the secret."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208
    except OSError:
        return ""
    for name in names:
        try:
            if secret.encode() in Path(f"/proc/{name}/environ").read_bytes():
                return f"/proc/{name}/environ"
        except OSError:
            continue
    return ""


def read(paths: tuple[str, ...]) -> str:
    """A file of the host that it can read."""
    return ", ".join(path for path in paths if _opens(path, os.O_RDONLY))


def write(folder: str) -> str:
    """A file that it can make on the host, in a folder open to all."""
    path = f"{folder}/escaped"
    return path if _opens(path, os.O_WRONLY | os.O_CREAT) else ""


def _opens(path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags))
    except OSError:
        return False
    return True


def tcp(port: int) -> str:
    """A connection to the host."""
    return _tries(lambda: socket.create_connection(("127.0.0.1", port), 1))


def udp(port: int) -> str:
    """A datagram to the host; that it arrived is seen there."""
    return _tries(lambda: _datagram(socket.AF_INET).sendto(b"escaped", ("127.0.0.1", port)))


def abstract(name: str) -> str:
    """A datagram to a socket that has no file."""
    return _tries(lambda: _datagram(socket.AF_UNIX).sendto(b"escaped", "\0" + name))


def _datagram(family: int) -> socket.socket:
    return socket.socket(family, socket.SOCK_DGRAM)


def send_signal(pid: int) -> str:
    """A signal to a process of the same user."""
    return _tries(lambda: os.kill(pid, 0))


def become_root() -> str:
    """Another user."""
    return _tries(lambda: os.setuid(0)) if os.getuid() else ""


def new_namespace() -> str:
    """A user namespace, in which it would be root."""
    return _calls("unshare", 0x10000000)


def unowned_memory() -> str:
    """Memory that counts for no process."""
    return _calls("memfd_create", b"escaped", 0)


def trace() -> str:
    """To be traced by its parent."""
    return _calls("ptrace", 0, 0, 0, 0)


def mount() -> str:
    """A file system."""
    return _calls("mount", b"none", b"/tmp", b"tmpfs", 0, 0)


def _calls(name: str, *arguments: int | bytes) -> str:
    done = getattr(ctypes.CDLL(None), name)(*arguments)
    return f"{name} gave {done}" if done != -1 else ""


def _tries(action: Callable[[], object]) -> str:
    try:
        return f"it gave {action()!r}"
    except OSError:
        return ""


def processes() -> int:
    """How many it can have beside itself."""
    made = 0
    try:
        while made < 100:
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            made += 1
    except OSError:
        pass
    return made


def survive() -> None:
    """Leaves a process behind in a session of its own, where it may."""
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(60)
            os._exit(0)
    except OSError:
        pass

"""What hostile programs may not reach: a host with secrets, files, sockets and processes.

Everything here is real and stands outside of every sandbox; `breaches` looks at it from outside. A
secret is random text: where it shows up in what a program gave, the program has read it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pty
import resource
import secrets
import selectors
import shutil
import site
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ENVIRONMENT = ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN")
_MEMORY = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/dev"]
WIDE = [*_MEMORY, "/", "/etc", "/usr/local", "/opt", "/home", "/root"]
"""Where a program may leave files, if it can."""
_BE_SUBREAPER = 36


class World:
    """Stands while it is entered; may be entered once."""

    def __init__(self) -> None:
        """Plants nothing yet."""
        self.token = secrets.token_hex(8)
        self.mark = f"mark-{secrets.token_hex(12)}"
        self._planted: list[str] = []
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Plants everything."""
        with contextlib.ExitStack() as exits:
            self._exits = exits
            # Whatever a program leaves behind becomes our child, and so is found.
            _prctl(_BE_SUBREAPER, 1)
            exits.callback(_prctl, _BE_SUBREAPER, 0)
            exits.callback(self._sweep)
            self._plant_environment()
            self._plant_files()
            self.listener = exits.enter_context(Listener(self.root))
            self.siblings = [exits.enter_context(self._sibling()) for _ in range(2)]
            self.master, terminal = pty.openpty()
            exits.callback(os.close, self.master)
            exits.callback(os.close, terminal)
            self.terminal = os.ttyname(terminal)
            Path(self.terminal).chmod(0o666)
            self._before = self._state()
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Takes everything away, and what was left behind."""
        self._exits.close()

    def brief(self, name: str) -> str:
        """What a program is told of this world: all but its secrets."""
        return json.dumps(
            {
                "name": name,
                "token": self.token,
                "mark": self.mark,
                "folders": [str(folder) for folder in self.folders],
                "key_files": [str(folder / ".ssh/id_ed25519") for folder in self.folders],
                "open_files": [str(folder / "open") for folder in self.folders],
                "siblings": [sibling.pid for sibling in self.siblings],
                "libraries": _libraries(),
                "terminal": self.terminal,
                "unix": str(self.root / "socket"),
                **self.listener.addresses,
            }
        )

    def leaked(self, told: object) -> bool:
        """Whether a secret is in what a program gave."""
        return any(secret in text for text in _texts(told) for secret in self._secrets())

    def breaches(self) -> list[str]:
        """What is no longer as it was planted, and who came knocking."""
        found = [f"connections: {knock}" for knock in self.listener.knocks]
        now = self._state()
        for what, before in self._before.items():
            if now[what] != before:
                found.append(f"{what}: {before} became {now[what]}"[:600])
        return found

    # -- what is planted

    def _secret(self) -> str:
        secret = f"planted-{secrets.token_hex(16)}"
        self._planted.append(secret)
        return secret

    def _secrets(self) -> list[str]:
        with contextlib.suppress(OSError):
            return [*self._planted, *_hashes(Path("/etc/shadow").read_text("utf-8"))]
        return self._planted

    def _plant_environment(self) -> None:
        before = {name: os.environ.get(name) for name in ENVIRONMENT}
        for name in ENVIRONMENT:
            os.environ[name] = self._secret()
        self._exits.callback(_restore, before)

    def _plant_files(self) -> None:
        """Two folders, one below the home folder; what they hold is open to every user, so that
        nothing but the sandbox keeps a program from it."""
        self.folders = []
        for above in (tempfile.gettempdir(), Path.home()):
            folder = Path(tempfile.mkdtemp(prefix="archsearch-world-", dir=above))
            self._exits.callback(shutil.rmtree, folder, ignore_errors=True)
            self.folders.append(folder)
            (folder / ".ssh").mkdir()
            (folder / ".ssh/id_ed25519").write_text(self._secret())
            (folder / self._secret()).touch()
            (folder / "open").write_text(self._secret())
            (folder / "open").chmod(0o666)
            folder.chmod(0o777)
        self.root = self.folders[0]
        forgotten = self.folders[0] / "forgotten"
        forgotten.write_text(self._secret())
        descriptor = os.open(forgotten, os.O_RDWR)
        os.set_inheritable(descriptor, True)
        self._exits.callback(os.close, descriptor)

    @contextlib.contextmanager
    def _sibling(self) -> Iterator[subprocess.Popen[bytes]]:
        """A process of the host, with secrets in its arguments, its environment and its memory."""
        code = "import sys, time\nkept = ['planted-' + sys.argv[1][8:]] * 9\ntime.sleep(600)"
        process = subprocess.Popen(
            [sys.executable, "-c", code, self._secret()], start_new_session=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    # -- what is looked at

    def _state(self) -> dict[str, Any]:
        return {
            "files": {str(folder): _listing(folder) for folder in self.folders},
            "files left": sorted(self._left()),
            "siblings": [_health(sibling) for sibling in self.siblings],
            "host": [_text(f"/proc/sys/kernel/{name}") for name in ("hostname", "domainname")],
            "mounts": "hostile" in _text("/proc/self/mountinfo"),
            "terminal": self._typed(),
        }

    def _left(self) -> Iterator[str]:
        for folder in {*WIDE, *_libraries(), *(f"{one}/__pycache__" for one in _libraries())}:
            # Another test's world may stand beside this one, and its programs run in no sandbox.
            for place in Path(folder).glob(f"hostile-{self.token}*"):
                yield str(place)

    def _typed(self) -> bytes:
        """What waits at the terminal, on either side."""
        os.set_blocking(self.master, False)
        typed = b""
        with contextlib.suppress(OSError):
            typed += os.read(self.master, 4096)
        with contextlib.suppress(OSError):
            handle = os.open(self.terminal, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            waiting = bytearray(4)
            _ioctl(handle, 0x541B, waiting)  # FIONREAD
            os.close(handle)
            typed += bytes(waiting).strip(b"\0")
        return typed

    def _sweep(self) -> None:
        for place in self._left():
            with contextlib.suppress(OSError):
                Path(place).unlink()


class Listener:
    """Sockets that wait for programs that may not come, on a thread of its own."""

    def __init__(self, folder: Path) -> None:
        """`folder` takes the socket that is a file."""
        self.knocks: list[str] = []
        self._folder = folder
        self._sockets: dict[str, socket.socket] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        """Opens them all."""
        self._sockets = {
            "tcp": _bound(socket.AF_INET, ("127.0.0.1", 0)),
            "udp": _bound(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM),
            "abstract": _bound(socket.AF_UNIX, f"\0{secrets.token_hex(8)}"),
            "unix": _bound(socket.AF_UNIX, str(self._folder / "socket")),
        }
        with contextlib.suppress(OSError):  # a host may have no IPv6
            self._sockets["tcp6"] = _bound(socket.AF_INET6, ("::1", 0))
        (self._folder / "socket").chmod(0o777)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._free = free.getsockname()[1]
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes them all."""
        self._ended.set()
        self._thread.join()
        for one in self._sockets.values():
            one.close()

    @property
    def addresses(self) -> dict[str, Any]:
        """Where they wait; `free_port` is one where nobody does."""
        return {
            "tcp": self._sockets["tcp"].getsockname()[1],
            "udp": self._sockets["udp"].getsockname()[1],
            "tcp6": self._sockets["tcp6"].getsockname()[1] if "tcp6" in self._sockets else 1,
            "abstract": self._sockets["abstract"].getsockname()[1:].decode(),
            "free_port": self._free,
        }

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            for name, one in self._sockets.items():
                selector.register(one, selectors.EVENT_READ, name)
            while not self._ended.is_set():
                for key, _ in selector.select(0.05):
                    self.knocks.append(self._answer(key.data))
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", self._free), 0.05).close()
                    self.knocks.append("a program listens")

    def _answer(self, name: str) -> str:
        one = self._sockets[name]
        with contextlib.suppress(OSError):
            if one.type == socket.SOCK_DGRAM:
                return f"{name} {one.recv(64)!r}"
            connection, _ = one.accept()
            with connection:
                connection.settimeout(0.1)
                return f"{name} {connection.recv(64)!r}"
        return name


def _bound(
    family: int, address: Any, kind: socket.SocketKind = socket.SOCK_STREAM
) -> socket.socket:
    one = socket.socket(family, kind)
    try:
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            if family != socket.AF_UNIX:
                # So that data in a first packet would be taken, where the host allows it at all.
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
            one.listen(64)
    except BaseException:
        one.close()
        raise
    return one


def _listing(folder: Path) -> list[tuple[Any, ...]]:
    """Everything in a folder: names, modes, owners, times, contents."""
    found: list[tuple[Any, ...]] = []
    for place in sorted([folder, *folder.rglob("*")]) if folder.exists() else []:
        stat = place.lstat()
        attributes = os.listxattr(place, follow_symlinks=False)
        text = place.read_bytes() if place.is_file() else b""
        found.append((place.name, stat.st_mode, stat.st_uid, stat.st_mtime_ns, attributes, text))
    return found


def _health(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Whether a process lives, runs, is traced, and what it may take."""
    if process.poll() is not None:
        return {"ended": process.returncode}
    status = dict(
        line.split(":", 1) for line in _text(f"/proc/{process.pid}/status").splitlines() if line
    )
    return {
        "stopped": status["State"].strip()[0] in "Tt",
        "traced": status["TracerPid"].strip(),
        "files": resource.prlimit(process.pid, resource.RLIMIT_NOFILE),
        "nice": os.getpriority(os.PRIO_PROCESS, process.pid),
    }


def _libraries() -> list[str]:
    """Folders from which the programs' Python may import."""
    base = Path(os.__file__).parent
    folders: Iterable[Path | str] = [base, base / "json", *site.getsitepackages()]
    return sorted({str(folder) for folder in folders if Path(folder).is_dir()})


def _texts(value: object) -> Iterator[str]:
    """All text in a value, that of its parts included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _texts(pair)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
    elif is_dataclass(value):
        for one in fields(value):
            yield from _texts(getattr(value, one.name))


def _hashes(shadow: str) -> list[str]:
    """Password hashes, and whole lines of those who have none."""
    return [line for line in shadow.splitlines() if line.count(":") > 6]


def _restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _text(place: str) -> str:
    return Path(place).read_text("utf-8", "replace")


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _ioctl(handle: int, request: int, room: bytearray) -> None:
    import fcntl

    fcntl.ioctl(handle, request, room)

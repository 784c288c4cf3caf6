"""What runs inside a sandbox, before the program and around it: `python -I -S inside.py`.

It stands alone, with a copy of `plain.py` beside it, on the standard library. Descriptor 3 brings
frames in, descriptor 4 takes frames out: four bytes of length, one byte for the kind, plain data.
In come the setup, then the source, then calls until the end of file. Out go `READY` once the limits
are set, `SERVED` once the source has run and calls may come, one `REPLY` for each call, and `END`.
Nothing here is trusted: a program shares the process with it, and may write frames of its own.
"""

from __future__ import annotations

import builtins
import os
import resource
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would take longer to import than all else here
    from types import ModuleType
    from typing import Any, NoReturn

    from archsearch.sandbox import plain
else:
    sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120 (pathlib is slow to import)
    import plain

    del sys.path[0]

READY, SERVED, CALL, REPLY, END = (bytes([letter]) for letter in b"rscae")
REQUESTS, ANSWERS = 3, 4
SET_SECCOMP, FILTER_MODE = 22, 2
SERVING = ("calls", "subject")
"""Modes of a program that is asked: by the host, or by its test in another sandbox."""
ERROR_CHARACTERS = 2_000
FRAME_BYTES = 1 << 28


class Channel:
    """The two descriptors as frames."""

    def __init__(self) -> None:
        self.head = struct.Struct(">I")
        self.read, self.write = os.read, os.write

    def send(self, kind: bytes, content: bytes) -> None:
        """Sends one frame; it is whole or the pipe is broken."""
        rest = memoryview(self.head.pack(len(content) + 1) + kind + content)
        while rest:
            rest = rest[self.write(ANSWERS, rest) :]

    def receive(self) -> Any:
        """The value of the next frame, or `EOFError`."""
        (size,) = self.head.unpack(self._exactly(self.head.size))
        return plain.decode(self._exactly(size)[1:])

    def _exactly(self, size: int) -> bytes:
        made = b""
        while len(made) < size:
            piece = self.read(REQUESTS, size - len(made))
            if not piece:
                raise EOFError
            made += piece
        return made


class Inside:
    """One program, and what is done with it."""

    def __init__(self, channel: Channel, setup: dict[str, Any]) -> None:
        self.channel = channel
        self.setup = setup
        # One whose functions are called is imported, as it were: what it does when it is run by
        # itself, such as tests of its own, is not asked for.
        self.module: ModuleType = type(sys)("program" if setup["mode"] in SERVING else "__main__")
        self.module.__file__ = "program.py"

    def prepare(self) -> None:
        """Sets the limits, from in here: outside they would count other sandboxes as well."""
        for name, value in self.setup["rlimits"].items():
            resource.setrlimit(getattr(resource, name), value)
        if self.setup["filter"]:
            install_filter(self.setup["filter"])
        sys.path += self.setup["paths"]
        sys.argv = ["program.py"]
        # Under both names: what was `__main__`, this file, is none of the program's business.
        sys.modules["__main__"] = sys.modules[self.module.__name__] = self.module
        builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]
        for name in self.setup["functions"]:
            setattr(self.module, name, self.proxy(name))

    def run(self, source: str) -> None:
        """Runs the source, and says what came of it."""
        try:
            exec(compile(source, "program.py", "exec", 0, True), self.module.__dict__)  # noqa: S102
        except SystemExit as error:
            if self.setup["mode"] == "test" and not error.code:
                self.leave()
            self.end(error)
            raise
        except BaseException as error:  # noqa: BLE001 (whatever a program raises is its result)
            if isinstance(error, MemoryError):
                self.module.__dict__.clear()
            show(error)
            self.end(error)
            sys.exit(1)
        if self.setup["mode"] in SERVING:
            self.channel.send(SERVED, b"")
            self.serve()
        if self.setup["mode"] == "test":
            self.leave()
        self.channel.send(END, plain.encode(("", ""), 100))

    def serve(self) -> NoReturn:
        """Answers calls until there are no more; threads that still run do not matter then."""
        while True:
            try:
                function, args, kwargs = self.channel.receive()
            except EOFError:
                flush()
                os._exit(0)
            self.channel.send(REPLY, self.reply(function, args, kwargs))

    def reply(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """Status, value, error and the builtin kind of the error, as plain data. What gives None
        and changes its arguments, as `list.sort` does, tells its test what they are now."""
        limit = self.setup["value_bytes"]
        given: dict[Any, Any] = {}
        if self.setup["mode"] == "subject":
            given = {**dict(enumerate(args)), **kwargs}
        before = {place: plain.encode(one, limit) for place, one in given.items()}
        try:
            value = lookup(self.module, function)(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001
            return plain.encode(("exception", None, *told(error)), 1 << 20)
        try:
            if value is not None:
                return plain.encode(("ok", value, "", ""), limit)
            changed = {p: one for p, one in given.items() if plain.encode(one, limit) != before[p]}
            if changed:
                return plain.encode(("changed", changed, "", ""), limit)
            return plain.encode(("ok", None, "", ""), limit)
        except Exception as error:  # noqa: BLE001 (a value may change while it is read)
            return plain.encode(("output", None, *told(error)), 1 << 20)

    def proxy(self, name: str) -> Any:
        """A function of the program under test, which runs in another sandbox."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self.channel.send(CALL, plain.encode((name, args, kwargs), self.setup["value_bytes"]))
            status, value, error, kind = self.channel.receive()
            if status == "changed":
                for place, new in value.items():
                    change(args[place] if type(place) is int else kwargs[place], new)
                return None
            if status != "ok":
                raise like(error, kind)
            return value

        call.__name__ = call.__qualname__ = name
        return call

    def end(self, error: BaseException) -> None:
        """Tells the error that ended the program."""
        self.channel.send(END, plain.encode(told(error), 1 << 20))

    def leave(self) -> NoReturn:
        """A test that came to its end passed, whatever it left running."""
        flush()
        self.channel.send(END, plain.encode(("", ""), 100))
        os._exit(0)


def install_filter(steps: bytes) -> None:
    """Puts the process and all that it will start under a seccomp filter, for good."""
    import ctypes

    buffer = ctypes.create_string_buffer(steps)
    address = ctypes.addressof(buffer)
    program = ctypes.create_string_buffer(struct.pack("@HxxxxxxQ", len(steps) // 8, address))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_SECCOMP, FILTER_MODE, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "a seccomp filter was refused")


def open_pipes(folder: str) -> None:
    """Gets the two descriptors from named pipes, where none were handed down."""
    for name, mode, number in (
        ("requests", os.O_RDONLY, REQUESTS),
        ("answers", os.O_WRONLY, ANSWERS),
    ):
        found = os.open(f"{folder}/{name}", mode)
        if found != number:
            os.dup2(found, number)
            os.close(found)


def stand_aside() -> None:
    """Leaves the place of a namespace's first process, which no signal of its own can end, to a
    parent that waits."""
    if os.getpid() != 1:
        return
    child = os.fork()
    while child:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def lookup(module: ModuleType, dotted: str) -> Any:
    """The function of that name, which a program may have left out."""
    name, *attributes = dotted.split(".")
    try:
        found = module.__dict__[name]
    except KeyError:
        raise NameError(f"name {name!r} is not defined") from None
    for attribute in attributes:
        found = getattr(found, attribute)
    return found


def told(error: BaseException) -> tuple[str, str]:
    """An error's type and message, and the name of the builtin exception that it is a kind of."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    try:
        text = f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS]
        return (text if str(error) else type(error).__name__), str(kinds[0])
    except BaseException:  # noqa: BLE001 (its own __str__ may raise anything)
        return type(error).__name__, str(kinds[0])


def like(error: str, kind: str) -> Exception:
    """The exception that `told` told of, as far as it is a builtin one; never one that ends a
    test without failing it, such as `SystemExit`, or `StopIteration` within `all(map(...))`."""
    found = getattr(builtins, kind, None)
    message = error.partition(": ")[2]
    if kind in ("StopIteration", "StopAsyncIteration"):
        return RuntimeError(error)
    if isinstance(found, type) and issubclass(found, Exception):
        try:
            return found(message)
        except TypeError:  # some want other arguments
            pass
    return Exception(error)


def change(old: Any, new: Any) -> None:
    """Gives an argument what `new` says is in it now; containers inside it are new ones."""
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, (dict, set)):
        old.clear()
        old.update(new)
    elif isinstance(old, tuple):
        for one, other in zip(old, new, strict=True):
            change(one, other)


def show(error: BaseException) -> None:
    """Prints the traceback as Python does, without what lies in this file."""
    try:
        if error.__traceback__:
            error.__traceback__ = error.__traceback__.tb_next
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException:  # noqa: BLE001 (a program may have put its own hook there)
        return
    finally:
        flush()


def flush() -> None:
    """What was printed goes out, if the program left something to flush."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001, S112
            continue


def main() -> None:
    """Runs the one program that comes in."""
    stand_aside()
    if sys.argv[1:]:
        open_pipes(sys.argv[1])
    channel = Channel()
    inside = Inside(channel, channel.receive())
    inside.prepare()
    channel.send(READY, b"")
    inside.run(channel.receive())


if __name__ == "__main__":
    main()

"""The nouns of running code: a program, what it may take, and what became of it.

A program is text that nobody vouches for. It runs in a sandbox (`archsearch.sandbox`) and nowhere
else. What comes out is plain data, and is compared outside: no expected value ever goes in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Plain = Any
"""Plain data: None, bool, int, float, complex, str, bytes, list, tuple, set, frozenset and dict, of
exactly these types all the way down. What else a program gives arrives as the plain type that it is
a kind of; what is a kind of none does not arrive."""

Status = Literal["ok", "wrong", "exception", "timeout", "memory", "output", "sandbox_error"]
"""How a program, a call or a test ended.

`wrong`: a test's own assertion failed, or a value is not the expected one. `exception`: it raised,
or left with a status other than 0, or died by a signal of its own making. `timeout`: past its wall
or CPU time. `memory`, `output`: past what it may take up or say. `sandbox_error`: the sandbox
failed, which says nothing of the program; it is tried again and never scored.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one program may take."""

    seconds: float = 10.0
    """Wall time from its first statement on, > 0; the start of the sandbox is not counted."""
    cpu_seconds: float = 10.0
    """CPU time of all its processes, > 0."""
    memory_bytes: int = 512 << 20
    """Of all its processes, what it keeps in files that are in memory included."""
    output_bytes: int = 1 << 20
    """Of stdout, of stderr, and of the values of its calls, each."""
    disk_bytes: int = 64 << 20
    """Of the files it may write; they are gone when it ends."""
    processes: int = 16
    """Processes and threads at once, its own included. A tier may allow one process only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of one of the program's functions."""

    function: str
    """A name that the program's source leaves at its top level; dotted for an attribute of it."""
    args: tuple[Plain, ...] = ()
    kwargs: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Python source and what to do with it.

    The source runs first, reading `stdin`; then `calls` are made in turn in the same interpreter;
    or, with a `test`, that runs in a *second* sandbox, where the names in `functions` are proxies
    through which plain data go to this program and come back. Calls and test exclude each other.
    With either the source runs as an imported module does, without them as `__main__`.
    """

    source: str
    stdin: str = ""
    calls: tuple[Call, ...] = ()
    test: str = ""
    """Python source that raises where the program is wrong. It never shares a process with it."""
    functions: tuple[str, ...] = ()
    """Names of the program's functions that the test may call."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.calls and self.test:
            raise ValueError("a program has calls or a test, not both; make it two programs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of one call."""

    status: Status
    """`ok` or `exception`; `output` where its value is no plain data, or too much of it."""
    value: Plain = None
    error: str = ""
    """Of an exception its type and message, such as `ValueError: no roots`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What became of a program."""

    status: Status
    """Of the program as a whole: `ok` where the source, and the test if any, ran to their ends and
    each call was answered, be it by an exception."""
    tier: str
    """The kind of sandbox it ran in; `unsafe` where it ran in none."""
    replies: tuple[Reply, ...] = ()
    """Of its calls, in their order; fewer where it ended before the last."""
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    """What stopped it, such as `ValueError: no roots` or the limit that it passed."""
    exit_code: int | None = None
    """Of its process; negative for a signal; None where it was stopped from outside."""
    seconds: float = 0.0
    """Wall time, the sandbox's start not counted."""
    cpu_seconds: float = 0.0
    """Of all its processes, the start of the interpreter counted; measured from outside."""
    memory_bytes: int = 0
    """Most resident memory of any one of its processes."""


class Runner(Protocol):
    """What runs programs: `archsearch.sandbox.Sandbox`."""

    @property
    def identity(self) -> str:
        """Everything beside the program that decides what becomes of it: tier, Python, packages."""

    async def run(self, program: Program) -> Execution:
        """Runs it once, in a sandbox of its own. Never raises for what the program does; cancelled,
        it leaves nothing behind."""


Execute = Callable[[Program], Awaitable[Execution]]
"""Runs one program. Raises `SandboxFailed` where the sandbox failed time and again."""

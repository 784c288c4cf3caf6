"""What every kind of sandbox gives: a way to start one program where it can do no harm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from archsearch.program import Limits
from archsearch.sandbox import seccomp
from archsearch.sandbox.stage import HERE, INSIDE, Stage

FILTER = 5
"""The descriptor of the seccomp filter, for a command that takes it."""
PYTHON_FLAGS = ("-s", "-S", "-P", "-B", "-X", "utf8")
"""No site-packages, no folder of its own on the path, nothing written. The environment is ours
alone, so that it need not be ignored: it fixes the seed of hashes, and sets come in one order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where the sandboxes of one pool stand."""

    stage: Path
    """The folder that `archsearch.sandbox.stage` made."""
    python: str
    """The interpreter, from the stage's root on."""
    uid: int | None
    """The user, and the group, that programs run as; None for the one that runs archsearch."""
    tool: str = ""
    """The program that makes the sandbox, such as bwrap, if one does."""


class Tier(ABC):
    """One kind of sandbox."""

    name: ClassVar[str]
    namespaces: ClassVar[bool] = True
    """Whether a program has a namespace of processes and of files of its own. Without, what it
    takes is watched from outside."""
    needs_scratch: ClassVar[bool] = False
    """Whether each program gets a folder on the host, which is deleted after it."""
    named_pipes: ClassVar[bool] = False
    """Whether frames go through named pipes in that folder, and not through descriptors."""
    overhead_bytes: ClassVar[int] = 32 << 20
    """Memory of the interpreter and of the sandbox, on top of what a program may take."""
    isolates: ClassVar[bool] = True
    """Whether it keeps a program from anything at all."""
    takes_filter: ClassVar[bool] = False
    """Whether its command reads the seccomp filter from a descriptor."""
    filters_inside: ClassVar[bool] = False
    """Whether `inside.py` sets the seccomp filter, because nobody outside can."""

    remedy: ClassVar[str] = ""
    """What to do where it does not hold."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    @classmethod
    def obstacle(cls) -> str:
        """Why this host cannot have it, and the remedy, as far as that shows without a try; else
        empty."""
        return ""

    @classmethod
    def prepare(cls, stage: Stage) -> str:
        """The program that makes such sandboxes, put where the user of the programs can run it;
        empty for a kind that needs none. Raises `SandboxUnavailable` where it is not installed."""
        return ""

    @abstractmethod
    def command(self, limits: Limits, scratch: str) -> list[str]:
        """The command that runs `inside.py` in a sandbox; descriptors 0 to 4 are its own, and the
        seccomp filter can be read from `FILTER` if it takes that."""

    def environment(self, scratch: str) -> dict[str, str]:
        """All that it finds in its environment; its libraries are those of the stage."""
        return self.variables(f"{self.ground.stage}/root{HERE}/lib", scratch)

    def confine(self, limits: Limits, scratch: str) -> None:  # noqa: B027 (most need no more)
        """What the child does to itself just before it becomes the command."""

    def filter(self) -> bytes:
        """The seccomp filter that programs run under; empty for none."""
        return seccomp.program(namespaces=self.namespaces)

    def exit_code(self, code: int) -> int:
        """The program's exit code, from that of the command."""
        return code

    @property
    def packages(self) -> str:
        """Where named packages lie, as a program sees it."""
        return f"{self.ground.stage}/root{HERE}/packages"

    def processes(self, limits: Limits) -> int | None:
        """What to set RLIMIT_NPROC to; None where it would count the user's other processes."""
        return limits.processes if self.ground.uid is not None else None

    @staticmethod
    def variables(libraries: str, home: str) -> dict[str, str]:
        """An environment with nothing of the host in it."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": home,
            "TMPDIR": home,
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "LD_LIBRARY_PATH": libraries,
            "PYTHONHASHSEED": "0",
            # One thread each: programs run side by side, and arenas eat address space.
            "MALLOC_ARENA_MAX": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }


class InOwnRoot(Tier):
    """A kind whose programs see the stage as `/` and have namespaces of their own."""

    SHARED_MEMORY_BYTES: ClassVar[int] = 16 << 20

    def environment(self, scratch: str) -> dict[str, str]:
        """The stage is its root."""
        return self.variables(f"{HERE}/lib", "/tmp")  # noqa: S108

    @property
    def inside(self) -> list[str]:
        """The command that runs the runner, as seen in there."""
        return run_python(self.ground.python, INSIDE)

    @property
    def packages(self) -> str:
        """In the stage, which is its root."""
        return f"{HERE}/packages"

    def processes(self, limits: Limits) -> int | None:
        """Counted in its own namespace, with the first process of that."""
        return limits.processes + 1

    def exit_code(self, code: int) -> int:
        """A signal is told as a shell does."""
        return 128 - code if code > 128 else code


def run_python(python: str, inside: str) -> list[str]:
    """The command that runs the runner."""
    return [python, *PYTHON_FLAGS, inside]

"""No sandbox: a process of the same user, whose time and memory are watched. For code that one
would run by hand."""

from __future__ import annotations

from archsearch.program import Limits
from archsearch.sandbox.stage import INSIDE
from archsearch.sandbox.tiers.base import Tier, run_python


class Unsafe(Tier):
    """Reads and writes what the user of archsearch may, or any user where that is root, and reaches
    the network."""

    name = "unsafe"
    namespaces = False
    needs_scratch = True
    isolates = False

    def command(self, limits: Limits, scratch: str) -> list[str]:
        """The interpreter, as it is."""
        root = f"{self.ground.stage}/root"
        return run_python(f"{root}{self.ground.python}", f"{root}{INSIDE}")

    def filter(self) -> bytes:
        """None."""
        return b""

"""Verdicts on a program by tests, such as the program itself cannot forge.

What a program gives leaves its sandbox as plain data and is judged outside of it; what is expected
never goes in. A program that says "passed", exits with 0, patches `==` or reads the frames of its
caller gains nothing: there is nothing there to be told, patched or read.
"""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from archsearch.asserts import Raised, Reading, Unanswered, Unreadable, free_names, parse, read
from archsearch.program import Execute, Execution, Limits, Program, Reply, Status

MOST_RUNS = 8
"""Sandboxes for the calls of one candidate: each time-out or crash in a call takes a fresh one."""

_DEFINED = re.compile(r"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one test says of a program."""

    status: Status
    """`ok` where it passed."""
    message: str = ""
    """Why not. It may tell what was expected: it is not for the eyes of the program."""

    @property
    def passed(self) -> bool:
        """Whether the test is fulfilled."""
        return self.status == "ok"


async def verdicts(
    source: str, tests: Sequence[str], execute: Execute, *, limits: Limits = Limits()
) -> tuple[Verdict, ...]:
    """One verdict for each test, in their order.

    A test is Python source that raises where `source` is wrong: asserts, most often. Those that can
    be read (`asserts`) become calls, all of which are made in one sandbox; each of the others is
    run in a sandbox of its own, against proxies of the functions that it does not define. `limits`
    hold for each sandbox. A source that does not run at all fails every test with that status. A
    test that is no Python fails with `exception`, whatever the source. Raises `SandboxFailed`.
    """
    raise NotImplementedError

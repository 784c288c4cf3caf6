"""A program that tries the sandbox: a file whose first comments say what may become of it.

# C24. Prose, in one line.
# status: ok exception      how it may end
# limits: seconds=2         what differs from LIMITS, or from PATIENT where it may not time out
# call: value               a function to call, without arguments; may come several times
# seen: connections         where a breach would be seen, from outside
# bare: connections         where it is seen when the program runs in no sandbox at all
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archsearch.program import Call, Limits, Program

HOSTILE = Path(__file__).parent / "hostile"

LIMITS = Limits(
    seconds=1.5,
    cpu_seconds=10,
    memory_bytes=192 << 20,
    output_bytes=64 << 10,
    disk_bytes=16 << 20,
    processes=8,
)
"""Of a case that says nothing else."""
PATIENT = replace(LIMITS, seconds=30, cpu_seconds=30)
"""Of one that may not time out: how long it takes is the machine's affair, how it ends is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A program and what may become of it."""

    name: str
    source: str
    statuses: frozenset[str]
    limits: Limits
    calls: tuple[Call, ...]
    seen: frozenset[str]
    bare: frozenset[str]

    @classmethod
    def read(cls, place: Path) -> Case:
        """Raises where the header is not as above."""
        source = place.read_text("utf-8")
        header = re.match(r"(# .*\n)+", source)
        assert header, f"{place.name} needs a header"
        lines = re.findall(r"^# (status|limits|call|seen|bare): (.+)$", header[0], re.MULTILINE)
        given: dict[str, list[str]] = {}
        for key, text in lines:
            given.setdefault(key, []).extend(text.replace(",", " ").split())
        usual = LIMITS if "timeout" in given["status"] else PATIENT
        return cls(
            name=place.stem,
            source=source,
            statuses=frozenset(given["status"]),
            limits=replace(usual, **dict(_limit(text) for text in given.get("limits", []))),
            calls=tuple(Call(function=name) for name in given.get("call", [])),
            seen=frozenset(given.get("seen", [])),
            bare=frozenset(given.get("bare", [])),
        )

    def program(self, brief: str) -> Program:
        """To run it with: `brief` is what it reads of the world that it is to break into."""
        return Program(source=self.source, stdin=brief, calls=self.calls, limits=self.limits)


def _limit(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, float(value) if "seconds" in name else int(value)


CASES = {place.stem: Case.read(place) for place in sorted(HOSTILE.glob("*.txt"))}

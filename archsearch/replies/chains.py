"""Numbers of answers, and chains of them such as `[3] > [1] > [2]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archsearch.replies.text import NOUN

# A number that may be an answer's; not a part of a word, a decimal, a fraction or a percentage.
NUMBER = re.compile(
    rf"(?:(?P<mark>[\[【][ \t]{{0,3}}(?:{NOUN}[ \t#]{{0,3}})?|(?:</?|\b){NOUN}s?[ \t#]{{0,3}}\[?)"
    r"|(?<![\w./]))(?P<sign>-?)(?P<digits>\d++)(?![\w%]|[./]\d)",
    re.IGNORECASE,
)

_GLUE = re.compile(
    r"(?:[\s,;，、；【】\"'`\[\](){}*#_|&–—=≈~-]|[<>≺≻≤≥←→«»]|\b(?:and|then|followed|by)\b|\b"
    + NOUN
    + r"s?\b)+",
    re.IGNORECASE,
)
_LONGEST_GLUE = 40
_BESIDE = re.compile(r"[=≈~&]|\band\b", re.IGNORECASE)
_APART = re.compile(r"[,;，、；|–—\n-]|\b(?:then|by)\b", re.IGNORECASE)
_DOWN, _UP = frozenset(">≻≥→»"), frozenset("<≺≤←«")


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers that one part of a reply holds, best first, as written."""

    strength: int
    numbers: Sequence[int]
    at: int

    def named(self, count: int) -> tuple[int, ...]:
        """Those that are of `count` answers, each once."""
        return tuple(dict.fromkeys(number for number in self.numbers if 1 <= number <= count))


def chains(text: str, numbers: Sequence[re.Match[str]]) -> Iterator[Reading]:
    """Runs of numbers with one kind of sign between them. Equals, as in `[1] = [2] > [3]`, are in a
    run but make none: alone they say nothing of an order."""
    sign, run, equals = "", list(numbers[:1]), 1
    for before, number in pairwise(numbers):
        between = _sign(text[before.end() : number.start()])
        if between == "=" and bool(before["mark"]) != bool(number["mark"]):
            between = ","  # "Answer 1 = 5" tells what it says
        if between not in (sign, "="):
            yield from _chain(sign, run)
            sign, run = between, run[-equals:] if between else []
        equals = equals + 1 if between == "=" else 1
        run.append(number)
    yield from _chain(sign, run)


def _chain(sign: str, run: Sequence[re.Match[str]]) -> Iterator[Reading]:
    if sign:
        numbers = [value(number) for number in (reversed(run) if sign == "<" else run)]
        yield Reading(1 if sign == "," else 2, numbers, run[0].start())


def _sign(gap: str) -> str:
    """`>`, `<`, `=` or `,` between two numbers of a chain; blank where what is between is none."""
    if len(gap) > _LONGEST_GLUE or not _GLUE.fullmatch(gap):
        return ""
    down, up = not _DOWN.isdisjoint(gap), not _UP.isdisjoint(gap)
    if down or up:
        return "" if down and up else ">" if down else "<"
    return "=" if _BESIDE.search(gap) and not _APART.search(gap) else ","


def value(number: re.Match[str]) -> int:
    """Its value; 0, which is no answer's number, where it is negative or far too large."""
    return 0 if number["sign"] or len(number["digits"]) > 9 else int(number["digits"])

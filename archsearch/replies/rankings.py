"""The order in which a reply puts answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archsearch.replies.chains import NUMBER, Reading, chains, value
from archsearch.replies.text import BARE, BULLET, CLAUSE_END, NEAR, NOUN, conclusion

UNREAD = "ranking unreadable; order kept"
INCOMPLETE = "ranking incomplete; answers left out follow in their order"
BY_MENTION = "ranking read from the order of mention"

_CELL = r"[ \t]{0,8}\|[ \t*_]{0,8}(\d{1,4})[ \t*_]{0,8}\|"
_LEAD = re.compile(rf"^(?:{BULLET}(\d{{1,4}})[.):](?=[ \t*_\[]|$)|{_CELL})", re.MULTILINE)
_ROW = re.compile(rf"^{_CELL}.*$", re.MULTILINE)
_OF_ANSWERS = re.compile(
    rf"^[ \t]{{0,8}}\|[ \t*_]{{0,8}}{NOUN}s?\b[^|\d\n]{{0,40}}\|", re.IGNORECASE | re.MULTILINE
)
"""The head of a table that has an answer's number first in each row."""
_SPACING = re.compile(r"[ \t*_\"'`]{0,8}")
_ENDED = re.compile(r"[ \t*_\"'`]{0,8}(?:[-–—:,.(]|$)", re.MULTILINE)
_LONE = re.compile(r"(?:[^\d\n]{0,40}:)?[\s*_\"'`(]*(\d++)[\s*_\"'`).]*")

_BEST_IS = re.compile(
    rf"(?<!second )(?<!next )(?<!third )\bbest(?:[ \t](?:{NOUN}|one))?[*_]{{0,3}}[ \t]{{0,3}}"
    r"(?::|=|\bis\b)[\s*_\"'`]{0,6}$",
    re.IGNORECASE,
)
_IS_BEST = re.compile(
    r"[\])】*_\"'`>]{0,6}[ \t](?:is|was)[ \t](?:(?:the|clearly|by[ \t]far)[ \t]){0,3}best\b"
    rf"(?:[ \t](?:{NOUN}|one|overall|of|as|because|since|and)\b|(?![ \t-]{{1,2}}\w))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What a reply says of the order of answers."""

    order: tuple[int, ...]
    """Every answer's number once, best first."""
    note: str | None = None
    """What the reply left open; None where it ranks every answer outright."""


def ranking(reply: str, count: int) -> Ranking:
    """The order of `count` answers, wherever in the reply it stands.

    A chain such as `[3] > [1] > [2]` goes before a list, whose positions (`1. [3]`) are told from
    the answers' numbers; of equals the one that names more answers counts, then the later one.
    Failing these, answers come in the order of mention. The one answer that is called the best goes
    first, unless a chain places it. A number named twice counts where it is
    first; unknown ones are dropped.

    >>> ranking("Let me see. I prefer [3] > [1] > [2].", 3)
    Ranking(order=(3, 1, 2), note=None)
    >>> ranking("The best one is answer 2.", 3).order
    (2, 1, 3)
    """
    text = conclusion(reply)
    listed, text = _listed(text)
    numbers = list(NUMBER.finditer(text))
    readings = [r for r in (*listed, *chains(text, numbers)) if len(r.named(count)) > 1]
    mentioned = Reading(0, [value(n) for n in numbers if n["mark"]] or _lone(text), 0)
    reading = max(
        readings, key=lambda r: (r.strength, len(r.named(count)), r.at), default=mentioned
    )
    named, best = reading.named(count), _best(text, numbers, count)
    if best and (reading.strength < 2 or best not in named):
        named = (best, *(number for number in named if number != best))
    return _completed(named, count, note=None if readings else BY_MENTION)


def _best(text: str, numbers: Sequence[re.Match[str]], count: int) -> int | None:
    """The one of `count` answers that is called the best in words."""
    found = {value(n) for n in numbers if _is_best(text, n)} & {*range(1, count + 1)}
    return found.pop() if len(found) == 1 else None


def _is_best(text: str, number: re.Match[str]) -> bool:
    before = text[max(0, number.start() - NEAR) : number.start()]
    if _BEST_IS.search(before):
        return True
    subject = number["mark"] or BARE.fullmatch(CLAUSE_END.split(before)[-1])
    return bool(subject and _IS_BEST.match(text, number.end()))


def _completed(named: Sequence[int], count: int, *, note: str | None) -> Ranking:
    missing = [number for number in range(1, count + 1) if number not in named]
    if missing:
        note = INCOMPLETE if named else UNREAD
    return Ranking(order=(*named, *missing), note=note)


def _listed(text: str) -> tuple[list[Reading], str]:
    """Numbered lists and tables in a reply, and the reply without the numbers of mere positions.

    Numbers that count 1, 2, 3 down the lines are positions, and the answer's number follows;
    numbers in any other order are the answers' own.
    """
    text = _without_ratings(text)
    leads = list(_LEAD.finditer(text))
    numbers = [_position(lead) for lead in leads]
    if any(number not in (1, before + 1) for before, number in pairwise([0, *numbers])):
        return [Reading(1, numbers, leads[0].start())], text
    readings: list[Reading] = []
    items: list[int] = []
    for lead in leads:
        if _position(lead) == 1 or not readings:
            items = []
            readings.append(Reading(1, items, lead.start()))
        items.extend(_item(text, lead.end()))
    return readings, _LEAD.sub(lambda lead: " " * len(lead[0]), text)


def _without_ratings(text: str) -> str:
    """Without the rows of a table that has answers in their own order: what else is in them may be
    a rank or a score."""
    numbers = [int(row[1]) for row in _ROW.finditer(text)]
    own = _OF_ANSWERS.search(text) and numbers == sorted(numbers)
    return _ROW.sub("", text) if own else text


def _position(lead: re.Match[str]) -> int:
    return int(lead[1] or lead[2])


def _item(text: str, start: int) -> Iterator[int]:
    """The number of the answer that a list's entry is, when it begins with one."""
    spacing = _SPACING.match(text, start)
    number = NUMBER.match(text, spacing.end() if spacing else start)
    if number and (number["mark"] or _ENDED.match(text, number.end())):
        yield value(number)


def _lone(text: str) -> list[int]:
    """The one number that a reply consists of, such as `3` or `Best: 3`."""
    lone = _LONE.fullmatch(text)
    return [int(lone[1])] if lone and len(lone[1]) <= 9 else []

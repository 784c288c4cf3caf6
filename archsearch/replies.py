"""How a judge's reply is read: a ranking, a critique of each answer, a verdict.

Every reader is pure and total: any text gives a result, in time linear in its length, and the
result says what the reply left open. Answers are numbered from 1. Only `WINDOW` characters are
read: the last ones of a ranking or a verdict, since a conclusion follows its reasons, and the
first ones of critiques.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

WINDOW = 100_000
"""Characters of a reply that are read."""

UNREAD = "ranking unreadable; order kept"
INCOMPLETE = "ranking incomplete; answers left out follow in their order"
BY_MENTION = "ranking read from the order of mention"

_NOUN = r"(?:answer|candidate|response|solution|option)"
_BULLET = r"[ \t>*#_•\u200e\u200f-]{0,8}"
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

# A number that may be an answer's; not a part of a word, a decimal, a fraction or a percentage.
_NUMBER = re.compile(
    rf"(?:(?P<mark>[\[【][ \t]{{0,3}}(?:{_NOUN}[ \t#]{{0,3}})?|(?:</?|\b){_NOUN}s?[ \t#]{{0,3}}\[?)"
    r"|(?<![\w./]))(?P<sign>-?)(?P<digits>\d++)(?![\w%]|[./]\d)",
    re.IGNORECASE,
)
_LEAD = re.compile(rf"^{_BULLET}(\d{{1,4}})[.):](?=[ \t*_\[]|$)", re.MULTILINE)
_SPACING = re.compile(r"[ \t*_\"'`]{0,8}")
_ENDED = re.compile(r"[ \t*_\"'`]{0,8}(?:[-–—:,.(]|$)", re.MULTILINE)
_LONE = re.compile(r"(?:[^\d\n]{0,40}:)?[\s*_\"'`(]*(\d++)[\s*_\"'`).]*")

_GLUE = re.compile(
    r"(?:[\s,;，、；【】\"'`\[\](){}*#_|&–—=-]|[<>≺≻≤≥←→«»]|\b(?:and|then|followed|by)\b|\b"
    + _NOUN
    + r"s?\b)+",
    re.IGNORECASE,
)
_LONGEST_GLUE = 40
_DOWN, _UP = frozenset(">≻≥→»"), frozenset("<≺≤←«")


def is_blank(reply: str) -> bool:
    """Whether a reply holds nothing but white space and invisible characters."""
    return not _INVISIBLE.sub("", reply[:WINDOW]).strip() and not reply[WINDOW:].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What a reply says of the order of answers."""

    order: tuple[int, ...]
    """Every answer's number once, best first."""
    note: str | None = None
    """What the reply left open; None where it ranks every answer outright."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The numbers that one part of a reply holds, best first, as written."""

    strength: int
    numbers: Sequence[int]
    at: int

    def named(self, count: int) -> tuple[int, ...]:
        return tuple(dict.fromkeys(number for number in self.numbers if 1 <= number <= count))


def ranking(reply: str, count: int) -> Ranking:
    """The order of `count` answers, wherever in the reply it stands.

    A chain such as `[3] > [1] > [2]` goes before a list, whose positions (`1. [3]`) are told from
    the answers' numbers; of equals the one that names more answers counts, then the later one.
    Failing these, answers come in the order of mention. A number named twice counts where it is
    first; unknown ones are dropped.

    >>> ranking("Let me see. I prefer [3] > [1] > [2].", 3)
    Ranking(order=(3, 1, 2), note=None)
    >>> ranking("The best one is answer 2.", 3).order
    (2, 1, 3)
    """
    text = _INVISIBLE.sub("", reply[-WINDOW:])
    listed, text = _listed(text)
    numbers = list(_NUMBER.finditer(text))
    readings = [r for r in (*listed, *_chains(text, numbers)) if len(r.named(count)) > 1]
    if readings:
        best = max(readings, key=lambda r: (r.strength, len(r.named(count)), r.at))
        return _completed(best.named(count), count, note=None)
    mentioned = _Reading(0, [_value(n) for n in numbers if n["mark"]] or _lone(text), 0)
    return _completed(mentioned.named(count), count, note=BY_MENTION)


def _completed(named: Sequence[int], count: int, *, note: str | None) -> Ranking:
    missing = [number for number in range(1, count + 1) if number not in named]
    if missing:
        note = INCOMPLETE if named else UNREAD
    return Ranking(order=(*named, *missing), note=note)


def _listed(text: str) -> tuple[list[_Reading], str]:
    """Numbered lists in a reply, and the reply without the numbers that are mere positions.

    Numbers that count 1, 2, 3 down the lines are positions, and the answer's number follows;
    numbers in any other order are the answers' own.
    """
    leads = list(_LEAD.finditer(text))
    numbers = [int(lead[1]) for lead in leads]
    if any(number not in (1, before + 1) for before, number in pairwise([0, *numbers])):
        return [_Reading(1, numbers, leads[0].start())], text
    readings: list[_Reading] = []
    items: list[int] = []
    for lead in leads:
        if lead[1] == "1" or not readings:
            items = []
            readings.append(_Reading(1, items, lead.start()))
        items.extend(_item(text, lead.end()))
    return readings, _LEAD.sub(lambda lead: " " * len(lead[0]), text)


def _item(text: str, start: int) -> Iterator[int]:
    """The number of the answer that a list's entry is, when it begins with one."""
    spacing = _SPACING.match(text, start)
    number = _NUMBER.match(text, spacing.end() if spacing else start)
    if number and (number["mark"] or _ENDED.match(text, number.end())):
        yield _value(number)


def _chains(text: str, numbers: Iterable[re.Match[str]]) -> Iterator[_Reading]:
    """Runs of numbers with one kind of sign between them."""
    sign, run, start = "", list[int](), 0
    for before, number in pairwise(numbers):
        between = _sign(text[before.end() : number.start()])
        if between != sign or not run:
            yield from _chain(sign, run, start)
            sign, run, start = between, [_value(before)], before.start()
        run.append(_value(number))
    yield from _chain(sign, run, start)


def _chain(sign: str, run: list[int], start: int) -> Iterator[_Reading]:
    if sign:
        yield _Reading(1 if sign == "," else 2, run[::-1] if sign == "<" else run, start)


def _sign(gap: str) -> str:
    """`>`, `<` or `,` between two numbers of a chain; blank where the text between is no sign."""
    if len(gap) > _LONGEST_GLUE or not _GLUE.fullmatch(gap):
        return ""
    down, up = not _DOWN.isdisjoint(gap), not _UP.isdisjoint(gap)
    return "" if down and up else ">" if down else "<" if up else ","


def _value(number: re.Match[str]) -> int:
    """Its value; 0, which is no answer's number, where it is negative or far too large."""
    return 0 if number["sign"] or len(number["digits"]) > 9 else int(number["digits"])


def _lone(text: str) -> list[int]:
    """The one number that a reply consists of, such as `3` or `Best: 3`."""
    lone = _LONE.fullmatch(text)
    return [int(lone[1])] if lone and len(lone[1]) <= 9 else []


# Headings of a critique, from the strictest form to the loosest. `[n]` in the midst of a sentence
# is an index or a citation and never begins a critique.
_TOPIC = rf"(?:critique[ \t](?:of|for|on)[ \t])?(?:the[ \t])?(?:critique|{_NOUN})"
_NAMED = rf"{_TOPIC}[ \t#*]{{0,3}}\[?[ \t]{{0,2}}(\d{{1,9}})(?!\d)[ \t]{{0,2}}\]?"
_BRACKETED = r"\[[ \t]{0,2}(\d{1,9})[ \t]{0,2}\]"
_CLOSE = r"[ \t*_]{0,4}(?:[:)>–—-]|$)[*_:]{0,6}"
_LINE = rf"^<?{_BULLET}"
_SENTENCE = rf"(?:^{_BULLET}|(?<=[.!?;][ \t]))"
_FORMAL = tuple(
    re.compile(_LINE + heading + _CLOSE, re.IGNORECASE | re.MULTILINE)
    for heading in (_NAMED, _BRACKETED)
)
_CASUAL = tuple(
    re.compile(start + heading + r"(?=[ \t:])[ \t:]{0,4}", re.IGNORECASE | re.MULTILINE)
    for start in (_LINE, _SENTENCE)
    for heading in (_NAMED, _BRACKETED)
)


def critiques(reply: str, count: int) -> tuple[str, ...]:
    r"""The critique of each of `count` answers, in their order; blank where the reply has none.

    A critique reaches from its heading (`Answer 2:`, `**[2]**`) to the next one. Of the forms of
    heading the one that gives most answers a critique counts. What stands under the number of no
    answer is dropped, never given to another. A reply without headings is the critique of a sole
    answer.

    >>> critiques("Answer 2: a[0] is wrong.\nAnswer 1:\n**Strengths**: short", 2)
    ('**Strengths**: short', 'a[0] is wrong.')
    """
    text = reply[:WINDOW]
    readings = [
        *(_sections(text, heading, count, formal=True) for heading in _FORMAL),
        *(_sections(text, heading, count, formal=False) for heading in _CASUAL),
    ]
    best = max(readings, key=len)
    if not best and count == 1:
        return ("" if is_blank(text) else text.strip(),)
    return tuple(best.get(number, "") for number in range(1, count + 1))


def _sections(text: str, heading: re.Pattern[str], count: int, *, formal: bool) -> dict[int, str]:
    """Texts under one form of heading, by answer.

    A formal heading is always one. A casual one (`Answer 2 is short`) may be mere text, so it
    counts only where it begins the critique of an answer that has none yet.
    """
    headings: list[tuple[int, re.Match[str]]] = []
    seen: set[int] = set()
    for match in heading.finditer(text):
        number = int(match[1])
        if formal or (1 <= number <= count and number not in seen):
            seen.add(number)
            headings.append((number, match))
    ends = [match.start() for _, match in headings] + [len(text)]
    parts: dict[int, list[str]] = {}
    for (number, match), end in zip(headings, ends[1:], strict=True):
        part = text[match.end() : end].strip()
        if 1 <= number <= count and not is_blank(part):
            parts.setdefault(number, []).append(part)
    return {number: "\n".join(found) for number, found in parts.items()}


_TRUE = ("correct", "right", "true", "yes", "valid", "accurate", "pass", "passes", "passed")
_FALSE = ("incorrect", "wrong", "false", "no", "invalid", "inaccurate", "fail", "fails", "failed")
_VERBS = frozenset(("pass", "passes", "passed", "fail", "fails", "failed"))
_LINKS = frozenset(("is", "are", "was", "were", "be", "it's", "seems", "looks", "appears"))
_NEGATIONS = frozenset(("not", "never", "cannot", "neither", "nor", "hardly"))
_HEDGES = frozenset(("if", "whether", "unless", "would", "could", "may", "might", "should"))

_WORDS = rf"(?:{'|'.join((*_TRUE, *_FALSE))})\b"
_SAID = rf"(?P<no>not[ \t]{{1,3}})?(?P<word>{_WORDS})"
_SPICE = r"[\s*_\"'`(\[{]{0,8}"
_CHOICE = re.compile(
    rf"\b{_WORDS}{_SPICE}(?:/|\||\bor\b){_SPICE}(?:verdict:{_SPICE})?{_WORDS}", re.IGNORECASE
)
_LABELLED = re.compile(
    rf"\b(?:(?:verdict|judge?ment|conclusion|decision|final[ \t]answer)\b{_SPICE}(?::|=|\bis\b)"
    rf"|(?P<label>(?:in)?correct)[\"'*_]{{0,3}}[ \t]{{0,3}}[?:=]"
    rf"(?=\W{{0,8}}(?:yes|no|true|false)\b))"
    rf"{_SPICE}{_SAID}",
    re.IGNORECASE,
)
_OPENING = re.compile(
    rf"^{_BULLET}(?:(?:the[ \t])?(?:final[ \t])?answer(?:[ \t]is)?[ \t]?:{_SPICE})?"
    rf"[*_\"'`(\[{{]{{0,8}}(?!right\b){_SAID}"
    r"(?=[\"'*_`\])}]{0,4}(?:[.,:;!\])]|[ \t]{1,2}[-–—]|[ \t]{0,4}$))",
    re.IGNORECASE | re.MULTILINE,
)
_STATED = re.compile(rf"\b(?P<word>(?!yes\b|no\b){_WORDS})", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[.!?;:\n]")


def verdict(reply: str) -> bool | None:
    """Whether the reply calls the answer correct; None where it does not say.

    A labelled verdict (`Verdict: Incorrect`) goes before a line that opens with one (`No, ...`),
    and that before a statement (`the sum is not correct`). Of one form the last counts. A choice
    that is left open (`Correct or Incorrect`) and conditions say nothing.

    >>> verdict("The steps are correct but the result is not correct.")
    False
    """
    text = _CHOICE.sub(" ", _INVISIBLE.sub("", reply[-WINDOW:]))
    for form in (_labelled, _openings, _statements):
        said = list(form(text))
        if said:
            return said[-1]
    return None


def _labelled(text: str) -> Iterator[bool]:
    for match in _LABELLED.finditer(text):
        asked = not match["label"] or _holds(match["label"])
        yield asked == (_holds(match["word"]) != bool(match["no"]))


def _openings(text: str) -> Iterator[bool]:
    for match in _OPENING.finditer(text):
        yield _holds(match["word"]) != bool(match["no"])


def _statements(text: str) -> Iterator[bool]:
    for match in _STATED.finditer(text):
        before = text[max(0, match.start() - 80) : match.start()].lower().replace("’", "'")
        clause = _CLAUSE_END.split(before)[-1].split()
        near = clause[-3:]
        negated = [word in _NEGATIONS or word.endswith("n't") for word in near]
        linked = any(negated) or not _LINKS.isdisjoint(near) or match[0].lower() in _VERBS
        if linked and _HEDGES.isdisjoint(clause):
            yield _holds(match[0]) != bool(sum(negated) % 2)


def _holds(word: str) -> bool:
    return word.lower() in _TRUE

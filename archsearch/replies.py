"""How a judge's reply is read: a ranking, a preference, a rating, critiques, a verdict.

Every reader is pure and total: any text gives a result, in time linear in its length, and the
result says what the reply left open. Answers are numbered from 1. Only `WINDOW` characters are
read: the first ones of critiques, else the last ones, since a conclusion follows its reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

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


# One of two answers: "answer 2", "[2]", "2", "the second one".
_ONE_OF_TWO = re.compile(
    rf"(?:(?P<mark>\b{_NOUN}[ \t#*]{{0,3}}[\[(]?|[\[(【][ \t]{{0,2}}(?:{_NOUN}[ \t#]{{0,3}})?)"
    r"|(?<![\w./-]))(?P<digit>[12])(?![\w%]|[./]\d)[\])】]{0,2}"
    rf"|\b(?:the[ \t])?(?P<ordinal>first|second|former|latter)(?:[ \t](?:{_NOUN}|one)\b"
    r"|(?=[ \t](?:is|was|seems|looks|wins)\b|[*_\"'`]{0,3}(?:[.!]|[ \t]{0,3}$)))",
    re.IGNORECASE | re.MULTILINE,
)
_JOINT = re.compile(
    r"[\s*_\"'`,]{0,6}(?:/|\||&|(?:or|and|nor|vs\.?|versus)\b)[\s*_\"'`]{0,6}", re.I
)
_NEAR = 80

_QUALITIES = (
    "(?:accurate|clear|complete|concise|convincing|correct|detailed|helpful|logical|precise|"
    "reliable|thorough)"
)
_GOOD = (
    "better|best|superior|stronger|clearer|preferable|preferred|wins|beats|outperforms|surpasses|"
    rf"more[ \t]{_QUALITIES}"
)
_BAD = rf"worse|worst|inferior|weaker|loses|less[ \t]{_QUALITIES}"
_COMPARED = re.compile(
    rf"(?P<bad>\b(?:{_BAD})\b|(?:\bnot|n['’]t)[ \t](?:\w{{1,12}}[ \t])?as\b)"
    rf"|(?P<good>\b(?:{_GOOD})\b)"
    r"|(?P<open>(?:\b(?:not|never|no|neither|if|could|should|might|would)|n['’]t)\b"
    rf"(?=[ \t](?:\w{{1,12}}[ \t]){{0,2}}(?:{_GOOD}|{_BAD})\b))",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:prefer|choose|chose|pick|select|favou?r|recommend|go[ \t]with|vote[ \t]for)"
    r"[\s*_\"'`:]{0,6}(?:the[ \t])?$",
    re.IGNORECASE,
)
_OPPOSED = re.compile(
    r"\b(?:than|over|to|with|unlike|against|beats|outperforms|surpasses|if|whether)"
    r"[\s*_\"'`]{0,6}(?:the[ \t])?$",
    re.IGNORECASE,
)
_UNDECIDED = re.compile(r"\b(?:not|never|cannot|neither|if|whether)\b|n['’]t\b", re.IGNORECASE)
_LABEL = re.compile(
    r"\b(?:better|best|preferred|preference|winner|winning|choice|verdict|decision|conclusion|"
    rf"judge?ment)(?:[ \t]{{1,2}}(?:{_NOUN}|one))?[\s*_\"'`]{{0,6}}(?:[:=?]|\bis\b)"
    r"[\s*_\"'`<]{0,8}(?:the[ \t])?$",
    re.IGNORECASE,
)
_BARE = re.compile(r"[\s>*#_\"'`().!<\[\]-]*")
_REASONED = re.compile(r"[*_\"'`]{0,4}(?:[.,;!]|[ \t]{1,2}(?:[-–—]|because\b|since\b|as\b))[ \t]")


@dataclass(frozen=True, slots=True)
class _Mention:
    """Where a reply names one of two answers."""

    number: Literal[1, 2]
    marked: bool
    """It is more than a number, which may be anything's."""
    at: int
    before: str
    """What stands between it and the mention before it, at most `_NEAR` characters."""
    after: str
    """The same after it."""
    line: tuple[str, str]
    """The rest of its line, before and after it, likewise cut off."""

    @property
    def other(self) -> Literal[1, 2]:
        return 2 if self.number == 1 else 1


def preference(reply: str) -> Literal[1, 2] | None:
    """Which of two answers the reply calls the better one; None where it does not say.

    A label (`Better: 2`), a chain (`[2] > [1]`) and a line that is nothing but an answer's number
    go before a comparison (`Answer 1 is worse than Answer 2`, `I prefer the second one`), and that
    before a reply that opens with an answer and reasons. Of one form the last counts. A choice that
    is left open (`Answer 1 or Answer 2`) and what is said on a condition say nothing.

    >>> preference("Answer 1 is long. Answer 1 is worse than Answer 2.")
    2
    """
    text = _INVISIBLE.sub("", reply[-WINDOW:])
    mentions = _mentions(text)
    stated = [*_chosen_by_chain(text), *_chosen_by_label(mentions), *_alone(mentions)]
    if stated:
        return max(stated)[1]
    compared = [said for mention in mentions if (said := _compared(mention))]
    return compared[-1] if compared else _opening(mentions)


def _mentions(text: str) -> list[_Mention]:
    """Where either answer is named, less the places that name both as a choice."""
    found = list(_ONE_OF_TWO.finditer(text))
    edges = [0, *(edge for match in found for edge in match.span()), len(text)]
    joint = [bool(_JOINT.fullmatch(text[a:b][: 2 * _NEAR])) for a, b in _gaps(edges)]
    joint[0] = joint[-1] = False
    mentions = []
    for at, match in enumerate(found):
        if not joint[at] and not joint[at + 1]:
            start, end = match.span()
            before = text[max(edges[2 * at], start - _NEAR) : start]
            after = text[end : min(edges[2 * at + 3], end + _NEAR)]
            line = (
                text[max(0, start - _NEAR) : start].rpartition("\n")[2],
                text[end : end + _NEAR].partition("\n")[0],
            )
            marked = bool(match["mark"] or match["ordinal"])
            mentions.append(_Mention(_number(match), marked, start, before, after, line))
    return mentions


def _gaps(edges: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(edges[::2], edges[1::2], strict=True)


def _number(match: re.Match[str]) -> Literal[1, 2]:
    named = match["digit"] or match["ordinal"].lower()
    return 1 if named in ("1", "first", "former") else 2


def _chosen_by_chain(text: str) -> Iterator[tuple[int, Literal[1, 2]]]:
    for reading in _chains(text, list(_NUMBER.finditer(text))):
        if reading.strength == 2 and len(named := reading.named(2)) == 2:
            yield reading.at, 1 if named[0] == 1 else 2


def _chosen_by_label(mentions: Iterable[_Mention]) -> Iterator[tuple[int, Literal[1, 2]]]:
    for mention in mentions:
        if _LABEL.search(mention.before):
            yield mention.at, _as_subject(mention) or mention.number


def _alone(mentions: Iterable[_Mention]) -> list[tuple[int, Literal[1, 2]]]:
    """Lines that are nothing but an answer's number; where both have one, these are headings."""
    lone = [m for m in mentions if all(_BARE.fullmatch(part) for part in m.line)]
    return [(m.at, m.number) for m in lone] if len({m.number for m in lone}) == 1 else []


def _compared(mention: _Mention) -> Literal[1, 2] | None:
    clause = _CLAUSE_END.split(mention.before)[-1]
    if _OPPOSED.search(clause) or not (mention.marked or _BARE.fullmatch(clause)):
        return None
    if (said := _as_subject(mention)) is not None:
        return None if _UNDECIDED.search(clause) else said
    chosen = _CHOSEN.search(clause) and not _UNDECIDED.search(clause)
    return mention.number if chosen else None


def _as_subject(mention: _Mention) -> Literal[1, 2] | None:
    """What is said of it in the words that follow."""
    clause = re.split(r"[.!?;\n]", mention.after, maxsplit=1)[0]
    said = _COMPARED.search(clause)
    if not said or said["open"]:
        return None
    return mention.other if said["bad"] else mention.number


def _opening(mentions: Sequence[_Mention]) -> Literal[1, 2] | None:
    """The answer that the reply opens with, followed by reasons."""
    opening = [m for m in mentions if _BARE.fullmatch(m.line[0]) and _REASONED.match(m.line[1])]
    first = opening and opening[0] is mentions[0] and mentions[0].marked
    return opening[0].number if first and len({m.number for m in opening}) == 1 else None


# -- a rating

_RATED = re.compile(
    r"(?<![\w./-])(?P<value>\d{1,4}(?:\.\d{1,3})?)(?![\w%]|[.,]\d)"
    r"(?:[ \t*_]{0,4}(?:/|\bout[ \t]of\b)[ \t*_]{0,4}(?P<most>\d{1,4})(?!\w|[.,]\d))?"
    r"(?![ \t]{0,3}/)"
)
_RANGE = re.compile(r"(?<![\w.])1[ \t]{0,2}(?:-|–|—|\bto\b|\band\b)[ \t]{0,2}\d{1,3}(?!\w)", re.I)
_RATING_LABEL = re.compile(
    r"\b(?:rating|score|grade|rate[sd]?|gives?|deserves)\b[^\d\n.]{0,40}$", re.IGNORECASE
)


def rating(reply: str, scale: int) -> float | None:
    """The rating from 1 to `scale` that the reply gives; None where it gives none.

    A labelled one (`Rating: 7`) goes before one out of `scale` (`7/10`), and that before a line
    that is or opens with nothing but a number. Of one form the last counts. Ratings off the scale
    and ranges (`from 1 to 10`) are no ratings.

    >>> rating("On a scale from 1 to 10 it gets 3/10 for style. Rating: **7.5**", 10)
    7.5
    """
    text = _RANGE.sub(" ", _INVISIBLE.sub("", reply[-WINDOW:]))
    ratings = [r for r in _RATED.finditer(text) if _on_scale(r, scale)]
    labelled = [
        r for r in ratings if _RATING_LABEL.search(text[max(0, r.start() - 60) : r.start()])
    ]
    out_of = [r for r in ratings if r["most"]]
    lines = [r for r in ratings if _is_line(text, r)]
    said = labelled or out_of or lines
    return float(said[-1]["value"]) if said else None


def _on_scale(rated: re.Match[str], scale: int) -> bool:
    within = 1 <= float(rated["value"]) <= scale
    return within and (rated["most"] is None or int(rated["most"]) == scale)


def _is_line(text: str, rated: re.Match[str]) -> bool:
    start = text[max(0, rated.start() - _NEAR) : rated.start()].rpartition("\n")[2]
    rest = text[rated.end() : rated.end() + _NEAR].partition("\n")[0]
    ends = _BARE.fullmatch(rest) or _REASONED.match(rest)
    # "1. The steps" heads a list.
    return bool(_BARE.fullmatch(start) and ends and not re.match(r"\.[ \t]", rest))

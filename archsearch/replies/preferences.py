"""Which of two answers a reply prefers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from archsearch.replies.chains import NUMBER, chains
from archsearch.replies.text import BARE, CLAUSE_END, NEAR, NOUN, REASONED, conclusion

# One of two answers: "answer 2", "[2]", "2", "the second one".
_ONE_OF_TWO = re.compile(
    rf"(?:(?P<mark>\b{NOUN}[ \t#*]{{0,3}}[\[(]?|[\[(【][ \t]{{0,2}}(?:{NOUN}[ \t#]{{0,3}})?)"
    r"|(?<![\w./-]))(?P<digit>[12])(?![\w%]|[./]\d)[\])】]{0,2}"
    rf"|\b(?:the[ \t])?(?P<ordinal>first|second|former|latter)(?:[ \t](?:{NOUN}|one)\b"
    r"|(?=[ \t](?:is|was|seems|looks|wins)\b|[*_\"'`]{0,3}(?:[.!]|[ \t]{0,3}$)))",
    re.IGNORECASE | re.MULTILINE,
)
_JOINT = re.compile(
    r"[\s*_\"'`,]{0,6}(?:/|\||&|(?:or|and|nor|vs\.?|versus)\b)[\s*_\"'`]{0,6}", re.I
)

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
_ASIDE = re.compile(
    r"[,(–—]|\b(?:although|as|because|but|since|though|which|while)\b", re.IGNORECASE
)
"""Begins what is said beside the choice itself."""
_LABEL = re.compile(
    r"\b(?:better|best|preferred|preference|winner|winning|choice|verdict|decision|conclusion|"
    rf"judge?ment)(?:[ \t]{{1,2}}(?:{NOUN}|one))?[\s*_\"'`]{{0,6}}(?:[:=?]|\bis\b)"
    r"[\s*_\"'`<]{0,8}(?:the[ \t])?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Mention:
    """Where a reply names one of two answers."""

    number: Literal[1, 2]
    marked: bool
    """It is more than a number, which may be anything's."""
    at: int
    before: str
    """What stands between it and the mention before it, at most `NEAR` characters."""
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
    text = conclusion(reply)
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
    joint = [bool(_JOINT.fullmatch(text[a:b][: 2 * NEAR])) for a, b in _gaps(edges)]
    joint[0] = joint[-1] = False
    mentions = []
    for at, match in enumerate(found):
        if not joint[at] and not joint[at + 1]:
            start, end = match.span()
            before = text[max(edges[2 * at], start - NEAR) : start]
            after = text[end : min(edges[2 * at + 3], end + NEAR)]
            line = (
                text[max(0, start - NEAR) : start].rpartition("\n")[2],
                text[end : end + NEAR].partition("\n")[0],
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
    for reading in chains(text, list(NUMBER.finditer(text))):
        if reading.strength == 2 and len(named := reading.named(2)) == 2:
            yield reading.at, 1 if named[0] == 1 else 2


def _chosen_by_label(mentions: Iterable[_Mention]) -> Iterator[tuple[int, Literal[1, 2]]]:
    for mention in mentions:
        if label := _LABEL.search(mention.before):
            answered = "?" in label[0]
            yield mention.at, _as_subject(mention, aside=answered) or mention.number


def _alone(mentions: Iterable[_Mention]) -> list[tuple[int, Literal[1, 2]]]:
    """Lines that are nothing but an answer's number; where both have one, these are headings."""
    lone = [m for m in mentions if all(BARE.fullmatch(part) for part in m.line)]
    return [(m.at, m.number) for m in lone] if len({m.number for m in lone}) == 1 else []


def _compared(mention: _Mention) -> Literal[1, 2] | None:
    clause = CLAUSE_END.split(mention.before)[-1]
    if _OPPOSED.search(clause) or not (mention.marked or BARE.fullmatch(clause)):
        return None
    chosen = bool(_CHOSEN.search(clause))
    said = _as_subject(mention, aside=not chosen) or (mention.number if chosen else None)
    return None if _UNDECIDED.search(clause) else said


def _as_subject(mention: _Mention, *, aside: bool) -> Literal[1, 2] | None:
    """What is said of it in the words that follow, `aside` from it too."""
    clause = re.split(r"[.!?;\n]", mention.after, maxsplit=1)[0]
    said = _COMPARED.search(clause)
    if not said or said["open"] or (not aside and _ASIDE.search(clause[: said.start()])):
        return None
    return mention.other if said["bad"] else mention.number


def _opening(mentions: Sequence[_Mention]) -> Literal[1, 2] | None:
    """The answer that the reply opens with, followed by reasons."""
    opening = [m for m in mentions if BARE.fullmatch(m.line[0]) and REASONED.match(m.line[1])]
    first = opening and opening[0] is mentions[0] and mentions[0].marked
    return opening[0].number if first and len({m.number for m in opening}) == 1 else None

"""How unit tests in natural language are read off a reply: one statement for each.

The reader is pure and total: any text gives a result, in time linear in its length. Only the first
`WINDOW` characters are read.
"""

from __future__ import annotations

import re
from itertools import islice

from archsearch.replies import WINDOW

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

_LONGEST = 1_000
"""Characters of a quoted string that is read as a statement."""
_MOST_LISTS = 100
"""Quoted lists that are looked at: text that belongs to none is read again for each."""

_LIST = re.compile(r"\[\s*+(?=[\"'“])")
_QUOTED = re.compile(
    rf"(?:\"(?P<double>(?:[^\"\\\n]|\\.){{1,{_LONGEST}}}+)\"|“(?P<curly>[^”\n]{{1,{_LONGEST}}}+)”"
    # An apostrophe is no closing quote: that stands before a comma or the end of the list.
    rf"|'(?P<single>(?:[^'\\\n]|\\.|'(?!\s{{0,9}}[,\]])){{1,{_LONGEST}}}+)')"
    r"\s*+(?:,\s*+|(?=\])|(?=[\"'“]))"
)
_VALUE = re.compile(
    rf"\"[^\"\\\n]{{1,40}}+\"\s{{0,4}}:\s{{0,4}}\"((?:[^\"\\\n]|\\.){{1,{_LONGEST}}}+)\""
)
_ESCAPE = re.compile(r"\\([\"'\\/])")

_NUMBERED = re.compile(
    r"[>#*_\s]{0,8}(?:(?:unit[ ])?(?:test|statement|criterion)[ \t#]{0,3})?"
    r"[(\[]?\d{1,3}[*_]{0,2}[.):\]][*_:]{0,3}(?=\s|$|[*_\"'“`])",
    re.IGNORECASE,
)
_BULLETED = re.compile(r"[>\s]{0,8}(?:[-*•+–]|\[[ xX]?\])(?:\s{1,4}\[[ xX]?\])?(?=\s)")
_FENCE = re.compile(r"\s*+(?:```|~~~|</?\w{1,40}>\s*+$)")
_BOLD = re.compile(r"(?<!\w)\*\*(?=\S)([^*\n]{1,200}+)\*\*")
_EDGES = " \t\r*_\"'“”`,;>|-–•"


def statements(reply: str, most: int) -> tuple[str, ...]:
    r"""At most `most` distinct statements, in their order, each on one line.

    They are the items of a quoted list as JSON or Python has it, or of a list with numbers or,
    where there are none, bullets, whichever is longer; failing these, the lines that do not end in
    a colon. What has no letter is no statement, and what differs from an earlier one in case or
    spacing only is dropped.

    >>> statements("Here are two:\n1. It is a number.\n2. It is\n   positive.", 5)
    ('It is a number.', 'It is positive.')
    >>> statements('tests = ["It is 7.", "it is  7.", "It has a unit."]', 5)
    ('It is 7.', 'It has a unit.')
    """
    text = _INVISIBLE.sub("", reply[:WINDOW])
    marked = _marked(text, _NUMBERED) or _marked(text, _BULLETED)
    found = max(_quoted(text), marked, key=len) or _lines(text)
    distinct: dict[str, str] = {}
    for statement in map(_tidied, found):
        if any(map(str.isalpha, statement)):
            distinct.setdefault(statement.casefold(), statement)
    return tuple(islice(distinct.values(), most))


def _quoted(text: str) -> list[str]:
    """The strings of the longest list of strings, the later one of equals; failing that, the values
    of an object."""
    longest: list[str] = []
    end = 0
    for start in islice(_LIST.finditer(text), _MOST_LISTS):
        if start.end() < end:
            continue  # inside a string of the list before
        strings, end = _strings(text, start.end())
        if strings and len(strings) >= len(longest):
            longest = strings
    found = longest or _VALUE.findall(text)
    return [_ESCAPE.sub(r"\1", string.replace("\\n", " ")) for string in found]


def _strings(text: str, at: int) -> tuple[list[str], int]:
    """Quoted strings one after another from `at`, and where they end."""
    strings = []
    while match := _QUOTED.match(text, at):
        strings.append(next(string for string in match.groups() if string is not None))
        at = match.end()
    return strings, at


def _marked(text: str, mark: re.Pattern[str]) -> list[str]:
    """Lines that begin with `mark`, without it; lines right below one go on with it."""
    items: list[list[str]] = []
    goes_on = False
    for line in _text_lines(text):
        if match := mark.match(line):
            items.append([line[match.end() :]])
        elif goes_on and line.strip():
            items[-1].append(line.strip(_EDGES))
        goes_on = bool(match) or (goes_on and bool(line.strip()))
    return [" ".join(parts) for parts in items]


def _lines(text: str) -> list[str]:
    return [line for line in _text_lines(text) if not line.rstrip(" *_\r").endswith(":")]


def _text_lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if not _FENCE.match(line)]


def _tidied(statement: str) -> str:
    return " ".join(_BOLD.sub(r"\1", statement).strip(_EDGES).split())

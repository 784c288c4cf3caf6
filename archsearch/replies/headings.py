"""Critiques in a reply, each under the heading of its answer."""

from __future__ import annotations

import re

from archsearch.replies.text import BULLET, NOUN, WINDOW, is_blank

# Headings of a critique, from the strictest form to the loosest. `[n]` in the midst of a sentence
# is an index or a citation and never begins a critique.
_TOPIC = rf"(?:critique[ \t](?:of|for|on)[ \t])?(?:the[ \t])?(?:critique|{NOUN})"
_NAMED = rf"{_TOPIC}[ \t#*]{{0,3}}\[?[ \t]{{0,2}}(\d{{1,9}})(?!\d)[ \t]{{0,2}}\]?"
_BRACKETED = r"\[[ \t]{0,2}(\d{1,9})[ \t]{0,2}\]"
_CLOSE = r"[ \t*_]{0,4}(?:[:)>–—-]|$)[*_:]{0,6}"
_LINE = rf"^<?{BULLET}"
_SENTENCE = rf"(?:^{BULLET}|(?<=[.!?;][ \t]))"
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

"""How the results of unit tests are read off a judge's reply.

The reader is pure and total: any text gives a result, in time linear in its length. Only the last
`WINDOW` characters are read, since a conclusion follows its reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from archsearch.replies import WINDOW, verdict

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SIGNS = str.maketrans(dict.fromkeys("✓✔✅☑", " passed ") | dict.fromkeys("✗✘❌☒", " failed "))

_RESULT = r"(?:pass(?:es|ed)?|fail(?:s|ed)?)\b"
_RESULTS = re.compile(rf"\b{_RESULT}", re.IGNORECASE)
_FLAG = re.compile(
    r"\bpass(?:es|ed)?[\"'*]{0,3}[ \t]{0,3}[:=][\"'* \t]{0,4}(?:(?P<yes>true|yes)|false|no)\b",
    re.IGNORECASE,
)
_PURPOSE = re.compile(r"\b(?:(?P<fails>fail(?:s|ed)?)[ ])?to[ ]pass\b", re.IGNORECASE)
_LABEL = re.compile(
    r"^[ \t>*#_•|-]{0,8}(?:result|status|outcome)[*_]{0,3}[ \t]{0,2}:[*_]{0,3}",
    re.IGNORECASE | re.MULTILINE,
)
_OTHER = re.compile(
    r"\b(?:(?:in)?correct|right|wrong|true|false|yes|no|(?:in)?valid|(?:in)?accurate)\b",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\W*+(?:not[ ])?{_RESULT}\W*+", re.IGNORECASE)
_OPENING = " \t:=.,|)-–—→>"

_CLAUSE_END = re.compile(
    r"(?<!\d)[.](?=\s)|[!?;](?=\s)|\n|,(?=[ ](?:and|but|while|whereas)\b(?![ ]#?\d))"
)
_BEFORE = re.compile(
    rf"\b{_RESULT}[^\w\n]{{0,6}}(?:(?:the|on|for|unit)[ ]){{0,3}}[\[(*_]{{0,3}}$", re.IGNORECASE
)

_NUMBER = r"(?P<numbers>\d{1,4})"
_SEVERAL = r"(?P<numbers>\d{1,4}(?:[ \t]{0,2}(?:,[ ]and\b|,|and\b|&)[ \t]{0,2}#?\d{1,4}\b)*+)"
_LINE = r"^[ \t>*#_•|\"{-]{0,8}"
_MENTIONS = tuple(
    re.compile(form, re.IGNORECASE | re.MULTILINE)
    for form in (
        rf"\b(?:test|statement|criterion|requirement)s?[\s\"'_#:*\[(]{{0,6}}{_SEVERAL}"
        r"(?!\d|[.]\d)[*_\])\"']{0,3}",
        rf"(?<![\w.])\[?{_NUMBER}[ \t\"'*_]{{0,3}}[\].):|=>–—→-]{{1,3}}[ \t\"'*_\[(|]{{0,4}}"
        rf"(?=(?:not[ ])?{_RESULT})",
        rf"{_LINE}\[{_NUMBER}\][*_]{{0,3}}",
        rf"{_LINE}{_NUMBER}[*_]{{0,2}}[.):|]",
    )
)
"""How a reply mentions tests, from the strictest form to the loosest."""


def results(reply: str, count: int) -> tuple[bool | None, ...]:
    """Beside each of `count` tests whether the reply says that it is passed; None where it does
    not say.

    A result stands behind the mention of its test (`Test 2: Failed`), or right before it (`passes
    test 1 and fails test 2`). Of several about one test the last counts. Of the forms of mention
    (`test 2`, `2. Failed`, `[2] ...`, `2. ...`) the one that settles most tests counts. Failing
    these, a reply may consist of as many results as there are tests, and a sole test needs no
    mention.

    >>> results("Test 1 asks for a unit: passed. [Failed] test 2 does not pass.", 3)
    (True, False, None)
    """
    text = _plain(reply[-WINDOW:])
    best = max((_settled(text, mention, count) for mention in _MENTIONS), key=len)
    if best:
        return tuple(best.get(number) for number in range(1, count + 1))
    if count == 1:
        return (_said(text),)
    alone = [_said(part) for part in re.split(r"[\n,;]", text) if _ALONE.fullmatch(part)]
    return tuple(alone) if len(alone) == count else (None,) * count


def _plain(text: str) -> str:
    """Signs, flags and labels in the words that they stand for; what an answer is `to pass` is not
    what it passes."""
    text = _INVISIBLE.sub("", text).translate(_SIGNS)[-WINDOW:]
    text = _FLAG.sub(lambda flag: "passed" if flag["yes"] else "failed", text)
    return _PURPOSE.sub(lambda purpose: purpose["fails"] or "", _LABEL.sub("", text))


def _settled(text: str, mention: re.Pattern[str], count: int) -> dict[int, bool]:
    """What the mentions of one form say of the tests, by number."""
    settled: dict[int, bool] = {}
    for numbers, said in _statements(text, mention):
        if said is not None:
            settled.update({n: said for n in map(int, numbers) if 1 <= n <= count})
    return settled


def _statements(text: str, mention: re.Pattern[str]) -> Iterator[tuple[Sequence[str], bool | None]]:
    """Numbers of tests and what is said of them, in the order of the reply.

    What follows a mention, up to the clause of the next one, is about its tests; but where the
    result stands right before the first of a clause, it does so before all of them.
    """
    numbers: Sequence[str] = ()
    behind = 0
    ends = [match.end() for match in _CLAUSE_END.finditer(text)]
    for clause, end in pairwise([0, *ends, len(text)]):
        found = list(mention.finditer(text, clause, end))
        if not found:
            continue
        yield numbers, _said(text[behind:clause])
        marks = [clause, *(edge for match in found for edge in match.span()), end]
        between = [text[start:stop] for start, stop in zip(marks[::2], marks[1::2], strict=True)]
        said = _said(between[0]) if _BEFORE.search(between[0][-40:]) else None
        if said is None:
            yield from zip(map(_numbers, found[:-1]), map(_said, between[1:-1]), strict=True)
            numbers, behind = _numbers(found[-1]), found[-1].end()
            continue
        for match, before in zip(found, between[:-1], strict=True):
            now = _said(before)
            said = said if now is None else now  # `passes test 1 and test 2`
            yield _numbers(match), said
        numbers = ()
    yield numbers, _said(text[behind:])


def _numbers(mention: re.Match[str]) -> list[str]:
    return re.findall(r"\d{1,4}", mention["numbers"])


def _said(text: str) -> bool | None:
    """The result that a part of a reply holds. Words of passing go before other ones, which may
    belong to a test that is repeated; and the first line before the reasons below it."""
    text = text.strip(_OPENING)
    if not text or text.isspace():
        return None
    for part in (text.partition("\n")[0], text):
        if _RESULTS.search(part):
            said = verdict(_OTHER.sub("it", part))
            if said is not None:
                return said
    return verdict(text)

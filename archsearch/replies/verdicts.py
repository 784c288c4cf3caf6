"""Whether a reply calls an answer correct."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archsearch.replies.text import BULLET, CLAUSE_END, NEAR, conclusion

_TRUE = ("correct", "right", "true", "yes", "valid", "accurate", "pass", "passes", "passed")
_FALSE = ("incorrect", "wrong", "false", "no", "invalid", "inaccurate", "fail", "fails", "failed")
_VERBS = frozenset(("pass", "passes", "passed", "fail", "fails", "failed"))
_LINKS = frozenset(("is", "are", "was", "were", "be", "it's", "seems", "looks", "appears"))
_NEGATIONS = frozenset(("not", "never", "cannot", "neither", "nor", "hardly"))
_NOTHING = frozenset(("none", "nothing"))
"""Negate a clause from wherever in it they stand."""
_BEYOND_DOUBT = re.compile(r"\b(?:no|without(?: a| any)?) (?:doubt|question)\b")
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
    rf"^{BULLET}(?:(?:the[ \t])?(?:final[ \t])?answer(?:[ \t]is)?[ \t]?:{_SPICE})?"
    rf"[*_\"'`(\[{{]{{0,8}}(?!right\b){_SAID}"
    r"(?=[\"'*_`\])}]{0,4}(?:[.,:;!\])]|[ \t]{1,2}[-–—]|[ \t]{0,4}$))",
    re.IGNORECASE | re.MULTILINE,
)
_ASIDE = re.compile(r"[,(–—]")
"""Begins a part of a clause with a predicate of its own: `is wrong, the correct one is 5`."""
_STATED = re.compile(rf"\b(?P<word>(?!yes\b|no\b){_WORDS})", re.IGNORECASE)


def verdict(reply: str) -> bool | None:
    """Whether the reply calls the answer correct; None where it does not say.

    A labelled verdict (`Verdict: Incorrect`) goes before a line that opens with one (`No, ...`),
    and that before a statement (`the sum is not correct`). Of one form the last counts. A choice
    that is left open (`Correct or Incorrect`) and conditions say nothing.

    >>> verdict("The steps are correct but the result is not correct.")
    False
    """
    text = _CHOICE.sub(" ", conclusion(reply))
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
        before = text[max(0, match.start() - NEAR) : match.start()].lower().replace("’", "'")
        said = _BEYOND_DOUBT.sub(" ", CLAUSE_END.split(before)[-1])
        clause, near = said.split(), _ASIDE.split(said)[-1].split()[-3:]
        negated = _negations(clause, near)
        linked = negated or not _LINKS.isdisjoint(near) or match[0].lower() in _VERBS
        if linked and _HEDGES.isdisjoint(clause):
            yield _holds(match[0]) != bool(negated % 2)


def _negations(clause: Sequence[str], near: Sequence[str]) -> int:
    """How many of the words turn what follows them into its opposite."""
    nots = [word in _NEGATIONS or word.endswith("n't") for word in near]
    return sum(nots) + ("no" in near[-2:]) + (not _NOTHING.isdisjoint(clause))


def _holds(word: str) -> bool:
    return word.lower() in _TRUE

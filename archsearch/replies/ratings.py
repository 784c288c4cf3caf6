"""The rating that a reply gives."""

from __future__ import annotations

import re

from archsearch.replies.text import BARE, NEAR, REASONED, conclusion

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
    text = _RANGE.sub(" ", conclusion(reply))
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
    start = text[max(0, rated.start() - NEAR) : rated.start()].rpartition("\n")[2]
    rest = text[rated.end() : rated.end() + NEAR].partition("\n")[0]
    ends = BARE.fullmatch(rest) or REASONED.match(rest)
    # "1. The steps" heads a list.
    return bool(BARE.fullmatch(start) and ends and not re.match(r"\.[ \t]", rest))

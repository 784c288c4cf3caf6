"""What all readers of replies share."""

from __future__ import annotations

import re

WINDOW = 100_000
"""Characters of a reply that are read."""
NEAR = 80
"""Characters around a place that are looked at."""

NOUN = r"(?:answer|candidate|response|solution|option)"
BULLET = r"[ \t>*#_•\u200e\u200f-]{0,8}"
CLAUSE_END = re.compile(r"[.!?;:\n]")
BARE = re.compile(r"[\s>*#_\"'`().!<\[\]-]*")
"""Nothing but marks."""
REASONED = re.compile(r"[*_\"'`]{0,4}(?:[.,;!]|[ \t]{1,2}(?:[-–—]|because\b|since\b|as\b))[ \t]")
"""How reasons begin after what they are for."""
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def visible(text: str) -> str:
    """Without invisible characters."""
    return _INVISIBLE.sub("", text)


def conclusion(reply: str) -> str:
    """The last `WINDOW` characters, without invisible ones."""
    return visible(reply[-WINDOW:])


def is_blank(reply: str) -> bool:
    """Whether a reply holds nothing but white space and invisible characters."""
    return not visible(reply[:WINDOW]).strip() and not reply[WINDOW:].strip()

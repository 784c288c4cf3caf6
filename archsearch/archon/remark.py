"""What does not come over as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

RemarkKind = Literal["ignored", "corrected", "translated"]

MOST_SHOWN = 60
"""Characters of a value that a remark repeats."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that does not come over as it stands."""

    kind: RemarkKind
    """`ignored`: it has no effect here; `corrected`: a slip was read as it was meant;
    `translated`: it is said in another way."""
    place: str
    """Where it stands in the file, such as `layers[0][3].length_contorl`."""
    found: str
    """The value, or what was found in its stead."""
    done: str
    """What became of it, and why."""


def lines(remarks: Iterable[Remark]) -> list[str]:
    """Remarks for reading, one line for all that differ only in their place.

    >>> lines([ignored(f"layers[0][{at}].top_k", 1, "it has none") for at in range(3)])
    ['ignored     layers[0][0].top_k and 2 more: 1; it has none']
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for remark in remarks:
        key = remark.place.rpartition(".")[2] if "." in remark.place else ""
        alike.setdefault((remark.kind, key, remark.found, remark.done), []).append(remark.place)
    return [
        printable(f"{kind:11} {places[0]}{_more(places)}: {found}; {done}")
        for (kind, _, found, done), places in alike.items()
    ]


def ignored(place: str, value: Any, done: str) -> Remark:
    """A remark on what has no effect here."""
    return Remark("ignored", place, shown(value), done)


def shown(value: Any) -> str:
    """A value on one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _more(places: Sequence[str]) -> str:
    return f" and {len(places) - 1} more" if len(places) > 1 else ""


def printable(text: str) -> str:
    """Blanks in place of what a terminal might act on."""
    return "".join(character if character.isprintable() else " " for character in text)

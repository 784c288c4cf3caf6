"""Construction rules that a search space may impose on its proposals.

An architecture is valid by data flow alone (`Architecture.parse`); these rules narrow a *space*.
Archon's (arXiv 2409.15254, section 3.2) are here; its own published files break some of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest

from archsearch.architecture import Architecture, Row
from archsearch.layer import Facet

Rule = Callable[[Architecture], str | None]
"""What is wrong with an architecture, or None."""


def one_kind_per_layer(architecture: Architecture) -> str | None:
    """Components side by side are of one type."""
    for at, row in enumerate(architecture.rows):
        kinds = sorted({layer.type for layer in row})
        if len(kinds) > 1:
            return f"layer {at} mixes {' and '.join(kinds)}"
    return None


def generators_first(architecture: Architecture) -> str | None:
    """Generators stand in the first layer and nowhere else."""
    for at, row in enumerate(architecture.rows):
        for layer in row:
            if (layer.type == "generator") != (at == 0):
                return f"layer {at} is a {layer.type}"
    return None


def judges_apart(architecture: Architecture) -> str | None:
    """What makes no candidates stands alone in its layer, and not in the first."""
    for at, row in enumerate(architecture.rows):
        if not row[0].makes and at == 0:
            return f"layer 0 is a {row[0].type}"
        if not row[0].makes and len(row) > 1:
            return f"layer {at} holds {len(row)} of {row[0].type}"
    return None


def critic_before_ranker_or_fuser(architecture: Architecture) -> str | None:
    """A critic stands right before a layer that reads its critiques, as a ranker or a fuser may."""
    for at, (row, after) in enumerate(_pairs(architecture)):
        read = any(Facet.CRITIQUES in layer.needs() for layer in after)
        if row[0].type == "critic" and not read:
            return (
                f"the critic of layer {at} is followed by {_name(after)}, which reads no critique"
            )
    return None


def unit_tests_together(architecture: Architecture) -> str | None:
    """A unit_test_generator stands right before a unit_test_evaluator, and that right after it."""
    for at, (row, after) in enumerate(_pairs(architecture)):
        generates = row[0].type == "unit_test_generator"
        evaluates = bool(after) and after[0].type == "unit_test_evaluator"
        if generates != evaluates:
            return f"the {row[0].type} of layer {at} is followed by {_name(after)}"
    return None


def ends_with_one(architecture: Architecture) -> str | None:
    """The last layer leaves one candidate, so that nothing paid for is thrown away unseen."""
    left = architecture.outlines[-1].candidates
    return f"it ends with {left} candidates" if left > 1 else None


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        critic_before_ranker_or_fuser,
        ends_with_one,
        generators_first,
        judges_apart,
        one_kind_per_layer,
        unit_tests_together,
    )
}


def _pairs(architecture: Architecture) -> Iterator[tuple[Row, Row]]:
    """Each layer and the next; the last one and an empty one."""
    return zip_longest(architecture.rows, architecture.rows[1:], fillvalue=())


def _name(row: Row) -> str:
    return f"a {row[0].type}" if row else "nothing"

"""Construction rules that a search space may impose on its proposals.

An architecture is valid by data flow alone (`Architecture.parse`); these rules narrow a *space*.
Archon's (arXiv 2409.15254, section 3.2) are here; its own published files break some of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archsearch.architecture import Architecture

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


def critic_before_ranker_or_fuser(architecture: Architecture) -> str | None:
    """A critic stands right before a ranker or a fuser, which would else not see its critiques."""
    for at, row in enumerate(architecture.rows):
        after = architecture.rows[at + 1][0].type if at + 1 < len(architecture.rows) else "nothing"
        if row[0].type == "critic" and after not in {"ranker", "fuser"}:
            return f"the critic of layer {at} is followed by {after}"
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
        one_kind_per_layer,
    )
}

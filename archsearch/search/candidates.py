"""Candidates: points that a sampler which models whole points may weigh."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from archsearch.search.seen import Seen
from archsearch.search.space import Label, Params, SearchSpace

ENUMERABLE = 4_000
"""Points of a space that are all weighed; of a larger one, as many that are drawn at random."""

Key = frozenset[tuple[str, Label]]


def key(point: Params) -> Key:
    """Equal for equal points, whatever the order of their choices."""
    return frozenset(point.items())


def told(seen: Sequence[Seen], choices: Mapping[str, Sequence[Label]]) -> list[Seen]:
    """Trials with a value, of labels that may still be chosen."""
    return [
        trial
        for trial in seen
        if trial.value is not None
        and all(label in choices.get(name, [label]) for name, label in trial.params.items())
    ]


def product(choices: Mapping[str, Sequence[Label]]) -> SearchSpace:
    """A space in which all choices always exist."""
    layer = {name: {"choose": list(labels), "name": name} for name, labels in choices.items()}
    return SearchSpace(layers=[layer])


def unseen(
    space: SearchSpace, seen: Sequence[Seen], rng: Random, *, around: Collection[Params] = ()
) -> list[Params]:
    """Points that may be proposed, each once: all, or of a space too large to list as many that are
    drawn at random, and those that differ in one choice from a point in `around`."""
    points: list[Params] = list(space.first(ENUMERABLE + 1))
    if len(points) > ENUMERABLE:
        points = [_completed(space, {}, rng) for _ in range(ENUMERABLE)]
        points += [near for point in around for near in _neighbours(space, point, rng)]
    known = {key(trial.params) for trial in seen}
    return list({key(point): point for point in points if key(point) not in known}.values())


def _neighbours(space: SearchSpace, point: Params, rng: Random) -> Iterator[Params]:
    labels = space.choices()
    for name, label in point.items():
        for other in labels[name]:
            if other != label:
                yield _completed(space, {**point, name: other}, rng)


def _completed(space: SearchSpace, taken: Mapping[str, Any], rng: Random) -> Params:
    """A point that agrees with what is `taken`, where that exists; the rest is random."""
    point: Params = {}

    def pick(name: str, labels: Sequence[Label]) -> Label:
        point[name] = taken[name] if name in taken else rng.choice(labels)
        return point[name]

    space.suggest(pick)
    return point

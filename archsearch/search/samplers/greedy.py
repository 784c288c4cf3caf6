"""Coordinate search, one choice at a time: the greedy search of Archon.

Archon: An Architecture Search Framework for Inference-Time Techniques, Saad-Falcon et al. 2024,
https://arxiv.org/abs/2409.15254, section 3.3: "one hyperparameter at a time". Archon's ends at the
first optimum; ours starts again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Literal

from archsearch.search.sampler import SamplerConfig
from archsearch.search.seen import Seen, unseen_label
from archsearch.search.space import Label, Params, SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Greedy(SamplerConfig):
    """From a start, every label of the first choice is tried, the best one is kept, and so on with
    the next choice, in file order; passes are repeated until one changes nothing. Choices that
    come into being take their first label.

    Starts are the trials that differ in more than one choice from every earlier one: the best
    baseline first, then the others; after these, random unseen points. With no trial yet, it is
    the point of all first labels. What was refused is no start and never the best.

    Nothing is kept between asks: each walks again from every start, over the results so far, to the
    first point that is not there. A trial that still runs counts as no improvement meanwhile.
    """

    name: Literal["greedy"] = "greedy"

    @property
    def weighs_several(self) -> bool:
        """It follows one objective."""
        return False

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A sampler that learns the space from its trials."""
        from archsearch.search.own_sampler import OwnSampler

        return OwnSampler(_Coordinates(), seed)


class _Coordinates:
    """The strategy."""

    name = "greedy"
    compares = True

    def propose(
        self, seen: Sequence[Seen], choices: Mapping[str, Sequence[Label]], rng: Random
    ) -> Params:
        """The first point that a walk lacks; nothing when all walks are over."""
        first = {name: labels[0] for name, labels in choices.items()}
        for start in _starts(seen, first):
            if (lacking := _walk(start, seen, first)) is not None:
                return {name: lacking.get(name, label) for name, label in first.items()}
        return {}

    def pick(
        self,
        seen: Sequence[Seen],
        taken: Params,
        name: str,
        labels: Sequence[Label],
        rng: Random,
    ) -> Label:
        """The first label of a choice that no trial had; else part of a random unseen point."""
        if all(name not in trial.params for trial in seen):
            return labels[0]
        return unseen_label(seen, taken, name, labels, rng)


def _starts(seen: Sequence[Seen], first: Params) -> list[Seen]:
    """Where walks begin, best first."""
    apart = [
        trial
        for at, trial in enumerate(seen)
        if trial.kept and not any(_near(other, trial, first) for other in seen[:at])
    ]
    return sorted(apart, key=lambda trial: -trial.score)


def _near(trial: Seen, other: Seen, first: Params) -> bool:
    """Whether at most one changed choice leads from `trial` to `other`."""
    changed = 0
    for name, label in other.params.items():
        changed += trial.params.get(name, first.get(name, label)) != label
        if changed > 1:
            return False
    return True


def _walk(start: Seen, seen: Sequence[Seen], first: Params) -> Params | None:
    """The first point that is needed and not there; None when no single change is better."""
    best, improved = start, True
    while improved:
        improved, at = False, 0
        while at < len(best.params):
            # A choice never decides about those before it, so a place stays one axis.
            line = [best]
            for point in _changes(best, at):
                if (found := _find(point, seen, first)) is None:
                    return point
                line.append(found)
            better = max(line, key=lambda trial: trial.score)
            improved |= better is not best
            best, at = better, at + 1
    return None


def _changes(trial: Seen, at: int) -> Iterator[Params]:
    """The point with each other label of its choice number `at`."""
    name = list(trial.params)[at]
    for label in trial.labels[name]:
        if label != trial.params[name]:
            yield {**trial.params, name: label}


def _find(point: Params, seen: Sequence[Seen], first: Params) -> Seen | None:
    """The trial of a point, its new choices at their first labels."""
    whole = {**first, **point}
    for trial in seen:
        if all(whole.get(name, label) == label for name, label in trial.params.items()):
            return trial
    return None

"""Seen: what a sampler of our own knows of a trial; Strategy: what such a sampler is.

Strategies see plain data and no Optuna; `own_sampler` makes an Optuna sampler of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from archsearch.search.space import Label, Params

ERROR, PAUSED = "standard_error", "paused"
"""Names of the attributes under which Optuna keeps `Seen.error` and `Seen.paused`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A trial that was asked before."""

    params: Params
    """In the order in which they were asked; one that runs may still lack some."""
    labels: Mapping[str, Sequence[Label]]
    """What each of `params` was chosen from."""
    value: float | None = None
    """The higher, the better; None for a trial that runs or failed."""
    error: float | None = None
    """Standard error of `value`, where it is known."""
    paused: bool = False
    """Whether `value` rests on the first questions only, and its point may be proposed again."""
    constraints: Mapping[str, float] = field(default_factory=dict)
    """By how much each is violated; <= 0 is kept."""

    @property
    def kept(self) -> bool:
        """Whether no constraint is violated."""
        return all(excess <= 0 for excess in self.constraints.values())

    @property
    def score(self) -> float:
        """Its value where it counts; else less than any."""
        return self.value if self.kept and self.value is not None else float("-inf")


class Strategy(Protocol):
    """How a sampler chooses, given the trials so far in the order of their numbers."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def compares(self) -> bool:
        """Whether it looks at values, of which there must then be one each."""

    def propose(
        self, seen: Sequence[Seen], choices: Mapping[str, Sequence[Label]], rng: Random
    ) -> Params:
        """Labels for any of the known `choices`, made before the first is asked for. One for a
        choice that does not turn out to exist is dropped."""

    def pick(
        self,
        seen: Sequence[Seen],
        taken: Params,
        name: str,
        labels: Sequence[Label],
        rng: Random,
    ) -> Label:
        """The label of a choice that `propose` left open, after those in `taken`."""


def unseen_label(
    seen: Sequence[Seen], taken: Params, name: str, labels: Sequence[Label], rng: Random
) -> Label:
    """One of the labels under which there are unseen points, else any; all equally likely."""
    here = [trial for trial in seen if taken.items() <= trial.params.items()]
    return rng.choice(
        [
            label
            for label in labels
            if not _exhausted(_under(here, name, label), taken.keys() | {name})
        ]
        or labels
    )


def _exhausted(here: Sequence[Seen], taken: set[str]) -> bool:
    """Whether the trials `here`, which agree on what is `taken`, are all points that do."""
    if not here:
        return False
    following = ((t, name) for t in here for name in t.params if name not in taken)
    trial, name = next(following, (None, ""))
    return trial is None or all(
        _exhausted(_under(here, name, label), taken | {name}) for label in trial.labels[name]
    )


def _under(seen: Sequence[Seen], name: str, label: Label) -> list[Seen]:
    return [trial for trial in seen if name in trial.params and trial.params[name] == label]

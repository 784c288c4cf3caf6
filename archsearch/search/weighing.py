"""Weighing: the strategy of samplers that give every unseen point a worth and propose the best."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import numpy as np

from archsearch.search.candidates import key, product, told, unseen
from archsearch.search.seen import Seen, unseen_label
from archsearch.search.space import Label, Params, SearchSpace
from archsearch.stats import Floats


@dataclass(frozen=True, slots=True)
class Weighing(ABC):
    """A `Strategy`; a subclass says what a point is worth. Random until enough is known."""

    around: ClassVar[int] = 0
    """Best trials whose neighbours are weighed too, where a space is too large to list."""

    startup: int
    """Distinct points told, all constraints kept, before any is weighed."""
    space: SearchSpace | None = None
    """None: all combinations of the choices of earlier trials."""
    compares: ClassVar[bool] = True

    @property
    @abstractmethod
    def name(self) -> str:
        """For messages."""

    @abstractmethod
    def worth(
        self,
        points: Sequence[Params],
        *,
        known: Sequence[Seen],
        running: Sequence[Params],
        choices: Mapping[str, Sequence[Label]],
        rng: Random,
    ) -> Floats:
        """Of each of `points`, the higher the better, given the trials told and those that run."""

    def propose(
        self, seen: Sequence[Seen], choices: Mapping[str, Sequence[Label]], rng: Random
    ) -> Params:
        """The point of the highest worth that is unseen or paused; nothing at the beginning."""
        # A trial that goes on holds all that the paused one did.
        known = list({key(trial.params): trial for trial in told(seen, choices)}.values())
        kept = sorted((trial for trial in known if trial.kept), key=lambda trial: -trial.score)
        if len(kept) < self.startup:
            return {}
        best = [trial.params for trial in kept[: self.around]]
        points = unseen(self.space or product(choices), seen, rng, around=best)
        running = [trial.params for trial in seen if trial.value is None]
        busy = {key(point) for point in running}
        points += [t.params for t in kept if t.paused and key(t.params) not in busy]
        if not points:
            return {}
        worth = self.worth(points, known=known, running=running, choices=choices, rng=rng)
        return points[int(np.argmax(worth))]

    def pick(
        self,
        seen: Sequence[Seen],
        taken: Params,
        name: str,
        labels: Sequence[Label],
        rng: Random,
    ) -> Label:
        """Part of a random unseen point."""
        return unseen_label(seen, taken, name, labels, rng)

"""Trial: one proposal, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from archsearch.architecture import Architecture
from archsearch.budget import Limits
from archsearch.evaluate import Evaluation
from archsearch.search.baselines import Baseline
from archsearch.search.space import Params
from archsearch.stats import standard_error
from archsearch.types import Expected, UpperBound

Origin = Literal["baseline", "sampler", "enumeration"]


class State(StrEnum):
    """What became of a trial."""

    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Some question could not be scored, a replay could not foresee its cost, or the study's budget
    ended it; it cannot win."""
    RACED_OUT = "raced out"
    """Stopped before all questions, as it would hardly overtake a better and no dearer trial; it
    neither wins nor enters the front."""
    DUPLICATE = "duplicate"
    """Its architecture was evaluated before; the known result is told again, at no cost."""
    REFUSED = "refused"
    """It breaks a rule or is expected over the budget; no token was drawn."""


@dataclass(slots=True, kw_only=True, eq=False)
class Trial:
    """One proposal. `number` counts everything asked, in order, from 0."""

    number: int
    origin: Origin
    baseline: Baseline | None = None
    """Which one, where `origin` says so."""
    params: Params | None
    """Its point in the space; None for a baseline that is no point of it."""
    architecture: Architecture | None
    """None when the point is no valid architecture."""
    state: State = State.RUNNING
    reason: str = ""
    """Why it was refused, or is incomplete."""
    twin: int | None = None
    """Number of the trial that a duplicate repeats."""
    expected: Expected | None = None
    """Per question, as foreseen when it was proposed."""
    upper: UpperBound | None = None
    evaluation: Evaluation | None = None
    """On the search questions, or the first of them where it was raced out."""
    lost_to: Trial | None = None
    """Whom it was raced out by."""

    @property
    def scored(self) -> Evaluation:
        """The evaluation of a trial that has one."""
        if self.evaluation is None:
            raise LookupError(f"trial {self.number} was not evaluated: it is {self.state}")
        return self.evaluation

    @property
    def found(self) -> Architecture:
        """The architecture of a trial that has one."""
        if self.architecture is None:
            raise LookupError(f"trial {self.number} is no valid architecture: {self.reason}")
        return self.architecture

    @property
    def worth(self) -> float:
        """What a sampler is told of a trial that has an evaluation: its mean score or, where it was
        raced out, the other's mean and their mean difference on the questions that it has seen (its
        own mean there would reward an easy beginning)."""
        if self.lost_to is None:
            return self.scored.mean
        ours, theirs = self.scored.scores, self.lost_to.scored.scores
        difference = sum(ours[question] - theirs[question] for question in ours) / len(ours)
        return self.lost_to.scored.mean + difference

    @property
    def error(self) -> float:
        """Standard error of `worth`, for a score on questions like these."""
        ours = self.scored.scores
        if self.lost_to is None:
            return standard_error(list(ours.values()))
        theirs = self.lost_to.scored.scores
        return standard_error([ours[question] - theirs[question] for question in ours])

    def may_win(self, limits: Limits) -> bool:
        """Whether it is complete and its measured cost is within the cap per question."""
        return (
            self.state is State.COMPLETE
            and self.evaluation is not None
            and limits.over(self.evaluation.cost) <= 0
        )

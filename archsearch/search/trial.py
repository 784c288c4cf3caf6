"""Trial: one proposal, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from statistics import fmean
from typing import Any, Literal, Self

from archsearch.architecture import Architecture
from archsearch.budget import Limits
from archsearch.evaluate import Evaluation, Outcome
from archsearch.search.baselines import Baseline, Kind
from archsearch.search.space import Params
from archsearch.search.unit import Unit
from archsearch.stats import standard_error
from archsearch.types import Expected, UpperBound

Origin = Literal["baseline", "sampler", "enumeration", "leader"]
"""Who proposed it; the last is the coordinator's, which at the end goes on with what is ahead of
all, or of the baselines that the winner is compared with."""


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
    PAUSED = "paused"
    """Scored on the first questions, as its sampler wanted no more yet; another trial may go on
    with it. Until then it neither wins nor enters the front."""
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
    """On the search questions, or the first of them where it was raced out or is paused."""
    yardstick: Mapping[str, float] = field(default_factory=dict)
    """Of one that was not scored whole: what its scores are compared with, by question of the whole
    split. The scores of whom it was raced out by, or `Race.yardstick`."""
    continues: Trial | None = None
    """The paused trial that it goes on with."""
    continued_by: int | None = None
    """Number of the trial that goes on with this one."""
    exhausted: Literal["", "at once", "midway"] = ""
    """When the study's budget ended it, if it did; at once: before anything was drawn for it."""

    @classmethod
    def recorded(cls, number: int, record: Mapping[str, Any]) -> Self:
        """As it was proposed and told by `record`, though the space may have grown since."""
        layers, baseline = record["architecture"], record["baseline"]
        refused = layers is None
        return cls(
            number=number,
            origin=record["origin"],
            baseline=baseline and Baseline(**baseline),
            params=record["params"],
            architecture=None if refused else Architecture.parse(layers),
            state=State.REFUSED if refused else State.RUNNING,
            reason=record["reason"] if refused else "",
        )

    @property
    def record(self) -> dict[str, Any]:
        """What a resumed run makes it of."""
        return {
            "origin": self.origin,
            "params": self.params,
            "baseline": self.baseline and asdict(self.baseline),
            "architecture": self.architecture and self.architecture.dump(),
            "reason": self.reason,
        }

    @property
    def notes(self) -> dict[str, Any]:
        """What Optuna's view says of it."""
        return {
            "origin": self.origin,
            "state": str(self.state),
            "architecture": str(self.architecture or ""),
            "reason": self.reason,
        }

    def run_dry(self, *, reason: str, drew: bool) -> None:
        """The study's budget has no room for it, or for the rest of it."""
        self.state, self.reason = State.INCOMPLETE, reason
        self.exhausted = "midway" if drew else "at once"

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
    def before(self) -> tuple[Outcome, ...]:
        """What the trial that it continues was scored on, in order."""
        return self.continues.scored.outcomes if self.continues else ()

    @property
    def has_worth(self) -> bool:
        """Whether it was scored, if only on the first questions."""
        return self.state in (State.COMPLETE, State.RACED_OUT, State.PAUSED)

    @property
    def worth(self) -> float:
        """What a sampler is told of a trial that has an evaluation: its mean score or, where it was
        not scored whole, the mean of its yardstick and its mean difference to that on the questions
        that it has seen (its own mean there would reward an easy beginning)."""
        return fmean(self.yardstick.values() or [0.0]) + fmean(self._gained())

    @property
    def error(self) -> float:
        """Standard error of `worth`, for a score on questions like these."""
        return standard_error(self._gained())

    def _gained(self) -> list[float]:
        """Its scores, less the yardstick's."""
        scores = self.scored.scores.items()
        return [score - self.yardstick.get(question, 0.0) for question, score in scores]

    def may_win(self, limits: Limits) -> bool:
        """Whether it is complete and its measured cost is within the cap per question."""
        return (
            self.state is State.COMPLETE
            and self.evaluation is not None
            and limits.over(self.evaluation.cost) <= 0
        )


def ranking(trials: Sequence[Trial], limits: Limits, unit: Unit) -> list[Trial]:
    """Trials that may win, best search score first; of equals the cheaper, then the earlier."""
    return sorted(
        (trial for trial in trials if trial.may_win(limits)),
        key=lambda trial: (-trial.scored.mean, unit.of(trial.scored.cost), trial.number),
    )


def best_baseline(trials: Sequence[Trial], kind: Kind) -> Trial | None:
    """The baseline of a kind that does best on the search questions, whatever it costs; None where
    none was scored."""
    return max(_scored_baselines(trials, kind), key=lambda trial: trial.worth, default=None)


def _scored_baselines(trials: Sequence[Trial], kind: Kind) -> list[Trial]:
    return [
        trial
        for trial in trials
        if trial.baseline and trial.baseline.kind == kind and trial.evaluation
        if trial.scored.scores
    ]


def unsettled(trials: Sequence[Trial], limits: Limits, unit: Unit) -> Trial | None:
    """A paused trial without which a search cannot end: the best of all where it is ahead of every
    complete one, as who wins must have been scored whole; or, where self-consistency was scored
    with several models or styles, the best of these, as the winner is to be compared with it."""
    latest = [trial for trial in trials if trial.continued_by is None]
    paused = [trial for trial in latest if trial.state is State.PAUSED]
    able = [trial for trial in paused if limits.over(trial.scored.cost) <= 0]
    leader = max(able, key=lambda trial: trial.worth, default=None)
    if leader and all(trial.worth < leader.worth for trial in ranking(latest, limits, unit)):
        return leader
    rivals = _scored_baselines(latest, "self-consistency")
    rival = max(rivals, key=lambda trial: trial.worth, default=None)
    return rival if rival in paused and len(rivals) > 1 else None

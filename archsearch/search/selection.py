"""Selection: names the winner on fresh questions, then compares it on questions never seen.

The best of many noisy scores flatters its owner; scoring the few best again on fresh questions
halves that, and only the test split, opened once, tells what would be found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from archsearch.architecture import Architecture
from archsearch.budget import Limits
from archsearch.errors import RunError
from archsearch.evaluate import Evaluation
from archsearch.search.baselines import Baseline, Kind, grown
from archsearch.search.latency import median_latency
from archsearch.search.study import Coordinator, Study, ranking
from archsearch.search.trial import Trial
from archsearch.types import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalist:
    """A trial that was scored again."""

    trial: Trial
    select: Evaluation | None
    """On the select split; None where that is empty."""
    latency: float | None = None
    """Median seconds per question, measured only under a cap on it."""

    @property
    def whole(self) -> bool:
        """Whether every question of the select split is scored."""
        return not (self.select and self.select.failures)

    @property
    def pooled(self) -> float:
        """Mean over search and select questions together."""
        scores = list(self.trial.scored.scores.values())
        scores += self.select.scores.values() if self.select else []
        return sum(scores) / len(scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An architecture on the test questions."""

    name: str
    architecture: Architecture
    test: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The winner, what it was chosen from, and what it is compared with."""

    winner: Trial
    finalists: tuple[Finalist, ...]
    """Best first."""
    best: Contender
    baselines: tuple[Contender, ...]


async def select(coordinator: Coordinator, study: Study) -> tuple[Finalist, ...]:
    """The finalists: those scored on every question first, then best first by their pooled score;
    of equals the cheaper first."""
    ranked = ranking(coordinator.trials, study.config.budget.per_question)
    if not ranked:
        raise RunError(_no_winner(coordinator.trials, study.config.budget.per_question))
    study.progress.phase = "selecting"
    cap = study.config.budget.per_question.seconds
    finalists: list[Finalist] = []
    for trial in ranked:
        if len(finalists) == study.config.search.finalists:
            break
        finalist = await _finalist(coordinator, study, trial)
        if cap is None or finalist.latency is None or finalist.latency <= cap:
            finalists.append(finalist)
    if not finalists:
        raise RunError(
            f"a winner must answer within {cap:g} s per question; none of {len(ranked)} "
            f"architectures does; raise budget.per_question.seconds"
        )
    return tuple(
        sorted(finalists, key=lambda f: (not f.whole, -f.pooled, f.trial.scored.cost.flops))
    )


async def _finalist(coordinator: Coordinator, study: Study, trial: Trial) -> Finalist:
    """A trial, timed where there is a cap on latency, and scored again."""
    architecture = trial.found
    latency = None
    if study.config.budget.per_question.seconds is not None:
        latency = await median_latency(study.evaluator, architecture, study.splits.search)
    select = None
    if study.splits.select:
        select = await coordinator.evaluation(architecture, study.splits.select)
    return Finalist(trial=trial, select=select, latency=latency)


async def test(coordinator: Coordinator, study: Study, finalists: Sequence[Finalist]) -> Verdict:
    """The winner beside a single call and self-consistency at equal FLOPs, on the test split."""
    study.progress.phase = "testing"
    winner = finalists[0].trial
    contenders = {"best": winner.found, **await _rivals(coordinator, study, winner)}
    tested = {
        name: Contender(
            name=name,
            architecture=architecture,
            test=await coordinator.evaluation(architecture, study.splits.test),
        )
        for name, architecture in contenders.items()
    }
    return Verdict(
        winner=winner,
        finalists=tuple(finalists),
        best=tested.pop("best"),
        baselines=tuple(tested.values()),
    )


async def _rivals(coordinator: Coordinator, study: Study, winner: Trial) -> dict[str, Architecture]:
    """The two baselines, each with the model and style that did best on the search questions."""
    settings, cap = study.config.baselines, _as_limits(winner.scored.cost)
    single = _best_of_kind(coordinator.trials, "single call") or Baseline(
        kind="single call", model=next(iter(study.config.models)), style=settings.styles[0]
    )
    repeated = _best_of_kind(coordinator.trials, "self-consistency") or replace(
        single, kind="self-consistency"
    )
    equal = await grown(repeated, settings, cap, study.forecast) or replace(repeated, samples=1)
    return {
        "single call": single.architecture(settings),
        "self-consistency at equal FLOPs": equal.architecture(settings),
    }


def _best_of_kind(trials: Sequence[Trial], kind: Kind) -> Baseline | None:
    """The scored baseline of a kind with the best search score, whatever it costs."""
    scored = [
        (trial.scored.mean, trial.baseline)
        for trial in trials
        if trial.baseline is not None and trial.baseline.kind == kind and trial.evaluation
    ]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def _as_limits(cost: Measured) -> Limits:
    """A cap at what was measured: in FLOPs, or in tokens where no model has a shape."""
    if cost.flops:
        return Limits(flops=cost.flops)
    return Limits(tokens=cost.prompt_tokens + cost.completion_tokens)


def _no_winner(trials: Sequence[Trial], limits: Limits) -> str:
    reasons = [trial.reason for trial in trials if trial.reason]
    return (
        f"a winner must be complete and within {limits} per question; none of {len(trials)} "
        f"trials is{'; such as: ' + reasons[0] if reasons else ''}; raise the budget, or see why "
        f"questions went unscored"
    )

"""Telling: what a sampler is told of a trial that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from statistics import fmean
from typing import Any

from archsearch.search.study import Study
from archsearch.search.trial import State, Trial
from archsearch.types import Measured

_LEAST = 1e-12
"""What counts as any cost at all, of which a logarithm can be told."""


def telling(trial: Trial, before: Sequence[Trial], study: Study) -> Mapping[str, Any]:
    """See `Proposer.tell`; `before` are the trials of lower numbers."""
    return {
        "values": _values(trial, before, study),
        "error": trial.error if trial.has_worth else None,
        "paused": trial.state is State.PAUSED,
        "over": {"cost": _over(trial, study), "valid": -1.0 if trial.has_worth else 1.0},
    }


def _values(trial: Trial, before: Sequence[Trial], study: Study) -> tuple[float, ...]:
    """The trial's worth and, where it is an objective, its cost; or for what has none the means of
    the complete trials, which speak neither for nor against it beside the violated constraint."""
    if trial.has_worth:
        found = [(trial.worth, trial.scored.cost)]
    else:
        complete = [t for t in before if t.state is State.COMPLETE]
        found = [(t.scored.mean, t.scored.cost) for t in complete] or [(0.0, Measured())]
    score = fmean(score for score, _ in found)
    if study.config.search.objective == "score":
        return (score,)
    return score, fmean(log10(max(study.unit.of(cost), _LEAST)) for _, cost in found)


def _over(trial: Trial, study: Study) -> float:
    """By which share the cap per question is exceeded: measured, else expected."""
    cost = trial.evaluation.cost if trial.evaluation is not None else trial.expected
    return study.config.budget.per_question.over(cost) if cost is not None else 0.0

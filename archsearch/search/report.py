"""Report: what a search found, as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from archsearch import __version__
from archsearch.evaluate import Evaluation
from archsearch.meter import Meter
from archsearch.models.base import Model
from archsearch.search.config import StudyConfig
from archsearch.search.selection import Contender, Verdict
from archsearch.search.trial import Trial, ranking
from archsearch.search.unit import Unit
from archsearch.seeds import seed_of
from archsearch.stats import Interval, mean_interval, paired_difference
from archsearch.types import Measured

SCHEMA_VERSION = 1

Json = dict[str, Any]


def report(
    config: StudyConfig,
    trials: Sequence[Trial],
    verdict: Verdict,
    *,
    models: Mapping[str, Model],
    meter: Meter,
    unit: Unit,
    spent: Measured,
    seconds: float,
    unsafe: bool,
) -> Json:
    """Everything that the run folder's `report.json` says. FLOPs and tokens are means per question
    unless the key says otherwise, costs are in `unit`; intervals are 95 %. `unsafe`: programs ran
    outside a sandbox in some part of the run."""
    rng = np.random.default_rng(seed_of([config.seed, "report"]))
    budget = config.budget
    return {
        "schema_version": SCHEMA_VERSION,
        "archsearch": __version__,
        "study": config.name,
        "benchmark": config.benchmark.model_dump(mode="json"),
        "split_sizes": config.splits.model_dump(),
        "budget": {
            "flops_per_question": budget.per_question.flops,
            "study_flops": budget.study.flops,
            "per_question": budget.per_question.model_dump(exclude_none=True),
            "study": budget.study.model_dump(exclude_none=True),
        },
        "models": {name: model.identity for name, model in models.items()},
        "cost_unit": str(unit),
        "best": _best(verdict, unit, rng),
        "baselines": [_baseline(rival, verdict.best, unit, rng) for rival in verdict.baselines],
        "finalists": [
            {
                "number": finalist.trial.number,
                "search": finalist.trial.scored.mean,
                "select": finalist.select.mean if finalist.select.scores else None,
                "select_questions": len(finalist.select.scores),
                "pooled": finalist.pooled,
                "median_seconds_per_question": finalist.latency,
            }
            for finalist in verdict.finalists
        ],
        "front": [
            trial.number for trial in front(ranking(trials, budget.per_question, unit), unit)
        ],
        "trials": [_trial(trial, unit) for trial in trials],
        **_metered(meter),
        "flops": {
            "drawn": meter.drawn_flops,
            "charged": spent.flops,
            "used": sum(map(_used_flops, _evaluations(trials, verdict))),
        },
        "charged": asdict(spent),
        "unsafe_exec": unsafe,
        "seconds": seconds,
    }


def _metered(meter: Meter) -> Json:
    """What the whole run drew, reused and ran."""
    return {
        "tokens": {
            "drawn": meter.drawn_prompt_tokens + meter.drawn_completion_tokens,
            "drawn_prompt": meter.drawn_prompt_tokens,
            "drawn_cached": meter.drawn_cached_tokens,
            "drawn_completion": meter.drawn_completion_tokens,
            "reused": meter.reused_completion_tokens,
        },
        "samples": {
            "drawn": meter.drawn_samples,
            "reused": meter.reused_samples,
            "missing": meter.missing,
        },
        "programs": {
            "run": meter.executions,
            "reused": meter.reused_executions,
            "cpu_seconds": meter.cpu_seconds,
        },
        "retries": meter.retries,
    }


def front(ranked: Sequence[Trial], unit: Unit) -> list[Trial]:
    """The Pareto front of score against cost per question, cheapest first. `ranked` is best
    score first, of equals the cheaper first."""
    found: list[Trial] = []
    for trial in ranked:
        if not found or unit.of(trial.scored.cost) < unit.of(found[-1].scored.cost):
            found.append(trial)
    return found[::-1]


def _best(verdict: Verdict, unit: Unit, rng: np.random.Generator) -> Json:
    winner, best = verdict.winner, verdict.best
    upper, expected = winner.upper, winner.expected
    return {
        "architecture": best.architecture.dump(),
        "summary": str(best.architecture),
        "digest": best.architecture.digest,
        "number": winner.number,
        "search": scored(winner.scored, rng),
        "optimism": verdict.optimism,
        "test": scored(best.test, rng),
        "cost_per_question": unit.of(best.test.cost),
        "flops_per_question": {
            "upper": upper.flops if upper else None,
            "expected": expected.flops if expected else None,
            "measured": winner.scored.cost.flops,
            "measured_on_test": best.test.cost.flops,
        },
    }


def _baseline(rival: Contender, best: Contender, unit: Unit, rng: np.random.Generator) -> Json:
    return {
        "name": rival.name,
        "architecture": rival.architecture.dump(),
        "summary": str(rival.architecture),
        "test": scored(rival.test, rng),
        "cost_per_question": unit.of(rival.test.cost),
        "flops_per_question": rival.test.cost.flops,
        "paired_delta": paired(best.test, rival.test, rng),
    }


def _trial(trial: Trial, unit: Unit) -> Json:
    evaluation = trial.evaluation
    return {
        "number": trial.number,
        "origin": trial.origin,
        "baseline": str(trial.baseline) if trial.baseline else None,
        "digest": trial.architecture.digest if trial.architecture else None,
        "summary": str(trial.architecture) if trial.architecture else None,
        "architecture": trial.architecture.dump() if trial.architecture else None,
        "params": trial.params,
        "state": str(trial.state),
        "reason": trial.reason,
        "twin": trial.twin,
        "continued_by": trial.continued_by,
        "score": evaluation.mean if evaluation and evaluation.scores else None,
        "cost_per_question": unit.of(evaluation.cost) if evaluation else None,
        "flops_per_question": evaluation.cost.flops if evaluation else None,
        "expected_flops_per_question": trial.expected.flops if trial.expected else None,
        "upper_flops_per_question": trial.upper.flops if trial.upper else None,
        "highest_flops_of_a_question": _highest(evaluation) if evaluation else None,
        "questions_scored": len(evaluation.scores) if evaluation else 0,
        "malformed": evaluation.malformed if evaluation else 0,
        "fallbacks": evaluation.fallbacks if evaluation else 0,
    }


def scored(evaluation: Evaluation, rng: np.random.Generator) -> Json:
    """Mean score with its interval, and what stands behind it; None where nothing is scored, as
    may be in a replay."""
    scores = list(evaluation.scores.values())
    interval = mean_interval(scores, rng=rng) if scores else None
    return {
        "score": interval.value if interval else None,
        "ci95": _pair(interval) if interval else None,
        "n": len(scores),
        "unscored": len(evaluation.failures),
        "malformed": evaluation.malformed,
        "fallbacks": evaluation.ways_out,
    }


def paired(ours: Evaluation, theirs: Evaluation, rng: np.random.Generator) -> Json:
    """The mean of our scores minus theirs, with its interval, on the questions that both have."""
    first, second = ours.scores, theirs.scores
    shared = [question for question in first if question in second]
    delta = None
    if shared:
        delta = paired_difference(
            [first[name] for name in shared], [second[name] for name in shared], rng=rng
        )
    return {
        "value": delta.value if delta else None,
        "ci95": _pair(delta) if delta else None,
        "n": len(shared),
    }


def _pair(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _highest(evaluation: Evaluation) -> float:
    return max((outcome.cost.flops for outcome in evaluation.outcomes), default=0.0)


def _evaluations(trials: Sequence[Trial], verdict: Verdict) -> Iterator[Evaluation]:
    """Everything that was evaluated, each counted in full: what a search without reuse draws."""
    last = (trial for trial in trials if trial.continued_by is None)
    yield from (trial.evaluation for trial in last if trial.evaluation)
    yield from (finalist.select for finalist in verdict.finalists)
    yield from (contender.test for contender in (verdict.best, *verdict.baselines))


def _used_flops(evaluation: Evaluation) -> float:
    return sum(outcome.cost.flops for outcome in evaluation.outcomes)

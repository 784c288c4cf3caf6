"""Scoring: architectures that somebody names, on one split of a study's benchmark."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from archsearch.architecture import Architecture
from archsearch.benchmark import Item
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError, MissingSample, RunError
from archsearch.evaluate import Evaluation, Evaluator
from archsearch.meter import Meter
from archsearch.search.config import StudyConfig
from archsearch.search.forecast import Forecast
from archsearch.search.opening import opened
from archsearch.search.progress import Progress
from archsearch.search.report import Json, paired, scored
from archsearch.store import SampleStore


async def score(
    config: StudyConfig,
    architecture: Architecture,
    *,
    split: str,
    progress: Progress,
    meter: Meter,
    against: Sequence[Architecture] = (),
    store: str | None = None,
    replay: bool = False,
    unsafe: bool = False,
    kept: Mapping[str, Sequence[str]] | None = None,
) -> Json:
    """The score of an architecture on `split`, with its interval and cost; and of each of
    `against`, with the paired difference: the first minus it, on the questions that both have.
    `kept`: the questions of the run it comes from, by split, which stay in theirs.

    Samples come from and go to `store`, or are forgotten without one. A `replay` takes them all
    from there; raises `MissingSample` when it lacks some of every question.
    """
    splits = await asyncio.to_thread(config.load_splits, kept)
    items = getattr(splits, split, None)
    if not items:
        raise ConfigError(f"the split must be search, select or test, and not empty; got {split!r}")
    everyone = (architecture, *against)
    progress.phase, progress.questions_wanted = "evaluating", len(everyone) * len(items)
    with SampleStore(store or ":memory:", only_read=replay) as samples:
        async with opened(config, samples, meter=meter, replay=replay, unsafe=unsafe) as dispatcher:
            evaluations = await _evaluated(config, everyone, items, dispatcher, progress)
    progress.phase = "done"
    rng = np.random.default_rng(config.seed)
    ours, *theirs = evaluations
    return {
        **_told(architecture, ours, rng),
        "benchmark": config.benchmark.model_dump(mode="json"),
        "split": split,
        "against": [
            _told(other, evaluation, rng) | {"paired_delta": paired(ours, evaluation, rng)}
            for other, evaluation in zip(against, theirs, strict=True)
        ],
        "tokens": {
            "drawn": meter.drawn_prompt_tokens + meter.drawn_completion_tokens,
            "reused": meter.reused_completion_tokens,
        },
        "programs": {
            "run": meter.executions,
            "reused": meter.reused_executions,
            "cpu_seconds": meter.cpu_seconds,
        },
        "missing": meter.missing,
        "unsafe_exec": unsafe,
    }


async def _evaluated(
    config: StudyConfig,
    architectures: Sequence[Architecture],
    items: Sequence[Item],
    dispatcher: Dispatcher,
    progress: Progress,
) -> list[Evaluation]:
    """All at once: what they have in common is drawn once whichever comes first."""
    forecast = Forecast(dispatcher, dispatcher.tariffs, [])
    for architecture in architectures:
        forecast.check(architecture)
    evaluator = Evaluator(
        benchmark=config.benchmark, dispatcher=dispatcher, tariffs=dispatcher.tariffs
    )

    async def one(architecture: Architecture) -> Evaluation:
        outcomes = {}
        async for outcome in evaluator.outcomes(architecture, items):
            outcomes[outcome.question_id] = outcome
            progress.questions += 1
        return Evaluation(outcomes=tuple(outcomes[item.question.id] for item in items))

    evaluations = await asyncio.gather(*map(one, architectures))
    for architecture, evaluation in zip(architectures, evaluations, strict=True):
        _require_a_score(evaluation)
        evaluation.require_an_answer(architecture)
    return evaluations


def _require_a_score(evaluation: Evaluation) -> None:
    if not evaluation.scores:
        first = next(iter(evaluation.failures.values()))
        error = MissingSample if first.kind == "missing" else RunError
        raise error(
            f"none of {len(evaluation.outcomes)} questions could be scored; "
            f"the first: {first.message}"
        )


def _told(architecture: Architecture, evaluation: Evaluation, rng: np.random.Generator) -> Json:
    return {
        "architecture": architecture.dump(),
        "digest": architecture.digest,
        **scored(evaluation, rng),
        "per_question": asdict(evaluation.cost),
    }

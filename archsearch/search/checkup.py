"""Checkup: what a study will do and take at most, without loading weights or drawing a token."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from archsearch.architecture import Architecture
from archsearch.cost import upper_bound
from archsearch.errors import ConfigError
from archsearch.models.residency import memory_lines
from archsearch.sandbox import survey
from archsearch.search.config import StudyConfig
from archsearch.search.forecast import check_contexts
from archsearch.search.opening import require_shapes, tariff
from archsearch.search.sampler import chosen
from archsearch.shape import ModelShape
from archsearch.types import UpperBound

COUNTED = 20_000
"""Points counted before the space is called larger."""
PARSED = 2_000
"""Points made into architectures, to tell distinct and invalid ones."""
TOLD = 5
"""Reasons of refusals that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """The points looked at."""

    architectures: dict[str, Architecture]
    refusals: Counter[str]
    """Points by the reason why they are refused."""
    looked_at: int
    whole: bool


def checkup(config: StudyConfig, tokens_per_second: float | None) -> Iterator[str]:
    """Lines about a study. Raises `ConfigError` for what would stop it.

    Costs are upper bounds: what is expected is learned from the first tokens that a search draws.
    """
    splits = config.load_splits()
    sample = _look_through(config)
    shapes = {name: entry.known_shape() for name, entry in config.models.items()}
    for limits in (config.budget.per_question, config.budget.study):
        require_shapes(limits, shapes)
    chosen(config.search.sampler, config.space, config.search.trials).build(
        config.seed, config.space
    )
    yield f"study {config.name}: valid"
    yield (
        f"benchmark {config.benchmark.name}: {len(splits.search)} search, {len(splits.select)} "
        f"select, {len(splits.test)} test questions, disjoint"
    )
    yield from _space_lines(config, sample)
    yield from _cost_lines(config, sample, shapes, tokens_per_second)
    yield from memory_lines(config.models)
    if config.benchmark.executes or any(a.executes for a in sample.architectures.values()):
        yield from _sandbox_lines(config.sandbox.tier)
    warnings = {w for a in sample.architectures.values() for w in a.warnings()}
    yield from (f"note: some architectures: {warning}" for warning in sorted(warnings))


def _look_through(config: StudyConfig) -> _Sample:
    points = list(islice(config.space.points(), PARSED + 1))
    contexts = {name: model.context for name, model in config.models.items()}
    architectures: dict[str, Architecture] = {}
    refusals: Counter[str] = Counter()
    for point in points[:PARSED]:
        try:
            architecture = config.space.architecture(point)
            if architecture.digest not in architectures:
                check_contexts(architecture, contexts)
        except ConfigError as error:
            refusals[str(error)] += 1
            continue
        architectures.setdefault(architecture.digest, architecture)
    if not architectures:
        (first, _), *_ = refusals.most_common(1)
        raise ConfigError(f"a space must hold a valid architecture; the first error: {first}")
    looked_at = min(len(points), PARSED)
    return _Sample(
        architectures=architectures,
        refusals=refusals,
        looked_at=looked_at,
        whole=len(points) <= PARSED,
    )


def _space_lines(config: StudyConfig, sample: _Sample) -> Iterator[str]:
    if sample.whole:
        yield (
            f"space {config.space.name}: {sample.looked_at} points, {len(sample.architectures)} "
            f"distinct valid architectures"
        )
    else:
        size = sum(1 for _ in islice(config.space.points(), COUNTED + 1))
        told = f"{size}" if size <= COUNTED else f"more than {COUNTED}"
        yield (
            f"space {config.space.name}: {told} points; {len(sample.architectures)} distinct valid "
            f"architectures among the first {PARSED}"
        )
    if sample.refusals:
        yield f"  {sample.refusals.total()} of them are refused:"
    reasons = sample.refusals.most_common(TOLD)
    yield from (f"    {count}: {reason}" for reason, count in reasons)
    if rest := sample.refusals.total() - sum(count for _, count in reasons):
        yield f"    {rest}: {len(sample.refusals) - TOLD} other reasons"


def _cost_lines(
    config: StudyConfig,
    sample: _Sample,
    shapes: Mapping[str, ModelShape | None],
    tokens_per_second: float | None,
) -> Iterator[str]:
    tariffs = {name: tariff(entry, shapes[name]) for name, entry in config.models.items()}
    bounds = sorted(
        (upper_bound(a.plan, tariffs) for a in sample.architectures.values()),
        key=lambda bound: (bound.flops, bound.prompt_tokens + bound.completion_tokens),
    )
    low, high = bounds[0], bounds[-1]
    yield f"upper bound per question: {_told(low)} to {_told(high)}"
    yield f"cap per question: {config.budget.per_question} (on the mean, as expected and measured)"
    questions = (
        config.search.trials * config.splits.search
        + config.search.finalists * config.splits.select
        + 3 * config.splits.test
    )
    yield (
        f"study: at most {config.search.trials} architectures, {questions} question evaluations; "
        f"cap: {config.budget.study}"
    )
    if tokens_per_second is None:
        yield "time: pass --tokens-per-second to have an upper bound; a search learns it as it runs"
        return
    tokens = high.completion_tokens * questions
    yield f"time: at most {tokens / tokens_per_second / 60:.0f} min if every reply filled its cap"


def _sandbox_lines(tier: str | None) -> Iterator[str]:
    """Which kind of sandbox the programs will have, and why not a better one."""
    for standing in asyncio.run(survey(tier)):
        if standing.ok:
            yield f"sandbox: programs run in {standing.tier}, which held when it was tried"
            return
        yield f"sandbox: {standing.tier} does not hold here: {standing.reason}"
    yield "sandbox: none holds, so a search is refused unless it is given --unsafe-exec"


def _told(bound: UpperBound) -> str:
    return f"{bound.flops:.3g} FLOPs, {bound.prompt_tokens + bound.completion_tokens:.0f} tokens"

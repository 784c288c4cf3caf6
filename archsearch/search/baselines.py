"""Static baselines: what a search tries before its sampler proposes anything.

Good static starting points give nearly all of what transfer from other studies gives
(syftr, arXiv 2505.20266), and the report compares the winner with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from archsearch.architecture import Architecture
from archsearch.budget import Limits
from archsearch.search.config import Baselines
from archsearch.search.forecast import Forecast

Kind = Literal["single call", "self-consistency", "best-of-n"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A well-known architecture of one model and one prompt style."""

    kind: Kind
    """`single call`: one greedy completion. `self-consistency`: the most frequent final answer of
    `samples` completions. `best-of-n`: the best of them in the eyes of a listwise ranker, the
    same model."""
    model: str
    style: str
    samples: int = 1

    def architecture(self, settings: Baselines) -> Architecture:
        """With the temperature and caps of `settings`; self-consistency of one is one sample."""
        caps = {
            "max_tokens": settings.max_tokens,
            "max_prompt_tokens": settings.max_prompt_tokens,
        }
        generator: dict[str, Any] = {
            "type": "generator",
            "model": self.model,
            "style": self.style,
            "temperature": 0.0 if self.kind == "single call" else settings.temperature,
            "samples": self.samples,
            **caps,
        }
        if self.samples == 1:
            return Architecture.parse([generator])
        if self.kind == "self-consistency":
            return Architecture.parse([generator, {"type": "vote"}])
        return Architecture.parse([generator, {"type": "ranker", "model": self.model, **caps}])

    def __str__(self) -> str:
        """Such as `self-consistency (small, plain, n=8)`."""
        count = f", n={self.samples}" if self.samples > 1 else ""
        return f"{self.kind} ({self.model}, {self.style}{count})"


async def grown(
    baseline: Baseline, settings: Baselines, limits: Limits, forecast: Forecast
) -> Baseline | None:
    """The baseline with the most samples, >= 2, that is expected within `limits`; None where two
    are too many. Expected cost grows with the samples, so bisection finds it."""

    async def within(samples: int) -> bool:
        return not await _passes(replace(baseline, samples=samples), settings, limits, forecast)

    if not await within(2):
        return None
    low, high = 2, settings.max_samples + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await within(middle) else (low, middle)
    return replace(baseline, samples=low)


async def matched(
    baseline: Baseline, settings: Baselines, spent: Limits, cap: Limits, forecast: Forecast
) -> Baseline:
    """The baseline with the fewest samples that are expected to pass `spent`, so that what it is
    compared with has no more to spend; with one less where that many are not within `cap`."""
    one = replace(baseline, samples=1)
    if await _passes(one, settings, spent, forecast):
        return one
    below = await grown(baseline, settings, spent.within(cap), forecast) or one
    above = replace(below, samples=below.samples + 1)
    if above.samples > settings.max_samples or await _passes(above, settings, cap, forecast):
        return below
    return above


async def _passes(
    baseline: Baseline, settings: Baselines, limits: Limits, forecast: Forecast
) -> bool:
    """Whether it is expected to cost more than `limits` allow."""
    return limits.over(await forecast.expected(baseline.architecture(settings))) > 0


async def static(
    settings: Baselines, models: Iterable[str], limits: Limits, forecast: Forecast
) -> list[Baseline]:
    """For each model and style a single call, and self-consistency and best-of-n with as many
    samples as the cap per question is expected to allow."""
    found: list[Baseline] = []
    for model in models:
        for style in settings.styles:
            single = Baseline(kind="single call", model=model, style=style)
            found.append(single)
            for kind in ("self-consistency", "best-of-n"):
                repeated = replace(single, kind=kind)
                if (most := await grown(repeated, settings, limits, forecast)) is not None:
                    found.append(most)
    return found

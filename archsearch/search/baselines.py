"""Static baselines: what a search tries before its sampler proposes anything.

Good static starting points give nearly all of what transfer from other studies gives
(syftr, arXiv 2505.20266), and the report compares the winner with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from archsearch.architecture import Architecture
from archsearch.budget import Limits
from archsearch.search.config import Baselines
from archsearch.search.forecast import Forecast


def single_call(settings: Baselines, model: str, style: str) -> Architecture:
    """One greedy completion."""
    return Architecture.parse([_generator(settings, model, style, temperature=0.0)])


def self_consistency(settings: Baselines, model: str, style: str, samples: int) -> Architecture:
    """The most frequent final answer of `samples` completions; one completion for 1."""
    generator = _generator(
        settings, model, style, temperature=settings.temperature, samples=samples
    )
    return Architecture.parse([generator, {"type": "vote"}] if samples > 1 else [generator])


def best_of_n(settings: Baselines, model: str, style: str, samples: int) -> Architecture:
    """The best of `samples` completions in the eyes of a listwise ranker, the same model."""
    ranker = {"type": "ranker", "model": model, **_caps(settings)}
    generator = _generator(
        settings, model, style, temperature=settings.temperature, samples=samples
    )
    return Architecture.parse([generator, ranker])


async def most_samples(
    settings: Baselines, make: Callable[[int], Architecture], limits: Limits, forecast: Forecast
) -> int | None:
    """The greatest number of samples >= 2 for which `make(samples)` is expected within `limits`;
    None where two are too many. Expected cost grows with the number, so bisection finds it."""

    async def within(samples: int) -> bool:
        return limits.over(await forecast.expected(make(samples))) <= 0

    if not await within(2):
        return None
    low, high = 2, settings.max_samples + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await within(middle) else (low, middle)
    return low


async def static(
    settings: Baselines, models: Iterable[str], limits: Limits, forecast: Forecast
) -> dict[str, Architecture]:
    """By name: for each model and style a single call, and self-consistency and best-of-n with
    as many samples as the cap per question is expected to allow."""
    found: dict[str, Architecture] = {}
    for model in models:
        for style in settings.styles:
            found[f"single call ({model}, {style})"] = single_call(settings, model, style)
            for name, kind in (("self-consistency", self_consistency), ("best-of-n", best_of_n)):
                make = partial(kind, settings, model, style)
                if samples := await most_samples(settings, make, limits, forecast):
                    found[f"{name} ({model}, {style}, n={samples})"] = make(samples)
    return found


def _generator(settings: Baselines, model: str, style: str, **fields: Any) -> dict[str, Any]:
    return {"type": "generator", "model": model, "style": style, **_caps(settings), **fields}


def _caps(settings: Baselines) -> dict[str, int]:
    return {"max_tokens": settings.max_tokens, "max_prompt_tokens": settings.max_prompt_tokens}

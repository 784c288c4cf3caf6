"""Latency: how long one question takes when it has the engine to itself.

During a search many questions share the engine and most samples come from the store, so nothing
measured there says what a user would wait for.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from archsearch.architecture import Architecture
from archsearch.benchmark import Item
from archsearch.evaluate import Evaluator
from archsearch.store import SampleStore

TIMED = 8
"""Questions that are timed."""
REPLICATE = 1
"""Samples of their own, so that what is drawn for the clock is charged like any other."""


async def median_latency(
    evaluator: Evaluator, architecture: Architecture, items: Sequence[Item]
) -> float:
    """Median seconds per question over the first few of `items`, one at a time, all drawn now.

    Failed questions count with the time they took.
    """
    with SampleStore() as empty:
        dispatcher = evaluator.dispatcher.beside(store=empty)
        alone = Evaluator(
            benchmark=evaluator.benchmark,
            dispatcher=dispatcher,
            tariffs=evaluator.tariffs,
            replicate=REPLICATE,
        )
        seconds = []
        try:
            for item in items[:TIMED]:
                began = time.perf_counter()
                await alone.outcome(architecture, item)
                seconds.append(time.perf_counter() - began)
        finally:
            await dispatcher.close()
    return statistics.median(seconds)

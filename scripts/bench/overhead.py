"""What the engine itself costs: calls per second through generator(8) > ranker > fuser on a model
that answers at once, beside a bare asyncio loop that starts as many tasks.

Usage: python scripts/bench/overhead.py [--quick] [--json]
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from common import arguments, tell
from sums import Sums

from archsearch import collector
from archsearch.architecture import Architecture
from archsearch.cost import Tariff
from archsearch.dispatch import Dispatcher
from archsearch.evaluate import Evaluator
from archsearch.models.scripted import Scripted
from archsearch.store import SampleStore
from archsearch.types import Request

SAMPLES = 8
CALLS = SAMPLES + 2
"""Completions per question: the generator's, the ranker's and the fuser's."""

ARCHITECTURE = Architecture.parse(
    [
        {"type": "generator", "model": "m", "samples": SAMPLES},
        {"type": "ranker", "model": "m", "keep": 4},
        {"type": "fuser", "model": "m"},
    ]
)


def main() -> None:
    """Both loops in turn, each several times; the best of each counts."""
    flags = arguments(__doc__, quick="1,000 questions instead of 5,000")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, as the goal says
    collector.spare()  # as `archsearch search` does
    questions, turns = (1_000, 3) if flags.quick else (5_000, 5)
    ours = max(engine(questions) for _ in range(turns))
    bare = max(asyncio.run(bare_loop(questions * CALLS)) for _ in range(turns))
    found: dict[str, Any] = {
        "calls_per_second": round(ours),
        "bare_loop_calls_per_second": round(bare),
        "ratio": round(ours / bare, 3),
        "questions": questions,
    }
    tell(found, as_json=flags.json)


def engine(questions: int) -> float:
    """Calls per second of one evaluation."""
    return asyncio.run(_engine(questions))


async def _engine(questions: int) -> float:
    model = Scripted(_reply, capacity=256, context=100_000)
    benchmark = Sums()
    items = benchmark.load(questions)
    with SampleStore() as store:
        dispatcher = Dispatcher({"m": model}, store)
        evaluator = Evaluator(
            benchmark=benchmark, dispatcher=dispatcher, tariffs={"m": Tariff(shape=model.shape)}
        )
        start = time.perf_counter()
        async for _ in evaluator.outcomes(ARCHITECTURE, items):
            pass
        seconds = time.perf_counter() - start
        return store.count() / seconds


def _reply(request: Request, seed: int) -> str:
    return f"[2] > [1] > [3]. The answer is {seed % 9}."


async def bare_loop(tasks: int) -> float:
    """Tasks per second that do nothing but wait once, at most 256 of them at once."""
    gate = asyncio.Semaphore(256)

    async def call() -> None:
        async with gate:
            await asyncio.sleep(0)

    start = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(tasks)))
    return tasks / (time.perf_counter() - start)


if __name__ == "__main__":
    main()

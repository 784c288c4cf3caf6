"""Resident memory over 100,000 questions x 3 layers with a scripted model: it must not grow with
what has been answered.

Usage: python scripts/bench/memory.py [--quick] [--json]
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from common import arguments, tell
from sums import Sums

from archsearch import collector
from archsearch.architecture import Architecture
from archsearch.budget import Account, Limits
from archsearch.cost import Tariff
from archsearch.dispatch import Dispatcher
from archsearch.evaluate import Evaluator
from archsearch.ledger import Ledger
from archsearch.models.scripted import Scripted
from archsearch.store import SampleStore
from archsearch.types import Request

ARCHITECTURE = Architecture.parse(
    [
        {"type": "generator", "model": "m", "samples": 2},
        {"type": "ranker", "model": "m", "keep": 2},
        {"type": "fuser", "model": "m"},
    ]
)
WARM = 0.1
"""Share of the questions after which memory is taken to be what the engine needs."""


def main() -> None:
    """One evaluation, its samples and charges in files as in a search."""
    flags = arguments(__doc__, quick="5,000 questions instead of 100,000")
    collector.spare()
    questions = 5_000 if flags.quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        sizes = asyncio.run(evaluate(questions, Path(folder)))
    found: dict[str, Any] = {
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "growth_mb": round(sizes[-1] - sizes[int(len(sizes) * WARM)], 1),
        "questions": questions,
    }
    tell(found, as_json=flags.json)


async def evaluate(questions: int, folder: Path) -> list[float]:
    """Resident megabytes after each hundredth of the questions."""
    model = Scripted(_reply, capacity=256, context=100_000)
    sizes = []
    with SampleStore(folder / "samples.sqlite") as store, Ledger(folder) as ledger:
        account = Account(Limits(flops=1e30), charges=ledger)
        evaluator = Evaluator(
            benchmark=Sums(),
            dispatcher=Dispatcher({"m": model}, store, account=account),
            tariffs={"m": Tariff(shape=model.shape)},
        )
        items = islice(Sums().endless(), questions)
        done = 0
        async for outcome in evaluator.outcomes(ARCHITECTURE, items):
            ledger.record_outcome(ARCHITECTURE.digest, outcome)
            done += 1
            if done % (questions // 100) == 0:
                sizes.append(_resident())
    return sizes


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _reply(request: Request, seed: int) -> str:
    return f"[2] > [1]. The answer is {seed % 9}."


if __name__ == "__main__":
    main()

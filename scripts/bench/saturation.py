"""Whether a model ever waits: the wall time of 20,000 calls of very uneven length, over the least
that it could be, which is the greater of all work over the capacity and of the longest chain. Then
the same calls as other tools make them: a thread for each question, its layers and samples in turn.

The scripted model takes 256 samples at once. A sample takes 50 ms to its first token and then, by
its length, from 10 ms to a second: as often from 10 to 100 ms as from 100 ms to a second.

Usage: python scripts/bench/saturation.py [--quick] [--json]
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from common import arguments, tell
from sums import Sums

from archsearch import collector
from archsearch.architecture import Architecture
from archsearch.cost import Tariff
from archsearch.dispatch import Dispatcher
from archsearch.evaluate import Evaluator
from archsearch.models.scripted import Scripted
from archsearch.seeds import SEED_BITS, seed_of
from archsearch.store import SampleStore
from archsearch.types import Request

CAPACITY = 256
SAMPLES = 2
ARCHITECTURE = Architecture.parse(
    [
        {"type": "generator", "model": "m", "samples": SAMPLES},
        {"type": "ranker", "model": "m", "keep": 2},
        {"type": "fuser", "model": "m"},
    ]
)
CALLS = SAMPLES + 2
"""Of one question."""


def main() -> None:
    """Both ways, one after the other."""
    flags = arguments(__doc__, quick="16,000 calls instead of 20,000")
    collector.spare()
    questions = (16_000 if flags.quick else 20_000) // CALLS
    work = Work()
    ours = asyncio.run(engine(questions, work))
    bound = work.bound()
    found: dict[str, Any] = {
        "wall_over_bound": round(ours / bound, 3),
        "peer_pattern_over_bound": round(peers(questions, work) / bound, 3),
        "seconds": round(ours, 2),
        "bound_seconds": round(bound, 2),
        "calls": len(work.taken),
    }
    tell(found, as_json=flags.json)


@dataclass(slots=True)
class Work:
    """How long each call took that was made."""

    taken: dict[tuple[str, int], float] = field(default_factory=dict)
    """Seconds, by prompt and seed."""

    def latency(self, request: Request, seed: int) -> float:
        """Seconds of one sample; its prompt and seed decide."""
        asked = request.messages[-1].content
        length = seed_of([asked, seed]) / 2**SEED_BITS
        seconds = 0.05 + 0.01 * float(100**length)
        self.taken[asked, seed] = seconds
        return seconds

    def bound(self) -> float:
        """Seconds below which nobody gets."""
        return max(sum(self.taken.values()) / CAPACITY, max(self.taken.values()))


def _reply(request: Request, seed: int) -> str:
    return f"[2] > [1]. The answer is {seed % 9}."


async def engine(questions: int, work: Work) -> float:
    """Seconds that an evaluation takes."""
    model = Scripted(_reply, latency=work.latency, capacity=CAPACITY, together=1, context=100_000)
    with SampleStore() as store:
        evaluator = Evaluator(
            benchmark=Sums(),
            dispatcher=Dispatcher({"m": model}, store),
            tariffs={"m": Tariff(shape=model.shape)},
        )
        start = time.perf_counter()
        async for _ in evaluator.outcomes(ARCHITECTURE, Sums().load(questions)):
            pass
        return time.perf_counter() - start


def peers(questions: int, work: Work) -> float:
    """Seconds that as many calls of the same lengths take from as many threads as the model has
    places, each going through a question's calls one by one."""
    lengths = list(work.taken.values())
    places = threading.Semaphore(CAPACITY)

    def walk(number: int) -> None:
        for seconds in lengths[number * CALLS : (number + 1) * CALLS]:
            with places:
                time.sleep(seconds)

    start = time.perf_counter()
    with ThreadPoolExecutor(CAPACITY) as threads:
        list(threads.map(walk, range(questions)))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

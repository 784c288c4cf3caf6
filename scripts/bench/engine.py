"""What is left of an engine's throughput when a search drives it: tokens per second of several
architectures evaluated at once, over those of the same requests given to the engine in one batch.

    python scripts/bench/engine.py [--model llamacpp|vllm] [--quick] [--rounds N] [--json]

The requests that the evaluation really draws are recorded, and replayed all at once, each with the
seed it had, straight on the same model in the same process. Both are run several times in turn,
after one run that counts for nothing and leaves all prefix caches equally warm; medians count.
`throughput_over_raw` is 1 where waiting for one layer before the next costs the engine nothing.

`llamacpp` is SmolLM2-135M on the CPU. `vllm` is the model of the environment, as in the tests:
    ARCHSEARCH_VLLM_MODEL   a folder in the Hugging Face form, or a hub id
    ARCHSEARCH_VLLM_ENTRY   other fields of its `models:` entry, as JSON
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from statistics import median
from typing import Any

from common import tell

from archsearch import collector
from archsearch.architecture import Architecture
from archsearch.benchmark import Item
from archsearch.cost import Tariff
from archsearch.dispatch import Dispatcher
from archsearch.evaluate import Evaluator
from archsearch.meter import Meter
from archsearch.models.base import Model, ModelConfig
from archsearch.models.vllm import VLLMConfig
from archsearch.search.config import SHELF, StudyConfig
from archsearch.store import SampleStore
from archsearch.testing import smollm
from archsearch.types import Completion, Message, Request

NAME = "smollm2"
"""What the shipped space calls its model."""
_ASKING = {"model": NAME, "max_tokens": 24, "max_prompt_tokens": 896}
THEN: list[list[dict[str, Any]]] = [
    [{"type": "ranker", **_ASKING, "keep": 3}, {"type": "fuser", **_ASKING}],
    [{"type": "verifier", **_ASKING}, {"type": "vote"}],
    [{"type": "critic", **_ASKING}, {"type": "fuser", **_ASKING, "critiques": True}],
    [{"type": "vote"}],
]
"""What follows the generators."""
CPU_ENTRY = {"dtype": "float32", "context": 1024, "concurrency": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is evaluated, and how often."""

    architectures: int
    samples: int
    questions: int
    rounds: int


class Recorder(Model):
    """Another model, with every request that it is asked."""

    def __init__(self, model: Model) -> None:
        """`model` stays the caller's to close."""
        self.identity, self.shape, self.scores = model.identity, model.shape, model.scores
        self.capacity, self.together = model.capacity, model.together
        self.context = model.context
        self.requests: list[Request] = []
        self._model = model

    def stream(self, request: Request) -> AsyncGenerator[tuple[int, Completion], None]:
        """As the other model, noted."""
        self.requests.append(request)
        return self._model.stream(request)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """As the other model."""
        return await self._model.count_tokens(messages)

    async def close(self) -> None:
        """Nothing: the other model goes on."""


def main() -> None:
    """Runs and tells."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=["llamacpp", "vllm"], default="llamacpp")
    parser.add_argument("--quick", action="store_true", help="2 questions, 1 round; else 10 and 3")
    parser.add_argument("--rounds", type=int, help="other than these: each takes minutes on a CPU")
    parser.add_argument("--json", action="store_true", help="print one JSON object as last line")
    flags = parser.parse_args()
    size = (
        Size(architectures=2, samples=2, questions=2, rounds=flags.rounds or 1)
        if flags.quick
        else Size(architectures=4, samples=8, questions=10, rounds=flags.rounds or 3)
    )
    tell({"model": flags.model, **asyncio.run(compare(entry(flags.model), size))},
         as_json=flags.json)  # fmt: skip


def entry(back_end: str) -> ModelConfig:
    """The model that is measured."""
    if back_end == "llamacpp":
        return smollm.config(slots=16, context=1024)
    if not (model := os.environ.get("ARCHSEARCH_VLLM_MODEL")):
        sys.exit("--model vllm needs a model; set ARCHSEARCH_VLLM_MODEL to a folder or a hub id")
    given = json.loads(os.environ.get("ARCHSEARCH_VLLM_ENTRY", "null"))
    return VLLMConfig(model=model, **(given or {**CPU_ENTRY, "engine": {"enforce_eager": True}}))


async def compare(config: ModelConfig, size: Size) -> dict[str, Any]:
    """Both ways in turn, on one loaded model."""
    collector.spare()  # as `archsearch search` does
    study = StudyConfig.read(SHELF / "quickstart.yaml", [])
    items = study.load_splits().search[: size.questions]
    architectures = workload(size.architectures, size.samples)
    began = time.perf_counter()
    model = await config.open()
    loaded = time.perf_counter() - began
    try:
        warm = Recorder(model)
        await evaluate(warm, study, architectures, items)
        raws, searches = [], []
        for _ in range(size.rounds):
            raws.append(await timed(lambda: batch(model, warm.requests)))
            searches.append(
                await timed(lambda: evaluate(Recorder(model), study, architectures, items))
            )
    finally:
        await model.close()
    raw, search = median(raws), median(searches)
    return {
        "throughput_over_raw": search / raw,
        "search_tokens_per_second": search,
        "raw_tokens_per_second": raw,
        "requests": len(warm.requests),
        "samples": sum(request.n for request in warm.requests),
        "architectures": len(architectures),
        "questions": len(items),
        "rounds": size.rounds,
        "capacity": model.capacity,
        "load_seconds": loaded,
    }


def workload(number: int, samples: int) -> list[Architecture]:
    """Architectures as a search tries them: they share no sample, and their layers must wait."""
    found = []
    for at in range(number):
        generator = {
            "type": "generator",
            "model": NAME,
            "samples": samples,
            "temperature": round(0.6 + 0.05 * at, 2),
            "max_tokens": 24,
            "max_prompt_tokens": 512,
        }
        found.append(Architecture.parse([generator, *THEN[at % len(THEN)]]))
    return found


async def evaluate(
    model: Recorder,
    study: StudyConfig,
    architectures: Sequence[Architecture],
    items: Sequence[Item],
) -> int:
    """Completion tokens drawn for all architectures on all questions, from an empty store."""
    tariffs = {NAME: Tariff(shape=model.shape)}
    meter = Meter()
    with SampleStore(":memory:") as store:
        dispatcher = Dispatcher({NAME: model}, store, tariffs=tariffs, meter=meter)
        evaluator = Evaluator(benchmark=study.benchmark, dispatcher=dispatcher, tariffs=tariffs)
        evaluations = await asyncio.gather(*(evaluator.evaluate(a, items) for a in architectures))
        await dispatcher.close()
    failures = [failure for e in evaluations for failure in e.failures.values()]
    if failures or meter.retries:
        sys.exit(f"nothing may fail while it is measured; {meter.retries} retries, {failures[:1]}")
    return meter.drawn_completion_tokens


async def batch(model: Model, requests: Sequence[Request]) -> int:
    """Completion tokens of all requests, asked at once."""

    async def tokens(request: Request) -> int:
        async with aclosing(model.stream(request)) as samples:
            return sum([completion.usage.completion_tokens async for _, completion in samples])

    return sum(await asyncio.gather(*(tokens(request) for request in requests)))


async def timed(work: Callable[[], Any]) -> float:
    """Tokens per second."""
    began = time.perf_counter()
    tokens = await work()
    return float(tokens / (time.perf_counter() - began))


if __name__ == "__main__":
    main()

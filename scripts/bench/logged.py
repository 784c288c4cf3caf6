"""A scripted model that writes down each draw, so that a bench can tell what was paid for.

It is added as anybody's would be: through an entry point, see `installed`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

from archsearch.models.base import ModelConfig
from archsearch.models.scripted import SHAPE, Scripted
from archsearch.seeds import digest, seed_of
from archsearch.shape import ModelShape
from archsearch.types import Request


class Logged(ModelConfig):
    """Guesses one of nine numbers, or orders candidates at random."""

    backend: Literal["logged"] = "logged"
    log: Path
    """Lines of: `began` or `ended`, process, sample, seconds since the epoch."""
    latency: float

    def known_shape(self) -> ModelShape:
        """That of any script."""
        return SHAPE

    async def open(self) -> Scripted:
        """The model; its log is only ever added to, a line at once."""
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

        def write(event: str, request: Request, seed: int) -> None:
            line = f"{event} {os.getpid()} {_sample(request, seed)} {time.time()}\n"
            os.write(log, line.encode())

        def reply(request: Request, seed: int) -> str:
            write("ended", request, seed)
            guess = seed_of(["guess", request.messages[-1].content, seed])
            return f"[{guess % 3 + 1}] > [{guess % 2 + 1}]. The answer is {guess % 9}."

        def latency(request: Request, seed: int) -> float:
            write("began", request, seed)
            return self.latency

        return Scripted(reply, latency=latency, identity="logged", capacity=16)


def _sample(request: Request, seed: int) -> str:
    messages = [[message.role, message.content] for message in request.messages]
    return digest([messages, request.temperature, request.top_p, request.max_tokens, seed])[:24]


def installed(folder: Path) -> dict[str, str]:
    """The environment of processes that know the model, and the benchmark `sums`; `folder` takes
    what tells Python of them."""
    told = folder / "bench-0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: bench\nVersion: 0\n")
    (told / "entry_points.txt").write_text(
        "[archsearch.models]\nlogged = logged:Logged\n[archsearch.benchmarks]\nsums = sums:Sums\n"
    )
    places = [str(folder), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}

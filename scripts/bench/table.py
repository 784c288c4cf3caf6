"""A table of what architectures score and use on questions, small enough to be kept in git.

Samples are kept as the token counts of streams: a stream is one request to a model (its prompt, and
its samples in index order), and an architecture uses the first so many of each. So whatever order
architectures are tried in, what a search with a sample store would draw is known.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from archsearch import flops
from archsearch.architecture import Architecture
from archsearch.evaluate import Evaluation
from archsearch.seeds import canonical_json
from archsearch.shape import ModelShape
from archsearch.types import Score


def name_of(architecture: Architecture) -> str:
    """What an architecture is called in a table: unlike its digest, it outlives new templates."""
    return canonical_json(architecture.dump())


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Architectures x questions of one model."""

    names: tuple[str, ...]
    shape: dict[str, Any]
    """Of the model."""
    scores: NDArray[np.float32]
    """[architectures, questions]"""
    prompt_tokens: NDArray[np.uint16]
    """Of each prompt."""
    stream_prompt: NDArray[np.uint32]
    """Which prompt a stream has; several streams may share one, which is prefilled once."""
    stream_start: NDArray[np.uint32]
    """Where its samples begin in `completion_tokens`; one more for the end."""
    completion_tokens: NDArray[np.uint8]
    use_start: NDArray[np.uint32]
    """Where the uses of cell (architecture, question) begin, row by row; one more for the end."""
    use_stream: NDArray[np.uint32]
    use_count: NDArray[np.uint8]
    """How many samples of the stream a cell uses, from the first on."""

    @classmethod
    def of(
        cls,
        architectures: Sequence[Architecture],
        evaluations: Sequence[Evaluation],
        shape: ModelShape,
    ) -> Self:
        """From whole evaluations on the same questions, in the same order."""
        prompts: dict[str, int] = {}
        streams: dict[tuple[str, str], list[int]] = {}
        cells: list[list[tuple[int, int]]] = []
        numbers: dict[tuple[str, str], int] = {}
        for evaluation in evaluations:
            for outcome in evaluation.outcomes:
                cell = []
                for used in outcome.used:
                    prompts.setdefault(used.prompt, used.prompt_tokens)
                    key = used.prompt, used.role
                    tokens = list(used.completion_tokens)
                    streams[key] = max(streams.get(key, []), tokens, key=len)
                    cell.append((numbers.setdefault(key, len(numbers)), len(tokens)))
                cells.append(cell)
        places = {prompt: at for at, prompt in enumerate(prompts)}
        uses = [use for cell in cells for use in cell]
        return cls(
            names=tuple(map(name_of, architectures)),
            shape=asdict(shape),
            scores=np.array([list(_scores(e)) for e in evaluations], dtype=np.float32),
            prompt_tokens=np.array(list(prompts.values()), dtype=np.uint16),
            stream_prompt=np.array([places[prompt] for prompt, _ in streams], dtype=np.uint32),
            stream_start=_starts(list(streams.values())),
            completion_tokens=np.array(list(chain(*streams.values())), dtype=np.uint8),
            use_start=_starts(cells),
            use_stream=np.array([stream for stream, _ in uses], dtype=np.uint32),
            use_count=np.array([count for _, count in uses], dtype=np.uint8),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file that `write` made."""
        with np.load(path) as arrays:
            held = {name: arrays[name] for name in arrays.files}
        about = json.loads(held.pop("about").tobytes())
        return cls(names=tuple(about["names"]), shape=about["shape"], **held)

    def write(self, path: Path) -> None:
        """Compressed; the same table gives the same bytes."""
        about = json.dumps({"names": self.names, "shape": self.shape}).encode()
        names = {one.name for one in fields(self)} - {"names", "shape"}
        arrays = {name: getattr(self, name) for name in sorted(names)}
        packed = io.BytesIO()
        np.savez_compressed(packed, about=np.frombuffer(about, dtype=np.uint8), **arrays)
        path.write_bytes(packed.getvalue())

    @property
    def questions(self) -> int:
        """How many there are."""
        return int(self.scores.shape[1])

    def uses(self, row: int, question: int) -> list[tuple[int, int]]:
        """(stream, number of samples) of a cell."""
        cell = row * self.questions + question
        span = slice(self.use_start[cell], self.use_start[cell + 1])
        return list(zip(self.use_stream[span].tolist(), self.use_count[span].tolist(), strict=True))

    def flops(self) -> NDArray[np.float64]:
        """Of each architecture, per question on average."""
        prompts, samples = self.prompt_flops(), self.sample_flops()
        found = np.zeros(self.scores.shape)
        for row, question in np.ndindex(found.shape):
            uses = self.uses(row, question)
            distinct = {int(self.stream_prompt[stream]) for stream, _ in uses}
            found[row, question] = sum(prompts[prompt] for prompt in distinct)
            found[row, question] += sum(sum(samples[stream][:count]) for stream, count in uses)
        return np.asarray(found.mean(axis=1))

    def prompt_flops(self) -> list[float]:
        """Of each prompt, prefilled once."""
        shape = ModelShape(**self.shape)
        return [flops.prefill(shape, tokens) for tokens in self.prompt_tokens.tolist()]

    def sample_flops(self) -> list[list[float]]:
        """Of each stream the samples, in index order."""
        shape, starts = ModelShape(**self.shape), self.stream_start.tolist()
        tokens, prompts = self.completion_tokens.tolist(), self.prompt_tokens.tolist()
        return [
            [flops.decode(shape, prompts[prompt], n) for n in tokens[start:end]]
            for prompt, start, end in zip(
                self.stream_prompt.tolist(), starts, starts[1:], strict=False
            )
        ]


def _scores(evaluation: Evaluation) -> list[float]:
    results = [outcome.result for outcome in evaluation.outcomes]
    if lost := [result for result in results if not isinstance(result, Score)]:
        raise ValueError(f"a table must be whole; {len(lost)} questions are unscored: {lost[0]}")
    return [result.value for result in results if isinstance(result, Score)]


def _starts(lists: Sequence[Sequence[Any]]) -> NDArray[np.uint32]:
    return np.array([0, *accumulate(map(len, lists))], dtype=np.uint32)

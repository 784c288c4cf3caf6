"""Samples drawn together, one token of each at a time, for the transformers back-end.

transformers has continuous batching of its own, but one seed for all that it draws. Here each
sample has its own random numbers, so that it does not depend on what is drawn beside it. Requests
join between two tokens, as soon as there is room for all their samples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from archsearch.errors import ModelError
from archsearch.models.chat import Prompt
from archsearch.models.chunks import split_thinking
from archsearch.models.drawing import encodable
from archsearch.models.kvcache import Batch
from archsearch.models.sampling import Draw, choose, log_probabilities
from archsearch.models.worker import Outlet
from archsearch.types import Completion, FinishReason, Request, Usage

_PREFILLED = 8192
"""Most tokens in one prefill, padding included, unless a single prompt has more: it bounds both
the memory of activations and the pause of what is being decoded."""
_UNEVEN = 1.25
"""How much longer the longest prompt of a prefill may be than its shortest."""
_BROKEN = "\ufffd"
"""What an unfinished character is decoded to."""


@dataclass(slots=True, eq=False)
class TextJob:
    """A request on its way."""

    request: Request
    seed: int
    """Of its first sample."""
    prompt: Prompt
    limit: int
    """Most tokens of one sample: what was asked for, or what the context has room for."""
    outlet: Outlet
    started: int = 0
    """Samples being drawn, or drawn."""
    finished: int = 0


@dataclass(slots=True, eq=False)
class _Row:
    """A sample on its way."""

    job: TextJob
    index: int
    random: Random
    ids: list[int] = field(default_factory=list)
    logprobs: list[tuple[tuple[str, float], ...]] = field(default_factory=list)

    def draw(self) -> Draw:
        """How its next token is chosen."""
        request = self.job.request
        return Draw(
            temperature=request.temperature, top_p=request.top_p, chance=self.random.random()
        )


class Decoder:
    """The engine of a text model: jobs wait in line, and their samples are decoded together."""

    def __init__(self, model: Any, tokenizer: Any, *, most: int, ends: Collection[int]) -> None:
        """`most` samples together; `ends` are the tokens with which the model ends a text. The
        tokenizer is not to be used by another thread."""
        self._model, self._most, self._ends = model, most, ends
        self._texts = _Texts(tokenizer)
        self._line: deque[TextJob] = deque()
        self._rows: list[_Row] = []
        self._batch: Batch | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is decoded, and nobody waits."""
        return not (self._rows or self._line)

    def step(self, arrived: Sequence[TextJob]) -> None:
        """Draws one token of every sample, after the prefill of those for which there is room."""
        self._line.extend(arrived)
        self._line = deque(job for job in self._line if not job.outlet.cancelled)
        self._keep(lambda row: not row.job.outlet.cancelled)
        self._admit()
        if self._batch:
            self._draw(self._batch)
            self._keep(self._goes_on)
        if self._batch:
            self._batch.extend([row.ids[-1] for row in self._rows])

    def give_up(self, error: ModelError) -> None:
        """Ends what is being decoded; who waits goes on waiting."""
        rows, self._rows, self._batch = self._rows, [], None
        for job in {row.job for row in rows}:
            job.outlet.cancelled = True
            job.outlet.put(error)

    def shrink(self) -> int:
        """Decodes half as many from now on."""
        self._most = max(1, min(self._most, len(self._rows)) // 2)
        return self._most

    def _admit(self) -> None:
        """Prefills those who wait longest, as many as one forward pass takes well."""
        joining = self._joining()
        if not joining:
            return
        for job, samples in joining:
            for index in range(job.started, job.started + samples):
                self._rows.append(_Row(job, index, Random(job.seed + index)))
            job.started += samples
        self._line = deque(job for job in self._line if job.started < job.request.n)
        prompts = [job.prompt.ids for job, _ in joining]
        batch = Batch(self._model, prompts, [samples for _, samples in joining])
        if self._batch:
            self._batch.join(batch)
        else:
            self._batch = batch

    def _joining(self) -> list[tuple[TextJob, int]]:
        """The jobs to prefill next, in line, and how many samples of each: all, unless so many
        are never decoded together. Nobody is overtaken for want of room."""
        room = self._most - len(self._rows)
        joining: list[tuple[TextJob, int]] = []
        for job in self._line:
            samples = min(job.request.n - job.started, self._most)
            room -= samples
            if room < 0:
                break
            lengths = [len(other.prompt.ids) for other in (job, *(one for one, _ in joining))]
            even = max(lengths) <= _UNEVEN * min(lengths)
            if not joining or (even and max(lengths) * len(lengths) <= _PREFILLED):
                joining.append((job, samples))
        return joining

    def _draw(self, batch: Batch) -> None:
        tokens = choose(batch.logits, [row.draw() for row in self._rows])
        for row, token in zip(self._rows, tokens, strict=True):
            row.ids.append(token)
        asked = [row.job.request.logprobs for row in self._rows]
        if any(asked):
            told = log_probabilities(batch.logits, tokens, asked)
            for row, likelihoods in zip(self._rows, told, strict=True):
                row.logprobs.append(
                    tuple((self._texts.piece(i), value) for i, value in likelihoods)
                )

    def _keep(self, goes_on: Callable[[_Row], bool]) -> None:
        """Lets go of the samples that do not go on."""
        kept = [number for number, row in enumerate(self._rows) if goes_on(row)]
        if len(kept) == len(self._rows):
            return
        self._rows = [self._rows[number] for number in kept]
        if self._batch and kept:
            self._batch.keep(kept)
        else:
            self._batch = None

    def _goes_on(self, row: _Row) -> bool:
        """Whether a sample wants another token; one that does not is handed over."""
        job, stops = row.job, row.job.request.stop
        ended = row.ids[-1] in self._ends
        if not ended and len(row.ids) < job.limit and not self._texts.reaches(row.ids, stops):
            return True
        text, stopped = self._texts.said(row.ids[:-1] if ended else row.ids, stops)
        self._hand_over(row, text, "stop" if ended or stopped else "length")
        return False

    def _hand_over(self, row: _Row, text: str, finish_reason: FinishReason) -> None:
        job = row.job
        reasoning, text = split_thinking(text, opened=job.prompt.thinking)
        completion = Completion(
            text=text,
            reasoning=reasoning,
            finish_reason=finish_reason,
            usage=Usage(prompt_tokens=len(job.prompt.ids), completion_tokens=len(row.ids)),
            seed=job.seed + row.index,
            logprobs=tuple(row.logprobs) if job.request.logprobs else None,
        )
        job.outlet.put((row.index, completion))
        job.finished += 1
        if job.finished == job.request.n:
            job.outlet.put(None)


class _Texts:
    """Token ids as text, with no control tokens in it."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._pieces: dict[int, str] = {}
        self._before = tokenizer.encode("a", add_special_tokens=False)

    def piece(self, token: int) -> str:
        """The text of one token amid others: some tokenizers drop the space before a first one."""
        if token not in self._pieces:
            both = self._decode([*self._before, token])
            self._pieces[token] = both.removeprefix(self._decode(self._before))
        return self._pieces[token]

    def reaches(self, ids: Sequence[int], stops: Sequence[str]) -> bool:
        """Whether a text has come to a stop string, as its last tokens show."""
        if not stops:
            return False
        # A token is a byte at least, unless it is a control token: there may be some.
        tail = self._whole(ids[-max(len(stop.encode()) for stop in stops) - 8 :])
        return any(stop in tail for stop in stops) and self.said(ids, stops)[1]

    def said(self, ids: Sequence[int], stops: Sequence[str]) -> tuple[str, bool]:
        """The text up to the first stop string, and whether there is one."""
        text = self._whole(ids)
        ends = [end for stop in stops if (end := text.find(stop)) >= 0]
        return text[: min(ends, default=None)], bool(ends)

    def _whole(self, ids: Sequence[int]) -> str:
        """The text of `ids` without a last character that is not complete."""
        return self._decode(ids).rstrip(_BROKEN)

    def _decode(self, ids: Sequence[int]) -> str:
        return encodable(
            self._tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

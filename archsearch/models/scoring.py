"""Conversations scored together, for the reward models of the transformers back-end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from archsearch.errors import ModelError, TransientModelError
from archsearch.models.worker import Outlet
from archsearch.types import Completion, Usage

_SCORED = 16384
"""Most tokens in one forward pass, padding included, unless one conversation alone has more."""


@dataclass(slots=True, eq=False)
class ScoreJob:
    """A request on its way."""

    inputs: dict[str, list[int]]
    """What the model takes, by name; the ids are `input_ids`."""
    samples: int
    """How often the score is asked for."""
    seed: int
    outlet: Outlet

    @property
    def length(self) -> int:
        """Tokens."""
        return len(self.inputs["input_ids"])


class Scorer:
    """The engine of a reward model: jobs wait in line, and those of like lengths go together."""

    def __init__(self, model: Any, *, most: int) -> None:
        """`most` conversations together."""
        self._model, self._most = model, most
        self._padding: int | None = model.config.get_text_config().pad_token_id
        self._line: list[ScoreJob] = []
        self._current: list[ScoreJob] = []

    @property
    def idle(self) -> bool:
        """Whether nobody waits."""
        return not self._line

    def step(self, arrived: Sequence[ScoreJob]) -> None:
        """Scores one batch: who waits longest, and those nearest to it in length."""
        waiting = [job for job in (*self._line, *arrived) if not job.outlet.cancelled]
        first = waiting[0].length if waiting else 0
        waiting.sort(key=lambda job: abs(job.length - first))  # stable: the first remains it
        taken = self._fitting(waiting)
        self._current, self._line = waiting[:taken], waiting[taken:]
        if self._current:
            scores = self._scores(self._current)
            for job, score in zip(self._current, scores, strict=True):
                _hand_over(job, score)

    def give_up(self, error: ModelError) -> None:
        """Ends what was being scored."""
        for job in self._current:
            job.outlet.put(error)

    def shrink(self) -> int:
        """Scores half as many together from now on."""
        self._most = max(1, len(self._current) // 2)
        return self._most

    def _fitting(self, jobs: Sequence[ScoreJob]) -> int:
        """How many of `jobs`, from the first one on, go together."""
        longest = 0
        for count, job in enumerate(jobs[: self._most]):
            longest = max(longest, job.length)
            if count and longest * (count + 1) > _SCORED:
                return count
        return min(len(jobs), self._most)

    def _scores(self, jobs: Sequence[ScoreJob]) -> list[float]:
        import torch

        ids = [job.inputs["input_ids"] for job in jobs]
        padding = self._pad(ids)
        longest = max(map(len, ids))
        tensors = {
            name: torch.tensor(
                [job.inputs[name] + [filler] * (longest - job.length) for job in jobs],
                device=self._model.device,
            )
            for name, filler in ((n, padding if n == "input_ids" else 0) for n in jobs[0].inputs)
        }
        scores: list[float] = self._model(**tensors).logits.float().squeeze(-1).tolist()
        return scores

    def _pad(self, ids: Sequence[Sequence[int]]) -> int:
        """The token to fill up with on the right.

        A decoder's score is read at the last token that is not the padding its config names.
        Where it names none, alone that is the very last token: then the padding must be a token
        that no conversation ends with, and the config must name it.
        """
        if self._padding is not None:
            return self._padding
        last = {one[-1] for one in ids}
        padding = next(token for token in range(len(last) + 1) if token not in last)
        self._model.config.get_text_config().pad_token_id = padding
        return padding


def _hand_over(job: ScoreJob, score: float) -> None:
    if not isfinite(score):
        job.outlet.put(
            TransientModelError(
                f"a score must be a finite number; the model gave {score}, as half precision does "
                "when it overflows; set `dtype: float32` or `bfloat16` on the model"
            )
        )
        return
    for index in range(job.samples):
        completion = Completion(
            text="",
            finish_reason="stop",
            usage=Usage(prompt_tokens=job.length, completion_tokens=0),
            seed=job.seed + index,
            score=score,
        )
        job.outlet.put((index, completion))
    job.outlet.put(None)

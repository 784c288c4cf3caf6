"""The next token of each of several sequences, from their logits. Everything here is torch's.

Draws are made in float64 from one random number a row, over the tokens in the order of their ids.
What else is in the batch moves logits in their last bits, and with them the sums that the number
is compared with; that it falls into such a gap is rare enough for samples to repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from archsearch.errors import TransientModelError

Tensor = Any
"""A `torch.Tensor`, which is not there to be named where torch is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How the next token of one sequence is chosen."""

    temperature: float
    top_p: float
    chance: float
    """A random number in [0, 1); without effect at temperature 0."""


def choose(logits: Tensor, draws: Sequence[Draw]) -> list[int]:
    """A token for each row of `logits` (float32, [rows, vocabulary])."""
    import torch

    if bool(logits.isnan().any()):
        raise TransientModelError(
            "logits must be numbers; the model gave some that are not, as half precision does when "
            "it overflows; set `dtype: float32` or `bfloat16` on the model"
        )
    likeliest = logits.argmax(-1)
    if not any(draw.temperature for draw in draws):
        return _ids(likeliest)

    def column(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=logits.device).unsqueeze(1)

    temperatures = column([draw.temperature for draw in draws])
    hot = temperatures > 0
    chances = (logits.double() / temperatures.where(hot, 1.0)).softmax(-1)
    if any(draw.top_p < 1 for draw in draws):
        chances = _nucleus(chances, column([draw.top_p for draw in draws]))
    sums = chances.cumsum(-1)
    goals = column([draw.chance for draw in draws]) * sums[:, -1:]
    drawn = torch.searchsorted(sums, goals, right=True).clamp(max=logits.shape[-1] - 1)
    return _ids(drawn.squeeze(1).where(hot.squeeze(1), likeliest))


def log_probabilities(
    logits: Tensor, tokens: Sequence[int], likeliest: Sequence[int]
) -> list[list[tuple[int, float]]]:
    """For each row (token, natural logarithm of its probability): of the row's own one of `tokens`,
    then of those among its likeliest that it is not, as many as `likeliest` says beside it."""
    import torch

    every = logits.log_softmax(-1)
    own = every.gather(1, torch.tensor(tokens, device=logits.device).unsqueeze(1))
    best = every.topk(min(max(likeliest), every.shape[-1]))
    told = []
    for token, [value], ids, values, most in zip(
        tokens, own.tolist(), best.indices.tolist(), best.values.tolist(), likeliest, strict=True
    ):
        # What the model rules out altogether has no logarithm.
        others = [(i, v) for i, v in zip(ids[:most], values, strict=False) if isfinite(v)]
        told.append([(token, value), *(other for other in others if other[0] != token)])
    return told


def _nucleus(chances: Tensor, top_p: Tensor) -> Tensor:
    """`chances` of the fewest likeliest tokens that reach `top_p` together; 0 for the others."""
    ordered = chances.sort(-1, descending=True).values
    before = ordered.cumsum(-1) - ordered
    least = ordered.where(before < top_p, 1.0).amin(-1, keepdim=True)
    return chances.where((chances >= least) | (top_p >= 1), 0.0)


def _ids(tokens: Tensor) -> list[int]:
    ids: list[int] = tokens.tolist()
    return ids

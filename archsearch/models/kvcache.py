"""Sequences of one model that go on together: their keys and values, padded on the left.

Sequences join and leave between two tokens, so that a batch need never wait for its longest. That
takes a model whose only memory is the keys and values of attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archsearch.models.sampling import Tensor


class Batch:
    """Keys and values of several sequences, and the logits of the token that each is to get."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], copies: Sequence[int]) -> None:
        """Prefills each prompt once, for as many equal sequences as `copies` says beside it."""
        import torch
        from transformers import DynamicCache

        longest = max(map(len, prompts))
        padded = [[0] * (longest - len(ids)) + list(ids) for ids in prompts]
        mask = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts]
        self._model = model
        # Without the model's config every layer keeps the whole context: those with a sliding
        # window would drop what padding has pushed out of it. The mask still is the window's.
        self._cache: Any = DynamicCache()
        self._mask = torch.tensor(mask, device=model.device)
        positions = (self._mask.cumsum(1) - 1).clamp(min=0)
        self.logits: Tensor = self._forward(padded, positions)
        """Float32, [sequences, vocabulary]."""
        if any(copy > 1 for copy in copies):
            self.keep([row for row, copy in enumerate(copies) for _ in range(copy)])

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with the sequences numbered so: in this order, and as often as they come."""
        import torch

        chosen = torch.tensor(rows, device=self._mask.device)
        mask = self._mask[chosen]
        padding = int(mask.any(0).int().argmax())
        self._mask = mask[:, padding:]
        self.logits = self.logits[chosen]
        for layer in self._layers():
            layer.keys = layer.keys[chosen, :, padding:]
            layer.values = layer.values[chosen, :, padding:]

    def join(self, other: Batch) -> None:
        """Takes over the sequences of another batch, which is of no use afterwards."""
        import torch

        def joined(ours: Tensor, theirs: Tensor, dim: int) -> Tensor:
            length = max(ours.shape[dim], theirs.shape[dim])
            return torch.cat([_padded(ours, dim, length), _padded(theirs, dim, length)])

        self._mask = joined(self._mask, other._mask, 1)
        self.logits = torch.cat([self.logits, other.logits])
        for ours, theirs in zip(self._layers(), other._layers(), strict=True):
            ours.keys = joined(ours.keys, theirs.keys, 2)
            ours.values = joined(ours.values, theirs.values, 2)
            theirs.keys = theirs.values = None  # frees a layer at a time

    def extend(self, tokens: Sequence[int]) -> None:
        """One token more for each sequence; `logits` are those of the next."""
        import torch

        positions = self._mask.sum(1, keepdim=True)
        self._mask = torch.cat([self._mask, torch.ones_like(positions)], 1)
        self.logits = self._forward([[token] for token in tokens], positions)

    def _forward(self, ids: list[list[int]], positions: Tensor) -> Tensor:
        import torch

        return (
            self._model(
                input_ids=torch.tensor(ids, device=self._mask.device),
                attention_mask=self._mask,
                position_ids=positions,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
            .logits[:, -1]
            .float()
        )

    def _layers(self) -> list[Any]:
        """The layers with keys and values of their own; some models share them."""
        return [layer for layer in self._cache.layers if layer.is_initialized]


def _padded(tensor: Tensor, dim: int, length: int) -> Tensor:
    """`tensor` filled up with zeros at the front of `dim` to `length`."""
    import torch

    missing = length - tensor.shape[dim]
    after = 2 * (tensor.dim() - 1 - dim)
    return torch.nn.functional.pad(tensor, [0] * after + [missing, 0])

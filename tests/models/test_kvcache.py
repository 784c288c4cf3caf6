"""Sequences that are decoded together, join and leave: each as if it were alone."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from archsearch.models.kvcache import Batch
from tests.models import tiny

MODELS = {
    "full attention": lambda: tiny.built("LlamaForCausalLM", tiny.llama()),
    "sliding windows": lambda: tiny.built("MistralForCausalLM", tiny.mistral(4)),
    "mixed": lambda: tiny.built("Gemma3ForCausalLM", tiny.gemma(4)),
}
PROMPTS = [[5, 6, 7, 8, 9, 10, 11, 12, 13], [20, 21], [30, 31, 32, 33, 34, 35], [40, 41, 42]]


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS.keys())
def model(request: pytest.FixtureRequest) -> Any:
    return request.param()


def alone(model: Any, prompt: list[int], tokens: int) -> list[list[float]]:
    """The logits of each of so many tokens, from a forward pass over all that came before."""
    ids, logits = list(prompt), []
    with torch.inference_mode():
        for _ in range(tokens):
            last = model(input_ids=torch.tensor([ids])).logits[0, -1]
            logits.append(last.tolist())
            ids.append(int(last.argmax()))
    return logits


class Run:
    """A batch that always takes the likeliest tokens, and what it saw for each sequence."""

    def __init__(self, model: Any, prompts: list[int]) -> None:
        self.model, self.numbers = model, list(prompts)
        self.seen: dict[int, list[list[float]]] = {number: [] for number in prompts}
        self.batch = Batch(model, [PROMPTS[n] for n in prompts], [1] * len(prompts))

    def go(self, tokens: int) -> None:
        for _ in range(tokens):
            for number, logits in zip(self.numbers, self.batch.logits.tolist(), strict=True):
                self.seen[number].append(logits)
            self.batch.extend(self.batch.logits.argmax(-1).tolist())

    def join(self, prompts: list[int]) -> None:
        other = Run(self.model, prompts)
        self.batch.join(other.batch)
        self.numbers += other.numbers
        self.seen |= other.seen

    def keep(self, rows: list[int]) -> None:
        self.batch.keep(rows)
        self.numbers = [self.numbers[row] for row in rows]

    def check(self) -> None:
        for number, seen in self.seen.items():
            expected = torch.tensor(alone(self.model, PROMPTS[number], len(seen)))
            torch.testing.assert_close(torch.tensor(seen), expected, rtol=1e-3, atol=1e-3)


@torch.inference_mode()
def test_sequences_do_not_notice_one_another(model: Any) -> None:
    run = Run(model, [1, 0])
    run.go(4)
    run.join([2, 3])
    run.go(3)
    run.keep([3, 0])  # the longest has left, and with it the padding
    assert run.batch._mask.shape[1] == int(run.batch._mask.sum(1).max())
    run.go(8)
    run.keep([0])
    run.go(2)
    run.check()


@torch.inference_mode()
def test_a_longer_one_joins_shorter_ones(model: Any) -> None:
    run = Run(model, [1])
    run.go(1)
    run.join([0])
    run.go(6)
    run.check()


@torch.inference_mode()
def test_copies_share_a_prefill(model: Any) -> None:
    batch = Batch(model, PROMPTS[:2], [2, 3])
    first, second = (alone(model, prompt, 1)[0] for prompt in PROMPTS[:2])
    expected = torch.tensor([first] * 2 + [second] * 3)
    torch.testing.assert_close(batch.logits, expected, rtol=1e-3, atol=1e-3)
    batch.extend([5, 6, 7, 8, 9])
    assert batch.logits.shape == (5, 300)

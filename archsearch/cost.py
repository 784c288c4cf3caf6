"""From tokens to cost: what was used, and what a plan can use at most.

Used cost is a pure function of token counts: one prefill for each distinct prompt of a question,
each completion by itself. What an engine had cached changes what is drawn, never what is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from archsearch import flops
from archsearch.layer import PlannedCall
from archsearch.models.base import Price
from archsearch.shape import ModelShape
from archsearch.types import Cost, Measured, UpperBound, total

C = TypeVar("C", bound=Cost)

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One request of a walk, as answered: what the architecture needs, whoever paid for it."""

    role: str
    model: str
    prompt: str
    """Identity of the rendered prompt; equal ones of a question are prefilled once."""
    prompt_tokens: int
    completion_tokens: tuple[int, ...]
    """Of each sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a model's tokens cost. Without a shape FLOPs read 0, without a price dollars do."""

    shape: ModelShape | None = None
    price: Price | None = None
    billed_together: bool = True
    """Whether the samples of a prompt are billed one prompt together; else each is billed its own.
    FLOPs and tokens count it once either way."""

    def prompt(self, kind: type[C], tokens: float) -> C:
        """One prompt of `tokens` tokens, prefilled once."""
        return kind(
            flops=flops.prefill(self.shape, tokens) if self.shape else 0.0,
            prompt_tokens=tokens,
            dollars=self._dollars(tokens, 0) if self.billed_together else 0.0,
        )

    def prefilled(self, prompt_tokens: int, cached_tokens: int) -> float:
        """FLOPs of a prompt of which the engine had some tokens cached."""
        if self.shape is None:
            return 0.0
        fresh = prompt_tokens - cached_tokens
        passes = flops.forward(self.shape, fresh, context=cached_tokens)
        return passes + flops.lm_head(self.shape)

    def decoded(self, prompt_tokens: float, tokens: float) -> float:
        """FLOPs of one completion after its prompt."""
        return flops.decode(self.shape, prompt_tokens, tokens) if self.shape else 0.0

    def completion(self, kind: type[C], prompt_tokens: float, tokens: float) -> C:
        """One completion of `tokens` tokens after a prompt of `prompt_tokens`."""
        return kind(
            flops=self.decoded(prompt_tokens, tokens),
            completion_tokens=tokens,
            calls=1,
            dollars=self._dollars(0 if self.billed_together else prompt_tokens, tokens),
        )

    def _dollars(self, prompt_tokens: float, completion_tokens: float) -> float:
        if self.price is None:
            return 0.0
        asked, answered = self.price.prompt, self.price.completion
        return (asked * prompt_tokens + answered * completion_tokens) / MILLION


Tariffs = Mapping[str, Tariff]
"""By the model names that architectures use."""


def measured(used: Iterable[Used], tariffs: Tariffs, *, cpu_seconds: float = 0.0) -> Measured:
    """What one question used; `cpu_seconds` are those of its programs."""
    costs = [Measured(cpu_seconds=cpu_seconds)] if cpu_seconds else []
    prefilled: set[str] = set()
    for call in used:
        tariff = tariffs[call.model]
        if call.prompt not in prefilled:
            prefilled.add(call.prompt)
            costs.append(tariff.prompt(Measured, call.prompt_tokens))
        costs.extend(
            tariff.completion(Measured, call.prompt_tokens, tokens)
            for tokens in call.completion_tokens
        )
    return total(Measured, costs)


def upper_bound(plan: Iterable[PlannedCall], tariffs: Tariffs) -> UpperBound:
    """What one question can use at most: every prompt at its cap, every completion at its own."""
    return total(
        UpperBound,
        (
            planned(UpperBound, call, tariffs[call.model], call.max_prompt_tokens, call.max_tokens)
            for call in plan
        ),
    )


def planned(
    kind: type[C],
    call: PlannedCall,
    tariff: Tariff,
    prompt_tokens: float,
    tokens: float,
    *,
    samples: float | None = None,
) -> C:
    """A planned call whose prompts and completions have the given lengths; `samples` of each
    prompt, by default all that are planned."""
    prompts = tariff.prompt(kind, prompt_tokens).scaled(call.prompts)
    completions = call.prompts * (call.samples if samples is None else samples)
    return prompts + tariff.completion(kind, prompt_tokens, tokens).scaled(completions)

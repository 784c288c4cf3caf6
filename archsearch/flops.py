"""FLOPs of prefilling and decoding with a model of a given shape.

Counted are the matrix products of one forward pass: 2 FLOPs per active weight and token (Kaplan et
al. 2020, arXiv:2001.08361, section 2.1), and attention over the keys that are really there, 4 x
layers x heads x head_dim per token and key (Brown et al. 2024, "Large Language Monkeys",
arXiv:2407.21787, appendix on FLOPs, whose per-token cost is 2 x (P + 2 x layers x width x t)).
The LM head is charged only where a token is sampled, since engines compute no logits elsewhere.
Norms, activations, softmax, rotary embeddings and embedding look-ups are left out: far below 1 %.

What engines do, and so what is charged, for a prompt of p tokens and one completion of c:

    prefill   p forward passes; logits once, from which the first token is sampled
    decode    c - 1 forward passes, each with its logits; the last token is never fed back

An engine that counts no stop token in its completions is charged one pass less than it ran.
"""

from __future__ import annotations

from collections.abc import Iterable

from archsearch.errors import ConfigError
from archsearch.shape import ModelShape


def forward(shape: ModelShape, tokens: float, *, context: float = 0) -> float:
    """FLOPs of `tokens` forward passes that follow `context` cached tokens, without any logits.

    The i-th of them attends to context + i keys, itself included. So parts add up:

    >>> tiny = ModelShape(layers=1, hidden=4, heads=2, kv_heads=1, head_dim=2, vocab=10,
    ...                   active_parameters=100)
    >>> forward(tiny, 3)  # 2 x 100 x 3 tokens, and 4 x 1 x 2 x 2 x (1 + 2 + 3) keys
    696
    >>> forward(tiny, 1) + forward(tiny, 2, context=1)
    696
    """
    if not (tokens >= 0 and context >= 0):  # so that NaN fails too
        raise _no_count(tokens=tokens, context=context)
    per_token = 2 * shape.active_parameters
    per_two_keys = 2 * shape.layers * shape.heads * shape.head_dim
    return tokens * (per_token + per_two_keys * (2 * context + tokens + 1))


def lm_head(shape: ModelShape) -> int:
    """FLOPs of the logits of one position."""
    return 2 * shape.hidden * shape.vocab


def prefill(shape: ModelShape, prompt_tokens: float) -> float:
    """FLOPs from an empty cache to the logits that a first completion token is sampled from."""
    return forward(shape, prompt_tokens) + (lm_head(shape) if prompt_tokens else 0)


def decode(shape: ModelShape, prompt_tokens: float, completion_tokens: float) -> float:
    """FLOPs of one completion after its prefill, which has already paid for the first token."""
    if not (prompt_tokens >= 0 and completion_tokens >= 0):
        raise _no_count(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
    steps = max(completion_tokens - 1, 0)
    return forward(shape, steps, context=prompt_tokens) + steps * lm_head(shape)


def cost(shape: ModelShape, prompt_tokens: float, completions: Iterable[float]) -> float:
    """FLOPs of samples of one prompt, each given by its tokens. They share the prefill.

    Whole counts give whole FLOPs. A mean length may stand for a count, but as attention grows with
    the square of a length, the cost at a mean is a little below the mean cost.

    >>> tiny = ModelShape(layers=1, hidden=4, heads=2, kv_heads=1, head_dim=2, vocab=10,
    ...                   active_parameters=100)
    >>> prefill(tiny, 3)  # the 696 above, and one LM head of 2 x 4 x 10
    776
    >>> decode(tiny, 3, 3)  # two passes: 2 x (2 x 100 + 2 x 4 x 10), and 16 x (4 + 5) keys
    704
    >>> cost(tiny, 3, [3, 1])
    1480
    """
    return prefill(shape, prompt_tokens) + sum(
        decode(shape, prompt_tokens, tokens) for tokens in completions
    )


def _no_count(**counts: float) -> ConfigError:
    name, count = next((name, count) for name, count in counts.items() if not count >= 0)
    return ConfigError(f"{name} must be a count >= 0; received {count}; correct the caller")

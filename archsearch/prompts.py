"""Prompt templates: Jinja2 text files beside the layers, and fitting a prompt under its cap."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from jinja2 import Environment, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator

from archsearch.errors import ConfigError, PromptTooLong
from archsearch.layer import Calls
from archsearch.types import Message, Question

ELLIPSIS = " […] "


def _not_a_name(text: str) -> str:
    if re.fullmatch(r"\S+\.(j2|jinja2?|md|txt)", text):
        raise ValueError(
            f"a prompt must be the text of a template; received {text!r}, which looks like the "
            f"name of a file; put its text there"
        )
    return text


PromptText = Annotated[str, AfterValidator(_not_a_name)]
"""A template in an architecture file: its text, and not where it lies."""

_MISUSES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What Python raises where a template does to a value what cannot be done to it."""


_shipped: set[str] = set()
"""Texts of templates that lie beside layers. Whatever else is rendered may come from an
architecture file that somebody wrote, and is kept in a sandbox, which takes twice as long."""


@lru_cache
def load(path: Path) -> str:
    """The text of a template file that lies beside a layer."""
    text = path.read_text(encoding="utf-8").strip()
    _shipped.add(text)
    return text


@lru_cache
def _compiled(text: str) -> Template:
    kind = Environment if text in _shipped else ImmutableSandboxedEnvironment
    # Autoescaping is for HTML; these are prompts.
    environment = kind(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    template = environment.from_string(text)
    # Each rendering copies them; out of Jinja's chain of mappings that is half of its time.
    template.globals = dict(template.globals)
    return template


def render(text: str, **values: object) -> str:
    """A template filled in. Raises `ConfigError` naming the variable or the syntax at fault."""
    try:
        return _compiled(text).render(**values)
    except (TemplateError, *_MISUSES) as error:
        raise ConfigError(
            f"a prompt template must use only the variables that its layer gives "
            f"({', '.join(sorted(values))}); {error}"
        ) from None


def asking(question: Question, text: str) -> tuple[Message, ...]:
    """The question's conversation with `text` in place of its last message."""
    return (*question.messages[:-1], replace(question.messages[-1], content=text))


async def fit(
    calls: Calls,
    *,
    model: str,
    cap: int,
    pieces: Sequence[str],
    build: Callable[[Sequence[str]], tuple[Message, ...]],
) -> tuple[tuple[Message, ...], bool]:
    """A prompt of at most `cap` tokens, and whether anything was cut to get there.

    `build` makes the messages from `pieces` (the quoted texts, the question among them). Where
    they are too long, the longest pieces are cut in their middle, all to one length, the greatest
    that fits. Raises `PromptTooLong` when even blank pieces do not fit.
    """
    messages = build(pieces)
    if await calls.fits(model, messages, cap):
        return messages, False
    low, high = 0, max(len(piece) for piece in pieces)
    if not await calls.fits(model, build([""] * len(pieces)), cap):
        raise PromptTooLong(cap, f"layer {calls.path}")
    while high - low > 1:
        middle = (low + high) // 2
        if await calls.fits(model, build([clip(p, middle) for p in pieces]), cap):
            low = middle
        else:
            high = middle
    return build([clip(piece, low) for piece in pieces]), True


def clip(text: str, length: int) -> str:
    """`text` cut in its middle to at most `length` characters (ends hold question and answer).

    >>> clip("abcdefghijklmnop", 9)
    'ab […] op'
    """
    if len(text) <= length:
        return text
    kept = length - len(ELLIPSIS)
    if kept < 2:
        return text[:length]
    return text[: kept - kept // 2] + ELLIPSIS + text[len(text) - kept // 2 :]

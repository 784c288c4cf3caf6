"""Thinking: what of a completion's reasoning goes on with its text."""

from __future__ import annotations

from archsearch.replies import is_blank
from archsearch.types import Completion


def text_of(completion: Completion, *, forward: bool) -> str:
    r"""The text that a candidate gets; with `forward` it begins with the thinking, if there is any.

    >>> from archsearch.types import Usage
    >>> usage = Usage(prompt_tokens=1, completion_tokens=4)
    >>> said = Completion(text="7", finish_reason="stop", usage=usage, seed=0, reasoning="3 + 4")
    >>> text_of(said, forward=False), text_of(said, forward=True)
    ('7', '<think>\n3 + 4\n</think>\n\n7')
    """
    if not forward or is_blank(completion.reasoning):
        return completion.text
    return f"<think>\n{completion.reasoning}\n</think>\n\n{completion.text}"

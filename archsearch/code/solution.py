"""The program that a reply gives, as it is to be run.

A reply may hold a whole program, the function that was asked for, or only what goes on from the
prompt, as base models write it (Chen et al. 2021, "Evaluating Large Language Models Trained on
Code", https://arxiv.org/abs/2107.03374, section 2).
"""

from __future__ import annotations

from archsearch.answers import code
from archsearch.syntax import defines


def solution(reply: str, *, entry_point: str = "", prompt: str = "") -> str | None:
    """Python source made of a reply; None where it holds none.

    With `entry_point`, it is one that defines this name at its left margin. `prompt` is Python that
    ends with the head of that function: what stands before it (imports, helpers) comes before the
    reply's own, and a reply that begins with an indented line goes on from its end, up to the first
    line at the margin. The three are public: `Question.metadata` has those of a code benchmark.
    """
    found = code(reply, entry_point)
    if not entry_point:
        return found
    if found is not None and defines(found, entry_point):
        if "from __future__" in found:  # it must stand first
            return found
        return preamble(prompt, entry_point) + found
    body = _body(reply if found is None else found)
    return prompt + body if prompt and body else None


def preamble(prompt: str, entry_point: str) -> str:
    """What stands in `prompt` before the function called `entry_point`."""
    lines = prompt.splitlines(keepends=True)
    heads = [at for at, line in enumerate(lines) if defines(line, entry_point)]
    return "".join(lines[: heads[-1]]) if heads else ""


def _body(text: str) -> str:
    """The indented lines at the beginning of `text`, with blank ones and comments between them."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() and not line[0].isspace():
            break
        lines.append(line)
    return "\n".join(lines) + "\n" if any(line.strip() for line in lines) else ""

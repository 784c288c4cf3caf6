"""`chain` and `parallel`: the only combinators. Both take steps and give a step.

A step is anything of the form `async (Slate, Calls) -> Slate`; every layer is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from archsearch.layer import Calls, concatenated
from archsearch.types import Slate

Step = Callable[[Slate, Calls], Awaitable[Slate]]
Join = Callable[[Slate, Sequence[Slate], str], Slate]
"""From a slate and what several steps left of it to one slate; notes it adds are at the path."""


def chain(steps: Sequence[Step]) -> Step:
    """One after another. `chain([])` is the identity; chaining is associative."""

    async def run(slate: Slate, calls: Calls) -> Slate:
        for step in steps:
            slate = await step(slate, calls)
        return slate

    return run


def parallel(steps: Sequence[Step], join: Join = concatenated) -> Step:
    """All on the same slate at once; `join` makes one slate of those that they leave, by default
    one with all candidates in the order of `steps`.

    A single step is itself, at its own path.
    """
    if len(steps) == 1:
        return steps[0]

    async def run(slate: Slate, calls: Calls) -> Slate:
        left = await calls.each(steps, lambda step, door: step(slate, door))
        return join(slate, left, calls.path)

    return run


def placed(segment: str, step: Step) -> Step:
    """`step`, one level deeper in the layer path."""

    async def run(slate: Slate, calls: Calls) -> Slate:
        return await step(slate, calls.at(segment))

    return run

"""A made-up benchmark for benches: endless sums, of which a scripted model knows nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from archsearch.benchmark import Benchmark, Item
from archsearch.types import Message, Question, Score, Target


class Sums(Benchmark):
    """One question for each number, and one reply in nine that is right."""

    name: Literal["sums"] = "sums"

    def load(self, count: int) -> Sequence[Item]:
        """The first `count`."""
        return list(islice(self.endless(), count))

    def endless(self) -> Iterator[Item]:
        """All of them, made as they are taken."""
        number = 0
        while True:
            message = Message(role="user", content=f"How much is {number} + {number % 97}?")
            yield Item(
                question=Question(id=str(number), messages=(message,), answer_kind="number"),
                target=Target(question_id=str(number), reference=str(number % 9)),
            )
            number += 1

    def score(self, text: str, target: Target) -> Score:
        """Whether the last word is the reference."""
        return Score(value=float(text.rstrip(".").endswith(f" {target.reference}")))

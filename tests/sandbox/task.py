"""Tasks with known answers, and programs that claim to solve them: some do, some lie.

# Prose, in one line.
# task: total               the function that is asked for
# test: mapped              the form of the test that it aims at; `asserts` unless it says
# says: held                what it prints once it holds what it needs to lie
# seconds: 2                its limit, where it would go on for ever
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archsearch.program import Call, Execution, Limits, Program

_HERE = Path(__file__).parent
LIMITS = Limits(seconds=30, cpu_seconds=30, output_bytes=64 << 10, processes=8)
"""Patient: how long an honest program takes is the machine's affair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A function that is asked for, and inputs for which the answer is known."""

    name: str
    right: Callable[..., Any]
    draw: Callable[[random.Random], Any]
    """One input."""
    recompute: str
    """The answer as an expression of the input `given`, for tests that work it out themselves."""

    def inputs(self, rng: random.Random) -> list[Any]:
        """Eight inputs whose answers are not all equal."""
        while True:
            drawn = [self.draw(rng) for _ in range(8)]
            if len({repr(self.right(given)) for given in drawn}) > 1:
                return drawn

    def calls(self, inputs: list[Any]) -> tuple[Call, ...]:
        """A call for each input."""
        return tuple(Call(function=self.name, args=(given,)) for given in inputs)

    def solved(self, execution: Execution, inputs: list[Any]) -> bool:
        """Whether each call gave the right answer, of the right type."""
        return (
            execution.status == "ok"
            and len(execution.replies) == len(inputs)
            and all(
                reply.status == "ok" and same(reply.value, self.right(given))
                for reply, given in zip(execution.replies, inputs, strict=True)
            )
        )

    def test(self, form: str, inputs: list[Any]) -> str:
        """Source of a test that no wrong function passes."""
        cases = [(given, self.right(given)) for given in inputs]
        return FORMS[form].format(name=self.name, cases=cases, recompute=self.recompute)


FORMS: Mapping[str, str] = {
    "asserts": """
for given, expected in {cases!r}:
    assert {name}(given) == expected, (given, expected)
""",
    "check": """
def check(candidate):
    for given, expected in {cases!r}:
        assert candidate(given) == expected
check({name})
""",
    "mapped": "assert all(map(lambda case: {name}(case[0]) == case[1], {cases!r}))",
    "zipped": """
cases = {cases!r}
for answer, (given, expected) in zip(map({name}, [given for given, _ in cases]), cases):
    assert answer == expected
""",
    "recomputed": """
for given, _ in {cases!r}:
    assert {name}(given) == ({recompute})
""",
    "unittest": """
import unittest
class Test(unittest.TestCase):
    def test_all(self):
        for given, expected in {cases!r}:
            self.assertEqual({name}(given), expected)
unittest.main()
""",
}


def same(value: Any, expected: Any) -> bool:
    """Equal and of equal types, all the way down."""
    if type(value) is not type(expected):
        return False
    if isinstance(value, dict):
        return value.keys() == expected.keys() and all(
            same(value[key], expected[key]) for key in value
        )
    if isinstance(value, list | tuple):
        return len(value) == len(expected) and all(map(same, value, expected))
    return bool(value == expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A program that claims to solve a task."""

    name: str
    source: str
    task: Task
    form: str
    says: str
    limits: Limits

    @classmethod
    def read(cls, place: Path) -> Claim:
        """Raises where the header is not as above."""
        source = place.read_text("utf-8")
        given = dict(re.findall(r"^# (task|test|says|seconds): (.+)$", source, re.MULTILINE))
        return cls(
            name=place.stem,
            source=source,
            task=TASKS[given["task"]],
            form=given.get("test", "asserts"),
            says=given.get("says", ""),
            limits=replace(LIMITS, seconds=float(given.get("seconds", LIMITS.seconds))),
        )

    def by_calls(self, inputs: list[Any]) -> Program:
        """Its answers are compared outside."""
        return Program(source=self.source, calls=self.task.calls(inputs), limits=self.limits)

    def by_test(self, inputs: list[Any]) -> Program:
        """A test judges it."""
        test = self.task.test(self.form, inputs)
        return Program(
            source=self.source, test=test, functions=(self.task.name,), limits=self.limits
        )


def _numbers(rng: random.Random) -> list[int]:
    return [rng.randrange(10_000) for _ in range(rng.randrange(3, 20))]


def _word(rng: random.Random) -> str:
    return "".join(rng.choices("abcé漢😀", k=rng.randrange(1, 4)))


def _words(rng: random.Random) -> str:
    return " ".join(_word(rng) for _ in range(rng.randrange(5, 30)))


def _halves(rng: random.Random) -> list[float]:
    return [number / 2 for number in _numbers(rng)]


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def _count(text: str) -> dict[str, int]:
    return {word: text.split().count(word) for word in text.split()}


TASKS = {
    task.name: task
    for task in (
        Task(
            name="total", right=lambda numbers: sum(n * n for n in numbers), draw=_numbers,
            recompute="sum(n * n for n in given)",
        ),
        Task(
            name="mean", right=lambda numbers: sum(numbers) / len(numbers), draw=_halves,
            recompute="sum(given) / len(given)",
        ),
        Task(
            name="words", right=_count, draw=_words,
            recompute="{word: given.split().count(word) for word in given.split()}",
        ),
        Task(name="backwards", right=lambda text: text[::-1], draw=_words, recompute="given[::-1]"),
        Task(
            name="primes", right=lambda limit: [n for n in range(2, limit) if _is_prime(n)],
            draw=lambda rng: rng.randrange(50, 900),
            recompute="[n for n in range(2, given) if all(n % d for d in range(2, n))]",
        ),
        Task(
            name="is_prime", right=_is_prime, draw=lambda rng: rng.randrange(2, 60),
            recompute="given > 1 and all(given % d for d in range(2, given))",
        ),
    )
}  # fmt: skip

FORGED, HONEST = (
    {place.stem: Claim.read(place) for place in sorted((_HERE / folder).glob("*.txt"))}
    for folder in ("forged", "honest")
)

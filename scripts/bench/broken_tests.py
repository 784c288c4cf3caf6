"""How often the program that tests choose is right, where some tests are wrong: simulated.

A world: `n` programs, each right with probability `p`, else with one of a few bugs, some of which
are common; eight tests, each wrong with probability `q`, half of those with a value that some bug
gives. A bug shows on a third of the inputs. Choices are by passes; by passes with the tests set
aside that `agreement.broken_tests` finds; by outputs (`code_vote`); and as CodeT does it, by the
number of programs that pass the same tests times the number of these.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from common import arguments, tell

from archsearch.code.agreement import broken_tests
from archsearch.code.verdicts import Verdict

TESTS, BUGS, SHOWS = 8, 6, 0.35
NOBODYS = -1
"""A value that no program gives."""


@dataclass(frozen=True)
class World:
    """Programs by their bug, 0 for none; what each gives to each test; what the tests expect."""

    bugs: list[int]
    outputs: list[tuple[int, ...]]
    expected: list[int]

    @property
    def passed(self) -> list[tuple[bool, ...]]:
        """For each program whether it passes each test."""
        return [
            tuple(gives == value for gives, value in zip(row, self.expected, strict=True))
            for row in self.outputs
        ]


def world(rng: random.Random, n: int, p: float, q: float) -> World:
    """One problem."""
    common = [rng.random() ** 3 for _ in range(BUGS)]

    def bug() -> int:
        return rng.choices(range(1, BUGS + 1), common)[0]

    bugs = [0 if rng.random() < p else bug() for _ in range(n)]
    shows = [[rng.random() < SHOWS for _ in range(TESTS)] for _ in range(BUGS)]
    outputs = [
        tuple(kind if kind and shows[kind - 1][at] else 0 for at in range(TESTS)) for kind in bugs
    ]
    wrong = [rng.random() < q for _ in range(TESTS)]
    expected = [(bug() if rng.random() < 0.5 else NOBODYS) if one else 0 for one in wrong]
    return World(bugs, outputs, expected)


def by_passes(one: World) -> list[float]:
    """A score for each program; the first of the best is chosen, here and below."""
    return [sum(row) for row in one.passed]


def by_counted_passes(one: World) -> list[float]:
    """Without the tests that are set aside."""
    rows = [
        [
            Verdict("ok") if good else Verdict("wrong", str(gives))
            for good, gives in zip(*pair, strict=True)
        ]
        for pair in zip(one.passed, one.outputs, strict=True)
    ]
    aside = broken_tests(rows)
    return [sum(good for at, good in enumerate(row) if at not in aside) for row in one.passed]


def by_outputs(one: World) -> list[float]:
    """By the size of its cluster."""
    sizes = Counter(one.outputs)
    return [sizes[row] for row in one.outputs]


def by_agreement(one: World) -> list[float]:
    """CodeT's score of its consensus set."""
    sizes = Counter(one.passed)
    return [sizes[row] * sum(row) for row in one.passed]


CHOICES: tuple[Callable[[World], list[float]], ...] = (
    by_passes,
    by_counted_passes,
    by_outputs,
    by_agreement,
)


def main() -> None:
    """Tells for each choice, in percent, how often it is right."""
    flags = arguments(__doc__, quick="200 problems of each kind instead of 2,000")
    problems = 200 if flags.quick else 2_000
    figures: dict[str, float] = {}
    for n in (4, 8, 16, 32):
        for p in (0.2, 0.5, 0.8):
            for q in (0.2, 0.6):
                rng = random.Random(f"{n} {p} {q}")
                worlds = [world(rng, n, p, q) for _ in range(problems)]
                for choice in CHOICES:
                    scores = [choice(one) for one in worlds]
                    right = sum(
                        one.bugs[score.index(max(score))] == 0
                        for one, score in zip(worlds, scores, strict=True)
                    )
                    figures[f"{choice.__name__} n={n} p={p} q={q}"] = 100 * right / problems
    tell(figures, as_json=flags.json)


if __name__ == "__main__":
    main()

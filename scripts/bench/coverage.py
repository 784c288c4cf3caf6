"""Whether the number that a search reports would be found again: whole studies simulated.

    python scripts/bench/coverage.py [--quick] [--json] [--table SCORES.npz]

Each study tries 64 architectures in random order, 4 in flight, on 100 search questions with racing
as it is by default; up to 8 finalists go on to 100 select questions by blocks of 10, and the winner
to 200 test questions. Half the accuracies are those of a search that has found its place (65 %,
give or take 2 points), half are others (50 %, give or take 12). What else is assumed is said in
`simulated.py`. What decides and estimates is the program's own code: `racing.deviations_ahead`,
`selection.remaining`, `optimism.optimism`, `stats.mean_interval` and `stats.paired_difference`.

- `ci95_coverage`: share of studies whose interval of the winner's test score holds its true score.
- `optimism_points`: test score of the winner minus its true score, on average.
- `delta_coverage`: the same share for the winner's paired difference from the first baseline.
- `search_score_coverage`: the share that an interval of the winner's *search* score would reach.
- `search_optimism_points`, `estimated_optimism_points`: by how much that flatters the winner, and
  what the report says about it without the test questions.
- `regret_points`: true score of the best architecture tried, minus the winner's; `_of_three` is
  what naming the best pooled mean of the three highest, all on 50 select questions, gives in the
  same studies, and `_of_three_afresh` what their select score alone gives; `select_questions` is
  what selection asked, where these ask 150.
- `*_near_one`: accuracies near 97 %, and 40 test questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import parser, tell
from simulated import (
    Accuracies,
    Ints,
    Studies,
    by_predictive_probability,
    from_law,
    from_table,
    raced,
)
from table import Table

from archsearch.search.config import Racing
from archsearch.search.optimism import optimism
from archsearch.search.selection import remaining
from archsearch.stats import Floats, mean_interval, paired_difference

TRIALS, SEARCH, SELECT, TEST = 64, 100, 100, 200
FINALISTS = 8
NAMES = [str(question) for question in range(SEARCH + SELECT)]
BATCH = 50
"""Studies simulated at once: 50 x 64 x 400 scores are 10 MB, and the draws twice as much."""


def main() -> None:
    """Runs and tells."""
    flags = parser(__doc__, quick="600 studies instead of 10,000")
    flags.add_argument(
        "--table", type=Path, help="a file that make_table.py wrote, such as data/table.npz"
    )
    chosen = flags.parse_args()
    count = 600 if chosen.quick else 10_000
    found: dict[str, Any] = {"studies": count}
    table = None
    if chosen.table is not None:
        held = Table.read(chosen.table)
        table = held.scores.astype(np.float64), held.flops()
    found |= figures(count, settled, TEST, table=table)
    if table is None:
        near = figures(count // 5, near_one, 40)
        found |= {f"{name}_near_one": value for name, value in near.items()}
    tell(found, as_json=chosen.json)


def settled(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Accuracies of a search that has found its place, and of as many others."""
    place = 0.65 + 0.02 * rng.standard_normal(shape)
    others = 0.5 + 0.12 * rng.standard_normal(shape)
    return np.clip(np.where(rng.random(shape) < 0.5, place, others), 0.02, 0.98)


def near_one(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Accuracies up to 97 %, few of them far below."""
    return np.clip(0.97 - 0.06 * rng.exponential(size=shape), 0.02, 0.98)


def figures(
    count: int, accuracies: Accuracies, tests: int, *, table: tuple[Floats, Floats] | None = None
) -> dict[str, float]:
    """Means over `count` studies."""
    rng = np.random.default_rng(tests)
    told: list[dict[str, float]] = []
    for _ in range(0, count, BATCH):
        if table is None:
            batch = from_law(rng, BATCH, TRIALS, accuracies, spread=0.5)
        else:
            batch = from_table(*table, rng, BATCH, TRIALS)
        told += walked(batch, tests, rng)
    return {name: float(np.mean([one[name] for one in told])) for name in told[0]}


def walked(batch: Studies, tests: int, rng: np.random.Generator) -> Iterator[dict[str, float]]:
    """Each study of a batch, from its search to its report."""
    settings = Racing()
    scores, select, test = batch.draw(SEARCH), batch.draw(SELECT), batch.draw(tests)
    rule = by_predictive_probability(settings.risk)
    outcome = raced(scores, batch.costs, rule, block=settings.block)
    for row, asked in enumerate(outcome.asked):
        table = np.where(np.arange(SEARCH) < asked[:, None], scores[row], np.nan)
        ranked = np.lexsort((batch.costs[row], -scores[row].mean(axis=1)))
        ranked = ranked[asked[ranked] == SEARCH]
        both = np.concatenate((scores[row], select[row]), axis=1)
        winner, seen, questions = selected(both, batch.costs[row], ranked, settings.block)
        estimated = optimism(
            table,
            outcome.worths[row],
            winner=winner,
            pooled=float(both[winner, : SEARCH + seen].mean()),
            questions=SEARCH + seen,
        )
        truth, three = batch.truth[row], ranked[:3]
        of_three = three[both[three, : SEARCH + SELECT // 2].mean(axis=1).argmax()]
        afresh = three[select[row, three, : SELECT // 2].mean(axis=1).argmax()]
        yield {
            **reported(truth, winner, scores[row], test[row], rng),
            "estimated_optimism_points": 100 * estimated,
            "regret_points": 100 * float(truth.max() - truth[winner]),
            "regret_points_of_three": 100 * float(truth.max() - truth[of_three]),
            "regret_points_of_three_afresh": 100 * float(truth.max() - truth[afresh]),
            "select_questions": questions,
        }


def selected(scores: Floats, costs: Floats, ranked: Ints, block: int) -> tuple[int, int, int]:
    """The winner, how many select questions it was asked, and how many all were; as in
    `selection.select`. `scores` are on search questions, then on select questions."""

    def narrowed(left: list[int], seen: int) -> list[int]:
        names = NAMES[: SEARCH + seen]
        rows = [dict(zip(names, scores[at, : len(names)].tolist(), strict=True)) for at in left]
        return [left[at] for at in remaining(rows, questions=SEARCH + SELECT)]

    left, asked, seen = narrowed([int(trial) for trial in ranked], 0)[:FINALISTS], 0, 0
    while seen < SELECT and len(left) > 1:
        seen, asked = seen + block, asked + block * len(left)
        left = narrowed(sorted(left, key=lambda trial: float(costs[trial])), seen)
    return left[0], seen, asked


def reported(
    truth: Floats, winner: int, search: Floats, test: Floats, rng: np.random.Generator
) -> dict[str, float]:
    """How near to the truth a report is."""
    score = mean_interval(test[winner], rng=rng)
    flattering = mean_interval(search[winner], rng=rng)
    delta = paired_difference(test[winner], test[0], rng=rng)
    return {
        "ci95_coverage": score.low <= truth[winner] <= score.high,
        "optimism_points": 100 * (score.value - truth[winner]),
        "delta_coverage": delta.low <= truth[winner] - truth[0] <= delta.high,
        "search_score_coverage": flattering.low <= truth[winner] <= flattering.high,
        "search_optimism_points": 100 * (flattering.value - truth[winner]),
    }


if __name__ == "__main__":
    main()

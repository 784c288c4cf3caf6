"""Racing: what it saves and what it costs, beside McNemar's test.

    python scripts/bench/racing.py [--quick] [--json] [--table SCORES.npz]

Simulated studies of 32 trials, 4 in flight, a look every 10 questions, on n = 200 questions (also
100 and 1000). The best accuracy is .6; each trial lies 0, 2, 5, 10 or 20 points below it, as often
one as another; all cost the same, so that each is compared with the best one known. What else is
assumed is said in `simulated.py`. With `--table` the studies are on a table of real scores instead.

- `saved`: share of question evaluations not run, of all that all trials would take.
- `false_stops`: share of studies in which the trial was stopped that would have come first, had
  every trial been run to its end. It is the best one visited as far as the study could ever know.
- `false_stops_of_the_best`: the same of the truly best trial; of several that which scored highest.
- `lost_points`: accuracy of the winner on the search split without racing, minus with it.
- `calibrated_*`: the same rule at the risk that gives at most 2 % false stops in these studies.
- `paired_*`: the rule of finalists, which knows nothing of the questions that are left, at such a
  risk.
- `mcnemar_*`: the exact test at such a level; a two-sided p not above it at any look stops the
  trial that is behind.
- `saved_at_gap_*`: by how far the trial lay below the best.
- `*_costs_differ`: where costs vary by a factor of 2.7 and only a cheaper rival may stop a trial.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from common import parser, tell
from simulated import (
    Bools,
    Stops,
    Studies,
    by_paired_probability,
    by_predictive_probability,
    from_law,
    from_table,
    raced,
    ranked_first,
    take,
)
from table import Table

from archsearch.search.config import Racing
from archsearch.stats import Floats, mcnemar_exact

TRIALS = 32
BEST = 0.6
GAPS = (0, 2, 5, 10, 20)
"""Points."""
RISKS = (0.02, 0.015, 0.0125, 0.01, 0.0075, 0.005)
LEVELS = (0.2, 0.125, 0.08, 0.05, 0.035, 0.02, 0.01)
"""Of McNemar's test. Of either rule that setting is taken which saves most of those that stop the
best one in at most 2 % of the studies."""
BATCH = 100
"""Studies simulated at once: 100 x 32 x 1000 scores are 26 MB."""


def main() -> None:
    """Each length in turn."""
    flags = parser(__doc__, quick="400 studies instead of 2000, none of 1000 questions")
    flags.add_argument(
        "--table", type=Path, help="a file that make_table.py wrote, such as data/table.npz"
    )
    chosen = flags.parse_args()
    studies, table = (400 if chosen.quick else 2000), None
    if chosen.table is not None:
        held = Table.read(chosen.table)
        table = held.scores.astype(np.float64), held.flops()
    found: dict[str, Any] = {"studies": studies}
    found |= figures(studies, 200, table=table, rivals=True)
    found |= suffixed(figures(studies, 100, table=table), "at_100")
    if table is None:
        found |= suffixed(figures(studies, 200, spread=0.5), "costs_differ")
        if not chosen.quick:
            found |= suffixed(figures(studies // 4, 1000, rivals=True), "at_1000")
    tell(found, as_json=chosen.json)


def figures(
    studies: int,
    questions: int,
    *,
    table: tuple[Floats, Floats] | None = None,
    spread: float = 0.0,
    rivals: bool = False,
) -> dict[str, float]:
    """What the rule of the search does to studies of one length; with `rivals`, also what it and
    McNemar's test do when both are calibrated."""
    settings, rng = Racing(), np.random.default_rng(questions)
    rules = {("", settings.risk): by_predictive_probability(settings.risk)}
    if rivals:
        rules |= {("calibrated", risk): by_predictive_probability(risk) for risk in RISKS}
        rules |= {("paired", risk): by_paired_probability(risk) for risk in RISKS}
        rules |= {("mcnemar", level): mcnemar(level) for level in LEVELS}
    outcomes: dict[tuple[str, float], list[dict[str, Floats]]] = {name: [] for name in rules}
    for _ in range(0, studies, BATCH):
        if table is None:
            batch = from_law(rng, BATCH, TRIALS, evenly, spread=spread)
        else:
            batch = from_table(*table, rng, BATCH, TRIALS)
        scores = batch.draw(questions)
        for name, rule in rules.items():
            outcomes[name].append(outcome(batch, scores, rule, settings.block))
    told = {name: averaged(one) for name, one in outcomes.items()}
    found = {n: v for n, v in told["", settings.risk].items() if table is None or "_gap_" not in n}
    for kind in ("calibrated", "paired", "mcnemar"):
        found |= calibrated(kind, {at: one for (name, at), one in told.items() if name == kind})
    return found


def evenly(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Accuracies below the best by the gaps; one trial in each study is the best."""
    gaps = rng.choice(np.array(GAPS) / 100, size=shape)
    gaps[np.arange(shape[0]), rng.integers(shape[1], size=shape[0])] = 0
    return np.asarray(BEST - gaps)


def mcnemar(level: float) -> Stops:
    """Stops the trial that is behind where the exact test rejects."""

    def stops(ours: Floats, theirs: Floats, known: Floats) -> Bools:
        gained = ours - theirs[:, : ours.shape[1]]
        wins, losses = (gained > 0).sum(axis=-1), (gained < 0).sum(axis=-1)
        least = np.array([fewest_losses(int(most), level) for most in range(wins.max() + 1)])
        return np.asarray(losses >= least[wins])

    return stops


@cache
def fewest_losses(wins: int, level: float) -> int:
    """With which the test rejects."""
    losses = wins + 1
    while mcnemar_exact(wins, losses) > level:
        losses += 1
    return losses


def outcome(batch: Studies, scores: Floats, rule: Stops, block: int) -> dict[str, Floats]:
    """The figures of each study."""
    questions = scores.shape[2]
    asked = raced(scores, batch.costs, rule, block=block).asked
    means, complete = scores.mean(axis=2), asked == questions
    everyone = np.ones_like(complete)
    first = ranked_first(means, batch.costs, everyone)
    winner = ranked_first(means, batch.costs, complete)
    best = ranked_first(means, batch.costs, batch.truth == batch.truth.max(axis=1, keepdims=True))
    found = {
        "saved": 1 - asked.mean(axis=1) / questions,
        "false_stops": 1.0 - take(complete, first),
        "false_stops_of_the_best": 1.0 - take(complete, best),
        "lost_points": 100 * (take(batch.truth, first) - take(batch.truth, winner)),
    }
    behind = np.rint(100 * (batch.truth.max(axis=1, keepdims=True) - batch.truth))
    for gap in GAPS:
        there = np.where(behind == gap, 1.0 - asked / questions, np.nan)
        found[f"saved_at_gap_{gap}"] = there.ravel()
    return found


def averaged(outcomes: list[dict[str, Floats]]) -> dict[str, float]:
    """Means over all studies."""
    return {
        name: float(np.nanmean(np.concatenate([one[name] for one in outcomes])))
        for name in outcomes[0]
    }


def calibrated(kind: str, told: dict[float, dict[str, float]]) -> dict[str, float]:
    """The setting that saves most of those with at most 2 % false stops; nothing without any."""
    sound = [(found["saved"], at) for at, found in told.items() if found["false_stops"] <= 0.02]
    if not sound:
        return {}
    saved, at = max(sound)
    return {
        f"{kind}_setting": at,
        f"{kind}_saved": saved,
        f"{kind}_false_stops": told[at]["false_stops"],
    }


def suffixed(found: dict[str, float], suffix: str) -> dict[str, float]:
    """The same figures under other names."""
    return {f"{name}_{suffix}": value for name, value in found.items()}


if __name__ == "__main__":
    main()

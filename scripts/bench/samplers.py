"""Samplers: how soon each comes near the best architecture, and how good the one is that it names.

    python scripts/bench/samplers.py [--quick] [--json] [--only NAME ...] [--seeds N] [--trials N]

Every sampler runs whole studies (the real coordinator: baselines first, `in_flight` trials at once,
refusals over the cap, duplicates, racing) on the landscapes of `made_up.py` and `replayed.py`,
where the outcome of a question is looked up instead of drawn. Drawn FLOPs are those of distinct
samples and prompts, as with a sample store; the baselines' are included. Of 20 seeds, [median,
quartiles]:

- `trials_to_optimum`, `drawn_flops_to_optimum`: up to the first architecture, scored on all search
  questions, whose true score is within a point (0.01; on the table, where one question is 0.017,
  two) of the best within the cap; null where it is not reached within the trials of a study.
  `reached` is the share of seeds that do; `median_drawn_flops_to_optimum` is the median by itself.
- `..._to_five_points`, `reached_five_points`: the same within five points.
- `true_score_of_selected`: of the architecture with the best measured score at the end: the formula
  of a made-up landscape, the questions not searched on for the table.
- `mean_true_score_of_selected`: its mean. `drawn_flops_at_archons_score`: FLOPs drawn from which on
  the mean true score of the best one measured is no lower than that of `archon_bo` at its end.
- `drawn_flops`: of the whole study, baselines included.
- `drawn_over_naive`: `drawn_flops` over what the same trials cost without a store and without
  racing; one that was stopped or paused would have gone on at its mean cost.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product, takewhile
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import numpy as np
from common import parser, tell
from landscapes import Landscape, Use, World, flops_of, optimum
from made_up import made_up
from replayed import Replayed

from archsearch.architecture import Architecture
from archsearch.benchmark import Item, Splits
from archsearch.budget import Account, Limits
from archsearch.cost import Tariffs, Used
from archsearch.errors import MissingExtra
from archsearch.evaluate import Evaluator, Outcome
from archsearch.ledger import Ledger
from archsearch.search.coordinator import Coordinator
from archsearch.search.forecast import Forecast
from archsearch.search.progress import Progress
from archsearch.search.proposer import Proposer
from archsearch.search.sampler import SAMPLERS
from archsearch.search.study import Study
from archsearch.search.trial import Trial, ranking
from archsearch.search.unit import Unit
from archsearch.types import Expected, Measured, Message, Question, Score, Target, UpperBound

TRIALS = {"ladder": 100, "valley": 100, "table": 64}
"""Distinct architectures that a study scores, unless `--trials` says otherwise."""
POINT = {"ladder": 0.01, "valley": 0.01, "table": 0.02}
"""How far from the optimum a true score may be to count as there."""
FIVE = 0.05
SEEDS = 20

SAMPLERS_MEASURED: dict[str, dict[str, Any]] = {
    "tpe": {"name": "tpe"},
    "plain_tpe": {"name": "optuna", "sampler": "TPESampler"},
    "exhaustive": {"name": "exhaustive"},
    "random": {"name": "random"},
    "tpe_in_groups": {
        "name": "optuna",
        "sampler": "TPESampler",
        "options": {"multivariate": True, "group": True},
    },
    "greedy": {"name": "greedy"},
    "nsga2": {"name": "nsga2"},
    "gp": {"name": "gp"},
    "bayes": {"name": "bayes"},
    "archon_bo": {"name": "archon_bo"},
    "archon_bo_30": {"name": "archon_bo", "startup_trials": 30},
}
"""`tpe` is also what a study takes that names none, as these spaces hold more points than trials.
`plain_tpe` is Optuna's as it comes; `archon_bo` models after 230 trials, as Archon's does."""
REFERENCE = "archon_bo"
QUICK = ["tpe", "random", "greedy", "archon_bo"]


def main() -> None:
    """Runs and tells."""
    flags = _flags()
    names = flags.only or (QUICK if flags.quick else list(SAMPLERS_MEASURED))
    places = flags.landscape or (["table"] if flags.quick else list(TRIALS))
    seeds = range(flags.seeds or (3 if flags.quick else SEEDS))
    trials = {place: flags.trials or TRIALS[place] for place in places}
    jobs = [
        (place, trials[place], name, seed) for place, name, seed in product(places, names, seeds)
    ]
    for place in places:
        landscape(place, trials[place])  # workers are forked, so they have it
    with ProcessPoolExecutor(max_workers=flags.processes) as workers:
        found = dict(zip(jobs, workers.map(run, jobs), strict=True))
    figures: dict[str, Any] = {}
    for place in places:
        runs = {
            name: [one for seed in seeds if (one := found[place, trials[place], name, seed])]
            for name in names
        }
        score = fmean(one.kept for one in runs[REFERENCE]) if runs.get(REFERENCE) else np.nan
        for name in names:
            told = _summary(runs[name], score)
            figures |= {f"{place}_{name}_{key}": value for key, value in told.items()}
    tell(figures, as_json=flags.json)


def _flags() -> Any:
    flags = parser(__doc__, quick="3 seeds of four samplers on the table")
    flags.add_argument("--only", nargs="+", choices=SAMPLERS_MEASURED)
    flags.add_argument("--landscape", nargs="+", choices=TRIALS)
    flags.add_argument("--seeds", type=int)
    flags.add_argument("--trials", type=int, help="of each study")
    flags.add_argument("--processes", type=int, default=os.cpu_count())
    return flags.parse_args()


@dataclass(frozen=True, slots=True)
class Run:
    """One study."""

    there: tuple[float, float]
    """Trials and FLOPs drawn until the optimum; infinite where it was not reached."""
    near: tuple[float, float]
    """The same until five points below it."""
    kept: float
    """True score of the one selected."""
    drawn: float
    """FLOPs in all."""
    naive: float
    """FLOPs of the same trials, each scored whole and from samples of its own."""
    path: tuple[tuple[float, float], ...]
    """FLOPs drawn, and the true score of the best one measured so far, whenever that changes."""


@lru_cache
def landscape(name: str, trials: int) -> tuple[Landscape, float]:
    """One by its name, for studies of so many trials, and the best true score there."""
    found = Replayed(trials) if name == "table" else made_up(trials)[name]
    return found, optimum(found)


def run(job: tuple[str, int, str, int]) -> Run | None:
    """(landscape, trials, sampler, seed) -> what came of it; None where a sampler is not
    installed."""
    place, trials, name, seed = job
    logging.disable(logging.WARNING)
    ground, best = landscape(place, trials)
    with tempfile.TemporaryDirectory() as folder, suppress(MissingExtra):
        return asyncio.run(
            _study(
                ground,
                (best - POINT[place], best - FIVE),
                SAMPLERS_MEASURED[name],
                seed,
                Path(folder),
            )
        )
    return None


async def _study(
    ground: Landscape, goals: tuple[float, float], named: dict[str, Any], seed: int, folder: Path
) -> Run:
    config = ground.config.model_copy(update={"seed": seed})
    sampler = SAMPLERS.parse(named, where="bench")
    items = _items(config.splits.search)
    scorer = LookedUp(ground.world(seed), {item.question.id: at for at, item in enumerate(items)})
    with Ledger(folder) as ledger:
        coordinator = Coordinator(
            Study(
                config=config,
                splits=Splits(search=items, select=(), test=()),
                evaluator=cast("Evaluator", scorer),
                forecast=cast("Forecast", Foreseen(ground)),
                ledger=ledger,
                account=Account(config.budget.study),
                proposer=Proposer(config.space, sampler, seed=seed, name="bench"),
                progress=Progress(),
            )
        )
        await coordinator.explore()
    limits = config.budget.per_question
    winner = ranking(coordinator.trials, limits, Unit.FLOPS)[0].found
    order = [t.found for t in coordinator.trials if t.may_win(limits)]
    truths = {architecture.digest: ground.truth(architecture) for architecture in order}
    there, near = (_reached(scorer.whole, truths, goal) for goal in goals)
    return Run(
        there=there,
        near=near,
        kept=scorer.world.kept(winner),
        drawn=scorer.drawn,
        naive=len(items) * sum(fmean(costs) for costs in scorer.costs.values()),
        path=tuple(_path(coordinator.trials, limits, scorer)),
    )


def _reached(
    whole: Mapping[str, float], truths: Mapping[str, float], goal: float
) -> tuple[float, float]:
    """(trials, FLOPs drawn) up to the first architecture that is as good as `goal`."""
    for trials, (digest, drawn) in enumerate(whole.items(), 1):
        if truths.get(digest, 0.0) >= goal:
            return trials, drawn
    return np.inf, np.inf


def _path(
    trials: Sequence[Trial], limits: Limits, scorer: LookedUp
) -> Iterator[tuple[float, float]]:
    """See `Run.path`."""
    scored = {trial.found.digest: trial for trial in trials if trial.may_win(limits)}
    best: Trial | None = None
    for digest, drawn in scorer.whole.items():
        known = [trial for trial in (best, scored.get(digest)) if trial is not None]
        first = next(iter(ranking(known, limits, Unit.FLOPS)), None)
        if first is not None and first is not best:
            best = first
            yield drawn, scorer.world.kept(first.found)


@dataclass(slots=True)
class LookedUp:
    """In place of an `Evaluator`: outcomes of a world, and a store's account of what they draw."""

    world: World
    places: dict[str, int]
    """Of each question, by id."""
    tariffs: Tariffs = field(default_factory=dict)
    drawn: float = 0.0
    """FLOPs of distinct prompts and samples."""
    whole: dict[str, float] = field(default_factory=dict)
    """What was drawn when an architecture was scored on its last question, by digest, in order."""
    costs: dict[str, list[float]] = field(default_factory=dict)
    """FLOPs of each question that an architecture was scored on, by digest."""
    _prompts: set[Any] = field(default_factory=set)
    _samples: dict[Any, int] = field(default_factory=dict)
    """How many of each stream are drawn."""

    async def outcomes(
        self, architecture: Architecture, items: Iterable[Item]
    ) -> AsyncIterator[Outcome]:
        """See `Evaluator`."""
        for item in items:
            place = self.places[item.question.id]
            uses = self.world.uses(architecture, place)
            self.drawn += self._draw(place, uses)
            costs = self.costs.setdefault(architecture.digest, [])
            costs.append(flops_of(uses))
            if len(costs) == len(self.places):
                self.whole[architecture.digest] = self.drawn
            yield Outcome(
                question_id=item.question.id,
                result=Score(value=self.world.score(architecture, place)),
                cost=Measured(flops=costs[-1]),
            )

    def _draw(self, place: int, uses: Sequence[Use]) -> float:
        """FLOPs of what no architecture has used before."""
        paid = 0.0
        for use in uses:
            prompt, stream = (place, use.prompt), (place, use.stream)
            if prompt not in self._prompts:
                self._prompts.add(prompt)
                paid += use.prompt_flops
            had = self._samples.get(stream, 0)
            if len(use.sample_flops) > had:
                paid += sum(use.sample_flops[had:])
                self._samples[stream] = len(use.sample_flops)
        return paid


@dataclass(frozen=True, slots=True)
class Foreseen:
    """In place of a `Forecast`: the mean cost, known from the start."""

    ground: Landscape

    def check(self, architecture: Architecture) -> None:
        """Everything fits."""

    async def check_prompts(self, architecture: Architecture) -> None:
        """Everything fits."""

    async def expected(self, architecture: Architecture) -> Expected:
        """The true mean."""
        return Expected(flops=self.ground.flops(architecture))

    def upper_bound(self, architecture: Architecture) -> UpperBound:
        """The same."""
        return UpperBound(flops=self.ground.flops(architecture))

    async def learn(self, architecture: Architecture, used: Iterable[Used]) -> None:
        """There is nothing to learn."""


def _items(count: int) -> tuple[Item, ...]:
    return tuple(
        Item(
            question=Question(id=str(at), messages=(Message(role="user", content=str(at)),)),
            target=Target(question_id=str(at), reference=""),
        )
        for at in range(count)
    )


def _summary(runs: Sequence[Run], score: float) -> dict[str, Any]:
    if not runs:
        return {"not_installed": True}
    drawn_to_optimum = _quartiles([run.there[1] for run in runs])
    return {
        "mean_true_score_of_selected": fmean(run.kept for run in runs),
        "drawn_flops_at_archons_score": _drawn_at(runs, score),
        "trials_to_optimum": _quartiles([run.there[0] for run in runs]),
        "drawn_flops_to_optimum": drawn_to_optimum,
        "median_drawn_flops_to_optimum": drawn_to_optimum[0],
        "reached": fmean(np.isfinite(run.there[0]) for run in runs),
        "trials_to_five_points": _quartiles([run.near[0] for run in runs]),
        "drawn_flops_to_five_points": _quartiles([run.near[1] for run in runs]),
        "reached_five_points": fmean(np.isfinite(run.near[0]) for run in runs),
        "true_score_of_selected": _quartiles([run.kept for run in runs]),
        "drawn_flops": _quartiles([run.drawn for run in runs]),
        "drawn_over_naive": _quartiles([run.drawn / run.naive for run in runs]),
    }


def _drawn_at(runs: Sequence[Run], score: float) -> float | None:
    """FLOPs from which on the best one measured truly scores at least so much, on average."""

    def truth(run: Run, drawn: float) -> float:
        return next((truth for at, truth in reversed(run.path) if at <= drawn), 0.0)

    steps = sorted({drawn for run in runs for drawn, _ in run.path})
    enough = list(takewhile(lambda at: fmean(truth(r, at) for r in runs) >= score, steps[::-1]))
    return enough[-1] if enough else None


def _quartiles(values: Sequence[float]) -> list[float | None]:
    """Median, lower and upper quartile; None where that is not reached."""
    found = np.quantile(values, [0.5, 0.25, 0.75], method="higher").tolist()
    return [value if np.isfinite(value) else None for value in found]


if __name__ == "__main__":
    main()

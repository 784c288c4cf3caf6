"""Selection: names the winner on fresh questions, then compares it on questions never seen.

The best of many noisy scores is seldom the best. The few highest are scored again on fresh
questions, block by block; after each block those that will hardly overtake the leader leave, so the
questions go to the comparisons that are close, as in the successive rejects of Audibert, Bubeck &
Munos 2010 (COLT) and the halving of Karnin, Koren & Somekh 2013 (ICML). Rivals and figures are in
docs/design/selection.md. Only the test split, opened once, tells what would be found again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from archsearch.architecture import Architecture
from archsearch.benchmark import Item
from archsearch.budget import Limits
from archsearch.errors import BudgetExhausted, RunError
from archsearch.evaluate import Evaluation
from archsearch.ledger import fact
from archsearch.search.baselines import Baseline, Kind, matched
from archsearch.search.latency import median_latency
from archsearch.search.optimism import optimism, table_of
from archsearch.search.racing import may_overtake
from archsearch.search.reserve import planned_questions
from archsearch.search.study import Study
from archsearch.search.trial import Trial, best_baseline, ranking
from archsearch.types import UpperBound

EQUAL = 0.95
"""Share of the winner's cost that counts as equal, as lengths differ between questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalist:
    """A trial that was scored again."""

    trial: Trial
    select: Evaluation = field(default_factory=lambda: Evaluation(outcomes=()))
    """On those questions of the select split that it was asked before it left or was named."""
    latency: float | None = None
    """Median seconds per question, measured only under a cap on it."""

    @property
    def scores(self) -> dict[str, float]:
        """By question id, search and select questions together."""
        return self.trial.scored.scores | self.select.scores

    @property
    def pooled(self) -> float:
        """Mean over search and select questions together: what names the winner."""
        scores = self.scores.values()
        return sum(scores) / len(scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An architecture on the test questions."""

    name: str
    architecture: Architecture
    test: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The winner, what it was chosen from, and what it is compared with."""

    winner: Trial
    finalists: tuple[Finalist, ...]
    """The winner first, then those that stayed longest."""
    optimism: float
    """By how much the winner's search score is expected to flatter it."""
    best: Contender
    baselines: tuple[Contender, ...]


async def select(trials: Sequence[Trial], study: Study) -> tuple[Finalist, ...]:
    """The finalists; the winner first, then those that stayed longest. One with a question that
    could not be scored leaves, as long as others are whole.

    It ends with the select split, with one finalist left, or where the study's budget does.
    """
    ranked = ranking(trials, study.config.budget.per_question, study.unit)
    if not ranked:
        raise RunError(_no_winner(trials, study.config.budget.per_question))
    study.progress.phase = "selecting"
    able = _able(study, trials, ranked)
    first = next(able, None)
    left = await _admitted(study, chain([first], able) if first else ranked)
    gone: list[Finalist] = []
    block, items = study.config.search.racing.block, study.splits.select
    try:
        for start in range(0, len(items), block):
            if len(left) == 1:
                break
            left = await _scored_again(study, left, items[start : start + block])
            if whole := [finalist for finalist in left if not finalist.select.failures]:
                # Means over different questions do not compare.
                gone = [finalist for finalist in left if finalist.select.failures] + gone
                left = whole
            left.sort(key=lambda finalist: study.unit.of(finalist.trial.scored.cost))
            staying = remaining([finalist.scores for finalist in left], questions=_whole(study))
            gone = [left[at] for at in range(len(left)) if at not in staying] + gone
            left = [left[at] for at in staying]
    except BudgetExhausted:
        pass  # what the last whole block said holds
    asked = sum(len(finalist.select.outcomes) for finalist in (*left, *gone))
    study.progress.questions_wanted += asked - planned_questions(study.config, tested=0)
    return (*left, *gone)


def remaining(scores: Sequence[Mapping[str, float]], *, questions: int) -> list[int]:
    """Which finalists, told by their place in `scores`, go on; the leader by mean score first.

    `scores` are by question id, of equals the cheaper first; `questions` are all there will be.
    """
    means = [sum(row.values()) / len(row) for row in scores]
    order = sorted(range(len(scores)), key=lambda at: -means[at])
    return [
        at
        for at in order
        if at == order[0] or may_overtake(scores[at], scores[order[0]], questions=questions)
    ]


def _able(study: Study, trials: Sequence[Trial], ranked: Iterable[Trial]) -> Iterator[Trial]:
    """Those of `ranked` whose test the budget has room for."""
    for trial in ranked:
        if _has_room(study, trials, trial):
            yield trial
        else:
            trial.reason = "no room for its test in the budget of the study"


def _has_room(study: Study, trials: Sequence[Trial], trial: Trial) -> bool:
    """Whether it can be tested; found out once, as a resumed run has paid for some of it."""
    cap = study.config.budget.study
    if not cap.caps:
        return True
    test = study.reserve.for_test(trial, trials)
    name = f"room to test {trial.found.digest} within {cap}"
    return bool(study.ledger.settle(name, study.account.has_room(test, of_reserve=True)))


async def _admitted(study: Study, ranked: Iterable[Trial]) -> list[Finalist]:
    """Those to be scored again, best search score first, timed where there is a cap on latency."""
    cap = study.config.budget.per_question.seconds
    admitted: list[Finalist] = []
    for trial in ranked:
        if len(admitted) == study.config.search.finalists:
            break
        finalist = Finalist(trial=trial)
        if admitted and not may_overtake(
            finalist.scores, admitted[0].scores, questions=_whole(study)
        ):
            continue
        if cap is not None:
            try:
                latency = await _latency(study, trial)
            except BudgetExhausted:
                if admitted:
                    break  # those that were timed are to choose from
                raise
            if latency > cap:
                continue
            finalist = replace(finalist, latency=latency)
        admitted.append(finalist)
    if not admitted:
        raise RunError(
            f"a winner must answer within {cap:g} s per question; none that is within the other "
            f"caps does; raise budget.per_question.seconds"
        )
    return admitted


async def _latency(study: Study, trial: Trial) -> float:
    """Median seconds per question; measured once, so that a resumed run admits the same."""
    name = f"median seconds of {trial.found.digest}"
    known = fact(study.ledger.database, name)
    if known is not None:
        return float(known)
    measured = await median_latency(study.evaluator, trial.found, study.splits.search)
    return float(study.ledger.settle(name, measured))


def _whole(study: Study) -> int:
    return len(study.splits.search) + len(study.splits.select)


async def _scored_again(
    study: Study, finalists: Sequence[Finalist], items: Sequence[Item]
) -> list[Finalist]:
    """All of them with `items` added, in their order."""
    tasks = [
        asyncio.ensure_future(study.verdict_on(finalist.trial.found, items))
        for finalist in finalists
    ]
    try:
        evaluations = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [
        replace(finalist, select=Evaluation(outcomes=finalist.select.outcomes + new.outcomes))
        for finalist, new in zip(finalists, evaluations, strict=True)
    ]


async def test(trials: Sequence[Trial], study: Study, finalists: Sequence[Finalist]) -> Verdict:
    """The winner beside a single call and self-consistency at equal cost, on the test split."""
    study.progress.phase = "testing"
    study.account.set_aside(UpperBound())
    winner = finalists[0].trial
    contenders = {"best": winner.found, **await _rivals(trials, study, winner)}
    try:
        tested = {
            name: Contender(
                name=name,
                architecture=architecture,
                test=await study.verdict_on(architecture, study.splits.test),
            )
            for name, architecture in contenders.items()
        }
    except BudgetExhausted as error:
        raise RunError(
            f"a winner must be tested within the budget of the study; {error}; it is named in "
            f"best.yaml, and the same command with a larger budget goes on with its test"
        ) from None
    return Verdict(
        winner=winner,
        finalists=tuple(finalists),
        optimism=_optimism(trials, finalists[0], study.splits.search),
        best=tested.pop("best"),
        baselines=tuple(tested.values()),
    )


def _optimism(trials: Sequence[Trial], winner: Finalist, items: Sequence[Item]) -> float:
    tried = [trial for trial in trials if trial.has_worth and trial.continued_by is None]
    return optimism(
        table_of(tried, [item.question.id for item in items]),
        np.array([trial.worth for trial in tried]),
        winner=tried.index(winner.trial),
        pooled=winner.pooled,
        questions=len(winner.scores),
    )


async def _rivals(trials: Sequence[Trial], study: Study, winner: Trial) -> dict[str, Architecture]:
    """The two baselines, each with the model and style that did best on the search questions."""
    settings = study.config.baselines
    single = _best_of_kind(trials, "single call") or Baseline(
        kind="single call", model=study.config.writers[0], style=settings.styles[0]
    )
    repeated = _best_of_kind(trials, "self-consistency") or replace(single, kind="self-consistency")
    equal = await matched(
        repeated,
        settings,
        study.unit.cap(EQUAL * study.unit.of(winner.scored.cost)),
        study.config.budget.per_question,
        study.forecast,
    )
    return {
        "single call": single.architecture(settings),
        f"self-consistency at equal {study.unit}": equal.architecture(settings),
    }


def _best_of_kind(trials: Sequence[Trial], kind: Kind) -> Baseline | None:
    best = best_baseline([trial for trial in trials if trial.continued_by is None], kind)
    return best.baseline if best is not None else None


def _no_winner(trials: Sequence[Trial], limits: Limits) -> str:
    reasons = [trial.reason for trial in trials if trial.reason]
    return (
        f"a winner must be complete and within {limits} per question; none of {len(trials)} "
        f"trials is{'; such as: ' + reasons[0] if reasons else ''}; raise the budget, or see why "
        f"questions went unscored"
    )

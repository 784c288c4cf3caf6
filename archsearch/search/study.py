"""Study: one coordinator that proposes, evaluates and tells, within the budget."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice, takewhile
from math import log10
from statistics import fmean
from typing import Any

from archsearch.architecture import Architecture
from archsearch.benchmark import Item, Splits
from archsearch.budget import Account, Limits
from archsearch.errors import BudgetExhausted, ConfigError, MissingSample
from archsearch.evaluate import Evaluation, Evaluator, Outcome
from archsearch.ledger import Ledger
from archsearch.search.baselines import Baseline, static
from archsearch.search.config import StudyConfig
from archsearch.search.forecast import Forecast
from archsearch.search.progress import Progress
from archsearch.search.proposer import Proposer
from archsearch.search.racing import Race
from archsearch.search.space import Params
from archsearch.search.trial import Origin, State, Trial
from archsearch.types import Expected, Measured, Score, UpperBound

CALIBRATION = 8
"""Questions that each model answers once, in each baseline style, before anything is foreseen."""
STALE = 20
"""Duplicates and refusals in a row after which the study enumerates what is unseen."""
SECOND_CHANCE = 5
"""Of those, how many the sampler may make again after each trial that was enumerated."""
ENUMERABLE = 2_000
"""Points of a space that are looked through for baselines."""
LOOKED_THROUGH = 20_000
"""Points that one enumeration looks through before the space counts as exhausted."""
PASSES = 2
"""How often selection is expected to go through the select split, all finalists together; in
simulation 1.0 to 1.8 times (docs/design/selection.md). Where money runs out it ends earlier."""
RESERVE = 0.3
"""Share of the study's cap kept for selection and test where no cap per question tells more."""


@dataclass(slots=True, kw_only=True)
class Study:
    """Everything one search works with, and its trials so far."""

    config: StudyConfig
    splits: Splits
    evaluator: Evaluator
    forecast: Forecast
    ledger: Ledger
    account: Account
    proposer: Proposer
    progress: Progress


class Coordinator:
    """Asks and tells in number order; evaluates `in_flight` trials at once.

    Trial t is proposed knowing trials up to t - in_flight, whatever finished meanwhile. Resuming
    walks the same way again: what the ledger holds is not evaluated, only told.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self.trials: list[Trial] = []
        self._first: dict[str, Trial] = {}
        """The trial that evaluates each digest."""
        self._barren = 0
        """Duplicates and refusals in a row."""
        self._unseen: Iterator[Params] | None = None
        self._points: dict[str, Params] = {}
        """Points of the space by digest, where it is small enough to tell."""
        self._landed: list[Trial] = []
        """Trials that were told, in number order."""
        self._races: dict[int, Race] = {}
        """Of each trial that runs, by number: whom it was to beat when it was proposed."""
        self._due: deque[Baseline] = deque()
        """Baselines that were not proposed yet."""
        self._out_of_budget = False

    async def explore(self) -> None:
        """Calibrates, then proposes and evaluates until enough architectures are known, the space
        is exhausted, or the study's budget is."""
        await self._calibrate()
        self._points = points_by_digest(self._study.config)
        self._due = await self._baselines()
        self.set_aside(planned_questions(self._study.config))
        flying: deque[tuple[Trial, asyncio.Task[None]]] = deque()
        try:
            for number in count():
                while len(flying) >= self._study.config.search.in_flight:
                    await self._land(*flying.popleft())
                if self._out_of_budget or self._enough():
                    break
                trial = await self._propose(number)
                if trial is None:
                    break
                self.trials.append(trial)
                flying.append((trial, asyncio.ensure_future(self._evaluate(trial))))
            while flying:
                await self._land(*flying.popleft())
        finally:
            for _, task in flying:
                task.cancel()
            await asyncio.gather(*(task for _, task in flying), return_exceptions=True)
        await self._retry()
        self.set_aside(planned_questions(self._study.config, passes=0))

    async def evaluation(self, architecture: Architecture, items: Sequence[Item]) -> Evaluation:
        """Scores on `items`; what the ledger holds is taken from there, the rest is recorded."""
        study = self._study
        known = study.ledger.outcomes(architecture.digest)
        missing = [item for item in items if item.question.id not in known]
        study.progress.questions += len(items) - len(missing)
        study.progress.done_before += len(items) - len(missing)
        async for outcome in study.evaluator.outcomes(architecture, missing):
            study.ledger.record_outcome(architecture.digest, outcome)
            study.progress.questions += 1
            known[outcome.question_id] = outcome
        return Evaluation(outcomes=tuple(known[item.question.id] for item in items))

    async def _raced(self, trial: Trial, items: Sequence[Item]) -> Evaluation:
        """Scores on `items`, block by block, up to where the trial is raced out."""
        settings, race = self._study.config.search.racing, self._races[trial.number]
        seen: tuple[Outcome, ...] = ()
        for at in range(0, len(items), settings.block):
            block = items[at : at + settings.block]
            seen += (await self.evaluation(trial.found, block)).outcomes
            evaluation = Evaluation(outcomes=seen)
            if len(seen) < len(items) and (rival := race.lost_to(evaluation)):
                trial.state, trial.lost_to = State.RACED_OUT, rival
                trial.reason = f"behind trial {rival.number} after {len(seen)} questions"
                self._study.progress.questions_wanted -= len(items) - len(seen)
                return evaluation
        return Evaluation(outcomes=seen)

    async def _calibrate(self) -> None:
        """A few greedy calls of each model, so that lengths are known before the first forecast.
        The single-call baselines ask for the same samples, so nothing is drawn in vain."""
        study, settings = self._study, self._study.config.baselines
        study.progress.phase = "calibrating"
        for model in study.config.writers:
            for style in settings.styles:
                single = Baseline(kind="single call", model=model, style=style)
                architecture = single.architecture(settings)
                study.progress.questions_wanted += len(study.splits.search[:CALIBRATION])
                study.forecast.check(architecture)
                await study.forecast.check_prompts(architecture)
                await self._learn(
                    architecture,
                    await self.evaluation(architecture, study.splits.search[:CALIBRATION]),
                )
        study.progress.phase = "searching"

    async def _baselines(self) -> deque[Baseline]:
        """The static baselines that are not among the recorded trials, the cheapest first: what
        comes later is raced against them. A model's own are settled when it joins the run."""
        study, config = self._study, self._study.config
        costs: dict[Baseline, float] = {}
        for model in config.writers:
            made = await static(
                config.baselines, [model], config.budget.per_question, study.forecast
            )
            settled = study.ledger.settle(f"baselines of {model}", [asdict(one) for one in made])
            for baseline in (Baseline(**data) for data in settled):
                expected = await study.forecast.expected(baseline.architecture(config.baselines))
                costs[baseline] = expected.size
        records = takewhile(bool, map(study.ledger.asked, count()))
        asked = {Baseline(**r["baseline"]) for r in records if r and r["baseline"]}
        due = costs.keys() - asked
        return deque(sorted(due, key=lambda one: (costs[one], str(one))))

    def set_aside(self, questions: int) -> None:
        """Keeps what so many questions of selection and test may take out of reach from now on."""
        config = self._study.config
        each, whole = config.budget.per_question, config.budget.study
        part = RESERVE * questions / planned_questions(config)

        def share(cap: float | None, of_study: float | None) -> float:
            if of_study is None:
                return 0.0
            return min(cap * questions, of_study) if cap is not None else part * of_study

        self._study.account.set_aside(
            UpperBound(
                flops=share(each.flops, whole.flops),
                completion_tokens=share(each.tokens, whole.tokens),
                dollars=share(each.dollars, whole.dollars),
            )
        )

    def _enough(self) -> bool:
        """Whether no more trials are to begin; the baselines do, however late it is."""
        config = self._study.config
        cap = config.budget.study.seconds
        late = cap is not None and self._study.progress.seconds >= cap
        return (late and not self._due) or len(self._first) >= config.search.trials

    async def _propose(self, number: int) -> Trial | None:
        """The next trial, judged; None when the space holds nothing more."""
        study = self._study
        if (before := study.ledger.asked(number)) is not None:
            trial = self._from_record(number, before)
        elif self._due:
            trial = self._from_baseline(number, self._due.popleft())
        elif self._barren < STALE:
            trial = self._from_point(number, "sampler", None)
        elif (point := await self._next_unseen()) is not None:
            trial = self._from_point(number, "enumeration", point)
        else:
            return None
        if before is None:
            study.ledger.record_asked(number, _record(trial))
        await self._judge(trial)
        return trial

    def _from_record(self, number: int, record: Mapping[str, Any]) -> Trial:
        """A trial as it was proposed, though the space may have grown since."""
        layers, baseline = record["architecture"], record["baseline"]
        trial = Trial(
            number=number,
            origin=record["origin"],
            baseline=baseline and Baseline(**baseline),
            params=record["params"],
            architecture=Architecture.parse(layers) if layers is not None else None,
        )
        if trial.architecture is None:
            trial.state, trial.reason = State.REFUSED, record["reason"]
        self._ask_again(trial)
        return trial

    def _from_baseline(self, number: int, baseline: Baseline) -> Trial:
        trial = Trial(
            number=number,
            origin="baseline",
            baseline=baseline,
            params=None,
            architecture=baseline.architecture(self._study.config.baselines),
        )
        self._ask_again(trial)
        return trial

    def _ask_again(self, trial: Trial) -> None:
        """Has the sampler propose a trial that is known already, where it is a point of the space;
        where not, there is nothing that a sampler could learn from."""
        if trial.params is None or not self._study.config.space.holds(trial.params):
            known = trial.architecture
            trial.params = self._points.get(known.digest) if known else None
        if trial.params is not None:
            self._study.proposer.ask(trial.number, trial.params)

    def _from_point(self, number: int, origin: Origin, params: Params | None) -> Trial:
        """A trial of the given point, or of the one that the sampler proposes."""
        params = self._study.proposer.ask(number, params)
        trial = Trial(number=number, origin=origin, params=params, architecture=None)
        try:
            trial.architecture = self._study.config.space.architecture(params)
        except ConfigError as error:
            trial.state, trial.reason = State.REFUSED, str(error)
        return trial

    async def _judge(self, trial: Trial) -> None:
        """Refuses what is over the budget, recognises what is known; the rest is to be run."""
        study = self._study
        if trial.architecture is not None:
            try:
                trial.upper, trial.expected = await self._foresee(trial.architecture)
            except ConfigError as error:
                trial.state, trial.reason = State.REFUSED, str(error)
            except MissingSample as error:
                trial.state, trial.reason = State.INCOMPLETE, str(error)
        if trial.state is State.RUNNING and trial.architecture is not None:
            first = self._first.setdefault(trial.architecture.digest, trial)
            if first is not trial:
                trial.state, trial.twin = State.DUPLICATE, first.number
        self._races[trial.number] = Race(
            settings=study.config.search.racing,
            # A baseline is compared with at the end, so it is scored whole.
            incumbents=() if trial.baseline else self._ranked(self._landed),
            questions=study.config.splits.search,
        )
        if trial.state is not State.RUNNING:
            self._barren += 1
        else:
            self._barren = STALE - SECOND_CHANCE if trial.origin == "enumeration" else 0
        study.progress.refused += trial.state is State.REFUSED
        study.progress.duplicates += trial.state is State.DUPLICATE

    async def _foresee(self, architecture: Architecture) -> tuple[UpperBound, Expected]:
        """What it will cost per question; raises `ConfigError` when that is over the cap."""
        study, limits = self._study, self._study.config.budget.per_question
        study.forecast.check(architecture)
        await study.forecast.check_prompts(architecture)
        expected = await study.forecast.expected(architecture)
        if limits.over(expected) > 0:
            raise ConfigError(
                f"expected cost per question must be within {limits}; it is {expected.flops:.3g} "
                f"FLOPs, {expected.prompt_tokens + expected.completion_tokens:.0f} tokens"
            )
        return study.forecast.upper_bound(architecture), expected

    async def _next_unseen(self) -> Params | None:
        """The next point in enumeration order that would be run."""
        space = self._study.config.space
        if self._unseen is None:
            self._unseen = islice(space.points(), LOOKED_THROUGH)
        for point in self._unseen:
            try:
                architecture = space.architecture(point)
                await self._foresee(architecture)
            except (ConfigError, MissingSample):
                continue
            if architecture.digest not in self._first:
                return point
        return None

    async def _evaluate(self, trial: Trial) -> None:
        if trial.state is not State.RUNNING or trial.architecture is None:
            return
        try:
            trial.evaluation = await self._raced(trial, self._study.splits.search)
        except BudgetExhausted as error:
            self._out_of_budget = True
            trial.state, trial.reason = State.INCOMPLETE, str(error)
            return
        self._conclude(trial, trial.evaluation)

    def _conclude(self, trial: Trial, evaluation: Evaluation) -> None:
        if trial.state is State.RACED_OUT:
            return
        if evaluation.failures:
            first = next(iter(evaluation.failures.values()))
            trial.state = State.INCOMPLETE
            trial.reason = f"{len(evaluation.failures)} questions unscored; first: {first.message}"
        else:
            trial.state = State.COMPLETE

    async def _land(self, trial: Trial, task: asyncio.Task[None]) -> None:
        """Waits for a trial and tells it, in number order."""
        await task
        self._landed.append(trial)
        study = self._study
        evaluated = trial
        if trial.state is State.DUPLICATE and trial.twin is not None:
            evaluated = self.trials[trial.twin]
        elif trial.evaluation is not None and trial.architecture is not None:
            await self._learn(trial.architecture, trial.evaluation)
            study.progress.trials += 1
            self._show_best()
        valid = evaluated.state in (State.COMPLETE, State.RACED_OUT)
        result = {
            "values": self._values(evaluated),
            "error": evaluated.error if valid else None,
            "over": {"cost": self._over(evaluated), "valid": -1.0 if valid else 1.0},
        }
        # A failed question may be scored when it is resumed; what was told of it stands.
        told = study.ledger.settle_told(trial.number, result)
        study.proposer.tell(trial.number, **told, notes=_notes(trial))

    async def _learn(self, architecture: Architecture, evaluation: Evaluation) -> None:
        for outcome in evaluation.outcomes:
            if isinstance(outcome.result, Score):
                await self._study.forecast.learn(architecture, outcome.used)

    def _values(self, trial: Trial) -> tuple[float, ...]:
        """What Optuna is told: the trial's worth and, where it is an objective, its cost; or for
        what has none the means of the complete trials, which speak neither for nor against it
        beside the violated constraint."""
        if trial.state in (State.COMPLETE, State.RACED_OUT):
            found = [(trial.worth, trial.scored.cost)]
        else:
            complete = [t for t in self.trials[: trial.number] if t.state is State.COMPLETE]
            found = [(t.scored.mean, t.scored.cost) for t in complete] or [(0.0, Measured())]
        score = fmean(score for score, _ in found)
        if self._study.config.search.objective == "score":
            return (score,)
        return score, fmean(log10(max(cost.size, 1.0)) for _, cost in found)

    def _over(self, trial: Trial) -> float:
        """By which share the cap per question is exceeded: measured, else expected."""
        limits = self._study.config.budget.per_question
        cost = trial.evaluation.cost if trial.evaluation is not None else trial.expected
        return limits.over(cost) if cost is not None else 0.0

    async def _retry(self) -> None:
        """Another attempt at questions that models failed on, before anyone is selected."""
        for trial in self.trials:
            if trial.state is State.INCOMPLETE and trial.evaluation and trial.architecture:
                trial.state = State.RUNNING
                await self._evaluate(trial)

    def _ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        return ranking(trials, self._study.config.budget.per_question)

    def _show_best(self) -> None:
        progress = self._study.progress
        if ranked := self._ranked(self.trials):
            progress.best = ranked[0].scored.mean
            progress.best_architecture = str(ranked[0].architecture)


def planned_questions(config: StudyConfig, *, passes: int = PASSES, tests: int = 3) -> int:
    """Question evaluations of selection, which goes `passes` times through its split at most, and
    of the test of `tests` architectures."""
    again = min(config.search.finalists, passes) * config.splits.select
    return again + tests * config.splits.test


def ranking(trials: Sequence[Trial], limits: Limits) -> list[Trial]:
    """Trials that may win, best search score first; of equals the cheaper, then the earlier."""
    return sorted(
        (trial for trial in trials if trial.may_win(limits)),
        key=lambda trial: (-trial.scored.mean, trial.scored.cost.size, trial.number),
    )


def points_by_digest(config: StudyConfig) -> dict[str, Params]:
    """The first point of each architecture of the space; empty for a space too large to look
    through."""
    points = list(islice(config.space.points(), ENUMERABLE + 1))
    if len(points) > ENUMERABLE:
        return {}
    found: dict[str, Params] = {}
    for point in points:
        try:
            found.setdefault(config.space.architecture(point).digest, point)
        except ConfigError:
            continue
    return found


def _record(trial: Trial) -> Mapping[str, Any]:
    """What a resumed run makes the trial of."""
    return {
        "origin": trial.origin,
        "params": trial.params,
        "baseline": trial.baseline and asdict(trial.baseline),
        "architecture": trial.architecture and trial.architecture.dump(),
        "reason": trial.reason,
    }


def _notes(trial: Trial) -> Mapping[str, Any]:
    return {
        "origin": trial.origin,
        "state": str(trial.state),
        "architecture": str(trial.architecture or ""),
        "reason": trial.reason,
    }

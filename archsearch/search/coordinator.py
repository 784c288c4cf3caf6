"""Coordinator: proposes trials, has them scored and tells their results, within the budget."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count, dropwhile, islice
from typing import Any

from archsearch.architecture import Architecture
from archsearch.benchmark import Item
from archsearch.errors import BudgetExhausted, ConfigError, MissingSample
from archsearch.evaluate import Evaluation
from archsearch.ledger import fact
from archsearch.search.baselines import Baseline
from archsearch.search.racing import Race
from archsearch.search.space import Params
from archsearch.search.study import Study
from archsearch.search.telling import telling
from archsearch.search.trial import Origin, State, Trial, ranking, unsettled
from archsearch.types import Expected, UpperBound, total

STALE = 20
"""Duplicates and refusals in a row after which the study enumerates what is unseen."""
SECOND_CHANCE = 5
"""Of those, how many the sampler may make again after each trial that was enumerated."""
DRY = 10
"""Trials in a row that could not begin within the budget after which it counts as used up."""
ENUMERABLE = 2_000
"""Points of a space that are looked through for baselines."""
LOOKED_THROUGH = 20_000
"""Points that one enumeration looks through before the space counts as exhausted."""


class Coordinator:
    """Asks and tells in number order; evaluates `in_flight` trials at once.

    Trial t is proposed knowing trials up to t - in_flight, whatever finished meanwhile. Resuming
    walks the same way again: what the ledger holds is not evaluated, only told.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self.trials: list[Trial] = []
        self._latest: dict[str, Trial] = {}
        """The latest trial that evaluates each digest."""
        self._barren = 0
        """Duplicates and refusals in a row."""
        self._enumerated: Params | None = None
        """The last point that was proposed because the sampler had no more."""
        self._points: dict[str, Params] = {}
        """Points of the space by digest, where it is small enough to tell."""
        self._landed: list[Trial] = []
        """Trials that were told, in number order."""
        self._races: dict[int, Race] = {}
        """Of each trial that runs, by number: whom it was to beat when it was proposed."""
        self._due: deque[Baseline] = deque()
        """Baselines that were not proposed yet."""
        self._dry = 0
        """Trials in a row that could not begin within the budget."""

    async def explore(self) -> list[Trial]:
        """Calibrates, then proposes and evaluates until enough architectures are known, the space
        is exhausted, or the study's budget is. All trials, in number order."""
        await self._study.calibrate()
        self._points = self._study.config.space.by_digest(ENUMERABLE)
        self._due = deque(await self._study.baselines_due())
        self._study.set_aside([])
        flying: deque[tuple[Trial, asyncio.Task[None]]] = deque()
        try:
            for number in count():
                while len(flying) >= self._study.config.search.in_flight:
                    await self._land(*flying.popleft())
                while (trial := await self._propose(number)) is None and flying:
                    await self._land(*flying.popleft())
                if trial is None:
                    break
                self.trials.append(trial)
                earlier = [task for _, task in flying]
                flying.append((trial, asyncio.ensure_future(self._evaluate(trial, earlier))))
        finally:
            for _, task in flying:
                task.cancel()
            await asyncio.gather(*(task for _, task in flying), return_exceptions=True)
        await self._retry()
        self._study.set_aside(self._landed, passes=0)
        return self.trials

    def _spent(self) -> bool:
        """Whether nothing more is to begin; the baselines do, however late it is."""
        cap = self._study.config.budget.study.seconds
        late = cap is not None and self._study.progress.whole_seconds >= cap
        return self._dry >= DRY or (late and not self._due)

    async def _propose(self, number: int) -> Trial | None:
        """The next trial, judged; None when nothing more is to be tried as far as is known now."""
        study = self._study
        if (before := study.ledger.asked(number)) is not None:
            waits = before["origin"] == "leader" and not self._knows_all_before(number)
            trial = None if waits else self._from_record(number, before)
        elif self._spent():
            trial = None
        elif (trial := await self._new(number)) is not None:
            study.ledger.record_asked(number, trial.record)
        if trial is not None:
            await self._judge(trial)
        return trial

    def _knows_all_before(self, number: int) -> bool:
        """Whether no trial runs: what is unsettled depends on them all."""
        return len(self._landed) == number

    async def _new(self, number: int) -> Trial | None:
        """A trial that no record tells of."""
        limits = self._study.config.budget.per_question
        has_more = len(self._latest) < self._study.config.search.trials
        if self._due and (has_more or self._study.joined(self._due[0].model)):
            return self._from_baseline(number, self._due.popleft())
        if has_more:
            if self._barren < STALE:
                return self._from_point(number, "sampler", None)
            if (point := await self._next_unseen()) is not None:
                self._enumerated = point
                return self._from_point(number, "enumeration", point)
        if self._knows_all_before(number) and (
            paused := unsettled(self._landed, limits, self._study.unit)
        ):
            return self._from_paused(number, paused)
        return None

    def _from_record(self, number: int, record: Mapping[str, Any]) -> Trial:
        """A trial as it was proposed, though the space may have grown since."""
        trial = Trial.recorded(number, record)
        if trial.origin == "enumeration":
            self._enumerated = trial.params
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

    def _from_paused(self, number: int, paused: Trial) -> Trial:
        trial = Trial(
            number=number,
            origin="leader",
            params=paused.params,
            architecture=paused.architecture,
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
        if trial.architecture is not None and not self._goes_on(trial):
            try:
                trial.upper, trial.expected = await self._foresee(trial.architecture)
                self._hold_to_cap(trial, trial.expected)
            except ConfigError as error:
                trial.state, trial.reason = State.REFUSED, str(error)
            except MissingSample as error:
                trial.state, trial.reason = State.INCOMPLETE, str(error)
        if trial.state is State.RUNNING and trial.architecture is not None:
            known = self._latest.setdefault(trial.architecture.digest, trial)
            if known is not trial:
                trial.state, trial.twin = State.DUPLICATE, known.number
        self._races[trial.number] = self._race(trial)
        if trial.state is not State.RUNNING:
            self._barren += 1
        else:
            self._barren = STALE - SECOND_CHANCE if trial.origin == "enumeration" else 0
        study.progress.refused += trial.state is State.REFUSED
        study.progress.duplicates += trial.state is State.DUPLICATE

    def _goes_on(self, trial: Trial) -> bool:
        """Whether its architecture is that of a paused trial, which it then continues: what that
        one may cost was judged before."""
        known = self._latest.get(trial.found.digest)
        if not known or known.state is not State.PAUSED or known.number >= len(self._landed):
            return False
        self._latest[trial.found.digest] = trial
        trial.continues, known.continued_by = known, trial.number
        trial.upper, trial.expected = known.upper, known.expected
        trial.baseline = known.baseline
        left = self._study.config.splits.search - len(trial.before)
        self._study.progress.questions_wanted += left
        return True

    def _race(self, trial: Trial) -> Race:
        """Baselines are compared with at the end, so none is raced out. What others are compared
        with does not pause: single calls, which cost little, and whoever runs before any trial is
        complete."""
        settings, questions = self._study.config.search.racing, self._study.config.splits.search
        incumbents = self._ranked(self._landed)
        pause = self._study.proposer.sampler.pauses_after(len(trial.before), questions)
        if trial.baseline:
            settings = settings.model_copy(update={"risk": 0.0})
        if not incumbents or (trial.baseline and trial.baseline.kind == "single call"):
            pause = questions
        return Race(
            settings=settings,
            incumbents=incumbents,
            unit=self._study.unit,
            questions=questions,
            pause=pause,
        )

    async def _foresee(self, architecture: Architecture) -> tuple[UpperBound, Expected]:
        """What it will cost per question; raises `ConfigError` when no model can answer it."""
        forecast = self._study.forecast
        forecast.check(architecture)
        await forecast.check_prompts(architecture)
        return forecast.upper_bound(architecture), await forecast.expected(architecture)

    def _hold_to_cap(self, trial: Trial, expected: Expected) -> None:
        """Refuses what will cost too much; what was let in stays so, whatever is learned later."""
        limits = self._study.config.budget.per_question
        over = (
            f"expected cost per question must be within {limits}; it is {limits.tell(expected)}"
            if limits.over(expected) > 0
            else ""
        )
        if refusal := self._study.ledger.settle(f"why trial {trial.number} was refused", over):
            trial.state, trial.reason = State.REFUSED, refusal

    async def _next_unseen(self) -> Params | None:
        """The next point that would be run, in enumeration order after the last one that was, and
        then from the beginning: what was expected over the cap may not be by now."""
        space, limits = self._study.config.space, self._study.config.budget.per_question
        last = self._enumerated
        after = islice(dropwhile(lambda point: point != last, self._enumeration()), 1, None)
        for point in chain(after if last else (), self._enumeration()):
            await asyncio.sleep(0)  # trials go on meanwhile
            try:
                architecture = space.architecture(point)
                if architecture.digest in self._latest:
                    continue
                _, expected = await self._foresee(architecture)
            except (ConfigError, MissingSample):
                continue
            if limits.over(expected) <= 0:
                return point
        return None

    def _enumeration(self) -> Iterator[Params]:
        return islice(self._study.config.space.points(), LOOKED_THROUGH)

    async def _evaluate(self, trial: Trial, earlier: Collection[asyncio.Task[None]]) -> None:
        """Scores it, unless the budget has no room for that; once it had none, a resumed run stops
        there too, though what others have drawn since may leave room. Near the cap those before it
        end first, or none would."""
        if trial.state is not State.RUNNING or trial.architecture is None:
            return
        ledger, account = self._study.ledger, self._study.account
        name = f"trial {trial.number} within {self._study.config.budget.study}"
        if earlier and not self._all_fit(trial):
            await asyncio.wait(earlier)
        spent = account.spent
        try:
            if not (ended := fact(ledger.database, name)):
                await self._score(trial)
        except BudgetExhausted as error:
            drew = account.spent != spent
            ended = ledger.settle(name, {"reason": str(error), "drew": drew})
        if ended:
            trial.run_dry(**ended)

    def _all_fit(self, trial: Trial) -> bool:
        """Whether the budget is expected to have room for all that runs, if they shared nothing,
        and for a question of this one in any case."""
        questions = self._study.config.splits.search
        wanted = [
            one.expected.scaled(questions - len(one.before))
            for one in self.trials[len(self._landed) :]
            if one.expected and one.state is State.RUNNING
        ]
        one_more = trial.upper or UpperBound()
        return self._study.account.has_room(one_more.beside(total(Expected, wanted)))

    async def _score(self, trial: Trial) -> None:
        trial.evaluation = await self._raced(trial, self._study.splits.search)
        self._conclude(trial, trial.evaluation)

    async def _raced(self, trial: Trial, items: Sequence[Item]) -> Evaluation:
        """Scores on `items`, block by block, up to where the trial is raced out or pauses."""
        race, evaluation = self._races[trial.number], Evaluation(outcomes=trial.before)
        while (seen := len(evaluation.outcomes)) < len(items):
            more = await self._study.evaluation(trial.found, items[seen : race.next_look(seen)])
            evaluation = Evaluation(outcomes=evaluation.outcomes + more.outcomes)
            left = len(items) - len(evaluation.outcomes)
            if left and self._leaves(trial, race, evaluation):
                self._study.progress.questions_wanted -= left
                break
        return evaluation

    @staticmethod
    def _leaves(trial: Trial, race: Race, evaluation: Evaluation) -> bool:
        """Whether a trial with these outcomes is raced out or pauses; says so of it."""
        after = f"after {len(evaluation.outcomes)} questions"
        if rival := race.lost_to(evaluation):
            trial.state, trial.yardstick = State.RACED_OUT, rival.scored.scores
            trial.reason = f"behind trial {rival.number} {after}"
        elif race.pauses(evaluation):
            trial.state, trial.yardstick = State.PAUSED, race.yardstick()
            trial.reason = after
        return trial.state is not State.RUNNING

    def _conclude(self, trial: Trial, evaluation: Evaluation) -> None:
        if trial.state is not State.RUNNING:
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
        self._count_dry(trial)
        study = self._study
        evaluated = trial
        if trial.state is State.DUPLICATE and trial.twin is not None:
            evaluated = self.trials[trial.twin]
        elif trial.evaluation is not None and trial.architecture is not None:
            await study.learn(trial.architecture, trial.evaluation.outcomes[len(trial.before) :])
            study.set_aside(self._landed)
            study.progress.trials += trial.continues is None
            self._show_best()
        result = telling(evaluated, self.trials[: evaluated.number], study)
        # A failed question may be scored when it is resumed; what was told of it stands.
        told = study.ledger.settle_told(trial.number, result)
        study.proposer.tell(trial.number, **told, notes=trial.notes)

    def _count_dry(self, trial: Trial) -> None:
        """What could not begin may be dearer than the next; what ran out took the rest, and what
        must go on at the end would be proposed again. What it continued stands."""
        if trial.exhausted:
            last = trial.exhausted == "midway" or trial.origin == "leader"
            self._dry = DRY if last else self._dry + 1
            if paused := trial.continues:
                paused.continued_by, self._latest[trial.found.digest] = None, paused
        elif trial.evaluation and self._dry < DRY:
            self._dry = 0

    async def _retry(self) -> None:
        """Another attempt at questions that models failed on, before anyone is selected."""
        for trial in self.trials:
            if trial.state is State.INCOMPLETE and trial.evaluation and trial.architecture:
                trial.state = State.RUNNING
                race = self._races[trial.number]
                self._races[trial.number] = replace(race, pause=race.questions)
                try:
                    await self._score(trial)
                except BudgetExhausted as error:
                    trial.state, trial.reason = State.INCOMPLETE, str(error)

    def _ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        return ranking(trials, self._study.config.budget.per_question, self._study.unit)

    def _show_best(self) -> None:
        progress = self._study.progress
        if ranked := self._ranked(self.trials):
            progress.best = ranked[0].scored.mean
            progress.best_architecture = str(ranked[0].architecture)

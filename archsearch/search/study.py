"""Study: what one search works with, and how it scores within the budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import count, takewhile

from archsearch.architecture import Architecture
from archsearch.benchmark import Item, Splits
from archsearch.budget import Account
from archsearch.errors import RunError
from archsearch.evaluate import Evaluation, Evaluator, Outcome
from archsearch.ledger import Ledger
from archsearch.search.baselines import Baseline, static
from archsearch.search.config import StudyConfig
from archsearch.search.forecast import Forecast
from archsearch.search.progress import Progress
from archsearch.search.proposer import Proposer
from archsearch.search.reserve import Reserve
from archsearch.search.trial import Trial
from archsearch.search.unit import Unit
from archsearch.types import Score

CALIBRATION = 8
"""Questions that each model answers once, in each baseline style, before anything is foreseen."""


@dataclass(slots=True, kw_only=True)
class Study:
    """Everything one search works with."""

    config: StudyConfig
    splits: Splits
    evaluator: Evaluator
    forecast: Forecast
    ledger: Ledger
    account: Account
    proposer: Proposer
    progress: Progress

    @property
    def unit(self) -> Unit:
        """In which costs are compared."""
        return Unit.common(self.config.budget, self.evaluator.tariffs.values())

    @property
    def reserve(self) -> Reserve:
        """What the end of it is expected to take."""
        return Reserve(config=self.config, tariffs=self.evaluator.tariffs, unit=self.unit)

    async def evaluation(self, architecture: Architecture, items: Sequence[Item]) -> Evaluation:
        """Scores on `items`; what the ledger holds is taken from there, the rest is recorded."""
        known = self.ledger.outcomes(architecture.digest)
        missing = [item for item in items if item.question.id not in known]
        self.progress.questions += len(items) - len(missing)
        self.progress.done_before += len(items) - len(missing)
        async for outcome in self.evaluator.outcomes(architecture, missing):
            self.ledger.record_outcome(architecture.digest, outcome)
            self.progress.questions += 1
            known[outcome.question_id] = outcome
        return Evaluation(outcomes=tuple(known[item.question.id] for item in items))

    async def verdict_on(self, architecture: Architecture, items: Sequence[Item]) -> Evaluation:
        """Likewise; what failed is attempted once more, as no verdict is to hang on an outage."""
        found = await self.evaluation(architecture, items)
        return await self.evaluation(architecture, items) if found.failures else found

    async def calibrate(self) -> None:
        """A few greedy calls of each model, so that lengths are known before the first forecast.
        The single-call baselines ask for the same samples, so nothing is drawn in vain."""
        settings = self.config.baselines
        self.progress.phase = "calibrating"
        for model in self.config.writers:
            for style in settings.styles:
                single = Baseline(kind="single call", model=model, style=style)
                architecture = single.architecture(settings)
                self.progress.questions_wanted += len(self.splits.search[:CALIBRATION])
                self.forecast.check(architecture)
                await self.forecast.check_prompts(architecture)
                found = await self.evaluation(architecture, self.splits.search[:CALIBRATION])
                self._require_an_answer(architecture, found)
                await self.learn(architecture, found.outcomes)
        self.progress.phase = "searching"

    def _require_an_answer(self, architecture: Architecture, found: Evaluation) -> None:
        """Ends the search where the model refuses all; once that is mended it is asked again."""
        try:
            found.require_an_answer(architecture)
        except RunError:
            self.ledger.forget_outcomes(architecture.digest)
            raise

    async def learn(self, architecture: Architecture, outcomes: Iterable[Outcome]) -> None:
        """Lengths of what was drawn for them, for later forecasts."""
        for outcome in outcomes:
            if isinstance(outcome.result, Score):
                await self.forecast.learn(architecture, outcome.used)

    async def baselines_due(self) -> list[Baseline]:
        """The static baselines that are not among the recorded trials, the cheapest first: what
        comes later is raced against them. A model's own are settled when it joins the run."""
        settings, limits = self.config.baselines, self.config.budget.per_question
        records = list(takewhile(bool, map(self.ledger.asked, count())))
        costs: dict[Baseline, float] = {}
        for model in self.config.writers:
            self.ledger.settle(f"trials before {model}", len(records))
            made = await static(settings, [model], limits, self.forecast)
            settled = self.ledger.settle(f"baselines of {model}", [asdict(one) for one in made])
            for baseline in (Baseline(**data) for data in settled):
                expected = await self.forecast.expected(baseline.architecture(settings))
                costs[baseline] = self.unit.of(expected)
        asked = {Baseline(**r["baseline"]) for r in records if r and r["baseline"]}
        return sorted(costs.keys() - asked, key=lambda one: (costs[one], str(one)))

    def joined(self, model: str) -> bool:
        """Whether the model was added to a run that had begun: its baselines are beyond the trials
        that were asked for."""
        return bool(self.ledger.settle(f"trials before {model}", 0))

    def set_aside(self, trials: Sequence[Trial], *, passes: int = 1) -> None:
        """Keeps what selection and test will take out of reach from now on; see `Reserve`."""
        if self.config.budget.study.caps:
            self.account.set_aside(self.reserve.kept(trials, passes=passes))

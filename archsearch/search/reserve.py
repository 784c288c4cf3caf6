"""Reserve: what selection and test are expected to take, kept out of a search's reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from archsearch.cost import Tariffs, Used, measured
from archsearch.search.baselines import Kind
from archsearch.search.config import StudyConfig
from archsearch.search.latency import TIMED
from archsearch.search.racing import may_overtake
from archsearch.search.trial import Trial, best_baseline, ranking
from archsearch.search.unit import Unit
from archsearch.types import Measured, UpperBound, total

PASSES = 2
"""How often selection is expected to go through the select split, all finalists together; in
simulation 1.0 to 1.8 times (docs/design/selection.md). Where money runs out it ends earlier."""
TESTED = 3
"""Architectures that are tested: the winner, and two baselines beside it."""
SHARE = 0.3
"""Of the study's cap, kept at most while no trial is complete."""
MARGIN = 1.15
"""By how much a question of theirs may cost more than those of the search, on average."""


def planned_questions(config: StudyConfig, *, passes: int = PASSES, tested: int = TESTED) -> int:
    """Question evaluations of selection, which goes `passes` times through its split at most, and
    of the test of so many architectures."""
    again = min(config.search.finalists, passes) * config.splits.select
    return again + tested * config.splits.test


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """How much a study keeps, as far as is known from its trials."""

    config: StudyConfig
    tariffs: Tariffs
    unit: Unit

    def kept(self, trials: Sequence[Trial], *, passes: int) -> UpperBound:
        """For selection and test, as if the costliest of those among `trials` that would be
        finalists won. Where selection goes through its split more often than `passes`, it does so
        with what is left; with none, finalists have been timed."""
        likely = self._likely(trials)
        if not likely:
            return self._unforeseen(passes)
        dearest = max(likely, key=lambda trial: self.unit.of(trial.scored.cost))
        again = planned_questions(self.config, passes=passes, tested=0)
        if passes and self.config.budget.per_question.seconds is not None:
            again += TIMED * self.config.search.finalists
        return self.for_test(dearest, trials).beside(dearest.scored.cost.scaled(MARGIN * again))

    def for_test(self, winner: Trial, trials: Sequence[Trial]) -> UpperBound:
        """What testing `winner` is expected to take, with the baselines that it is compared with. A
        margin is added, and the upper bound of one question, as a draw takes hold of that."""
        own = winner.scored.cost
        kinds: tuple[Kind, ...] = ("single call", "self-consistency")
        rivals = [rival for kind in kinds if (rival := best_baseline(trials, kind))]
        walks = [_walks(winner, 1.0), *(_walks(one, self._share(one, own)) for one in rivals)]
        shared = [question for question in walks[0] if all(question in walk for walk in walks)]
        together = [
            measured(_union([walk[question] for walk in walks]), self.tariffs)
            for question in shared
        ]
        each = total(Measured, together).scaled(1 / len(together)) if together else own
        unknown = own.scaled(len(kinds) - len(rivals))
        whole = (each + unknown).scaled(MARGIN * self.config.splits.test)
        return (winner.upper or UpperBound()).beside(whole)

    def _share(self, rival: Trial, own: Measured) -> float:
        """Of its samples that it is tested with: so many that it costs no more than the winner."""
        cost = self.unit.of(rival.scored.cost)
        return min(1.0, self.unit.of(own) / cost) if cost else 1.0

    def _likely(self, trials: Sequence[Trial]) -> list[Trial]:
        """Those that would be finalists if the search ended now."""
        questions = self.config.splits.search + self.config.splits.select
        ranked = ranking(trials, self.config.budget.per_question, self.unit)
        leaders = ranked[:1]
        for trial in ranked[1:]:
            if may_overtake(trial.scored.scores, leaders[0].scored.scores, questions=questions):
                leaders.append(trial)
        return leaders[: self.config.search.finalists]

    def _unforeseen(self, passes: int) -> UpperBound:
        """What selection and test take at most, as far as it is capped."""
        each, whole = self.config.budget.per_question, self.config.budget.study
        questions = planned_questions(self.config, passes=passes)
        part = SHARE * questions / planned_questions(self.config)

        def share(cap: float | None, of_study: float | None) -> float:
            if of_study is None:
                return 0.0
            return part * of_study if cap is None else min(cap * questions, part * of_study)

        return UpperBound(
            flops=share(each.flops, whole.flops),
            completion_tokens=share(each.tokens, whole.tokens),
            dollars=share(each.dollars, whole.dollars),
        )


def _walks(trial: Trial, share: float) -> dict[str, list[Used]]:
    """What it used by question, with that share of its samples of each prompt."""
    return {
        outcome.question_id: [
            replace(call, completion_tokens=_first(share, call.completion_tokens))
            for call in outcome.used
        ]
        for outcome in trial.scored.outcomes
        if outcome.question_id in trial.scored.scores
    }


def _first(share: float, samples: tuple[int, ...]) -> tuple[int, ...]:
    return samples[: ceil(share * len(samples))]


def _union(walks: Iterable[Sequence[Used]]) -> list[Used]:
    """What several architectures use on a question together: they share the samples of a prompt."""
    longest: dict[tuple[str, str, str], Used] = {}
    for walk in walks:
        own: dict[tuple[str, str, str], Used] = {}
        for call in walk:
            key = call.model, call.role, call.prompt
            before = own[key].completion_tokens if key in own else ()
            own[key] = replace(call, completion_tokens=before + call.completion_tokens)
        for key, call in own.items():
            known = longest.setdefault(key, call)
            longest[key] = max(known, call, key=lambda one: len(one.completion_tokens))
    return list(longest.values())

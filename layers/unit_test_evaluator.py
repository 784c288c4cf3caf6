"""Unit test evaluator: a model says of each candidate which unit tests it passes.

After Archon (arXiv 2409.15254, section 3.1): a model judges, nothing is run. In Archon a reply that
could not be read shifted the results of the others, "[Failed] ... does not pass" counted as passed,
and ties went by the text, backwards; here results belong to their candidate, and ties keep the
order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from archsearch import prompts
from archsearch.asking import AskingLayer
from archsearch.judging import judged, most
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall, added_notes
from archsearch.results import results
from archsearch.types import Candidate, Fallback, Slate

_TEMPLATE = Path(__file__).with_suffix(".j2")

UNREADABLE = "result of a unit test unreadable; taken as not passed"
NO_TESTS = "no unit test to judge by; order kept"

Results = tuple[bool | None, ...]
"""Beside each unit test whether it is passed; None where the reply does not say."""


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What came of judging one text."""

    passed: Results
    notes: tuple[Fallback, ...]


class UnitTestEvaluator(AskingLayer):
    """Candidates -> those that go on, each with its results and the share passed as its score.

    Best first; candidates that pass as many stay in their order. Each distinct text is judged once,
    on all tests in one prompt; candidates of one text share its results. A result that cannot be
    read counts as not passed, which is recorded. Where there are no tests no call is made and every
    answer passes, so the order stays; recorded too.

    Side by side, a test is passed where more than half of the judges say so; each judges every
    text, and the smallest `keep` and `first_k` of the row hold.
    """

    side_by_side: ClassVar[bool] = True

    type: Literal["unit_test_evaluator"] = "unit_test_evaluator"
    keep: int | None = Field(default=None, ge=1)
    """How many candidates go on, the best; None for all."""
    first_k: int | None = Field(default=None, ge=1)
    """Ends once this many candidates, taken in their order, pass every test; only these go on.
    Where fewer do, all go on."""
    prompt: str | None = None
    """A template of your own (variables: `question`, `answer`, `tests`: a list)."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.keep is not None and self.first_k is not None:
            raise ValueError(
                f"keep and first_k exclude each other; received keep={self.keep} and "
                f"first_k={self.first_k}; drop one"
            )
        return self

    def needs(self) -> frozenset[Facet]:
        """Candidates and unit tests."""
        return frozenset({Facet.CANDIDATES, Facet.UNIT_TESTS})

    def leaves(self, given: Outline) -> Outline:
        """At most all candidates, with results and scores."""
        return replace(
            given,
            candidates=min(self.keep or given.candidates, given.candidates),
            facets=given.facets | {Facet.SCORES, Facet.TEST_RESULTS},
        )

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for each candidate, which quotes it and every test."""
        call = self.planned(
            self._role,
            self._template,
            texts={"answer": "", "tests": [""] * given.unit_tests},
            quotes=(*given.quoting(1), *given.quoting_tests()),
            count=given.candidates,
        )
        return (call,)

    def canonical(self, given: Outline) -> Self:
        """To keep or to wait for as many as there are is to take all."""
        update = {
            name: None
            for name, count in (("keep", self.keep), ("first_k", self.first_k))
            if count is not None and count >= given.candidates
        }
        return self.model_copy(update=update)

    def as_member(self) -> Self:
        """Judges and leaves every candidate."""
        return self.model_copy(update={"keep": None, "first_k": None})

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Judges the distinct texts; none waits for another, unless `first_k` may spare it."""
        tests = [test.text for test in slate.unit_tests]

        async def judge(text: str, door: Calls) -> _Judgement:
            return await self._judged(text, tests, slate, door)

        if not tests:
            note = Fallback(path=calls.path, reason=NO_TESTS)
            passed: dict[str, Results] = {candidate.text: () for candidate in slate.candidates}
            return slate.with_candidates(_chosen([self], slate, passed)).noting(note)
        found = await judged(
            slate.candidates,
            judge,
            calls,
            first_k=self.first_k,
            passes=lambda judgement: all(judgement.passed),
        )
        notes = [note for judgement in found.values() for note in judgement.notes]
        passed = {text: judgement.passed for text, judgement in found.items()}
        return slate.with_candidates(_chosen([self], slate, passed)).noting(*notes)

    async def _judged(
        self, text: str, tests: Sequence[str], slate: Slate, calls: Calls
    ) -> _Judgement:
        (reply,), notes = await self.ask(
            calls,
            slate.question,
            self._role,
            self._template,
            texts={"answer": text, "tests": tests},
        )
        passed = results(reply.text, len(tests))
        if None in passed:
            notes = (*notes, Fallback(path=calls.path, reason=UNREADABLE))
        return _Judgement(passed, notes)

    @classmethod
    def join(cls, row: Sequence[Layer], given: Slate, left: Sequence[Slate], path: str) -> Slate:
        """The candidates that go on by what more than half of the judges say."""
        said = [{c.text: c.passed or () for c in slate.candidates} for slate in left]
        passed = {
            candidate.text: tuple(
                most(votes) for votes in zip(*(one[candidate.text] for one in said), strict=True)
            )
            for candidate in given.candidates
        }
        judges = cast("Sequence[UnitTestEvaluator]", row)
        chosen = _chosen(judges, given, passed)
        return given.with_candidates(chosen).noting(*added_notes(given, left))

    @classmethod
    def join_outlines(
        cls, row: Sequence[Layer], given: Outline, left: Sequence[Outline]
    ) -> Outline:
        """No more than the smallest `keep` of the row."""
        return replace(left[0], candidates=min(judge.leaves(given).candidates for judge in row))

    @property
    def _role(self) -> str:
        role = f"unit_test_evaluator/{'plain' if self.prompt is None else 'own'}"
        # Who stops early makes fewer of the planned calls, so that share is learned apart.
        return role if self.first_k is None else f"{role}/first_{self.first_k}"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATE)


def _scored(candidate: Candidate, passed: Results) -> Candidate:
    """With its results and the share of the tests passed; all of none is 1."""
    share = sum(one is True for one in passed) / len(passed) if passed else 1.0
    return replace(candidate, passed=passed, score=share)


def _chosen(
    judges: Sequence[UnitTestEvaluator], slate: Slate, passed: Mapping[str, Results]
) -> tuple[Candidate, ...]:
    """The candidates that go on, of those whose results are known."""
    first_k = min((judge.first_k for judge in judges if judge.first_k is not None), default=None)
    keep = min((judge.keep for judge in judges if judge.keep is not None), default=None)
    known = [_scored(c, passed[c.text]) for c in slate.candidates if c.text in passed]
    passing = [candidate for candidate in known if all(candidate.passed or ())]
    if first_k is not None and len(passing) >= first_k:
        return tuple(passing[:first_k][:keep])
    return tuple(sorted(known, key=lambda candidate: -(candidate.score or 0.0))[:keep])

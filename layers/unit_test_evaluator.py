"""Unit test evaluator: which unit tests each candidate passes; programs are run, statements judged.

After Archon (arXiv 2409.15254, section 3.1), where a model judges and nothing is run. In Archon a
reply that could not be read shifted the results of the others, "[Failed] ... does not pass" counted
as passed, and ties went by the text, backwards; here results belong to their candidate, and ties
keep the order.

A generated test may be wrong itself, and then rule out every right program. Those that the programs
agree against are set aside: see `agreement`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from archsearch import prompts
from archsearch.asking import AskingLayer
from archsearch.code.agreement import broken_tests
from archsearch.code.coding import (
    SECONDS,
    execute_for,
    limits_of,
    program_of,
    program_tests,
    public_tests,
)
from archsearch.code.verdicts import Verdict, verdicts
from archsearch.judging import judged, most
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall, added_notes
from archsearch.results import results
from archsearch.types import Candidate, Fallback, Slate, UnitTest

_TEMPLATE = Path(__file__).with_suffix(".j2")

UNREADABLE = "result of a unit test unreadable; taken as not passed"
NO_TESTS = "no unit test to judge by; order kept"
NO_PROGRAM = "no program in the answer; taken to pass no unit test that is run"
STOPPED = "a unit test stopped a program by {status}; taken as not passed"
SET_ASIDE = "unit test set aside, as the programs agree against it"
LONGEST = 200
"""Characters of a test that is named in a note."""

_STOPS = frozenset({"timeout", "memory", "output"})

Results = Mapping[UnitTest, bool | None]
"""Whether each unit test is passed; None where nobody could say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judgement:
    """What came of judging one text."""

    passed: Results
    source: str | None = None
    """Its program, where one was looked for and found."""
    verdicts: tuple[Verdict, ...] = ()
    """On it, of the tests that are run."""
    vouched: bool = True
    """Whether it passes the tests that the question itself shows."""
    notes: tuple[Fallback, ...] = ()


class UnitTestEvaluator(AskingLayer):
    """Candidates -> those that go on, each with its results and the share passed as its score.

    Best first; candidates that pass as many stay in their order. Tests that are programs are run
    against the candidate's program; whatever ends it other than well, such as a time-out, counts as
    not passed, which is recorded where the program itself did not fail. A model judges all
    statements in one prompt. Each distinct text is judged once; candidates of one text share its
    results. A reply's result that cannot be read counts as not passed, which is recorded.

    Tests that `agreement.broken_tests` finds among those that are run are taken off the slate, each
    of them recorded: by the verdicts on the distinct programs, of those that pass the tests which
    the question itself shows (`tests` or `examples` in its metadata), if any do. Where there are no
    tests, or none is left, every answer passes, so the order stays; recorded too.

    Side by side, a test is passed where more than half of the judges say so, and set aside where
    one of them does; each judges every text, and the smallest `keep` and `first_k` of the row hold.
    """

    side_by_side: ClassVar[bool] = True

    type: Literal["unit_test_evaluator"] = "unit_test_evaluator"
    model: str = ""
    """A name from the study's `models`: it judges statements. Blank where all tests are run."""
    keep: int | None = Field(default=None, ge=1)
    """How many candidates go on, the best; None for all."""
    first_k: int | None = Field(default=None, ge=1)
    """Ends once this many candidates, taken in their order, pass every test; only these go on.
    Where fewer do, all go on."""
    seconds: float = Field(default=SECONDS, gt=0)
    """Wall and CPU time of a program: for what all tests call, or one input, or one test that is
    run itself."""
    prompt: prompts.PromptText | None = None
    """A template of your own (variables: `question`, `answer`, `tests`: a list of statements)."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.keep is not None and self.first_k is not None:
            raise ValueError(
                f"keep and first_k exclude each other; received keep={self.keep} and "
                f"first_k={self.first_k}; drop one"
            )
        return self

    def needs(self) -> frozenset[Facet]:
        """Candidates and unit tests; without a model only such as are run."""
        tests = Facet.UNIT_TESTS if self.model else Facet.ONLY_PROGRAM_TESTS
        return frozenset({Facet.CANDIDATES, tests})

    def leaves(self, given: Outline) -> Outline:
        """At most all candidates, with results and scores."""
        return replace(
            given,
            candidates=min(self.keep or given.candidates, given.candidates),
            facets=given.facets | {Facet.SCORES, Facet.TEST_RESULTS},
        )

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for each candidate, which quotes it and every statement; none without."""
        statements = given.tests("statement")
        if not statements:
            return ()
        call = self.planned(
            self._role,
            self._template,
            texts={"answer": "", "tests": [""] * statements},
            quotes=(*given.quoting(1), *given.quoting_tests("statement")),
            count=given.candidates,
        )
        return (call,)

    def canonical(self, given: Outline) -> Self:
        """To keep or to wait for as many as there are is to take all; no model where nothing is
        left to it, and no time limit where nothing is run."""
        idle = [
            name
            for name, count in (("keep", self.keep), ("first_k", self.first_k))
            if count is not None and count >= given.candidates
        ]
        if given.holds(Facet.ONLY_PROGRAM_TESTS):
            idle += [*AskingLayer.model_fields.keys() - {"type"}, "prompt"]
        if not given.holds(Facet.PROGRAM_TESTS):
            idle.append("seconds")
        fields = type(self).model_fields
        return self.model_copy(update={name: fields[name].default for name in idle})

    def merged(self, after: Layer) -> Layer | None:
        """Equal ones that ask no model say the same."""
        return self if after == self and not self.model else None

    def as_member(self) -> Self:
        """Judges and leaves every candidate."""
        return self.model_copy(update={"keep": None, "first_k": None})

    def models(self) -> frozenset[str]:
        """The model, if there is one."""
        return frozenset({self.model} if self.model else ())

    def prompt_texts(self) -> tuple[str, ...]:
        """The template, where a model is asked."""
        return (self._template,) if self.model else ()

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Judges the distinct texts; none waits for another, unless `first_k` may spare it."""
        if not slate.unit_tests:
            note = Fallback(path=calls.path, reason=NO_TESTS)
            nothing: dict[str, Results] = {candidate.text: {} for candidate in slate.candidates}
            return _chosen([self], slate, nothing).noting(note)

        async def judge(text: str, door: Calls) -> _Judgement:
            return await self._judged(text, slate, door)

        found = await judged(
            slate.candidates,
            judge,
            calls,
            first_k=self.first_k,
            passes=lambda judgement: all(judgement.passed.values()),
        )
        notes = [note for judgement in found.values() for note in judgement.notes]
        broken = _broken(slate, found.values())
        notes += [
            Fallback(path=calls.path, reason=f"{SET_ASIDE}: {prompts.clip(test.text, LONGEST)}")
            for test in broken
        ]
        passed = {text: judgement.passed for text, judgement in found.items()}
        kept = replace(slate, unit_tests=tuple(t for t in slate.unit_tests if t not in broken))
        return _chosen([self], kept, passed).noting(*notes)

    async def _judged(self, text: str, slate: Slate, calls: Calls) -> _Judgement:
        """One text by all tests."""
        ran = await self._ran(text, slate, calls)
        statements = [test for test in slate.unit_tests if test.kind == "statement"]
        if not statements or not self.model:
            return ran
        (reply,), notes = await self.ask(
            calls,
            slate.question,
            self._role,
            self._template,
            texts={"answer": text, "tests": [test.text for test in statements]},
        )
        said = results(reply.text, len(statements))
        if None in said:
            notes = (*notes, Fallback(path=calls.path, reason=UNREADABLE))
        passed = {**ran.passed, **dict(zip(statements, said, strict=True))}
        return replace(ran, passed=passed, notes=(*ran.notes, *notes))

    async def _ran(self, text: str, slate: Slate, calls: Calls) -> _Judgement:
        """Its program by the tests that are run; the others left open."""
        programs = [test for test in slate.unit_tests if test.kind == "program"]
        if not programs:
            return _Judgement(passed=dict.fromkeys(slate.unit_tests))
        source = program_of(text, slate.question)
        if source is None:
            note = Fallback(path=calls.path, reason=NO_PROGRAM)
            passed = {t: False if t.kind == "program" else None for t in slate.unit_tests}
            return _Judgement(passed=passed, notes=(note,))
        said = await verdicts(
            source,
            [*program_tests(programs, slate.question), *public_tests(slate.question)],
            execute_for(slate.question, calls.execute),
            limits=limits_of(self.seconds),
        )
        verdict = dict(zip(programs, said, strict=False))
        stopped = {one.status: None for one in verdict.values() if one.status in _STOPS}
        return _Judgement(
            passed={t: verdict[t].passed if t in verdict else None for t in slate.unit_tests},
            source=source,
            verdicts=tuple(verdict.values()),
            vouched=all(one.passed for one in said[len(programs) :]),
            notes=tuple(
                Fallback(path=calls.path, reason=STOPPED.format(status=status))
                for status in stopped
            ),
        )

    @classmethod
    def join(cls, row: Sequence[Layer], given: Slate, left: Sequence[Slate], path: str) -> Slate:
        """The candidates that go on by what more than half of the judges say."""
        kept = tuple(t for t in given.unit_tests if all(t in slate.unit_tests for slate in left))
        said = [
            {
                c.text: dict(zip(slate.unit_tests, c.passed or (), strict=True))
                for c in slate.candidates
            }
            for slate in left
        ]
        passed = {
            candidate.text: {
                test: most([one[candidate.text][test] for one in said]) for test in kept
            }
            for candidate in given.candidates
        }
        judges = cast("Sequence[UnitTestEvaluator]", row)
        return _chosen(judges, replace(given, unit_tests=kept), passed).noting(
            *added_notes(given, left)
        )

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


def _broken(slate: Slate, judgements: Collection[_Judgement]) -> frozenset[UnitTest]:
    """The tests to be set aside. Where some programs pass the tests that the question shows, they
    alone are heard."""
    programs = [test for test in slate.unit_tests if test.kind == "program"]
    rows = {one.source: one for one in judgements if one.source is not None}.values()
    vouched = [one for one in rows if one.vouched]
    places = broken_tests([one.verdicts for one in vouched or rows])
    return frozenset(programs[place] for place in places)


def _scored(candidate: Candidate, tests: Sequence[UnitTest], passed: Results) -> Candidate:
    """With its results and the share of the tests passed; all of none is 1."""
    beside = tuple(passed[test] for test in tests)
    share = sum(one is True for one in beside) / len(beside) if beside else 1.0
    return replace(candidate, passed=beside, score=share)


def _chosen(
    judges: Sequence[UnitTestEvaluator], slate: Slate, passed: Mapping[str, Results]
) -> Slate:
    """The candidates that go on, of those whose results on the slate's tests are known."""
    first_k = min((judge.first_k for judge in judges if judge.first_k is not None), default=None)
    keep = min((judge.keep for judge in judges if judge.keep is not None), default=None)
    known = [
        _scored(c, slate.unit_tests, passed[c.text]) for c in slate.candidates if c.text in passed
    ]
    passing = [candidate for candidate in known if all(candidate.passed or ())]
    if first_k is not None and len(passing) >= first_k:
        return slate.with_candidates(tuple(passing[:first_k][:keep]))
    known.sort(key=lambda candidate: -(candidate.score or 0.0))
    return slate.with_candidates(tuple(known[:keep]))

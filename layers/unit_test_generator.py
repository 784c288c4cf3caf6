"""Unit test generator: one model writes down what a good answer must fulfil.

After Archon (arXiv 2409.15254, section 3.1): statements in natural language that a model judges,
and nothing is run. Archon appended them to the user's message in place, so that every later layer
saw them and a second question on the same messages had those of the first; here they lie on the
slate, for the layers that ask for them.

Or asserts in Python that are run, as in CodeT (Chen et al. 2022, arXiv 2207.10397, section 2.1).
There a model goes on from the signature of the function and an assert that is begun; here it is
asked to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from archsearch import prompts
from archsearch.asking import AskingLayer
from archsearch.code.coding import is_read_and_write, under_test
from archsearch.code.suites import suite
from archsearch.layer import (
    Calls,
    Facet,
    Layer,
    Outline,
    PlannedCall,
    PlannedTests,
    added_notes,
)
from archsearch.statements import statements
from archsearch.types import Completion, Fallback, Question, Slate, TestKind, UnitTest

_TEMPLATES: dict[TestKind, Path] = {
    "statement": Path(__file__).with_suffix(".j2"),
    "program": Path(__file__).with_suffix(".program.j2"),
}
# The form it shows begins the statement: asked for "a numbered list of 3 tests", SmolLM2-135M wrote
# "1. 1." for four products of six, and with this form a statement about the answer for all six.

UNREAD = "no unit test in the reply"
BROKEN = "unit tests that are no Python left out"


class UnitTestGenerator(AskingLayer):
    """Question -> at most `tests` unit tests of each reply, in their order; candidates stay.

    Where a reply was cut off, its last line does not count, unless it is the only one. The tests
    replace earlier ones, whose results are taken off the candidates. A reply without any adds none,
    which is recorded, as are asserts that are no Python. Of equal tests, over all replies, the
    first stays: statements are equal but for case, programs by their syntax tree. Several layers
    side by side leave all their tests, in the order of the row.
    """

    side_by_side: ClassVar[bool] = True

    type: Literal["unit_test_generator"] = "unit_test_generator"
    kind: TestKind = "statement"
    """What a test is: a statement that a model judges, or a program to be run: asserts about the
    function that the question names, or about what a program writes; see `coding`."""
    max_tokens: int = Field(default=512, ge=1)
    tests: int = Field(default=5, ge=1)
    """How many tests a reply is asked for, and the most that are kept of it."""
    samples: int = Field(default=1, ge=1)
    """Replies. At temperature 0 all are equal, so one is drawn."""
    prompt: prompts.PromptText | None = None
    """A template of your own (variables: `question`, `tests`: how many, `function`: the name that
    tests call, blank where the question says none, `is_program`: whether it stands for a program
    that reads and writes)."""

    def needs(self) -> frozenset[Facet]:
        """Nothing: it starts from the question."""
        return frozenset()

    def leaves(self, given: Outline) -> Outline:
        """The same candidates, without results of earlier tests."""
        facets = given.facets - {Facet.TEST_RESULTS}
        (call,) = self.plan(given)
        tests = PlannedTests(call=call, kind=self.kind, count=self.tests * self.samples)
        return replace(given, facets=facets, unit_tests=(tests,))

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for all samples."""
        call = self.planned(
            self._role,
            self._template,
            texts={},
            quotes=(),
            samples=self.samples,
            tests=self.tests,
            function="",
            is_program=False,
        )
        return (call,)

    def canonical(self, given: Outline) -> Self:
        """One sample at temperature 0."""
        return self if self.temperature > 0 else self.model_copy(update={"samples": 1})

    def merged(self, after: Layer) -> Layer | None:
        """Equal ones are one with the samples of both; at temperature 0 these are the same."""
        if self.temperature > 0:
            return self.merged_samples(after)
        return self if after == self else None

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Has the tests written."""
        completions, notes = await self.ask(
            calls,
            slate.question,
            self._role,
            self._template,
            texts={},
            samples=self.samples,
            tests=self.tests,
            function=under_test(slate.question),
            is_program=is_read_and_write(slate.question),
        )
        tests: list[UnitTest] = []
        reasons: list[str] = []
        for completion in completions:
            found, broken = self._read(completion, slate.question)
            tests += [UnitTest(text=text, kind=self.kind) for text in found]
            reasons += [BROKEN] * (broken > 0) + [UNREAD] * (not found)
        recorded = (Fallback(path=calls.path, reason=reason) for reason in reasons)
        return _with_tests(slate, tests).noting(*notes, *recorded)

    def _read(self, completion: Completion, question: Question) -> tuple[tuple[str, ...], int]:
        """The tests in a reply, and how many were left out."""
        text = completion.text
        if completion.finish_reason == "length":
            text = text.rpartition("\n")[0] or text
        if self.kind == "statement":
            return statements(text, self.tests), 0
        found = suite(text, self.tests, under_test(question))
        return found.tests, found.broken

    @classmethod
    def join(cls, row: Sequence[Layer], given: Slate, left: Sequence[Slate], path: str) -> Slate:
        """All tests, equal ones once."""
        tests = [test for slate in left for test in slate.unit_tests]
        return _with_tests(given, tests).noting(*added_notes(given, left))

    @classmethod
    def join_outlines(
        cls, row: Sequence[Layer], given: Outline, left: Sequence[Outline]
    ) -> Outline:
        """The tests of all."""
        return replace(left[0], unit_tests=tuple(t for one in left for t in one.unit_tests))

    @property
    def _role(self) -> str:
        form = self.kind if self.prompt is None else "own"
        return f"unit_test_generator/{form}/{self.tests}"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATES[self.kind])


def _with_tests(slate: Slate, tests: Sequence[UnitTest]) -> Slate:
    """The slate with these tests, each of them once, and without results of others."""
    distinct: dict[tuple[str, str], UnitTest] = {}
    for test in tests:
        text = test.text.casefold() if test.kind == "statement" else test.text
        distinct.setdefault((test.kind, text), test)
    return replace(
        slate,
        candidates=tuple(replace(candidate, passed=None) for candidate in slate.candidates),
        unit_tests=tuple(distinct.values()),
    )

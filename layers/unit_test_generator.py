"""Unit test generator: one model writes down what a good answer must fulfil.

After Archon (arXiv 2409.15254, section 3.1): statements in natural language that a model judges,
and nothing is run. Archon appended them to the user's message in place, so that every later layer
saw them and a second question on the same messages had those of the first; here they lie on the
slate, for the layers that ask for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from archsearch import prompts
from archsearch.asking import AskingLayer
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall, added_notes
from archsearch.statements import statements
from archsearch.types import Fallback, Slate, UnitTest

_TEMPLATE = Path(__file__).with_suffix(".j2")
# The form it shows begins the statement: asked for "a numbered list of 3 tests", SmolLM2-135M wrote
# "1. 1." for four products of six, and with this form a statement about the answer for all six.

UNREAD = "no unit test in the reply; none left"


class UnitTestGenerator(AskingLayer):
    """Question -> at most `tests` unit tests, in the order of the reply; candidates stay.

    Where the reply was cut off, its last line does not count, unless it is the only one. The tests
    replace earlier ones, whose results are taken off the candidates. A reply without any leaves
    none, which is recorded. Several side by side leave all their tests, in the order of the row,
    equal ones once.
    """

    side_by_side: ClassVar[bool] = True

    type: Literal["unit_test_generator"] = "unit_test_generator"
    kind: Literal["statement"] = "statement"
    """What a test is: a statement that a model judges. Programs come with the sandbox."""
    max_tokens: int = Field(default=512, ge=1)
    tests: int = Field(default=5, ge=1)
    """How many tests are asked for, and the most that are kept."""
    prompt: str | None = None
    """A template of your own (variables: `question`, `tests`: how many)."""

    def needs(self) -> frozenset[Facet]:
        """Nothing: it starts from the question."""
        return frozenset()

    def leaves(self, given: Outline) -> Outline:
        """The same candidates, without results of earlier tests."""
        facets = given.facets - {Facet.TEST_RESULTS}
        return replace(given, facets=facets, testers=self.plan(given), unit_tests=self.tests)

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request."""
        return (self.planned(self._role, self._template, texts={}, quotes=(), tests=self.tests),)

    def merged(self, after: Layer) -> Layer | None:
        """Equal ones at temperature 0 leave the same tests."""
        return self if after == self and self.temperature == 0 else None

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Has the tests written."""
        (completion,), notes = await self.ask(
            calls, slate.question, self._role, self._template, texts={}, tests=self.tests
        )
        text = completion.text
        if completion.finish_reason == "length":
            text = text.rpartition("\n")[0] or text
        found = statements(text, self.tests)
        if not found:
            notes = (*notes, Fallback(path=calls.path, reason=UNREAD))
        tests = [UnitTest(text=text, kind=self.kind) for text in found]
        return _with_tests(slate, tests).noting(*notes)

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
        return replace(
            left[0],
            testers=tuple(call for outline in left for call in outline.testers),
            unit_tests=sum(outline.unit_tests for outline in left),
        )

    @property
    def _role(self) -> str:
        form = "plain" if self.prompt is None else "own"
        return f"unit_test_generator/{form}/{self.tests}"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATE)


def _with_tests(slate: Slate, tests: Sequence[UnitTest]) -> Slate:
    """The slate with these tests, each of them once, and without results of others."""
    distinct: dict[tuple[str, str], UnitTest] = {}
    for test in tests:
        distinct.setdefault((test.kind, test.text.casefold()), test)
    return replace(
        slate,
        candidates=tuple(replace(candidate, passed=None) for candidate in slate.candidates),
        unit_tests=tuple(distinct.values()),
    )

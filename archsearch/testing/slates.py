"""Slates to run a layer on, and the outline that would have been known of each beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from archsearch.layer import Facet, Outline, PlannedCall, PlannedTests
from archsearch.types import Candidate, Message, Origin, Question, Slate, UnitTest

SOURCE = "0.source"
"""The path of the layer that the candidates are said to come from."""

UNIT_TESTS = (
    UnitTest(text="The answer names one number."),
    UnitTest(text="The answer says how the number comes about."),
)
"""On a slate that `slate_of` is to give unit tests or results of them."""

PROGRAM_TESTS = (
    UnitTest(text="assert f(2) == 4", kind="program"),
    UnitTest(text="assert f(3) == 9", kind="program"),
)
"""Beside them where programs are asked for, and in their place where nothing else is."""

HOLDS: dict[Facet, Callable[[Candidate], bool]] = {
    Facet.CRITIQUES: lambda candidate: candidate.critique is not None,
    Facet.SCORES: lambda candidate: candidate.score is not None,
    Facet.VERDICTS: lambda candidate: candidate.verdict is not None,
    Facet.TEST_RESULTS: lambda candidate: candidate.passed is not None,
}
"""Whether a candidate has what each facet says of all of a slate."""


def slate_of(texts: Sequence[str], *, facets: frozenset[Facet] = frozenset()) -> Slate:
    """A slate with a candidate of each text, which carry `facets`, and unit tests where these or
    their results are among them."""
    tests = _tests_of(facets)
    candidates = tuple(
        Candidate(
            text=text,
            origin=Origin(model="source", path=SOURCE, index=index),
            critique=f"number {index} is short" if Facet.CRITIQUES in facets else None,
            score=index / 10 if Facet.SCORES in facets else None,
            verdict=True if Facet.VERDICTS in facets else None,
            passed=_some_results(index, tests) if Facet.TEST_RESULTS in facets else None,
        )
        for index, text in enumerate(texts)
    )
    messages = (
        Message(role="system", content="You are careful."),
        Message(role="user", content="What is 3 + 4?"),
    )
    return Slate(
        question=Question(id="q", messages=messages),
        candidates=candidates,
        unit_tests=tests,
    )


def _tests_of(facets: frozenset[Facet]) -> tuple[UnitTest, ...]:
    if Facet.ONLY_PROGRAM_TESTS in facets:
        return PROGRAM_TESTS
    if Facet.PROGRAM_TESTS in facets:
        return (*UNIT_TESTS, *PROGRAM_TESTS)
    return () if facets.isdisjoint((Facet.UNIT_TESTS, Facet.TEST_RESULTS)) else UNIT_TESTS


def _some_results(index: int, tests: Sequence[UnitTest]) -> tuple[bool | None, ...]:
    return (index % 2 == 0, *[None] * (len(tests) - 1))


def outline_of(slate: Slate) -> Outline:
    """What would have been known beforehand of a slate that `slate_of` made."""
    count = len(slate.candidates)
    source = PlannedCall(
        model="source", role="source", samples=count, max_prompt_tokens=100, max_tokens=10_000
    )
    critic = PlannedCall(model="source", role="critic", max_prompt_tokens=100, max_tokens=10_000)
    facets = frozenset(f for f, holds in HOLDS.items() if all(map(holds, slate.candidates)))
    return Outline(
        candidates=count,
        facets=facets,
        sources=(source,),
        critics=(critic,) if Facet.CRITIQUES in facets else (),
        unit_tests=tuple(
            PlannedTests(
                call=PlannedCall(
                    model="source",
                    role=f"tester/{kind}",
                    max_prompt_tokens=100,
                    max_tokens=10_000,
                ),
                kind=kind,
                count=count,
            )
            for kind, count in Counter(test.kind for test in slate.unit_tests).items()
        ),
    )

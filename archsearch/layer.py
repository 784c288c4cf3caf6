"""The contract of a layer: a pure map from slates to slates that says beforehand what it needs,
what it leaves and which calls it may make.

A layer type is one frozen pydantic class: its fields are what an architecture file may say, its
methods what the engine asks. See `layers/vote.py` for the smallest one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from archsearch.program import Execution, Program
from archsearch.types import Completion, Fallback, Message, Request, Slate, TestKind

Item = TypeVar("Item")
Result = TypeVar("Result")


class Facet(StrEnum):
    """What a slate can hold beside the question. A layer needs some and leaves some."""

    CANDIDATES = "candidates"
    SEVERAL = "at least two candidates"
    CRITIQUES = "critiques"
    SCORES = "scores"
    VERDICTS = "verdicts"
    UNIT_TESTS = "unit tests"
    PROGRAM_TESTS = "unit tests that are programs"
    ONLY_PROGRAM_TESTS = "unit tests, all of them programs"
    TEST_RESULTS = "results of unit tests"

    @property
    def remedy(self) -> str:
        """What would leave this facet."""
        return _REMEDIES[self]

    @property
    def implies(self) -> frozenset[Facet]:
        """What a slate that holds this facet holds as well, itself included."""
        return frozenset({self}) | _IMPLIED.get(self, frozenset())


_REMEDIES = {
    Facet.CANDIDATES: "put a generator before it",
    Facet.SEVERAL: "raise `samples` or add a model in the layer before it, or drop this layer",
    Facet.CRITIQUES: "put a critic before it",
    Facet.SCORES: "put a layer that scores candidates, such as a ranker, before it",
    Facet.VERDICTS: "put a verifier before it",
    Facet.UNIT_TESTS: "put a unit_test_generator before it",
    Facet.PROGRAM_TESTS: "put a unit_test_generator with `kind: program` before it",
    Facet.ONLY_PROGRAM_TESTS: (
        "give it a `model` that judges statements, or put a unit_test_generator with "
        "`kind: program`, and no other, before it"
    ),
    Facet.TEST_RESULTS: "put a unit_test_evaluator before it",
}

_IMPLIED = {
    Facet.SEVERAL: frozenset({Facet.CANDIDATES}),
    Facet.PROGRAM_TESTS: frozenset({Facet.UNIT_TESTS}),
    Facet.ONLY_PROGRAM_TESTS: frozenset({Facet.UNIT_TESTS, Facet.PROGRAM_TESTS}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """Calls of one kind that a layer may make for one question, known before any is made."""

    model: str
    role: str
    """What the calls are, from coarse to fine, such as `generator/direct/0.8`. Lengths are learned
    by role; a role not seen yet takes what its longest seen prefix had."""
    prompts: int = 1
    """Most distinct prompts."""
    samples: int = 1
    """Samples of each prompt."""
    max_prompt_tokens: int
    """Cap that the layer enforces on each prompt, through `prompts.fit`."""
    max_tokens: int
    scoring: bool = False
    """A reward model's scores are asked for, not texts."""
    frame: str = ""
    """The last user message with everything quoted left blank; the question is not in it."""
    quotes: tuple[tuple[PlannedCall, float], ...] = ()
    """Whose completions each prompt quotes, and how many of them on average."""

    @property
    def completions(self) -> int:
        """Most completions, all prompts together."""
        return self.prompts * self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTests:
    """Unit tests of one kind that come from one call."""

    call: PlannedCall
    kind: TestKind = "statement"
    count: int
    """Most of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is known of a slate before it exists."""

    candidates: int = 0
    """Most candidates it can hold."""
    facets: frozenset[Facet] = frozenset()
    """What every candidate carries beside its text."""
    sources: tuple[PlannedCall, ...] = ()
    """The calls whose completions the candidates are."""
    critics: tuple[PlannedCall, ...] = ()
    """The calls whose completions the critiques are."""
    unit_tests: tuple[PlannedTests, ...] = ()
    """Where the unit tests come from."""

    def holds(self, facet: Facet) -> bool:
        """Whether a layer that needs `facet` can stand after a slate like this."""
        if facet is Facet.CANDIDATES:
            return self.candidates >= 1
        if facet is Facet.SEVERAL:
            return self.candidates >= 2
        kinds = {tests.kind for tests in self.unit_tests}
        if facet is Facet.UNIT_TESTS:
            return bool(kinds)
        if facet is Facet.PROGRAM_TESTS:
            return "program" in kinds
        if facet is Facet.ONLY_PROGRAM_TESTS:
            return kinds == {"program"}
        return facet in self.facets

    def tests(self, *kinds: TestKind) -> int:
        """Most unit tests of these kinds that it can hold; of any kind where none is named."""
        return sum(t.count for t in self.unit_tests if not kinds or t.kind in kinds)

    def quoting(self, count: float) -> tuple[tuple[PlannedCall, float], ...]:
        """`PlannedCall.quotes` of a prompt that quotes `count` of the candidates."""
        total = sum(call.completions for call in self.sources)
        return tuple((call, count * call.completions / total) for call in self.sources)

    def quoting_critiques(self, count: float) -> tuple[tuple[PlannedCall, float], ...]:
        """The same for `count` of the critiques, of which a reply may hold all or only one."""
        return tuple(
            (call, count * call.prompts / max(1, self.candidates, call.prompts))
            for call in self.critics
        )

    def quoting_tests(self, *kinds: TestKind) -> tuple[tuple[PlannedCall, float], ...]:
        """The same for all unit tests of these kinds; of any kind where none is named."""
        return tuple(
            (tests.call, float(tests.call.completions))
            for tests in self.unit_tests
            if not kinds or tests.kind in kinds
        )


def concatenated(given: Slate, left: Sequence[Slate], path: str) -> Slate:
    """All candidates of `left` on `given`, one slate's after another's, and all notes."""
    return given.with_candidates(
        tuple(candidate for slate in left for candidate in slate.candidates)
    ).noting(*added_notes(given, left))


def added_notes(given: Slate, left: Sequence[Slate]) -> tuple[Fallback, ...]:
    """The fallbacks that slates made from `given` record beyond its own."""
    known = len(given.fallbacks)
    return tuple(note for slate in left for note in slate.fallbacks[known:])


class Calls(Protocol):
    """The one door to models and to the sandbox, as a layer sees it. One object serves one place in
    one walk."""

    @property
    def path(self) -> str:
        """Layer path of whoever holds this object."""

    def at(self, segment: str) -> Calls:
        """The same door one level deeper in the layer path."""

    async def complete(self, request: Request) -> tuple[Completion, ...]:
        """`request.n` completions in sample-index order.

        The same request made again in the same walk takes the next samples, so ask once for n.
        At temperature 0 every sample is sample 0. Raises `ModelError` when there is no answer.
        """

    def successive(
        self, request: Request, *, ahead: int
    ) -> AbstractAsyncContextManager[AsyncIterator[Completion]]:
        """The completions of `complete`, one by one in sample-index order, with up to `ahead` of
        them on their way at once.

        Only those taken count as used; what was drawn ahead of the last one is wasted. So whoever
        stops early decides by what came in index order, and never by what came first.
        """

    async def each(
        self,
        items: Sequence[Item],
        step: Callable[[Item, Calls], Awaitable[Result]],
        *,
        enough: Callable[[Sequence[Result]], bool] | None = None,
        ahead: int | None = None,
    ) -> list[Result]:
        """`step` on every item at once; results in the order of `items`.

        Sample indices come out as if the items had been taken one after another, so use this
        rather than `asyncio.gather` for a step that makes more than one call.

        With `enough`, a pure function of the results of the first k items, it ends at the smallest
        k for which that holds, and gives those k results. Up to `ahead` items (by default all) are
        then under way at once; what was done beyond the k-th counts as wasted, not as used.
        """

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        """Whether the rendered prompt is at most `cap` tokens, as `model` counts them."""

    async def execute(self, program: Program) -> Execution:
        """What became of a program, run in a sandbox; the same program is run once, ever.

        Raises `SandboxFailed` where the sandbox failed time and again, `SandboxUnavailable` where
        there is none that holds.
        """


class Layer(BaseModel, ABC):
    """One layer type. Subclass it in `layers/NAME.py` with `type: Literal["NAME"] = "NAME"`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    makes: ClassVar[bool] = False
    """Whether its candidates are its own, and not those it was given. Makers of any types may stand
    side by side."""
    side_by_side: ClassVar[bool] = False
    """Whether several of its type may stand in one layer: true for makers, and for a type that says
    in `join` what several of them come to."""
    version: ClassVar[int] = 1
    """Raised whenever the same fields may lead to another result than before."""

    type: str

    @abstractmethod
    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """The next slate. `slate` is never changed; candidates keep their identity and order
        unless changing them is what the layer is for."""

    def needs(self) -> frozenset[Facet]:
        """What the slate must hold before it."""
        return frozenset({Facet.CANDIDATES})

    @abstractmethod
    def leaves(self, given: Outline) -> Outline:
        """The outline of the next slate. Pure; `given` already meets `needs`."""

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """The calls it may make for one question, an upper bound on each count."""
        return ()

    def canonical(self, given: Outline) -> Self:
        """The same work in its one spelling: each parameter at the value that it acts with here."""
        return self

    def as_member(self) -> Self:
        """What stands for it beside others of its type: leaving all that `join` has to know."""
        return self

    @classmethod
    def join(cls, row: Sequence[Layer], given: Slate, left: Sequence[Slate], path: str) -> Slate:
        """What `row`, side by side, leaves of `given`, where each `as_member` left `left`.

        By default all candidates, in the order of the row. `path` is the row's, for notes.
        """
        return concatenated(given, left, path)

    @classmethod
    def join_outlines(
        cls, row: Sequence[Layer], given: Outline, left: Sequence[Outline]
    ) -> Outline:
        """The outline of what `join` gives."""
        return replace(
            left[0],
            candidates=sum(outline.candidates for outline in left),
            facets=frozenset.intersection(*(outline.facets for outline in left)),
            sources=tuple(call for outline in left for call in outline.sources),
        )

    @classmethod
    def expand(cls, data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The components that one entry of a file stands for, side by side."""
        return (data,)

    def merged(self, after: Layer) -> Layer | None:
        """One component that makes what this one and `after`, right behind it, make; or None."""
        return None

    def merged_samples(self, after: Layer) -> Layer | None:
        """`merged` for a layer with a `samples` field: equal but for it, the samples add up."""
        mine, theirs = self.model_dump(), after.model_dump()
        samples = mine.pop("samples") + theirs.pop("samples", 0)
        return self.model_copy(update={"samples": samples}) if mine == theirs else None

    def models(self) -> frozenset[str]:
        """Names of the models it calls."""
        return frozenset()

    def prompt_texts(self) -> tuple[str, ...]:
        """Text of every template it uses; part of the architecture's digest."""
        return ()

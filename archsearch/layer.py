"""The contract of a layer: a pure map from slates to slates that says beforehand what it needs,
what it leaves and which calls it may make.

A layer type is one frozen pydantic class: its fields are what an architecture file may say, its
methods what the engine asks. See `layers/vote.py` for the smallest one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from archsearch.types import Completion, Message, Request, Slate

Item = TypeVar("Item")
Result = TypeVar("Result")


class Facet(StrEnum):
    """What a slate can hold beside the question. A layer needs some and leaves some."""

    CANDIDATES = "candidates"
    SEVERAL = "at least two candidates"
    CRITIQUES = "critiques"
    SCORES = "scores"
    VERDICTS = "verdicts"

    @property
    def remedy(self) -> str:
        """What would leave this facet."""
        return _REMEDIES[self]


_REMEDIES = {
    Facet.CANDIDATES: "put a generator before it",
    Facet.SEVERAL: "raise `samples` or add a model in the layer before it, or drop this layer",
    Facet.CRITIQUES: "put a critic before it",
    Facet.SCORES: "put a layer that scores candidates, such as a ranker, before it",
    Facet.VERDICTS: "put a verifier before it",
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
    frame: str = ""
    """The last user message with everything quoted left blank; the question is not in it."""
    quotes: tuple[tuple[PlannedCall, float], ...] = ()
    """Whose completions each prompt quotes, and how many of them on average."""

    @property
    def completions(self) -> int:
        """Most completions, all prompts together."""
        return self.prompts * self.samples


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

    def holds(self, facet: Facet) -> bool:
        """Whether a layer that needs `facet` can stand after a slate like this."""
        if facet is Facet.CANDIDATES:
            return self.candidates >= 1
        if facet is Facet.SEVERAL:
            return self.candidates >= 2
        return facet in self.facets

    def quoting(self, count: float) -> tuple[tuple[PlannedCall, float], ...]:
        """`PlannedCall.quotes` of a prompt that quotes `count` of the candidates."""
        total = sum(call.completions for call in self.sources)
        return tuple((call, count * call.completions / total) for call in self.sources)

    def quoting_critiques(self, count: float) -> tuple[tuple[PlannedCall, float], ...]:
        """The same for `count` of the critiques: each critic's one reply holds all of them."""
        share = count / max(1, self.candidates)
        return tuple((call, share) for call in self.critics)


class Calls(Protocol):
    """The one door to models, as a layer sees it. One object serves one place in one walk."""

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

    async def each(
        self, items: Sequence[Item], step: Callable[[Item, Calls], Awaitable[Result]]
    ) -> list[Result]:
        """`step` on every item at once; results in the order of `items`.

        Sample indices come out as if the items had been taken one after another, so use this
        rather than `asyncio.gather` for a step that makes more than one call.
        """

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        """Whether the rendered prompt is at most `cap` tokens, as `model` counts them."""


class Layer(BaseModel, ABC):
    """One layer type. Subclass it in `layers/NAME.py` with `type: Literal["NAME"] = "NAME"`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side_by_side: ClassVar[bool] = False
    """Whether several can stand in one layer: true where each *makes* candidates."""
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

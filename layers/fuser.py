"""Fuser: one model reads all candidates and writes new, better ones.

After Archon (arXiv 2409.15254, section 3.1) and Mixture-of-Agents (Wang et al. 2024, arXiv
2406.04692). Archon kept to `length_control` only where critiques were shown; here it holds in both
forms. All candidates are shown, equal ones too: how often an answer came up is evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from archsearch import prompts, replies
from archsearch.asking import AskingLayer
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall
from archsearch.thinking import text_of
from archsearch.types import Candidate, Completion, Fallback, Origin, Slate

_TEMPLATE = Path(__file__).with_suffix(".j2")

BLANK = "fused answer blank; the first candidate stands in"


class Fuser(AskingLayer):
    """Candidates -> `samples` new ones, in sample order; what was said of the old stays behind.

    A blank reply is no answer: the first candidate stands in for it, under its own origin, which is
    recorded.
    """

    makes: ClassVar[bool] = True
    side_by_side: ClassVar[bool] = True

    type: Literal["fuser"] = "fuser"
    temperature: float = Field(default=0.7, ge=0, le=2)
    """Above 0 by default: it makes answers, and several samples of it should differ."""
    samples: int = Field(default=1, ge=1)
    """At temperature 0 all samples are equal, so one is drawn."""
    critiques: bool = False
    """Shows the fuser each candidate's critique."""
    unit_tests: bool = False
    """Shows the fuser the unit tests."""
    length_control: bool = False
    """Asks for an answer no longer than the longest candidate."""
    forward_thinking: bool = False
    """A candidate's text begins with the model's thinking, in <think> tags, where there is any."""
    prompt: prompts.PromptText | None = None
    """A template of your own (variables: `question`, `answers`, `critiques`: a list beside
    `answers`, empty unless shown, `unit_tests`: a list, empty unless shown, and
    `length_control`)."""

    def needs(self) -> frozenset[Facet]:
        """Candidates; what is shown beside them too."""
        shown = {Facet.CRITIQUES: self.critiques, Facet.UNIT_TESTS: self.unit_tests}
        return frozenset({Facet.CANDIDATES, *(facet for facet in shown if shown[facet])})

    def leaves(self, given: Outline) -> Outline:
        """Its own candidates, without facets; the unit tests stay."""
        calls = self.plan(given)
        return Outline(
            candidates=calls[0].completions,
            sources=calls,
            unit_tests=given.unit_tests,
        )

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for all samples, which quotes every candidate."""
        shown = given.candidates
        blank = [""] * shown
        critiques = given.quoting_critiques(shown) if self.critiques else ()
        tests = given.quoting_tests() if self.unit_tests else ()
        call = self.planned(
            self._role,
            self._template,
            texts=self._texts(blank, blank, [""] * given.tests()),
            quotes=(*given.quoting(shown), *critiques, *tests),
            samples=self.samples,
            length_control=self.length_control,
        )
        return (call,)

    def canonical(self, given: Outline) -> Self:
        """One sample at temperature 0."""
        return self.model_copy(update={"samples": self.samples if self.temperature > 0 else 1})

    def merged(self, after: Layer) -> Layer | None:
        """Equal fusers side by side are one with the samples of both."""
        return self.merged_samples(after) if self.temperature > 0 else None

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Draws the samples."""
        answers = [candidate.text for candidate in slate.candidates]
        critiques = [candidate.critique or "" for candidate in slate.candidates]
        unit_tests = [test.text for test in slate.unit_tests]
        completions, notes = await self.ask(
            calls,
            slate.question,
            self._role,
            self._template,
            texts=self._texts(answers, critiques, unit_tests),
            samples=self.samples,
            length_control=self.length_control,
        )
        if any(replies.is_blank(completion.text) for completion in completions):
            notes = (*notes, Fallback(path=calls.path, reason=BLANK))
        fused = tuple(
            self._fused(completion, Origin(model=self.model, path=calls.path, index=index), slate)
            for index, completion in enumerate(completions)
        )
        return slate.with_candidates(fused).noting(*notes)

    def _fused(self, completion: Completion, origin: Origin, slate: Slate) -> Candidate:
        if not replies.is_blank(completion.text):
            text = text_of(completion, forward=self.forward_thinking)
            return Candidate(text=text, origin=origin)
        first = slate.candidates[0]
        return Candidate(text=first.text, origin=first.origin)

    def _texts(
        self, answers: Sequence[str], critiques: Sequence[str], unit_tests: Sequence[str]
    ) -> dict[str, Sequence[str]]:
        return {
            "answers": answers,
            "critiques": critiques if self.critiques else [],
            "unit_tests": unit_tests if self.unit_tests else [],
        }

    @property
    def _role(self) -> str:
        if self.prompt is not None:
            return "fuser/own"
        return "fuser/short" if self.length_control else "fuser/plain"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATE)

"""Critic: a model writes down the strengths and weaknesses of each candidate.

Listwise, all in one prompt, after Archon (arXiv 2409.15254, section 3.1), whose critiques were a
list beside the candidates, were cut at every `[n]` and ended the run when they did not add up; here
a critique belongs to its candidate, and one that is missing is recorded. Pointwise, one prompt for
each, costs more calls, and no reply has to be taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from archsearch import prompts, replies
from archsearch.asking import AskingLayer
from archsearch.judging import judged
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall, added_notes
from archsearch.types import Fallback, Slate

_TEMPLATES = {
    "listwise": Path(__file__).with_suffix(".j2"),
    "pointwise": Path(__file__).with_suffix(".pointwise.j2"),
}

MISSING = "critique missing from the reply; left blank"


_Critiques = tuple[Mapping[str, str], tuple[Fallback, ...]]
"""The critique of each distinct text, blank where there is none, and what is recorded."""


class Critic(AskingLayer):
    """Candidates -> the same candidates in the same order, each with a critique.

    Each distinct text is shown once; candidates of one text share its critique. An answer that the
    reply has no critique of gets a blank one, which is recorded; never another's. An earlier
    critique is replaced. Several side by side leave each candidate the critiques of all, labelled
    by their place in the row, without the blank ones.
    """

    side_by_side: ClassVar[bool] = True

    type: Literal["critic"] = "critic"
    form: Literal["listwise", "pointwise"] = "listwise"
    """`listwise` shows all answers in one prompt, `pointwise` each in its own."""
    prompt: prompts.PromptText | None = None
    """A template of your own (variables: `question`, and `answers`, or `answer` when pointwise)."""

    def leaves(self, given: Outline) -> Outline:
        """The same candidates, with critiques."""
        facets = given.facets | {Facet.CRITIQUES}
        return replace(given, facets=facets, critics=self.plan(given))

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request that quotes every candidate, or one for each."""
        pointwise = self.form == "pointwise"
        shown = 1 if pointwise else given.candidates
        call = self.planned(
            self._role,
            self._template,
            texts={"answer": ""} if pointwise else {"answers": [""] * shown},
            quotes=given.quoting(shown),
            count=given.candidates if pointwise else 1,
        )
        return (call,)

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Has each distinct text critiqued."""
        critiques, notes = await (
            self._pointwise(slate, calls)
            if self.form == "pointwise"
            else self._listwise(slate, calls)
        )
        if not all(critiques.values()):
            notes = (*notes, Fallback(path=calls.path, reason=MISSING))
        critiqued = tuple(replace(c, critique=critiques[c.text]) for c in slate.candidates)
        return slate.with_candidates(critiqued).noting(*notes)

    async def _listwise(self, slate: Slate, calls: Calls) -> _Critiques:
        shown = list(dict.fromkeys(candidate.text for candidate in slate.candidates))
        (completion,), notes = await self.ask(
            calls, slate.question, self._role, self._template, texts={"answers": shown}
        )
        found = replies.critiques(completion.text, len(shown))
        return dict(zip(shown, found, strict=True)), notes

    async def _pointwise(self, slate: Slate, calls: Calls) -> _Critiques:
        async def review(text: str, door: Calls) -> tuple[str, tuple[Fallback, ...]]:
            (completion,), notes = await self.ask(
                door, slate.question, self._role, self._template, texts={"answer": text}
            )
            critique = completion.text[: replies.WINDOW].strip()
            return "" if replies.is_blank(critique) else critique, notes

        found = await judged(slate.candidates, review, calls)
        critiques = {text: critique for text, (critique, _) in found.items()}
        return critiques, tuple(note for _, notes in found.values() for note in notes)

    @classmethod
    def join(cls, row: Sequence[Layer], given: Slate, left: Sequence[Slate], path: str) -> Slate:
        """Each candidate with the critiques of all."""
        critiqued = tuple(
            replace(candidate, critique=_together([c.critique or "" for c in copies]))
            for candidate, *copies in zip(
                given.candidates, *(slate.candidates for slate in left), strict=True
            )
        )
        return given.with_candidates(critiqued).noting(*added_notes(given, left))

    @classmethod
    def join_outlines(
        cls, row: Sequence[Layer], given: Outline, left: Sequence[Outline]
    ) -> Outline:
        """The same candidates, with the critiques of all."""
        return replace(left[0], critics=tuple(call for outline in left for call in outline.critics))

    @property
    def _role(self) -> str:
        if self.form == "pointwise":
            return "critic/pointwise" if self.prompt is None else "critic/pointwise/own"
        return "critic/plain" if self.prompt is None else "critic/own"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATES[self.form])


def _together(critiques: Sequence[str]) -> str:
    r"""One text of what several critics say of one answer.

    >>> _together(["It is short.", "", "It is right."])
    'Critic 1: It is short.\n\nCritic 3: It is right.'
    """
    return "\n\n".join(
        f"Critic {number}: {critique}"
        for number, critique in enumerate(critiques, start=1)
        if critique
    )

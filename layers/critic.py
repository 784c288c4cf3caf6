"""Critic: one model writes down the strengths and weaknesses of each candidate, all in one prompt.

Listwise, after Archon (arXiv 2409.15254, section 3.1), whose critiques were a list beside the
candidates, were cut at every `[n]` and ended the run when they did not add up; here a critique
belongs to its candidate, and one that is missing is recorded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from archsearch import prompts, replies
from archsearch.asking import AskingLayer
from archsearch.layer import Calls, Facet, Outline, PlannedCall
from archsearch.types import Fallback, Slate

_TEMPLATE = Path(__file__).with_suffix(".j2")

MISSING = "critique missing from the reply; left blank"


class Critic(AskingLayer):
    """Candidates -> the same candidates in the same order, each with a critique.

    Each distinct text is shown once; candidates of one text share its critique. An answer that the
    reply has no critique of gets a blank one, which is recorded; never another's. An earlier
    critique is replaced.
    """

    type: Literal["critic"] = "critic"
    prompt: str | None = None
    """A template of your own (variables: `question`, `answers`)."""

    def leaves(self, given: Outline) -> Outline:
        """The same candidates, with critiques."""
        facets = given.facets | {Facet.CRITIQUES}
        return replace(given, facets=facets, critics=self.plan(given))

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request that quotes every candidate."""
        shown = given.candidates
        call = self.planned(
            self._role,
            self._template,
            texts={"answers": [""] * shown},
            quotes=given.quoting(shown),
        )
        return (call,)

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Has each distinct text critiqued."""
        shown = list(dict.fromkeys(candidate.text for candidate in slate.candidates))
        (completion,), notes = await self.ask(
            calls,
            slate.question,
            self._role,
            self._template,
            texts={"answers": shown},
        )
        found = dict(zip(shown, replies.critiques(completion.text, len(shown)), strict=True))
        if not all(found.values()):
            notes = (*notes, Fallback(path=calls.path, reason=MISSING))
        critiqued = tuple(replace(c, critique=found[c.text]) for c in slate.candidates)
        return slate.with_candidates(critiqued).noting(*notes)

    @property
    def _role(self) -> str:
        return "critic/plain" if self.prompt is None else "critic/own"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATE)

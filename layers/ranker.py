"""Ranker: one model puts the candidates in order, all in one prompt.

Listwise, after Archon (arXiv 2409.15254, section 3.1) and RankGPT (Sun et al. 2023, arXiv
2304.09542). Archon read only the first line of the reply and let one candidate take two places;
here the ranking may stand anywhere, and what the reply leaves open is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from archsearch import prompts, replies
from archsearch.asking import AskingLayer
from archsearch.layer import Calls, Facet, Outline, PlannedCall
from archsearch.types import Candidate, Fallback, Question, Slate

_TEMPLATE = Path(__file__).with_suffix(".j2")
# The form it shows holds no numbers: shown "2, 1, 3", SmolLM2-135M repeated just that for five
# questions of six, which would have passed for a ranking.


class Ranker(AskingLayer):
    """Candidates -> the `keep` best, best first, each with a score; critiques stay with them.

    Each distinct text is shown and ranked once: a shorter prompt, in which no answer gains by being
    repeated. Candidates of one text stay together in their order and share a score of
    1 - rank / number of texts, with rank 0 the best (a Borda count, 1 for the best). Where there is
    one text no call is made. Answers that the reply leaves out follow in their order; an unreadable
    reply keeps the order; both are recorded.
    """

    type: Literal["ranker"] = "ranker"
    max_tokens: int = Field(default=256, ge=1)
    keep: int = Field(default=1, ge=1)
    """How many candidates go on; more than there are keeps all."""
    critiques: bool = False
    """Shows the ranker each candidate's critique."""
    prompt: str | None = None
    """A template of your own (variables: `question`, `answers`, `critiques`: a list beside
    `answers`, empty unless shown)."""

    def needs(self) -> frozenset[Facet]:
        """Several candidates; their critiques too where they are shown."""
        return frozenset({Facet.SEVERAL} | ({Facet.CRITIQUES} if self.critiques else set()))

    def leaves(self, given: Outline) -> Outline:
        """The best of the candidates, with scores."""
        keep = min(self.keep, given.candidates)
        return replace(given, candidates=keep, facets=given.facets | {Facet.SCORES})

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request that quotes every candidate."""
        shown = given.candidates
        critiques = given.quoting_critiques(shown) if self.critiques else ()
        call = self.planned(
            self._role,
            self._template,
            texts=self._texts([("", "")] * shown),
            quotes=(*given.quoting(shown), *critiques),
        )
        return (call,)

    def canonical(self, given: Outline) -> Self:
        """It keeps no more than there are."""
        return self.model_copy(update={"keep": min(self.keep, given.candidates)})

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Has each distinct text ranked, and puts the candidates in that order."""
        shown = list(dict.fromkeys(map(self._shown, slate.candidates)))
        order, notes = await self._order(shown, slate.question, calls)
        rank = {shown[number - 1]: place for place, number in enumerate(order)}
        ranked = tuple(
            replace(candidate, score=1 - rank[self._shown(candidate)] / len(shown))
            for candidate in sorted(slate.candidates, key=lambda c: rank[self._shown(c)])
        )
        return slate.with_candidates(ranked[: self.keep]).noting(*notes)

    async def _order(
        self, shown: Sequence[tuple[str, str]], question: Question, calls: Calls
    ) -> tuple[Sequence[int], Sequence[Fallback]]:
        if len(shown) == 1:
            return (1,), ()
        (completion,), notes = await self.ask(
            calls, question, self._role, self._template, texts=self._texts(shown)
        )
        ranking = replies.ranking(completion.text, len(shown))
        if ranking.note:
            notes = (*notes, Fallback(path=calls.path, reason=ranking.note))
        return ranking.order, notes

    def _shown(self, candidate: Candidate) -> tuple[str, str]:
        """What the prompt shows of a candidate: its text and, where asked for, its critique."""
        return candidate.text, (candidate.critique or "") if self.critiques else ""

    def _texts(self, shown: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
        critiques = [critique for _, critique in shown] if self.critiques else []
        return {"answers": [text for text, _ in shown], "critiques": critiques}

    @property
    def _role(self) -> str:
        return "ranker/plain" if self.prompt is None else "ranker/own"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATE)

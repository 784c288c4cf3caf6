"""Ranker: one model puts the candidates in order, all in one prompt.

Listwise, after Archon (arXiv 2409.15254, section 3.1) and RankGPT (Sun et al. 2023, arXiv
2304.09542). Archon read only the first line of the reply and let one candidate take two places;
here the ranking may stand anywhere, and what the reply leaves open is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from archsearch import replies
from archsearch.layer import Calls, Outline, PlannedCall
from archsearch.ranking import AskingRankingLayer, Judgement, Shown
from archsearch.types import Fallback, Question


class Ranker(AskingRankingLayer):
    """Candidates -> the `keep` best, best first, each with a score; critiques stay with them.

    Each distinct text is shown and ranked once: a shorter prompt, in which no answer gains by being
    repeated. Candidates of one text stay together in their order and share a score of
    1 - rank / number of texts, with rank 0 the best (a Borda count, 1 for the best). Where there is
    one text no call is made. Answers that the reply leaves out follow in their order; an unreadable
    reply keeps the order; both are recorded.
    """

    template: ClassVar[Path] = Path(__file__).with_suffix(".j2")
    # The form it shows holds no numbers: shown "2, 1, 3", SmolLM2-135M repeated just that for five
    # questions of six, which would have passed for a ranking.

    type: Literal["ranker"] = "ranker"

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request that quotes every candidate."""
        return (self.planned_showing(given.candidates, given),)

    async def judge(self, shown: Sequence[Shown], question: Question, calls: Calls) -> Judgement:
        """Has them ranked in one prompt."""
        if len(shown) == 1:
            return (1.0,), ()
        completion, notes = await self.ask_showing(shown, question, calls)
        ranking = replies.ranking(completion.text, len(shown))
        if ranking.note:
            notes = (*notes, Fallback(path=calls.path, reason=ranking.note))
        places = {number: place for place, number in enumerate(ranking.order)}
        scores = [1 - places[number] / len(shown) for number in range(1, len(shown) + 1)]
        return scores, notes

"""Reward ranker: a reward model or a cross-encoder scores each candidate.

Best-of-N by a learned verifier (Cobbe et al. 2021, arXiv 2110.14168; Snell et al. 2024, arXiv
2408.03314, section 5). One pass over question and answer and no token drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from archsearch import prompts
from archsearch.asking import CLIPPED
from archsearch.errors import ConfigError
from archsearch.layer import Calls, Outline, PlannedCall
from archsearch.ranking import Judgement, RankingLayer, Shown
from archsearch.types import Fallback, Message, Question, Request


class RewardRanker(RankingLayer):
    """Candidates -> the `keep` best, best first, each with the model's score.

    Each distinct text is scored once, as the reply to the question's conversation. Scores are on
    the model's own scale, which may pass below 0.
    """

    type: Literal["reward_ranker"] = "reward_ranker"
    model: str
    """A name from the study's `models`, of a model that scores."""
    max_prompt_tokens: int = Field(default=4096, ge=1)
    """Of question and answer together. The longer one is cut in the middle, which is recorded."""

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One score for each candidate."""
        call = PlannedCall(
            model=self.model,
            role=self.type,
            prompts=given.candidates,
            max_prompt_tokens=self.max_prompt_tokens,
            max_tokens=0,
            scoring=True,
            quotes=given.quoting(1),
        )
        return (call,)

    def models(self) -> frozenset[str]:
        """The one model."""
        return frozenset({self.model})

    async def judge(self, shown: Sequence[Shown], question: Question, calls: Calls) -> Judgement:
        """Has each scored, all at once."""

        async def score(one: Shown, door: Calls) -> tuple[float, tuple[Fallback, ...]]:
            return await self._scored(one.text, question, door)

        scored = await calls.each(shown, score)
        return [score for score, _ in scored], [note for _, notes in scored for note in notes]

    async def _scored(
        self, answer: str, question: Question, calls: Calls
    ) -> tuple[float, tuple[Fallback, ...]]:
        def put(pieces: Sequence[str]) -> tuple[Message, ...]:
            asked, answered = pieces
            reply = Message(role="assistant", content=answered)
            return (*prompts.asking(question, asked), reply)

        messages, cut = await prompts.fit(
            calls,
            model=self.model,
            cap=self.max_prompt_tokens,
            pieces=[question.messages[-1].content, answer],
            build=put,
        )
        request = Request(
            model=self.model, role=self.type, messages=messages, max_tokens=0, scoring=True
        )
        (completion,) = await calls.complete(request)
        if completion.score is None:
            raise ConfigError(
                f"the model of a reward_ranker must be one that scores; {self.model!r} gave no "
                f"score; name a reward model"
            )
        return completion.score, (Fallback(path=calls.path, reason=CLIPPED),) if cut else ()

"""Verifier: a model examines each candidate, then judges it, and only those judged correct go on.

Two calls for each, after Archon (arXiv 2409.15254, section 3.1): reasons first, then a verdict in
their light. Archon argued only why an answer is correct; here the examination is open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from archsearch import prompts, replies
from archsearch.asking import AskingLayer
from archsearch.layer import Calls, Facet, Outline, PlannedCall
from archsearch.types import Fallback, Slate

_REASON = Path(__file__).with_suffix(".reason.j2")
_JUDGE = Path(__file__).with_suffix(".judge.j2")

UNREADABLE = "verdict unreadable; taken as not correct"
NONE_CORRECT = "no candidate judged correct; all kept"


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What came of examining one text."""

    verdict: bool | None
    notes: tuple[Fallback, ...]


class Verifier(AskingLayer):
    """Candidates -> those judged correct, in their order, each with its verdict.

    Each distinct text is examined once; candidates of one text share its verdict. A reply without a
    readable verdict has not said that the answer is correct, so it counts as False, which is
    recorded. Where no candidate is judged correct all are kept (as in Archon), recorded too.
    """

    type: Literal["verifier"] = "verifier"
    reason_prompt: str | None = None
    """A template of your own for the examination (variables: `question`, `answer`)."""
    judge_prompt: str | None = None
    """The same for the verdict (variables: `question`, `answer`, `reasoning`)."""

    def needs(self) -> frozenset[Facet]:
        """Several candidates: of one there is nothing to choose."""
        return frozenset({Facet.SEVERAL})

    def leaves(self, given: Outline) -> Outline:
        """At most all candidates, with verdicts."""
        return replace(given, facets=given.facets | {Facet.VERDICTS})

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """An examination and a judgement of each candidate."""
        reason = self.planned(
            self._reason_role,
            self._reason,
            texts={"answer": ""},
            quotes=given.quoting(1),
            count=given.candidates,
        )
        judge = self.planned(
            self._judge_role,
            self._judge,
            texts={"answer": "", "reasoning": ""},
            quotes=(*given.quoting(1), (reason, 1.0)),
            count=given.candidates,
        )
        return (reason, judge)

    def prompt_texts(self) -> tuple[str, ...]:
        """Both templates."""
        return (self._reason, self._judge)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Examines each distinct text; none waits for another."""

        async def examine(text: str, door: Calls) -> _Judgement:
            return await self._examined(text, slate, door)

        texts = list(dict.fromkeys(candidate.text for candidate in slate.candidates))
        judgements = dict(zip(texts, await calls.each(texts, examine), strict=True))
        judged = tuple(
            replace(candidate, verdict=judgements[candidate.text].verdict is True)
            for candidate in slate.candidates
        )
        passed = tuple(candidate for candidate in judged if candidate.verdict)
        notes = [note for judgement in judgements.values() for note in judgement.notes]
        if not passed:
            notes.append(Fallback(path=calls.path, reason=NONE_CORRECT))
        return slate.with_candidates(passed or judged).noting(*notes)

    async def _examined(self, text: str, slate: Slate, calls: Calls) -> _Judgement:
        (reasons,), reason_notes = await self.ask(
            calls, slate.question, self._reason_role, self._reason, texts={"answer": text}
        )
        (reply,), judge_notes = await self.ask(
            calls,
            slate.question,
            self._judge_role,
            self._judge,
            texts={"answer": text, "reasoning": reasons.text},
        )
        verdict = replies.verdict(reply.text)
        unreadable = [Fallback(path=calls.path, reason=UNREADABLE)] * (verdict is None)
        return _Judgement(verdict, (*reason_notes, *judge_notes, *unreadable))

    @property
    def _reason_role(self) -> str:
        return "verifier/reason" if self.reason_prompt is None else "verifier/reason/own"

    @property
    def _judge_role(self) -> str:
        return "verifier/judge" if self.judge_prompt is None else "verifier/judge/own"

    @property
    def _reason(self) -> str:
        return self.reason_prompt if self.reason_prompt is not None else prompts.load(_REASON)

    @property
    def _judge(self) -> str:
        return self.judge_prompt if self.judge_prompt is not None else prompts.load(_JUDGE)

"""Verifier: a model examines each candidate, then judges it, and only those judged correct go on.

Two calls for each, after Archon (arXiv 2409.15254, section 3.1): reasons first, then a verdict in
their light. Archon argued only why an answer is correct; here the examination is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Self, cast

from pydantic import Field

from archsearch import prompts, replies
from archsearch.asking import AskingLayer
from archsearch.judging import judged, most
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall, added_notes
from archsearch.types import Candidate, Fallback, Slate

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

    Side by side, a candidate is correct where more than half of the verifiers say so; each examines
    every text, and the smallest `first_k` of the row holds.
    """

    side_by_side: ClassVar[bool] = True

    type: Literal["verifier"] = "verifier"
    first_k: int | None = Field(default=None, ge=1)
    """Ends once this many candidates, taken in their order, are judged correct; only these go on.
    None examines all."""
    reason_prompt: prompts.PromptText | None = None
    """A template of your own for the examination (variables: `question`, `answer`)."""
    judge_prompt: prompts.PromptText | None = None
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

    def canonical(self, given: Outline) -> Self:
        """To wait for as many as there are is to examine all."""
        spares = self.first_k is not None and self.first_k < given.candidates
        return self.model_copy(update={"first_k": self.first_k if spares else None})

    def as_member(self) -> Self:
        """Examines every candidate."""
        return self.model_copy(update={"first_k": None})

    def prompt_texts(self) -> tuple[str, ...]:
        """Both templates."""
        return (self._reason, self._judge)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Examines the distinct texts; none waits for another, unless `first_k` may spare it."""

        async def examine(text: str, door: Calls) -> _Judgement:
            return await self._examined(text, slate, door)

        judgements = await judged(
            slate.candidates,
            examine,
            calls,
            first_k=self.first_k,
            passes=lambda judgement: judgement.verdict is True,
        )
        verdicts = {text: judgement.verdict is True for text, judgement in judgements.items()}
        notes = [note for judgement in judgements.values() for note in judgement.notes]
        if not any(verdicts.values()):
            notes.append(Fallback(path=calls.path, reason=NONE_CORRECT))
        return slate.with_candidates(_chosen([self], slate, verdicts)).noting(*notes)

    @classmethod
    def join(cls, row: Sequence[Layer], given: Slate, left: Sequence[Slate], path: str) -> Slate:
        """The candidates that more than half of the verifiers judge correct.

        A member's slate holds those that it judged correct or, where there were none, all.
        """
        said = [{c.text: c.verdict for c in slate.candidates} for slate in left]
        verdicts = {
            candidate.text: most([one.get(candidate.text, False) for one in said]) is True
            for candidate in given.candidates
        }
        # What a member did for want of a correct candidate, the row need not do.
        notes = [note for note in added_notes(given, left) if note.reason != NONE_CORRECT]
        if not any(verdicts.values()):
            notes.append(Fallback(path=path, reason=NONE_CORRECT))
        verifiers = cast("Sequence[Verifier]", row)
        return given.with_candidates(_chosen(verifiers, given, verdicts)).noting(*notes)

    @classmethod
    def join_outlines(
        cls, row: Sequence[Layer], given: Outline, left: Sequence[Outline]
    ) -> Outline:
        """At most all candidates, with verdicts."""
        return left[0]

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
        return self._role("reason", self.reason_prompt)

    @property
    def _judge_role(self) -> str:
        return self._role("judge", self.judge_prompt)

    def _role(self, step: str, prompt: str | None) -> str:
        # Who stops early makes fewer of the planned calls, so that share is learned apart.
        own = [] if prompt is None else ["own"]
        early = [] if self.first_k is None else [f"first_{self.first_k}"]
        return "/".join(["verifier", step, *own, *early])

    @property
    def _reason(self) -> str:
        return self.reason_prompt if self.reason_prompt is not None else prompts.load(_REASON)

    @property
    def _judge(self) -> str:
        return self.judge_prompt if self.judge_prompt is not None else prompts.load(_JUDGE)


def _chosen(
    verifiers: Sequence[Verifier], slate: Slate, verdicts: Mapping[str, bool]
) -> tuple[Candidate, ...]:
    """The candidates that go on, of those whose verdict is known."""
    first_k = min((v.first_k for v in verifiers if v.first_k is not None), default=None)
    known = tuple(
        replace(candidate, verdict=verdicts[candidate.text])
        for candidate in slate.candidates
        if candidate.text in verdicts
    )
    return tuple(candidate for candidate in known if candidate.verdict)[:first_k] or known

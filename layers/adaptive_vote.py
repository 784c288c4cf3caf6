"""Adaptive vote: answers are drawn until the leading one is settled, then the vote is closed.

Adaptive-Consistency (Aggarwal et al. 2023, arXiv 2305.11860): self-consistency that stops early
where the answers agree. With a uniform prior, the share of the leading answer against the
runner-up's has the posterior Beta(v1 + 1, v2 + 1) after v1 and v2 votes; drawing stops when it is
above 1/2 with probability `confidence`. Beyond the paper it also stops when the samples left could
not change the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from archsearch.answering import AnsweringLayer
from archsearch.answers import EXTRACTORS, extract
from archsearch.errors import UnknownName
from archsearch.layer import Calls, Facet, Outline, PlannedCall
from archsearch.types import Candidate, Fallback, Slate

NO_ANSWER = "no candidate holds a final answer; first kept"


class AdaptiveVote(AnsweringLayer):
    """Question -> the first candidate of the most supported final answer, of up to `samples` drawn.

    It carries its answer's share of the votes cast as `score`. Ties go to the answer that appears
    first. Samples without a final answer are drawn and have no vote; when none has one, the first
    stays with a score of 0, which is recorded. Samples are judged in index order, so neither
    `ahead` nor who answers first changes the outcome: it is that of a `vote` over the samples
    drawn, the very ones that a `generator` with the same fields draws.
    """

    makes: ClassVar[bool] = True
    side_by_side: ClassVar[bool] = True

    type: Literal["adaptive_vote"] = "adaptive_vote"
    samples: int = Field(default=16, ge=1)
    """Most answers drawn. At temperature 0 all samples are equal, so one is drawn."""
    confidence: float = Field(default=0.95, gt=0.5, le=1)
    """Probability that the leading answer leads for good at which drawing stops. With 1 it stops
    only when the outcome can no longer change."""
    ahead: int = Field(default=4, ge=1)
    """How many answers are on their way at once: more are sooner done, and more are wasted, which
    is metered."""
    answer: str | None = None
    """How an answer is read off a reply (a name in `answers.EXTRACTORS`); by default the
    question says it."""

    @model_validator(mode="after")
    def _extractor_exists(self) -> Self:
        if self.answer is not None and self.answer not in EXTRACTORS:
            raise UnknownName("answer extractor", self.answer, EXTRACTORS)
        return self

    def leaves(self, given: Outline) -> Outline:
        """One candidate of its own, with a score; unit tests stay."""
        return Outline(
            candidates=1,
            facets=frozenset({Facet.SCORES}),
            sources=self.plan(given),
            unit_tests=given.unit_tests,
        )

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for as many samples as it may draw."""
        return (self.planned(given),)

    def canonical(self, given: Outline) -> Self:
        """The same as every layer that answers; no more ahead than there are samples, and no
        `confidence` where there is one."""
        settled = super().canonical(given)
        ahead = min(settled.ahead, settled.samples)
        default = type(self).model_fields["confidence"].default
        confidence = settled.confidence if settled.samples > 1 else default
        return settled.model_copy(update={"ahead": ahead, "confidence": confidence})

    @property
    def role(self) -> str:
        """A generator's, whose lengths are its own, and one finer: it may draw fewer samples."""
        return f"{super().role}/adaptive"

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Draws until the leader is settled."""
        request, notes = await self.request(slate, calls)
        count = request.n if request.temperature > 0 else 1
        ballot = _Ballot(self.answer or slate.question.answer_kind)
        async with calls.successive(replace(request, n=count), ahead=self.ahead) as completions:
            index = 0
            async for completion in completions:
                ballot.cast(self.candidate(completion, calls.path, index))
                index += 1
                if ballot.is_settled(count - index, self.confidence):
                    break
        if not ballot.votes:
            notes = (*notes, Fallback(path=calls.path, reason=NO_ANSWER))
        return slate.with_candidates((ballot.winner,)).noting(*notes)


class _Ballot:
    """The votes so far; answers in the order of their first vote."""

    def __init__(self, kind: str) -> None:
        self.votes: dict[str, int] = {}
        self._kind = kind
        self._first: dict[str | None, Candidate] = {}

    def cast(self, candidate: Candidate) -> None:
        answer = extract(self._kind, candidate.text)
        self._first.setdefault(answer, candidate)
        if answer is not None:
            self.votes[answer] = self.votes.get(answer, 0) + 1

    def is_settled(self, left: int, confidence: float) -> bool:
        """Whether the leader leads with confidence, or `left` more votes cannot change who does."""
        counts = list(self.votes.values())
        if not counts:
            return False
        leader = counts.index(max(counts))
        others = [*counts[:leader], *counts[leader + 1 :], 0]
        if lead_probability(counts[leader], max(others)) >= confidence:
            return True
        return not _may_change(counts, leader, left)

    @property
    def winner(self) -> Candidate:
        """The first candidate of the leading answer, with its share of the votes."""
        if not self.votes:
            return replace(self._first[None], score=0.0)
        answer = max(self.votes, key=self.votes.__getitem__)
        return replace(self._first[answer], score=self.votes[answer] / sum(self.votes.values()))


def _may_change(counts: Sequence[int], leader: int, left: int) -> bool:
    """Whether an answer, a new one too, could still overtake; of equals the earlier one leads."""
    most = counts[leader]
    earlier = any(count + left >= most for count in counts[:leader])
    return earlier or any(count + left > most for count in (*counts[leader + 1 :], 0))


def lead_probability(votes: int, others: int) -> float:
    """P(share > 1/2) for a share that is Beta(votes + 1, others + 1); in [0, 1].

    For whole numbers that is the probability of at most `votes` heads in votes + others + 1 tosses.

    >>> lead_probability(3, 0), lead_probability(4, 0), lead_probability(2, 2)
    (0.9375, 0.96875, 0.5)
    """
    tosses = votes + others + 1
    ways = heads = 1
    for count in range(votes):
        ways = ways * (tosses - count) // (count + 1)
        heads += ways
    # Whole numbers are divided with one rounding, however large they are.
    return heads / (1 << tosses)

"""Vote: self-consistency (Wang et al. 2022, arXiv 2203.11171), plain or weighted by score.

The weighted form sums the scores of the candidates that share a final answer, as best-of-N
weighted does (Snell et al. 2024, arXiv 2408.03314, section 5.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, Self

from pydantic import model_validator

from archsearch.answers import EXTRACTORS, extract
from archsearch.errors import UnknownName
from archsearch.layer import Calls, Facet, Layer, Outline
from archsearch.types import Candidate, Fallback, Slate


class Vote(Layer):
    """Candidates -> the first candidate of the most supported final answer; makes no call.

    Ties go to the answer that appears first. Candidates without a final answer have no vote; when
    none has one, the first candidate stays with a score of 0, which is recorded. The one candidate
    left carries its answer's share of the votes as `score`.
    """

    type: Literal["vote"] = "vote"
    answer: str | None = None
    """How an answer is read off a reply (a name in `answers.EXTRACTORS`); by default the
    question says it."""
    weighted: bool = False
    """Votes count by `score` instead of one each; where one is below 0, as a reward may be, by how
    far each is above the lowest, or more votes would be less. Where none would count, each is one.
    """

    @model_validator(mode="after")
    def _extractor_exists(self) -> Self:
        if self.answer is not None and self.answer not in EXTRACTORS:
            raise UnknownName("answer extractor", self.answer, EXTRACTORS)
        return self

    def needs(self) -> frozenset[Facet]:
        """Several candidates; scores too when weighted."""
        return frozenset({Facet.SEVERAL} | ({Facet.SCORES} if self.weighted else set()))

    def leaves(self, given: Outline) -> Outline:
        """One of the candidates."""
        return replace(given, candidates=1, facets=given.facets | {Facet.SCORES})

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Counts the votes."""
        kind = self.answer or slate.question.answer_kind
        votes: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in slate.candidates:
            answer = extract(kind, candidate.text)
            if answer is not None:
                votes[answer].append(candidate)
        if not votes:
            note = Fallback(path=calls.path, reason="no candidate holds a final answer; first kept")
            return slate.with_candidates((slate.candidates[0].with_score(0.0),)).noting(note)
        worth = self._worth([candidate for backers in votes.values() for candidate in backers])
        support = {answer: sum(map(worth, backers)) for answer, backers in votes.items()}
        winner = max(support, key=lambda answer: support[answer])
        share = support[winner] / sum(support.values())
        return slate.with_candidates((votes[winner][0].with_score(share),))

    def _worth(self, voters: Sequence[Candidate]) -> Callable[[Candidate], float]:
        """What a candidate's vote counts, which is nothing at the least."""
        scores = [voter.score or 0.0 for voter in voters]
        lowest = min(0.0, *scores)
        if not self.weighted or max(scores) == lowest:
            return lambda _: 1.0
        return lambda voter: (voter.score or 0.0) - lowest

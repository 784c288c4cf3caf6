"""Pointwise ranker: one model rates each candidate by itself.

`expected` is the weighting of G-Eval (Liu et al. 2023, arXiv 2303.16634): the mean rating under the
probabilities that the model gives to all ratings, which tells candidates apart that one and the
same likeliest rating would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp
from pathlib import Path
from statistics import fmean
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from archsearch import replies
from archsearch.layer import Calls, Outline, PlannedCall
from archsearch.ranking import AskingRankingLayer, Judgement, Shown
from archsearch.types import MOST_LOGPROBS, Fallback, Logprobs, Question

UNREADABLE = "rating unreadable; scored as the mean of those that could be read"
UNWEIGHTED = "rating without probabilities; the one in the reply taken by itself"

_FEW = 8
"""Tokens that a reply takes which is a number only."""


class PointwiseRanker(AskingRankingLayer):
    """Candidates -> the `keep` best, best first, each with a score in [0, 1].

    Each distinct text is rated from 1 to `scale`, in a prompt of its own; the score is
    (rating - 1) / (scale - 1). A text whose rating cannot be read neither gains nor loses by it: it
    scores the mean of the others', 1/2 where there are none, which is recorded.
    """

    template: ClassVar[Path] = Path(__file__).with_suffix(".j2")

    type: Literal["pointwise_ranker"] = "pointwise_ranker"
    scale: int = Field(default=10, ge=2, le=100)
    """The best rating; 1 is the worst. A template of your own is given it as `scale`."""
    expected: bool = False
    """Asks for the number only, and takes the mean of all ratings by the model's probabilities
    instead of the likeliest one. It needs a back-end that gives log probabilities, and a `scale` of
    at most 9: a rating of two digits may be two tokens. Where the rating in the reply is no token
    by itself it is taken as it is, which is recorded. A template of your own is given `expected`
    too."""

    @model_validator(mode="after")
    def _one_token_rates(self) -> Self:
        if self.expected and self.scale > 9:
            raise ValueError(
                f"with expected, scale must be at most 9, since the rating is read off one token; "
                f"received {self.scale}; lower scale or drop expected"
            )
        return self

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for each candidate."""
        call = self.planned_showing(
            1, given, count=given.candidates, scale=self.scale, expected=self.expected
        )
        return (replace(call, max_tokens=self._most_tokens),)

    def canonical(self, given: Outline) -> Self:
        """No more tokens than it asks for."""
        return super().canonical(given).model_copy(update={"max_tokens": self._most_tokens})

    async def judge(self, shown: Sequence[Shown], question: Question, calls: Calls) -> Judgement:
        """Has each rated, all at once."""

        async def rate(one: Shown, door: Calls) -> tuple[float | None, tuple[Fallback, ...]]:
            return await self._rated(one, question, door)

        rated = await calls.each(shown, rate)
        read = [rating for rating, _ in rated if rating is not None]
        middle = fmean(read) if read else (1 + self.scale) / 2
        ratings = [middle if rating is None else rating for rating, _ in rated]
        notes = [note for _, some in rated for note in some]
        return [(rating - 1) / (self.scale - 1) for rating in ratings], notes

    async def _rated(
        self, one: Shown, question: Question, calls: Calls
    ) -> tuple[float | None, tuple[Fallback, ...]]:
        request, notes = await self.request_showing(
            [one], question, calls, scale=self.scale, expected=self.expected
        )
        logprobs = MOST_LOGPROBS if self.expected else 0
        asked = replace(request, max_tokens=self._most_tokens, logprobs=logprobs)
        (completion,) = await calls.complete(asked)
        rating = replies.rating(completion.text, self.scale)
        if rating is None:
            return None, (*notes, Fallback(path=calls.path, reason=UNREADABLE))
        if not self.expected:
            return rating, notes
        weighted = expected_rating(completion.logprobs or (), rating, self.scale)
        if weighted is None:
            return rating, (*notes, Fallback(path=calls.path, reason=UNWEIGHTED))
        return weighted, notes

    @property
    def _most_tokens(self) -> int:
        return min(self.max_tokens, _FEW) if self.expected else self.max_tokens


def expected_rating(logprobs: Logprobs, said: float, scale: int) -> float | None:
    """The mean of the ratings 1 to `scale` (at most 9) by their probabilities where the rating
    `said` first stands in the reply; None where it is no token by itself.

    >>> expected_rating(((("Rating", 0.0),), ((" 4", -0.7), ("5", -0.7), ("!", -3.0))), 4, 5)
    4.5
    """
    drawn = [likeliest[0][0] for likeliest in logprobs]
    for at, token in enumerate(drawn):
        # Digits that follow at once belong to the same number.
        if _rating(token, scale) == said and not "".join(drawn[at + 1 : at + 2])[:1].isdigit():
            weights: dict[int, float] = {}
            for other, logprob in dict(logprobs[at]).items():
                if rating := _rating(other, scale):
                    weights[rating] = weights.get(rating, 0.0) + exp(logprob)
            total = sum(weights.values())
            return sum(rating * weight for rating, weight in weights.items()) / total
    return None


def _rating(token: str, scale: int) -> int | None:
    said = token.strip()
    return int(said) if len(said) == 1 and said in "123456789"[:scale] else None

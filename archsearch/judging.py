"""Judging candidates one by one: each distinct text once, and no more of them than are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from archsearch.layer import Calls
from archsearch.types import Candidate

Judgement = TypeVar("Judgement")


async def judged(
    candidates: Sequence[Candidate],
    judge: Callable[[str, Calls], Awaitable[Judgement]],
    calls: Calls,
    *,
    first_k: int | None = None,
    passes: Callable[[Judgement], bool] = bool,
) -> dict[str, Judgement]:
    """What `judge` says of each distinct text, in the order of the candidates.

    With `first_k` it ends as soon as that many candidates pass, equal ones counted each: a text is
    judged only where those before it left too few, whoever answers first. The others are left out.
    """
    count = Counter(candidate.text for candidate in candidates)
    texts = list(count)

    def enough(judgements: Sequence[Judgement]) -> bool:
        passing = (text for text, one in zip(texts, judgements, strict=False) if passes(one))
        return first_k is not None and sum(count[text] for text in passing) >= first_k

    return dict(
        zip(texts, await calls.each(texts, judge, enough=enough, ahead=first_k), strict=False)
    )


def most(votes: Sequence[bool | None]) -> bool | None:
    """Whether more than half of the judges say yes; None where none of them says anything.

    >>> most([True, None, False, True]), most([True, None, True]), most([None])
    (False, True, None)
    """
    if all(vote is None for vote in votes):
        return None
    return 2 * sum(vote is True for vote in votes) > len(votes)

"""Pairwise ranker: one model compares the candidates two by two.

Pairwise ranking prompting (Qin et al. 2023, arXiv 2306.17563): which of two answers is better is
an easier question than the order of many. Judges favour a place (Zheng et al. 2023, arXiv
2306.05685), so every pair is asked in both orders, and only a judge who says the same both times
has said something.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import ClassVar, Literal

from archsearch import replies
from archsearch.layer import Calls, Outline, PlannedCall
from archsearch.ranking import AskingRankingLayer, Judgement, Shown
from archsearch.types import Fallback, Question

Pair = tuple[int, int]
"""Two of the texts, by their places from 0 on."""

UNREADABLE = "preference unreadable; counted as a draw"
DRAWN = "game drawn; the earlier candidate goes on"


class PairwiseRanker(AskingRankingLayer):
    """Candidates -> the `keep` best, best first, each with a score in [0, 1].

    Each two distinct texts that meet play one game: both orders are asked. Whoever is preferred in
    both wins; anything else is a draw. A reply without a readable preference is recorded. Where
    there is one text no call is made and its score is 1.
    """

    template: ClassVar[Path] = Path(__file__).with_suffix(".j2")

    type: Literal["pairwise_ranker"] = "pairwise_ranker"
    schedule: Literal["round_robin", "tournament"] = "round_robin"
    """`round_robin`: all pairs, n(n - 1) calls for n texts; the score is the share of games won,
    with half a win for a draw. `tournament`: a knock-out in the order of the candidates, 2(n - 1)
    calls, one round's games at once; whoever is left over in a round goes on without a game, and a
    draw lets the earlier candidate go on, which is recorded. The score is the share of rounds that
    a text outlasted."""

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """Two requests for each game, which quote two candidates each."""
        games = given.candidates - 1
        if self.schedule == "round_robin":
            games = given.candidates * games // 2
        return (self.planned_showing(2, given, count=2 * games),)

    async def judge(self, shown: Sequence[Shown], question: Question, calls: Calls) -> Judgement:
        """Has them compared as the schedule says."""
        if len(shown) == 1:
            return (1.0,), ()
        games = _Games(self, shown, question, calls)
        if self.schedule == "round_robin":
            return await _round_robin(games), games.notes
        return await _tournament(games), games.notes


class _Games:
    """Games between texts, and what they left open."""

    def __init__(
        self, judge: PairwiseRanker, shown: Sequence[Shown], question: Question, calls: Calls
    ) -> None:
        self.count, self.notes = len(shown), list[Fallback]()
        self._judge, self._shown, self._question, self._calls = judge, shown, question, calls

    async def play(self, pairs: Sequence[Pair]) -> list[int | None]:
        """Who wins each game, all played at once; None where it is drawn."""
        orders = [order for one, other in pairs for order in ((one, other), (other, one))]
        preferred = await self._calls.each(orders, self._preferred)
        for _, notes in preferred:
            self.notes.extend(notes)
        winners = [winner for winner, _ in preferred]
        return [
            first if first == second else None
            for first, second in zip(winners[::2], winners[1::2], strict=True)
        ]

    def note_draw(self) -> None:
        self.notes.append(Fallback(path=self._calls.path, reason=DRAWN))

    async def _preferred(
        self, order: Pair, calls: Calls
    ) -> tuple[int | None, tuple[Fallback, ...]]:
        """Which of two, shown in this order, the judge prefers."""
        shown = [self._shown[at] for at in order]
        completion, notes = await self._judge.ask_showing(shown, self._question, calls)
        number = replies.preference(completion.text)
        if number is None:
            return None, (*notes, Fallback(path=calls.path, reason=UNREADABLE))
        return order[number - 1], notes


async def _round_robin(games: _Games) -> list[float]:
    """Each text's share of the games it played, draws counting half."""
    pairs = list(combinations(range(games.count), 2))
    points = [0.0] * games.count
    for pair, winner in zip(pairs, await games.play(pairs), strict=True):
        for player in pair:
            points[player] += 0.5 if winner is None else float(winner == player)
    return [won / (games.count - 1) for won in points]


async def _tournament(games: _Games) -> list[float]:
    """The share of rounds that each text outlasted: 1 for the winner, 0 for a loss in the first."""
    left, outlasted, rounds = list(range(games.count)), [0] * games.count, 0
    while len(left) > 1:
        pairs = list(zip(left[::2], left[1::2], strict=False))
        through = []
        for pair, winner in zip(pairs, await games.play(pairs), strict=True):
            if winner is None:
                games.note_draw()
            through.append(pair[0] if winner is None else winner)
        left = through + left[2 * len(pairs) :]
        rounds += 1
        for player in left:
            outlasted[player] += 1
    return [won / rounds for won in outlasted]

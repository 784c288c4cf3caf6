"""Gate: a limit on how much is taken at once, fair between parties, that adapts to overload.

Additive increase, multiplicative decrease (Chiu and Jain 1989, "Analysis of the Increase and
Decrease Algorithms for Congestion Avoidance"): each overload halves the limit, each answer lets it
grow by the reciprocal of itself, never above the capacity.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from heapq import heappop, heappush
from itertools import count

BACK = -1
"""The progress of who was let in before."""

_Waiting = tuple[int, int, int, asyncio.Future[None]]
"""Progress, order of coming, places, and the future that tells whose turn it is."""


class Gate:
    """`capacity` places, taken several at a time and given back one by one.

    Parties take turns, so that one with thousands of callers does not keep another waiting. Within
    a party whoever has come less far goes first, of equals whoever came first: the longest way
    first (Hu 1961), so that in the end none is left to go a long way alone.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._limit = float(capacity)
        self._taken = 0
        self._queues: OrderedDict[str, list[_Waiting]] = OrderedDict()
        """Heaps by party; the one whose turn it is stands first. None is empty."""
        self._came = count()
        self._closed_until = 0.0
        self._decreased = 0.0

    @property
    def limit(self) -> int:
        """Places that may be taken at present."""
        return int(self._limit)

    async def take(self, places: int, party: str = "", *, progress: int = 0) -> None:
        """Waits for `places`, at most the capacity, and takes them.

        `progress` says how far the caller has come; who comes back after a pause says `BACK`, and
        goes before all others.
        """
        if places > self.capacity:
            raise ValueError(f"at most {self.capacity} places can be taken; received {places}")
        if (progress == BACK or not self._queues) and self._admits(places):
            self._taken += places
            return
        turn = asyncio.get_running_loop().create_future()
        heappush(self._queues.setdefault(party, []), (progress, next(self._came), places, turn))
        if progress == BACK:
            self._queues.move_to_end(party, last=False)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(places)  # served and cancelled in the same breath
            else:
                self._serve()  # it may have stood before one that fits
            raise

    def give(self, places: int = 1) -> None:
        """Gives places back."""
        self._taken -= places
        if self._queues:
            self._serve()

    def answered(self, places: int = 1) -> None:
        """The limit grows: this many places brought an answer."""
        if self._limit < self.capacity:
            self._limit = min(self.capacity, self._limit + places / self._limit)

    def overloaded(self, began: float, pause: float) -> None:
        """The limit shrinks, and nobody goes in for `pause` seconds: a call that began at the
        loop's time `began` was turned away. Calls of before the last decrease tell nothing new."""
        loop = asyncio.get_running_loop()
        if began >= self._decreased:
            self._decreased = loop.time()
            self._limit = max(1.0, min(self._limit, self._taken) / 2)
        reopens = loop.time() + pause
        if reopens > self._closed_until:
            self._closed_until = reopens
            loop.call_at(reopens, self._serve)

    def _admits(self, places: int) -> bool:
        """Whether so many may go in now. Alone anyone may, however low the limit is."""
        if self._closed_until and asyncio.get_running_loop().time() < self._closed_until:
            return False
        return not self._taken or self._taken + places <= int(self._limit)

    def _serve(self) -> None:
        while self._queues:
            party, queue = next(iter(self._queues.items()))
            _, _, places, turn = queue[0]
            gone = turn.done()
            if not gone and not self._admits(places):
                return
            heappop(queue)
            if not gone:
                self._taken += places
                turn.set_result(None)
                self._queues.move_to_end(party)
            if not queue:
                del self._queues[party]

"""Gate: a limit on how much is taken at once, fair between parties, that adapts to overload.

Additive increase, multiplicative decrease (Chiu and Jain 1989, "Analysis of the Increase and
Decrease Algorithms for Congestion Avoidance"): each overload halves the limit, each answer lets it
grow by the reciprocal of itself, never above the capacity.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque


class Gate:
    """`capacity` places, taken several at a time and given back one by one.

    Parties take turns, and within a party whoever came first goes first, so that one with
    thousands of callers does not keep another waiting.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._limit = float(capacity)
        self._taken = 0
        self._queues: OrderedDict[str, deque[tuple[int, asyncio.Future[None]]]] = OrderedDict()
        """By party; the one whose turn it is stands first. None is empty."""
        self._closed_until = 0.0
        self._decreased = 0.0

    @property
    def limit(self) -> int:
        """Places that may be taken at present."""
        return int(self._limit)

    async def take(self, places: int, party: str = "", *, first: bool = False) -> None:
        """Waits for `places`, at most the capacity, and takes them; `first` goes before all others,
        as befits who comes back."""
        if places > self.capacity:
            raise ValueError(f"at most {self.capacity} places can be taken; received {places}")
        if (first or not self._queues) and self._admits(places):
            self._taken += places
            return
        turn = asyncio.get_running_loop().create_future()
        self._enqueue(places, turn, party, first=first)
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

    def _enqueue(self, places: int, turn: asyncio.Future[None], party: str, *, first: bool) -> None:
        queue = self._queues.setdefault(party, deque())
        if first:
            queue.appendleft((places, turn))
            self._queues.move_to_end(party, last=False)
        else:
            queue.append((places, turn))

    def _serve(self) -> None:
        while self._queues:
            party, queue = next(iter(self._queues.items()))
            places, turn = queue[0]
            gone = turn.done()
            if not gone and not self._admits(places):
                return
            queue.popleft()
            if not gone:
                self._taken += places
                turn.set_result(None)
                self._queues.move_to_end(party)
            if not queue:
                del self._queues[party]

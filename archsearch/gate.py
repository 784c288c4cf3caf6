"""Gate: a first-come-first-served limit on how much is taken at once."""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """`capacity` places, taken several at a time and given back one by one.

    Unlike a semaphore it lets a caller take n places together without two callers holding half
    each, and serves them in the order in which they came.
    """

    def __init__(self, capacity: int) -> None:
        self._free = self._capacity = capacity
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, places: int) -> None:
        """Waits for `places` free ones, at most the capacity, and takes them."""
        if places > self._capacity:
            raise ValueError(f"at most {self._capacity} places can be taken; received {places}")
        if not self._queue and places <= self._free:
            self._free -= places
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append((places, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(places)  # served and cancelled in the same breath
            elif (places, turn) in self._queue:  # unless a give in the same breath passed it over
                self._queue.remove((places, turn))
                self._serve()
            raise

    def give(self, places: int = 1) -> None:
        """Gives places back."""
        self._free += places
        self._serve()

    def _serve(self) -> None:
        while self._queue and self._queue[0][0] <= self._free:
            places, turn = self._queue.popleft()
            if not turn.done():
                self._free -= places
                turn.set_result(None)

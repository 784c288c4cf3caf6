"""Patience: how long a call is tried. The one owner of retries in the whole program."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, nullcontext

from pydantic import BaseModel, ConfigDict, Field

from archsearch.errors import ModelUnavailable, TransientModelError

Pause = Callable[[TransientModelError, float], Awaitable[None]]
"""How the seconds between two attempts are spent, given what went wrong."""


async def _sleep(error: TransientModelError, seconds: float) -> None:
    await asyncio.sleep(seconds)


@contextmanager
def _stopped(clock: asyncio.Timeout) -> Iterator[None]:
    """The clock stands still meanwhile."""
    now = asyncio.get_running_loop().time
    began, end = now(), clock.when()
    clock.reschedule(None)
    yield
    clock.reschedule(end and end + now() - began)


class Patience(BaseModel):
    """A `patience:` entry of a study file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=6, ge=1)
    """Tries in all, the first included."""
    deadline: float = Field(default=600.0, gt=0)
    """Seconds from the first try to giving up, whatever the engine is doing meanwhile."""
    first_pause: float = Field(default=0.5, ge=0)
    """Seconds; doubled after each failure, up to `longest_pause`."""
    longest_pause: float = Field(default=30.0, ge=0)

    async def persist(
        self,
        attempt: Callable[[], Awaitable[None]],
        *,
        whom: str,
        pause: Pause = _sleep,
        within: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        """Awaits `attempt()` until it returns.

        Each is made within `within()`; waiting for that is no silence of whoever is asked. Only
        `TransientModelError` is tried again, after `pause(error, seconds)`. Raises
        `ModelUnavailable` when the attempts or the deadline are used up; `whom` is the name for
        that message.
        """
        failures = 0
        try:
            async with asyncio.timeout(self.deadline) as clock:
                while True:
                    try:
                        async with AsyncExitStack() as stack:
                            with _stopped(clock):
                                await stack.enter_async_context(within())
                            await attempt()
                    except TransientModelError as error:
                        failures += 1
                        if failures >= self.attempts:
                            raise ModelUnavailable(
                                f"{whom} failed {failures} times in a row; last: {error}"
                            ) from error
                        await pause(error, self._pause(failures, error.retry_after))
                    else:
                        return
        except TimeoutError as error:
            if not clock.expired():
                raise  # the attempt's own, which no longer deadline would cure
            raise ModelUnavailable(
                f"{whom} must answer within {self.deadline:g} s and has not; "
                f"raise patience.deadline if the model is only slow"
            ) from error

    def _pause(self, failures: int, asked: float | None) -> float:
        """What the server asked for, else exponential with jitter, so that callers spread out."""
        if asked is not None:
            return min(asked, self.longest_pause)
        doublings = min(failures - 1, 64)  # by then past any pause, and within a float's range
        ceiling = min(self.longest_pause, self.first_pause * 2**doublings)
        return random.uniform(ceiling / 2, ceiling)

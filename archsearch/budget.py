"""Budgets: caps on cost, and the account that keeps a study within its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from archsearch.errors import BudgetExhausted
from archsearch.types import Cost, Measured, UpperBound, total


class Limits(BaseModel):
    """Caps on a cost; a field left out is no cap. A cost is within when it is <= each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flops: float | None = Field(default=None, gt=0)
    tokens: float | None = Field(default=None, gt=0)
    """Prompt and completion tokens together."""
    dollars: float | None = Field(default=None, gt=0)
    seconds: float | None = Field(default=None, gt=0)
    """Per question: median latency of the finalists, each question alone on the engine. For the
    study: wall time after which no more trials begin but the baselines. No part of `over`."""

    def over(self, cost: Cost) -> float:
        """By which share the tightest cap is exceeded: 0.2 is a fifth over; <= 0 is within."""
        return max((amount / cap - 1 for amount, cap, _ in self._capped(cost)), default=-1.0)

    def within(self, other: Limits) -> Limits:
        """What both allow."""
        both = [limits.model_dump(exclude_none=True) for limits in (self, other)]
        names = both[0].keys() | both[1].keys()
        return Limits(**{name: min(one[name] for one in both if name in one) for name in names})

    @property
    def caps(self) -> bool:
        """Whether there is any cap on a cost."""
        return bool(self._capped(Cost()))

    def tell(self, cost: Cost) -> str:
        """`cost` as far as it is capped, such as `1.5e+10 FLOPs, 320 tokens`."""
        return ", ".join(f"{amount:.3g} {unit}" for amount, _, unit in self._capped(cost))

    def _capped(self, cost: Cost) -> list[tuple[float, float, str]]:
        every = (
            (cost.flops, self.flops, "FLOPs"),
            (cost.prompt_tokens + cost.completion_tokens, self.tokens, "tokens"),
            (cost.dollars, self.dollars, "dollars"),
        )
        return [(amount, cap, unit) for amount, cap, unit in every if cap is not None]

    def __str__(self) -> str:
        """Such as `2e+10 FLOPs, 500 tokens`."""
        caps = [f"{cap:g} {unit}" for _, cap, unit in self._capped(Cost())]
        caps += [] if self.seconds is None else [f"{self.seconds:g} seconds"]
        return ", ".join(caps) or "no cap"


class Charges(Protocol):
    """Where charges are kept, each under its name."""

    def record_charges(self, costs: Mapping[str, Measured]) -> Measured:
        """Keeps those whose names are new, and gives their sum."""

    def has_all(self, names: Iterable[str]) -> bool:
        """Whether there is a charge under each of the names."""

    def charged(self) -> Measured:
        """The sum of all that are kept."""


class ChargesInMemory:
    """Charges of a study that nobody resumes."""

    def __init__(self) -> None:
        self._costs: dict[str, Measured] = {}

    def record_charges(self, costs: Mapping[str, Measured]) -> Measured:
        """See `Charges`."""
        new = {name: cost for name, cost in costs.items() if name not in self._costs}
        self._costs.update(new)
        return total(Measured, new.values())

    def has_all(self, names: Iterable[str]) -> bool:
        """See `Charges`."""
        return all(name in self._costs for name in names)

    def charged(self) -> Measured:
        """See `Charges`."""
        return total(Measured, self._costs.values())

    def take(self) -> dict[str, Measured]:
        """All of them, by name; they are kept no longer."""
        taken, self._costs = self._costs, {}
        return taken


class Account:
    """What a study has spent, what calls in flight may still take, and what is set aside.

    A draw first takes hold of its upper bound, so the cap cannot be passed; what it really cost
    is charged sample by sample. Each sample is charged once, when the study first needs it,
    whether it is drawn now or was in the store, and what was in the store takes hold like a draw:
    a warm store changes what is paid, never which trials fit.
    """

    def __init__(self, limits: Limits | None = None, *, charges: Charges | None = None) -> None:
        """`charges` holds what an earlier part of the study paid, and takes what this one does."""
        self._limits = limits or Limits()
        self._charges = charges or ChargesInMemory()
        self._spent = self._charges.charged()
        self._held = UpperBound()
        self._in_flight = 0
        self._reserve = UpperBound()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def spent(self) -> Measured:
        """Everything charged so far."""
        return self._spent

    def set_aside(self, reserve: UpperBound) -> None:
        """Keeps `reserve` out of reach from now on; `UpperBound()` frees it."""
        self._reserve = reserve

    def charge(self, costs: Mapping[str, Measured]) -> None:
        """Charges what the names stand for, unless they were charged before."""
        self._spent += self._charges.record_charges(costs)

    def has_charged(self, names: Iterable[str]) -> bool:
        """Whether all that the names stand for was charged before; true where there is no cap."""
        return not self._limits.caps or self._charges.has_all(names)

    def has_room(self, cost: Cost, *, of_reserve: bool = False) -> bool:
        """Whether `cost` fits into what is left, `of_reserve` what is set aside included."""
        reserve = UpperBound() if of_reserve else self._reserve
        return self._limits.over(reserve.beside(cost).beside(self._spent)) <= 0

    @asynccontextmanager
    async def holding(self, bound: UpperBound) -> AsyncIterator[None]:
        """Holds `bound` while a draw is in flight.

        Waits while others hold what it would need, since they seldom use it all. Raises
        `BudgetExhausted` when it would not fit even with nothing else in flight.
        """
        while not self._fits(bound, self._held):
            if not self._fits(bound, UpperBound()):
                raise BudgetExhausted(
                    f"the study's cap is {self._limits}; {self._limits.tell(self._spent)} are "
                    f"spent, {self._limits.tell(self._reserve)} set aside, and this draw may take "
                    f"{self._limits.tell(bound)}; raise budget.study to go on"
                )
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._held += bound
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            # With nothing in flight it is 0: what rounding leaves would be waited for in vain.
            self._held = self._held + bound.scaled(-1) if self._in_flight else UpperBound()
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                if not turn.done():
                    turn.set_result(None)

    def _fits(self, bound: UpperBound, held: UpperBound) -> bool:
        return self.has_room(bound + held)

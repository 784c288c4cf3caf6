"""Unit: what the costs of one study are compared in, as FLOPs, dollars and tokens do not mix."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from archsearch.budget import Limits
from archsearch.cost import Tariff
from archsearch.search.config import Budget
from archsearch.types import Cost


class Unit(StrEnum):
    """Its value is what reports say."""

    FLOPS = "FLOPs"
    DOLLARS = "dollars"
    TOKENS = "tokens"

    @classmethod
    def common(cls, budget: Budget, tariffs: Collection[Tariff]) -> Unit:
        """What is known of all models. Dollars where a cap is in dollars and none in FLOPs; else
        FLOPs, if all models have a shape; else dollars, if all have a price; else tokens."""
        caps = (budget.per_question, budget.study)
        has_shapes = all(tariff.shape for tariff in tariffs)
        if any(cap.dollars for cap in caps) and not any(cap.flops for cap in caps):
            return cls.DOLLARS
        if has_shapes:
            return cls.FLOPS
        return cls.DOLLARS if all(tariff.price for tariff in tariffs) else cls.TOKENS

    def of(self, cost: Cost) -> float:
        """The amount of `cost`."""
        if self is Unit.FLOPS:
            return cost.flops
        if self is Unit.DOLLARS:
            return cost.dollars
        return cost.prompt_tokens + cost.completion_tokens

    def cap(self, amount: float) -> Limits:
        """A cap at `amount`; that of nothing lets nothing pass, as far as anything costs."""
        return Limits(**{self.name.lower(): max(amount, 1e-300)})

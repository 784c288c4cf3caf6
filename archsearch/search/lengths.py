"""Lengths: how long completions are and how often calls are made, learned from what was used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from archsearch.cost import Used
from archsearch.layer import PlannedCall

ENOUGH = 8
"""Observations after which a role speaks for itself rather than through a coarser one."""


@dataclass(slots=True)
class _Mean:
    count: float = 0
    total: float = 0

    def add(self, value: float, weight: float = 1) -> None:
        self.count += weight
        self.total += value

    @property
    def value(self) -> float:
        return self.total / self.count


class Lengths:
    """Means by model and role. A role not seen enough takes what its longest seen prefix had:
    `generator/direct/0.8`, then `generator/direct`, then `generator`, then the model's mean."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], _Mean] = defaultdict(_Mean)
        self._uptake: dict[tuple[str, str], _Mean] = defaultdict(_Mean)

    def observe(self, plan: Iterable[PlannedCall], used: Iterable[Used]) -> None:
        """Learns from one question: what was planned, and what was used in the end."""
        prompts: dict[tuple[str, str], set[str]] = defaultdict(set)
        for call in used:
            prompts[call.model, call.role].add(call.prompt)
            for role in _prefixes(call.role):
                self._tokens[call.model, role].add(
                    sum(call.completion_tokens), len(call.completion_tokens)
                )
        planned: Counter[tuple[str, str]] = Counter()
        for planned_call in plan:
            planned[planned_call.model, planned_call.role] += planned_call.prompts
        for (model, role), most in planned.items():
            made = len(prompts[model, role])
            for name in (f"{role} x{most}", role):
                self._uptake[model, name].add(made, most)

    def tokens(self, call: PlannedCall) -> float:
        """Expected tokens of one completion; `max_tokens` for a model never seen."""
        seen = [self._tokens.get((call.model, role)) for role in _prefixes(call.role)]
        for mean in seen:
            if mean and mean.count >= ENOUGH:
                return min(mean.value, call.max_tokens)
        for mean in seen:
            if mean:
                return min(mean.value, call.max_tokens)
        return call.max_tokens

    def uptake(self, call: PlannedCall) -> float:
        """Expected share of the planned prompts that are distinct and really asked, in [0, 1]."""
        for name in (f"{call.role} x{call.prompts}", call.role):
            mean = self._uptake.get((call.model, name))
            if mean and mean.count >= ENOUGH:
                return mean.value
        return 1.0


def _prefixes(role: str) -> list[str]:
    """The role, then ever coarser ones, down to the empty one.

    >>> _prefixes("generator/direct/0.8")
    ['generator/direct/0.8', 'generator/direct', 'generator', '']
    """
    parts = role.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), -1, -1)] if role else [""]

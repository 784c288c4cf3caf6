"""Lengths: how long prompts and completions are, learned from what was used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
        self._fill: dict[tuple[str, str], _Mean] = defaultdict(_Mean)
        self._drawn: dict[tuple[str, str], _Mean] = defaultdict(_Mean)

    def observe(self, used: Iterable[Used]) -> None:
        """Learns how long the completions of one question were."""
        for call in used:
            for role in _prefixes(call.role):
                self._tokens[call.model, role].add(
                    sum(call.completion_tokens), len(call.completion_tokens)
                )

    def observe_prompts(
        self, planned: Sequence[tuple[PlannedCall, float]], used: Iterable[Used]
    ) -> None:
        """Learns from one question how many of the prompts that calls of one model and role plan
        were made, and how their length compares with the foreseen one, which `planned` has for each
        call, in tokens. What was `used` does not say by which of these calls: each has its share.
        """
        model, role = planned[0][0].model, planned[0][0].role
        mine = [u for u in used if (u.model, u.role) == (model, role)]
        made = {u.prompt: u.prompt_tokens for u in mine}
        uptake = len(made) / sum(call.prompts for call, _ in planned)
        tokens = sum(uptake * call.prompts * foreseen for call, foreseen in planned)
        samples = sum(uptake * call.completions for call, _ in planned)
        for call, _ in planned:
            for name in _sized(call):
                self._uptake[model, name].add(uptake * call.prompts, call.prompts)
                if made:
                    fill = sum(made.values()) / tokens
                    drawn = sum(len(u.completion_tokens) for u in mine) / samples
                    prompts, completions = uptake * call.prompts, uptake * call.completions
                    self._fill[model, name].add(fill * prompts, prompts)
                    self._drawn[model, name].add(drawn * completions, completions)

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
        return self._ratio(self._uptake, call)

    def drawn(self, call: PlannedCall) -> float:
        """Expected samples of each prompt: some layers stop before all that they plan."""
        return call.samples * self._ratio(self._drawn, call)

    def fill(self, call: PlannedCall) -> float:
        """Expected length of a prompt over the foreseen one: layers may quote less than planned,
        such as each distinct text once."""
        return self._ratio(self._fill, call)

    def _ratio(self, seen: Mapping[tuple[str, str], _Mean], call: PlannedCall) -> float:
        for name in _sized(call):
            mean = seen.get((call.model, name))
            if mean and mean.count >= ENOUGH:
                return mean.value
        return 1.0


def _sized(call: PlannedCall) -> tuple[str, str]:
    """The call by its role and how much it plans, then by its role alone."""
    quoted = sum(count for _, count in call.quotes)
    return f"{call.role} x{call.prompts} of {call.samples} quoting {quoted:g}", call.role


def _prefixes(role: str) -> list[str]:
    """The role, then ever coarser ones, down to the empty one.

    >>> _prefixes("generator/direct/0.8")
    ['generator/direct/0.8', 'generator/direct', 'generator', '']
    """
    parts = role.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), -1, -1)] if role else [""]

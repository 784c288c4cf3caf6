"""The meter: what a run has drawn, reused, wasted and executed so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archsearch.cost import Used


@dataclass(slots=True)
class Meter:
    """Tokens of a run so far: drawn are paid now, reused were paid before or are being paid."""

    drawn_samples: int = 0
    reused_samples: int = 0
    drawn_prompt_tokens: int = 0
    """Once per request, whole."""
    drawn_cached_tokens: int = 0
    """Of those, what the engines said they had cached."""
    drawn_completion_tokens: int = 0
    reused_completion_tokens: int = 0
    drawn_flops: float = 0.0
    retries: int = 0
    wasted_samples: int = 0
    """Drawn, or taken from the store, ahead of need and then not needed."""
    wasted_completion_tokens: int = 0
    cancelled_samples: int = 0
    """Given up while an engine was at work on them; their tokens nobody counts."""
    missing: int = 0
    """Distinct samples, and prompts to be counted, that a replay lacks."""

    executions: int = 0
    """Programs run now."""
    reused_executions: int = 0
    """Programs run before, or being run for somebody else."""
    cpu_seconds: float = 0.0
    """Of the programs run now, failed attempts included."""

    def waste(self, used: Iterable[Used]) -> None:
        """Counts what nobody needed in the end."""
        for call in used:
            self.wasted_samples += len(call.completion_tokens)
            self.wasted_completion_tokens += sum(call.completion_tokens)

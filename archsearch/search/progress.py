"""Progress: how far a search is, for whoever watches."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """Written by the study, read by the screen."""

    phase: str = "starting"
    trials: int = 0
    """Distinct architectures evaluated."""
    trials_wanted: int = 0
    refused: int = 0
    duplicates: int = 0
    questions: int = 0
    """Question evaluations done, in all phases."""
    questions_wanted: int = 0
    best: float | None = None
    best_architecture: str = ""
    began: float = field(default_factory=time.monotonic)
    earlier: float = 0.0
    """Seconds that earlier parts of the run took."""
    done_before: int = 0
    """Questions that an earlier part of the run had done; they say nothing about speed."""

    @property
    def seconds(self) -> float:
        """Since this process began."""
        return time.monotonic() - self.began

    @property
    def whole_seconds(self) -> float:
        """Of the whole run, the time between its parts left out."""
        return self.earlier + self.seconds

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None while there is none."""
        done = self.questions - self.done_before
        if done <= 0:
            return None
        return self.seconds / done * max(0, self.questions_wanted - self.questions)

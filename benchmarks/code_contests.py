"""CodeContests: problems of programming contests, from standard input to standard output.

Li et al. 2022, "Competition-Level Code Generation with AlphaCode",
https://arxiv.org/abs/2203.07814
Data: https://huggingface.co/datasets/deepmind/code_contests, 13,328 train, 117 valid and 165 test
rows. The hub was out of reach when this was written: the revision is the one that public code pins.
Licence: CC-BY-4.0.

A program must pass the public, the private and the generated tests, each within the problem's own
limit of CPU time; `slack` allows for a slower machine.
Outputs are compared as the official evaluator does (`OutputsMatch` in
`execution/tester_sandboxer.cc` of https://github.com/google-deepmind/code_contests): word by word,
without regard to case, numbers to within 1e-5. Left out are problems that read or write files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, Field, model_validator

from archsearch.benchmark import Item
from archsearch.code.benchmark import PROGRAM, WALL, CodeBenchmark, Problem
from archsearch.code.verdicts import Case, Verdict, verdict_of_outputs
from archsearch.program import Execute, Limits
from archsearch.rows import hub_rows

REVISION = "802411c3010cb00d1b05bad57ca77365a3c699d6"
"""Commit of deepmind/code_contests on the Hugging Face hub."""
PRECISION = 1e-5
OUTPUT = 16 << 20

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:inf(?:inity)?|nan)")
_BLANK = re.compile(r"[ \n\t\r\v]+")


class Tests(BaseModel):
    """Inputs and, beside each, its output."""

    input: list[str] = []
    output: list[str] = []

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        if len(self.input) != len(self.output):
            raise ValueError(
                f"tests have as many outputs as inputs; received {len(self.output)} and "
                f"{len(self.input)}; correct that row"
            )
        return self

    @property
    def cases(self) -> list[Case]:
        """One by one."""
        pairs = zip(self.input, self.output, strict=True)
        return [Case(stdin=given, stdout=expected) for given, expected in pairs]


class Duration(BaseModel):
    """A time as protocol buffers have it."""

    seconds: int = 0
    nanos: int = 0

    @property
    def total(self) -> float:
        """In seconds."""
        return self.seconds + self.nanos / 1e9


class Row(BaseModel):
    """A row as published."""

    name: str
    description: str
    public_tests: Tests
    private_tests: Tests
    generated_tests: Tests
    time_limit: Duration | None = None
    input_file: str | None = None
    output_file: str | None = None
    cf_rating: int = 0


class CodeContests(CodeBenchmark):
    """CodeContests from the hub, or from a local file in the same format."""

    row: ClassVar[type[BaseModel]] = Row

    name: Literal["code_contests"] = "code_contests"
    split: Literal["train", "valid", "test"] = "test"
    revision: str = REVISION
    slack: float = Field(default=1.0, gt=0)
    """Times the limit of each problem."""

    def published(self) -> Iterable[Any]:
        """The rows of the hub."""
        return hub_rows("deepmind/code_contests", split=self.split, revision=self.revision)

    def item(self, row: Row) -> Item | None:
        """The description, which holds the public tests, and all tests."""
        if row.input_file or row.output_file:
            return None
        public = row.public_tests.cases
        problem = Problem(
            cases=(*public, *row.private_tests.cases, *row.generated_tests.cases),
            seconds=row.time_limit.total if row.time_limit else None,
        )
        if not problem.cases:
            return None
        shown = tuple((case.stdin, case.stdout) for case in public)
        text = f"{row.description.strip()}\n\n{PROGRAM}"
        return self.asked(row.name, text, problem, examples=shown, rating=row.cf_rating)

    async def verdict(self, source: str, problem: Problem, execute: Execute) -> Verdict:
        """Of the first outputs that are wrong."""
        return await verdict_of_outputs(
            source, problem.cases, execute, same=same_output, limits=self.limits(problem)
        )

    def limits(self, problem: Problem) -> Limits:
        """The problem's own time."""
        seconds = self.slack * (problem.seconds or self.seconds)
        return Limits(seconds=WALL * seconds, cpu_seconds=seconds, output_bytes=OUTPUT)


def same_output(output: str, expected: str) -> bool:
    r"""Whether two outputs agree word by word.

    >>> same_output("YES 0.3333333\n", "Yes\n 0.333333"), same_output("1 2", "1  3")
    (True, False)
    """
    words, wanted = (_BLANK.split(text.strip(" \n\t\r\v").lower()) for text in (output, expected))
    return len(words) == len(wanted) and all(map(_same_word, words, wanted))


def _same_word(word: str, wanted: str) -> bool:
    if word == wanted:
        return True
    if not (_NUMBER.fullmatch(word) and _NUMBER.fullmatch(wanted)):
        return False
    return abs(float(word) - float(wanted)) < PRECISION

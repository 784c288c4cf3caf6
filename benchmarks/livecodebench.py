"""LiveCodeBench: contest problems by date, so that a model can be asked what it has not read.

Jain et al. 2024, "LiveCodeBench: Holistic and Contamination Free Evaluation of Large Language
Models for Code", https://arxiv.org/abs/2403.07974
Data: https://huggingface.co/datasets/livecodebench/code_generation_lite, six files of JSON lines;
release n holds the first n. The hub was out of reach when this was written: the revision is the one
that public code pins. Licence: CC (the card names no version); the checker is MIT.

Problems of LeetCode ask for a method of a class, the others read and write. Results are compared as
the official checker does (`lcb_runner/evaluation/testing_util.py` of
https://github.com/LiveCodeBench/LiveCodeBench): a tuple counts as a list; outputs line by line
without blanks around, or as decimal numbers. Where this deviates: every test has a program of its
own; hidden tests are pickled on the hub, and only text is ever taken out of the pickle.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import zlib
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from archsearch.benchmark import Item
from archsearch.code.benchmark import FUNCTION, PROGRAM, CodeBenchmark, Problem, fenced
from archsearch.code.verdicts import (
    Case,
    Expectation,
    Verdict,
    verdict_of_checks,
    verdict_of_outputs,
)
from archsearch.errors import ConfigError
from archsearch.program import Call, Execute, Plain
from archsearch.rows import hub_rows

REVISION = "0fe84c3912ea0c4d4a78037083943e8f0c4dd505"
"""Commit of livecodebench/code_generation_lite on the Hugging Face hub."""

SOLVER = "solver_of_this_problem"
"""Name of the object whose method is called."""

_STARS = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools "
    "operator io sys json builtins typing"
)
_PLAIN = "string re datetime collections heapq bisect copy math random statistics itertools"
IMPORTS = "\n".join(
    [
        *(f"from {module} import *" for module in _STARS.split()),
        *(f"import {module}" for module in (_PLAIN + " functools operator io sys json").split()),
        "sys.setrecursionlimit(50000)\n",
    ]
)
"""What the official checker lets every program have."""


class Row(BaseModel):
    """A row as published."""

    question_id: str
    question_content: str
    platform: str
    contest_date: str
    """Such as 2024-08-17T00:00:00."""
    starter_code: str = ""
    difficulty: str = ""
    public_test_cases: str
    private_test_cases: str
    """JSON, or that pickled, packed and in base64."""
    metadata: str = "{}"


class LiveCodeBench(CodeBenchmark):
    """LiveCodeBench from the hub, or from a local file in the same format."""

    row: ClassVar[type[BaseModel]] = Row

    name: Literal["livecodebench"] = "livecodebench"
    release: int = Field(default=6, ge=1, le=6)
    revision: str = REVISION
    since: str = ""
    """First date of contests that are asked, such as 2024-08-01."""
    until: str = ""
    """Last date, itself included."""
    seconds: float = Field(default=6.0, gt=0)
    """For each input, as in the official checker."""

    def published(self) -> Iterable[Any]:
        """The rows of the hub."""
        place = f"hf://datasets/livecodebench/code_generation_lite@{self.revision}"
        files = [
            f"test{number if number > 1 else ''}.jsonl" for number in range(1, self.release + 1)
        ]
        return hub_rows("json", split="train", data_files=[f"{place}/{file}" for file in files])

    def item(self, row: Row) -> Item | None:
        """The problem, with starter code where it asks for a method."""
        date = row.contest_date[:10]
        if (self.since and date < self.since) or (self.until and date > self.until):
            return None
        facts = {"platform": row.platform, "difficulty": row.difficulty, "date": date}
        method = json.loads(row.metadata).get("func_name") or ""
        public = _cases(row.public_test_cases, row)
        cases = (*public, *_cases(row.private_test_cases, row))
        if not method:
            text = f"{row.question_content.strip()}\n\n{PROGRAM}"
            shown = tuple((case.stdin, case.stdout) for case in public)
            problem = Problem(preface=IMPORTS, cases=cases)
            return self.asked(row.question_id, text, problem, examples=shown, **facts)
        problem = Problem(
            entry_point="Solution",
            preface=IMPORTS,
            checks=tuple(_expectation(method, case) for case in cases),
        )
        starter = fenced(row.starter_code)
        text = f"{row.question_content.strip()}\n\nBegin with:\n\n{starter}\n\n{FUNCTION}"
        return self.asked(row.question_id, text, problem, method=method, **facts)

    async def verdict(self, source: str, problem: Problem, execute: Execute) -> Verdict:
        """Of the first result or output that is wrong."""
        limits = self.limits(problem)
        if problem.cases:
            return await verdict_of_outputs(
                source, problem.cases, execute, same=same_output, limits=limits
            )
        source = f"{source}\n{SOLVER} = Solution()\n"
        return await verdict_of_checks(source, problem.checks, execute, limits=limits)


def same_output(output: str, expected: str) -> bool:
    r"""Whether two outputs agree line by line.

    >>> same_output("1.50 2\n", " 1.5 2.0"), same_output("a b", "a  b")
    (True, False)
    """
    lines, wanted = (
        [line.strip() for line in text.strip().split("\n")] for text in (output, expected)
    )
    return len(lines) == len(wanted) and all(map(_same_line, lines, wanted))


def _same_line(line: str, wanted: str) -> bool:
    if line == wanted:
        return True
    try:
        one, other = ([Decimal(word) for word in text.split()] for text in (line, wanted))
    except InvalidOperation:
        return False
    return one == other


def _same_value(value: Plain, expected: Plain) -> bool:
    return bool((list(value) if isinstance(value, tuple) else value) == expected)


def _expectation(method: str, case: Case) -> Expectation:
    args = tuple(json.loads(line) for line in case.stdin.split("\n"))
    call = Call(function=f"{SOLVER}.{method}", args=args)
    return Expectation(call, json.loads(case.stdout), _same_value)


def _cases(packed: str, row: Row) -> tuple[Case, ...]:
    try:
        tests = json.loads(packed if packed.startswith("[") else _unpickled(packed))
        return tuple(Case(stdin=test["input"], stdout=test["output"]) for test in tests)
    except (ValueError, KeyError, TypeError, zlib.error, pickle.UnpicklingError) as error:
        raise ConfigError(
            f"the tests of LiveCodeBench {row.question_id!r} must be JSON, or that pickled, packed "
            f"and in base64; received {packed[:40]!r} ({error}); correct or fetch its row again"
        ) from None


class _TextOnly(pickle.Unpickler):
    """Takes text out of a pickle, and refuses whatever else would have to be imported."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}")


def _unpickled(packed: str) -> str:
    text = _TextOnly(io.BytesIO(zlib.decompress(base64.b64decode(packed)))).load()
    if not isinstance(text, str):
        raise pickle.UnpicklingError(f"the pickle holds a {type(text).__name__}, not a text")
    return text

"""What benchmarks of written code share: a reply is a program, and the program is run.

Each problem is passed or not, so the mean score is Pass@1. The unbiased pass@k of several replies
to one question is `pool.pass_at_k` of their scores.
"""

from __future__ import annotations

import ast
import builtins
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from archsearch.benchmark import Benchmark, Item
from archsearch.code.solution import solution
from archsearch.code.testtree import free_names
from archsearch.code.verdicts import Case, Check, Verdict, verdict, verdict_of_checks
from archsearch.errors import ConfigError
from archsearch.program import Execute, Limits
from archsearch.rows import checked, local_rows, local_text
from archsearch.seeds import digest
from archsearch.syntax import defined, parsed
from archsearch.types import Message, Question, Score, Target

WALL = 3.0
"""Wall time allowed for each second of CPU time: whether a program passes must not hang on what
else the machine does."""
MEMORY, OUTPUT = 1 << 30, 64 << 20
"""Bytes for a program, and for what it gives: some tests of EvalPlus ask for rows of millions."""

FUNCTION = "Answer with the whole function and the imports it needs, in one fenced code block."
PROGRAM = (
    "Answer with a whole Python program that reads from standard input and writes to standard "
    "output, in one fenced code block."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a reply is held to. Only a benchmark ever holds one."""

    entry_point: str = ""
    """Name that the program must define; empty where it reads and writes."""
    prompt: str = ""
    """Python up to the head of the function, as `solution` takes it."""
    preface: str = ""
    """Python that stands before every program, such as imports that the official checker gives."""
    tests: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    cases: tuple[Case, ...] = ()
    canonical: str = ""
    """A program that passes, where the data have one."""
    seconds: float | None = None
    """Its own limit of time, where it has one."""


class CodeBenchmark(Benchmark):
    """A benchmark whose replies are Python."""

    executes: ClassVar[bool] = True

    row: ClassVar[type[BaseModel]]
    """A row as published; other columns are ignored."""

    revision: str
    path: str | None = None
    """A JSON array or JSON lines of its rows, packed or not (`.gz`), in place of what is
    published."""
    seconds: float = Field(default=10.0, gt=0)
    """CPU time of a program, where the problem has no limit of its own; `WALL` times as long by the
    clock."""

    @abstractmethod
    def published(self) -> Iterable[Any]:
        """The rows as published. Raises `ConfigError` or `MissingExtra` with a remedy."""

    @abstractmethod
    def item(self, row: Any) -> Item | None:
        """The question and its target, a `Problem`; None where it cannot be run here."""

    def load(self, count: int) -> Sequence[Item]:
        """The first `count` problems, in the order of the rows. A repeated one counts once."""
        rows = self.published() if self.path is None else local_rows(self.path)
        items: dict[str, Item] = {}
        for row in checked(self.row, rows, where=self.path or self.name):
            if len(items) == count:
                break
            if item := self.item(row):
                items.setdefault(item.question.id, item)
        return tuple(items.values())

    async def judge(self, text: str, target: Target, execute: Execute) -> Score:
        """1 where the program passes every test, else 0."""
        problem: Problem = target.reference
        source = solution(text, entry_point=problem.entry_point, prompt=problem.prompt)
        if source is None:
            return Score(value=0.0, malformed=True, explanation="no program in the reply")
        found = await self.verdict(problem.preface + source, problem, execute)
        return Score(
            value=float(found.passed), answer=source, explanation=f"{found.status} {found.message}"
        )

    async def verdict(self, source: str, problem: Problem, execute: Execute) -> Verdict:
        """What the tests and checks of `problem` say of a program."""
        limits = self.limits(problem)
        found = await verdict(source, problem.tests, execute, limits=limits)
        if found.passed and problem.checks:
            found = await verdict_of_checks(source, problem.checks, execute, limits=limits)
        return found

    def limits(self, problem: Problem) -> Limits:
        """What one program may take."""
        seconds = problem.seconds or self.seconds
        return Limits(
            seconds=WALL * seconds, cpu_seconds=seconds, memory_bytes=MEMORY, output_bytes=OUTPUT
        )

    @property
    def fingerprint(self) -> str:
        """Of a local file the content counts, not the path."""
        if self.path is None:
            return super().fingerprint
        settings = self.model_dump(mode="json", exclude={"path", "revision"})
        file = local_text(self.path)
        return digest({"benchmark": settings, "version": self.version, "file": file})

    def asked(self, name: object, text: str, problem: Problem, **facts: Any) -> Item:
        """The item of a problem that is asked with `text`.

        Layers find its public facts in `Question.metadata`: `entry_point` and `prompt` as
        `solution` takes them, `preface`, and `facts`.
        """
        if not (problem.tests or problem.checks or problem.cases):
            raise ConfigError(f"a problem must have tests; {self.name} {name!r} has none")
        names = ("entry_point", "prompt", "preface")
        public = {name: getattr(problem, name) for name in names} | facts
        question = Question(
            id=f"{self.name}/{name}",
            messages=(Message(role="user", content=text),),
            answer_kind="code",
            metadata={fact: value for fact, value in public.items() if value},
        )
        return Item(question=question, target=Target(question_id=question.id, reference=problem))


def fenced(code: str) -> str:
    """Python in a fenced block."""
    return f"```python\n{code.strip()}\n```"


def tested(tests: Sequence[str], canonical: str) -> str:
    """The function that `tests` are about: the first that the first of them calls, of the names
    that all of them use and none defines. Where that is none, it may be called as a builtin is:
    then the first of those that `canonical` defines; else empty."""
    calls = (node for node in ast.walk(parsed(tests[0])) if isinstance(node, ast.Call))
    named = [node.func for node in calls if isinstance(node.func, ast.Name)]
    called = [node.id for node in sorted(named, key=lambda name: (name.lineno, name.col_offset))]
    used = set.intersection(*(set(free_names(test)) for test in tests))
    candidates = [name for name in called if name in used] or [
        name for name in called if hasattr(builtins, name) and name in defined(canonical)
    ]
    return next(iter(candidates), "")


def literals(tree: ast.AST, *names: str) -> dict[str, Any]:
    """The literals that are assigned to these names anywhere in `tree`, those of them that are;
    `inf` and `nan` are read as the numbers."""
    found = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign([ast.Name(name)], value) if name in names:
                try:
                    found[name] = ast.literal_eval(_Numbers().visit(value))
                except (ValueError, TypeError, RecursionError):
                    continue
    return found


class _Numbers(ast.NodeTransformer):
    """Puts numbers for the names of those that have no literal."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(float(node.id)) if node.id in ("inf", "nan") else node

"""What layers share that run the programs of candidates.

Some questions ask for a function, which they name as `entry_point`, or for a `method` of the class
of that name, which tests call like a function; the others of kind `code` ask for a program that
reads and writes. Its tests call it by the name `PROGRAM`, as a function from what it reads to what
it writes: `assert program("3 4") == "7"`. So whatever reads calls in tests holds for all three.
"""

from __future__ import annotations

import ast
import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from archsearch.code.asserts import read
from archsearch.code.operators import Unreadable
from archsearch.code.solution import solution
from archsearch.code.testtree import parse
from archsearch.program import Call, Execute, Execution, Limits, Plain, Program, Reply
from archsearch.seeds import digest
from archsearch.types import Question, UnitTest

PROGRAM = "program"
"""What tests call a program that reads and writes."""

SECONDS = 5.0
"""Wall and CPU time of one program, unless a layer says otherwise."""

DIGITS = 9
"""Significant digits to which floats are told apart: sums taken in another order are equal."""


def is_read_and_write(question: Question) -> bool:
    """Whether what is asked for is a program that reads and writes."""
    return question.answer_kind == "code" and not _fact(question, "entry_point")


def under_test(question: Question) -> str:
    """Name that tests call; blank where the question does not say."""
    if is_read_and_write(question):
        return PROGRAM
    return _fact(question, "method") or _fact(question, "entry_point")


def program_of(text: str, question: Question) -> str | None:
    """The program that an answer gives to `question`, as a code benchmark would run it."""
    name, method = _fact(question, "entry_point"), _fact(question, "method")
    source = solution(text, entry_point=name, prompt=_fact(question, "prompt"))
    if source is None:
        return None
    whole = _fact(question, "preface") + source
    return f"{whole}\n{method} = {name}().{method}\n" if method else whole


def public_tests(question: Question) -> tuple[str, ...]:
    """The tests that the question itself shows, as Python; none where it shows none."""
    shown = [str(test) for test in question.metadata.get("tests", ())]
    if is_read_and_write(question):
        examples = question.metadata.get("examples", ())
        shown += [f"assert {PROGRAM}({given!r}) == {said!r}" for given, said in examples]
    return tuple(_as_run(test, question) for test in shown)


def program_tests(tests: Iterable[UnitTest], question: Question) -> tuple[str, ...]:
    """Source of those that are programs, as they are run."""
    return tuple(_as_run(test.text, question) for test in tests if test.kind == "program")


def limits_of(seconds: float) -> Limits:
    """Limits with so much wall and CPU time."""
    return Limits(seconds=seconds, cpu_seconds=seconds)


def execute_for(question: Question, execute: Execute) -> Execute:
    """What runs the programs that `question` asks for."""
    return _reading_and_writing(execute) if is_read_and_write(question) else execute


def inputs(tests: Iterable[str]) -> tuple[Call, ...]:
    """The calls that tests make, without what they expect of them, in order.

    A test that works its arguments out, as in a loop, gives none.
    """
    found: list[Call] = []
    for test in tests:
        try:
            found += read(parse(test)).calls
        except (Unreadable, SyntaxError):
            continue
    return tuple(found)


async def outputs(
    source: str, calls: Sequence[Call], execute: Execute, *, limits: Limits
) -> str | None:
    """One word for all that a program gives to `calls`: equal where each call gives an equal value,
    or raises an exception of one type, or is not answered for one reason.

    None where no call gives a value. Numbers are equal as in Python, floats to `DIGITS`; lists and
    tuples are not. Raises `SandboxFailed`.
    """
    execution = await execute(Program(source=source, calls=tuple(calls), limits=limits))
    replies = execution.replies
    if not any(reply.status == "ok" for reply in replies):
        return None
    unanswered = [execution.status] if len(replies) < len(calls) else []
    return digest([*map(_output, replies), *unanswered])


def _output(reply: Reply) -> str:
    if reply.status != "ok":
        return f"{reply.status} {reply.error.partition(':')[0]}"
    try:
        return f"ok {_spelled(reply.value)}"
    except RecursionError:
        return "too deep"


def _spelled(value: Plain) -> str:
    """A value in its one spelling. Spelled, and not hashed: a program may choose keys that all
    collide."""
    match value:
        case int():
            return format(value, "x")
        case float() if math.isfinite(value):
            rounded = float(format(value, f".{DIGITS - 1}e"))
            return format(int(rounded), "x") if rounded.is_integer() else repr(rounded)
        case list() | tuple():
            return f"{type(value).__name__}({','.join(map(_spelled, value))})"
        case set() | frozenset():
            return f"set({','.join(sorted(map(_spelled, value)))})"
        case dict():
            items = (f"{_spelled(key)}:{_spelled(item)}" for key, item in value.items())
            return f"dict({','.join(sorted(items))})"
    return repr(value)


def _fact(question: Question, name: str) -> str:
    """A public fact; blank where the question does not say."""
    return str(question.metadata.get(name, ""))


def _as_run(test: str, question: Question) -> str:
    """Texts to be written differ in more than white space at the ends of their lines."""
    if not is_read_and_write(question):
        return test
    try:
        return ast.unparse(_Trimming().visit(parse(test)))
    except SyntaxError:
        return test


class _Trimming(ast.NodeTransformer):
    """Trims the texts of a test, less those that the program reads."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id == PROGRAM:
            return node
        self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(_trimmed(node.value)) if isinstance(node.value, str) else node


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _reading_and_writing(execute: Execute) -> Execute:
    """Each call of `PROGRAM` is a run of its own."""

    async def answer(program: Program, call: Call) -> Reply:
        if call.function != PROGRAM or len(call.args) != 1 or not isinstance(call.args[0], str):
            return Reply(
                status="exception", error=f"TypeError: only {PROGRAM} is called, on a text"
            )
        ran = await execute(replace(program, calls=(), stdin=call.args[0]))
        return Reply(status=ran.status, value=_trimmed(ran.stdout), error=ran.error)

    async def run(program: Program) -> Execution:
        if program.test:
            return Execution(status="exception", tier="", error="a test that cannot be read")
        if not program.calls:
            return await execute(program)
        replies = await asyncio.gather(*(answer(program, call) for call in program.calls))
        return Execution(status="ok", tier="", replies=tuple(replies))

    return run

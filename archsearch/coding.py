"""What layers share that run the programs of candidates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from archsearch.asserts import Unreadable, parse, read
from archsearch.program import Call, Execute, Limits, Plain, Program, Reply
from archsearch.seeds import digest
from archsearch.solution import solution
from archsearch.types import Question, UnitTest

SECONDS = 5.0
"""Wall and CPU time of one program, unless a layer says otherwise."""

DIGITS = 9
"""Significant digits to which floats are told apart: sums taken in another order are equal."""


def entry_point(question: Question) -> str:
    """Name of the function that is asked for; blank where the question does not say."""
    return str(question.metadata.get("entry_point", ""))


def program_of(text: str, question: Question) -> str | None:
    """The program that an answer gives to `question`, as a code benchmark would run it."""
    prompt = str(question.metadata.get("prompt", ""))
    return solution(text, entry_point=entry_point(question), prompt=prompt)


def public_tests(question: Question) -> tuple[str, ...]:
    """The tests that the question itself shows, as Python; none where it shows none."""
    return tuple(map(str, question.metadata.get("tests", ())))


def limits_of(seconds: float) -> Limits:
    """Limits with so much wall and CPU time."""
    return Limits(seconds=seconds, cpu_seconds=seconds)


def inputs(tests: Iterable[UnitTest]) -> tuple[Call, ...]:
    """The calls that programs among `tests` make, without what they expect of them, in order.

    A test that works its arguments out, as in a loop, gives none.
    """
    found: list[Call] = []
    for test in tests:
        if test.kind == "program":
            try:
                found += read(parse(test.text)).calls
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
        case float():
            if value.is_integer() and abs(value) < 10**DIGITS:
                return format(int(value), "x")
            return "nan" if math.isnan(value) else format(value, f".{DIGITS - 1}e")
        case list() | tuple():
            return f"{type(value).__name__}({','.join(map(_spelled, value))})"
        case set() | frozenset():
            return f"set({','.join(sorted(map(_spelled, value)))})"
        case dict():
            items = (f"{_spelled(key)}:{_spelled(item)}" for key, item in value.items())
            return f"dict({','.join(sorted(items))})"
    return repr(value)

"""What programs give, as far as two may be told apart by it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.code.coding import (
    execute_for,
    inputs,
    is_read_and_write,
    limits_of,
    outputs,
    program_of,
    program_tests,
    public_tests,
    under_test,
)
from archsearch.program import Call, Execution, Plain, Program, Reply, Status
from archsearch.types import Message, Question, UnitTest

CALLS = (Call(function="f", args=(1,)), Call(function="f", args=(2,)))


def given_by(replies: Sequence[Reply], status: Status = "ok") -> str | None:
    """The outputs of a program that answers so."""

    async def execute(program: Program) -> Execution:
        assert program == Program(source="code", calls=CALLS, limits=limits_of(2))
        return Execution(status=status, tier="told", replies=tuple(replies))

    return asyncio.run(outputs("code", CALLS, execute, limits=limits_of(2)))


def giving(*values: Plain) -> str | None:
    return given_by([Reply(status="ok", value=value) for value in values])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (2, 2.0),
        (True, 1),
        (0.1 + 0.2, 0.3),
        (0.7 + 0.2 + 0.1, 0.1 + 0.2 + 0.7),  # less than 1, and 1
        (10**9, 1e9),
        (-0.0, 0),
        (math.nan, -math.nan),
        ({1, 2, 3}, frozenset({3, 2, 1})),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}),
        ([{1: {2}}], [{1.0: {2}}]),
        (math.inf, math.inf),
    ],
)
def test_values_that_are_equal_are_one_output(one: Plain, other: Plain) -> None:
    assert giving(one, 5) == giving(other, 5)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1], (1,)),
        ("1", 1),
        ("nan", math.nan),
        (math.inf, -math.inf),
        (None, "None"),
        (b"a", "a"),
        ([1, 2], [2, 1]),
        (["a", "b"], ["a,b"]),
        ({1: 2}, {2: 1}),
        (0.3001, 0.3),
        ([10**5000], [10**5000 + 1]),
        ({1}, {1, 2}),
    ],
)
def test_values_that_differ_are_two_outputs(one: Plain, other: Plain) -> None:
    assert giving(one, 5) != giving(other, 5)


def test_how_a_call_fails_is_an_output_where_another_call_gives_a_value() -> None:
    value, small, large, other = (
        Reply(status="ok", value=1),
        Reply(status="exception", error="ValueError: 1"),
        Reply(status="exception", error="ValueError: 2"),
        Reply(status="exception", error="KeyError: 1"),
    )
    assert given_by([value, small]) == given_by([value, large])
    assert given_by([value, small]) != given_by([value, other])
    assert given_by([value], "timeout") == given_by([value], "timeout")
    assert given_by([value], "timeout") != given_by([value], "memory")
    assert given_by([value]) != given_by([value, value])
    for replies in ([], [small], [small, small]):
        assert given_by(replies, "timeout") is None


def test_a_value_nested_deep_is_an_output_too() -> None:
    deep: list[Plain] = []
    for _ in range(100_000):
        deep = [deep]
    assert giving(deep, 1) is not None


VALUES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


@given(VALUES, VALUES)
def test_one_output_means_equal_up_to_rounding(one: Plain, other: Plain) -> None:
    assert giving(one, 1) == giving(one, 1)
    if repr(one) != repr(other) and giving(one, 1) == giving(other, 1):
        assert one == other or any(isinstance(value, float) for value in _leaves(one))


def _leaves(value: Plain) -> list[Plain]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def question(**metadata: object) -> Question:
    messages = (Message(role="user", content="Write it."),)
    return Question(id="q", messages=messages, answer_kind="code", metadata=metadata)


FUNCTION = question(entry_point="f", prompt="N = 2\ndef f(x):\n", tests=("assert f( 1 )",))
READS = question(examples=(("1 2\n", "3\n"), ("5", "5")))


def test_inputs_are_the_calls_in_tests() -> None:
    tests = (
        "x = [1]\nassert f(x) + f(2, y=3) == 3",
        "for n in range(3):\n    assert f(n) == n",
        "assert g('a') == 'b'",
        "no Python",
    )
    assert inputs(tests) == (
        Call(function="f", args=([1],)),
        Call(function="f", args=(2,), kwargs={"y": 3}),
        Call(function="g", args=("a",)),
    )


def test_what_a_question_says_of_its_function() -> None:
    reply = "```python\ndef f(x): return N\n```"
    assert program_of(reply, FUNCTION) == "N = 2\ndef f(x): return N"
    assert program_of("No.", FUNCTION) is None
    assert (under_test(FUNCTION), is_read_and_write(FUNCTION)) == ("f", False)
    assert public_tests(FUNCTION) == ("assert f( 1 )",)
    plain = replace(FUNCTION, answer_kind="text", metadata={})
    assert (under_test(plain), is_read_and_write(plain)) == ("", False)


def test_a_method_is_called_like_a_function() -> None:
    method = question(entry_point="Solution", method="f")
    source = program_of("```python\nclass Solution:\n    def f(self): ...\n```", method)
    assert source == "class Solution:\n    def f(self): ...\nf = Solution().f\n"
    assert under_test(method) == "f"
    assert program_of("```python\ndef f(): ...\n```", method) is None


def test_layers_run_what_a_benchmark_puts_before_every_program() -> None:
    asked = question(preface="import re\n")
    assert program_of("```python\nprint(re.A)\n```", asked) == "import re\nprint(re.A)"


def test_what_a_question_says_of_a_program_that_reads_and_writes() -> None:
    assert (under_test(READS), is_read_and_write(READS)) == ("program", True)
    assert public_tests(READS) == (
        "assert program('1 2\\n') == '3'",
        "assert program('5') == '5'",
    )
    tests = [
        UnitTest(text="It reads."),
        UnitTest(text="assert program('1 \\n2\\n') == ' 3 \\n'", kind="program"),
        UnitTest(text="no Python", kind="program"),
    ]
    assert program_tests(tests, READS) == ("assert program('1 \\n2\\n') == '3'", "no Python")
    assert program_tests(tests[1:2], FUNCTION) == (tests[1].text,)


def test_a_call_of_a_program_is_a_run_of_its_own() -> None:
    ran: list[Program] = []

    async def execute(program: Program) -> Execution:
        ran.append(program)
        if program.stdin == "no":
            return Execution(status="exception", tier="told", error="EOFError: it ended")
        return Execution(status="ok", tier="told", stdout=f"{program.stdin} \n\n")

    calls = (
        Call(function="program", args=("1",)),
        Call(function="program", args=("no",)),
        Call(function="program", args=(1,)),
        Call(function="other", args=("1",)),
        Call(function="program", args=("2",)),
    )
    asked = Program(source="code", calls=calls, limits=limits_of(2))
    replies = asyncio.run(execute_for(READS, execute)(asked)).replies
    assert [reply.status for reply in replies] == ["ok", *["exception"] * 3, "ok"]
    assert [reply.value for reply in replies if reply.status == "ok"] == ["1", "2"]
    assert [(one.stdin, one.calls, one.limits) for one in ran] == [
        (text, (), limits_of(2)) for text in ("1", "no", "2")
    ]
    ran.clear()
    asyncio.run(execute_for(READS, execute)(Program(source="code")))
    assert ran == [Program(source="code")]
    refused = asyncio.run(execute_for(READS, execute)(Program(source="code", test="program()")))
    assert (refused.status, len(ran)) == ("exception", 1)
    assert execute_for(FUNCTION, execute) is execute

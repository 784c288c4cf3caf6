"""Verdicts: what a test says of a program is what Python says, and no program has a say in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.code.asserts import read
from archsearch.code.operators import Unreadable
from archsearch.code.testtree import parse
from archsearch.code.verdicts import (
    MOST_RUNS,
    NO_CALL,
    Case,
    Expectation,
    Verdict,
    verdict,
    verdict_of_checks,
    verdict_of_outputs,
    verdicts,
)
from archsearch.errors import SandboxFailed
from archsearch.program import Call, Execution, Limits, Program, Reply
from archsearch.testing.runners import SharedSandbox
from tests.benchmarks.coding import FORGERIES
from tests.honest import Honest

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of tests such as `assert (1,)`

HONEST = """
def same(value):
    return value

def double(number):
    return number * 2

def lengths(rows):
    return [len(row) for row in rows]

def even(number):
    if number < 0:
        raise ValueError("negative")
    return number % 2 == 0

def nothing(*args, **kwargs):
    return None

def third(number):
    return number / 3
"""


def judged(source: str, tests: Sequence[str]) -> tuple[tuple[Verdict, ...], list[Program]]:
    honest = Honest()
    return asyncio.run(verdicts(source, tests, honest)), honest.programs


def statuses(source: str, *tests: str) -> list[str]:
    return [one.status for one in judged(source, tests)[0]]


def pythons(source: str, test: str) -> str:
    """What Python says where the test shares a process with the program."""
    names: dict[str, object] = {}
    exec(source, names)  # noqa: S102 - written here
    try:
        exec(test, names)  # noqa: S102
    except AssertionError:
        return "wrong"
    except Exception:  # noqa: BLE001
        return "exception"
    return "ok"


# -- a test that is read says what Python says

scalars = st.sampled_from(
    ["0", "1", "-2", "3", "2.5", "True", "None", "'ab'", "''", "b'a'", "1e-3", "2 ** 3", "10 // 3"]
)
rows = st.sampled_from(
    ["[1, 2]", "(1, 2)", "[]", "{1, 2}", "{'a': 1}", "['ab', 'c']", "[[1], []]", "'ab' * 2"]
)
literals = scalars | rows
functions = st.sampled_from(["same", "double", "lengths", "even", "nothing", "third", "missing"])
calls = st.builds("{}({})".format, functions, literals)


AROUND = [
    "len({})", "abs({})", "sorted({})", "set({})", "list({})", "not {}", "-{}", "sum({})",
    "str({})", "{} is None", "{} is not True", "isinstance({}, (int, str))", "type({}) is int",
    "{}[0]", "{}[1:]", "round({}, 2)", "tuple({})", "max({})", "all({})", "[{}, 1]",
]  # fmt: skip


def composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    around = st.sampled_from(AROUND)
    return (
        st.builds("({} {} {})".format, inner, operators, inner)
        | st.builds(
            "({} {} {})".format, inner, st.sampled_from(["and", "or", "+", "-", "*"]), inner
        )
        | st.builds(lambda form, one: f"({form.format(one)})", around, inner)
    )


expressions = st.recursive(calls | literals, composed, max_leaves=4)
statements = (
    st.builds("assert {}".format, expressions)
    | st.builds("assert {}, 'because'".format, expressions)
    | st.builds("r = {}\nassert r == {}".format, expressions, literals)
    | st.builds("{}".format, calls)
    | st.builds("def test_it():\n    x = {}\n    assert same(x) == {}".format, literals, literals)
)
tests = st.lists(statements, min_size=1, max_size=3).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(tests)
def test_a_test_says_what_python_says(test: str) -> None:
    called = test.replace("def test_it", "def check_it") + "\ncheck_it()" * ("def test_it" in test)
    assert statuses(HONEST, test) == [pythons(HONEST, called)], test


@settings(max_examples=50, deadline=None)
@given(st.lists(tests, min_size=2, max_size=5))
def test_tests_judged_together_are_judged_as_each_alone(several: list[str]) -> None:
    together, _ = judged(HONEST, several)
    assert [one.status for one in together] == [statuses(HONEST, test)[0] for test in several]
    alone = asyncio.run(verdict(HONEST, several, Honest()))
    assert alone.passed == all(one.passed for one in together)


READ = [
    "assert f(1) == 2",
    "assert f([1, 2], key={'a': (1, None)}) != {3}",
    "assert f(1) < 2 <= f(3)",
    "assert not f('a')",
    "assert f()",
    "assert f(1) is None and f(2) is not True or f(3)",
    "assert 1 in f(1), 'why'",
    "import math\nassert math.isclose(f(1), 0.1 + 0.2, rel_tol=1e-9)",
    "assert abs(f(2) - 1.5) < 1e-6",
    "assert sorted(f(3), reverse=True)[0][1:] == [1]",
    "result = f(10 ** 9 + 7)\nassert result == 1\nassert result < 2",
    "xs = [3, 1]\nassert f(xs) == [1, 3]",
    "def check(candidate):\n    '''Doc.'''\n    assert candidate(1) == 2\ncheck(f)",
    "def test_f():\n    assert f(1) == 2\n\ndef test_g():\n    assert g(1) == 2",
    "assert f(1) == 'a' * 3 + str(5)",
    "assert isinstance(f(1), (int, float)) and type(f(1)) == int",
]
RUN = [
    "for x in (1, 2):\n    assert f(x) == x",
    "assert f(g(1)) == 2",
    "try:\n    f(-1)\nexcept ValueError:\n    pass\nelse:\n    assert False",
    "xs = [3, 1]\nf(xs)\nassert xs == [1, 3]",
    "assert f(1).upper() == 'A'",
    "assert all(f(x) for x in range(3))",
    "import random\nassert f(random.random()) < 1",
    "assert f(1) is 1.5",
    "assert f(lambda x: x) == 1",
    "assert f([0] * 10 ** 9) == 1",
    "a = 1, 1\nb = a, a\nassert f(b) == (b, b)",
    "from math import pi\nassert f(pi) == 1",
    "exit(0)",
    "def check(candidate, n=3):\n    assert candidate(n) == 2\ncheck(f)",
    "def check(candidate, n=3):\n    assert candidate(1) == 2\ncheck(f)",
    "r = f([2, 1])\nassert r.count(1) == 1",
    "import math\nassert f(4) == math.gcd(8, 12)",
    "xs = [3, 1]\ndef check(ys):\n    f(ys)\n    assert f(ys) == [1, 3]\ncheck(xs)",
]


@pytest.mark.parametrize("test", READ)
def test_simple_asserts_are_read(test: str) -> None:
    assert read(parse(test)).calls


@pytest.mark.parametrize("test", RUN)
def test_other_tests_are_run(test: str) -> None:
    with pytest.raises(Unreadable):
        read(parse(test))


@pytest.mark.parametrize(
    "condition",
    [
        "f(1) == 9 ** 9 ** 9",
        "f(1) ** 1_000_000 == 1",
        "f(1) * 1_000_000 == 0 or [f(1)] * 1_000_000 == []",
        "round(f(1), -1_000_000) == 1",
        "['a'] + [[[0] * 300] * 300] * 300 == f(1)",
    ],
)
def test_what_would_take_long_is_not_done_here(condition: str) -> None:
    reading = read(parse(f"assert {condition}"))
    with pytest.raises(Unreadable):
        reading.hold([Reply(status="ok", value=3)] * len(reading.calls))


def test_what_is_expected_never_enters_the_sandbox() -> None:
    constant = "31415926535"
    for test in (f"assert same(1) == {constant}", f"x = same(1)\nassert abs(x - {constant}) < 1"):
        _, programs = judged(HONEST, [test])
        assert len(programs) == 1
        assert constant not in repr(programs)
    # Where it has to be run, the program and the test are two.
    _, programs = judged(HONEST, [f"for x in (1, 2):\n    assert same(x) == {constant}"])
    assert [constant in program.source for program in programs] == [False]


def test_a_name_of_the_program_stands_before_a_builtin() -> None:
    source = "def sum(xs):\n    return 'mine'\n"
    assert statuses(source, "assert sum([1]) == 'mine'", "assert sum([1]) == 1") == ["ok", "wrong"]


# -- one sandbox for all calls; a fresh one for what a time-out or crash left


class Scripted:
    """Answers calls by a table; `stop` ends the program there, as a time-out would."""

    def __init__(self, *, fails: str = "") -> None:
        self.programs: list[Program] = []
        self.fails = fails

    async def __call__(self, program: Program) -> Execution:
        self.programs.append(program)
        if self.fails:
            return Execution(status="timeout", tier="t", error=self.fails)
        replies: list[Reply] = []
        for call in program.calls:
            if call.function == "stop":
                return Execution(
                    status="timeout", tier="t", replies=tuple(replies), error="10 s passed"
                )
            replies.append(Reply(status="ok", value=call.args[0] if call.args else None))
        return Execution(status="ok", tier="t", replies=tuple(replies))


def test_all_calls_of_a_program_share_one_sandbox() -> None:
    execute = Scripted()
    found = asyncio.run(verdicts("", [f"assert f({n}) == {n}" for n in range(50)], execute))
    assert all(one.passed for one in found)
    assert len(execute.programs) == 1


def test_what_a_time_out_left_unreached_is_run_again() -> None:
    execute = Scripted()
    tests = ["assert f(1) == 1", "assert stop(2) == 2", "assert f(3) == 3", "assert f(4) == 5"]
    found = asyncio.run(verdicts("", tests, execute))
    assert [one.status for one in found] == ["ok", "timeout", "ok", "wrong"]
    # Together; what was left, in vain; the rest. The time-out was confirmed in a fresh sandbox.
    assert [len(program.calls) for program in execute.programs] == [4, 3, 2]


def test_a_time_out_in_the_first_call_is_told_from_one_of_the_source() -> None:
    execute = Scripted()
    found = asyncio.run(verdicts("", ["assert stop(1)", "assert f(2) == 2"], execute))
    assert [one.status for one in found] == ["timeout", "ok"]
    assert [len(program.calls) for program in execute.programs] == [2, 1, 1]
    assert execute.programs[1].calls == (NO_CALL,)


def test_runs_are_bounded() -> None:
    execute = Scripted()
    found = asyncio.run(verdicts("", ["assert stop(1)"] * 100, execute))
    assert {one.status for one in found} == {"timeout"}
    assert len(execute.programs) <= MOST_RUNS + 1


def test_what_a_program_does_when_it_is_run_by_itself_is_not_asked_for() -> None:
    source = "def f(x):\n    return x + 1\nif __name__ == '__main__':\n    raise EOFError\n"
    loops = [f"for i in range({n}):\n    assert f(i) == i + 1" for n in (3, 4)]
    assert statuses(source, *loops) == ["ok", "ok"]


def test_a_source_that_does_not_run_fails_every_test_and_is_not_run_for_each() -> None:
    tests = ["assert f(1) == 1", "for x in f(2):\n    assert x", "assert f(2)"] * 5
    found, programs = judged("raise KeyError(3)", tests)
    assert [(one.status, one.message) for one in found] == [("exception", "KeyError: 3")] * 15
    assert len(programs) == 2
    found, programs = judged("raise KeyError(3)", ["for x in f(2):\n    assert x"] * 5)
    assert {one.status for one in found} == {"exception"}
    assert len(programs) == 1


def test_nothing_is_run_after_the_first_failure() -> None:
    honest = Honest()
    tests = ["assert f(1) == 2", *["for x in (1, 2):\n    assert f(x) == x"] * 5]
    found = asyncio.run(verdict("f = lambda x: x", tests, honest))
    assert found.status == "wrong"
    assert len(honest.programs) == 1
    hanging = Scripted()
    found = asyncio.run(verdict("", ["assert f(1)", *["assert stop(1)"] * 9], hanging))
    assert (found.status, len(hanging.programs)) == ("timeout", 2)


def test_a_test_that_is_no_python_fails_whatever_the_program() -> None:
    for broken in ("assert f(1) ==", "\0", "(" * 1000, "-" * 100_000 + "1"):
        (found,), programs = judged(HONEST, [broken])
        assert found.status == "exception"
        assert found.message.startswith("the test is no Python: ")
        assert programs == []


def test_no_tests_have_no_verdicts() -> None:
    assert judged(HONEST, []) == ((), [])
    assert asyncio.run(verdict(HONEST, [], Honest())).passed


def test_a_message_tells_what_came_instead() -> None:
    (found,), _ = judged(HONEST, ["assert double(2) == 5 or same(1) > 3"])
    assert found.message == (
        "assert double(2) == 5 or same(1) > 3, where double gave 4, same gave 1"
    )
    # An integer of too many digits to be printed, and a row too deep to be.
    (found,), _ = judged("def f():\n    return 10 ** 5000", ["assert f() == 1"])
    assert found.message.endswith("where f gave a int")


def test_values_that_are_no_plain_data_fail() -> None:
    (found,), _ = judged("def f():\n    return iter([])", ["assert f() == 1"])
    assert found.status == "output"


def test_hashes_that_collide_are_not_put_together_here() -> None:
    values = [number * (2**61 - 1) for number in range(20_000)]  # all of them hash to 0
    reading = read(parse("assert len(set(f())) == 3"))
    with pytest.raises(Unreadable):
        reading.hold([Reply(status="ok", value=values)])


# -- checks and outputs


def test_a_check_compares_one_value() -> None:
    source = "def f(x):\n    return (x, x)"
    pair = Call(function="f", args=(1,))
    ok = Expectation(pair, (1, 1))
    as_list = Expectation(pair, [1, 1], lambda value, expected: list(value) == expected)
    assert asyncio.run(verdict_of_checks(source, [ok, as_list], Honest())).passed
    wrong = Expectation(pair, [1, 1])
    assert asyncio.run(verdict_of_checks(source, [ok, wrong], Honest())).status == "wrong"
    broken = Expectation(Call(function="f"), 1)
    assert asyncio.run(verdict_of_checks(source, [broken], Honest())).status == "exception"


DOUBLER = "print(int(input()) * 2)"


def outputs(source: str, cases: Sequence[Case], execute: object) -> Verdict:
    return asyncio.run(
        verdict_of_outputs(
            source,
            cases,
            execute,  # type: ignore[arg-type]
            same=lambda one, other: one.strip() == other.strip(),
            limits=Limits(seconds=3),
        )
    )


def test_each_input_is_a_program_of_its_own() -> None:
    honest = Honest()
    cases = [Case(stdin=f"{n}\n", stdout=f"{2 * n}") for n in range(20)]
    assert outputs(DOUBLER, cases, honest).passed
    assert [program.stdin for program in honest.programs] == [case.stdin for case in cases]
    assert {program.limits.seconds for program in honest.programs} == {3}


def test_the_first_wrong_output_ends_it() -> None:
    honest = Honest()
    cases = [Case(stdin=f"{n}\n", stdout=f"{2 * n + (n == 3)}") for n in range(40)]
    assert outputs(DOUBLER, cases, honest).status == "wrong"
    assert len(honest.programs) < 15
    honest = Honest()
    assert outputs("print(1 / 0)", cases, honest).status == "exception"
    assert len(honest.programs) == 1


def test_a_failure_of_the_sandbox_is_no_verdict() -> None:
    async def execute(program: Program) -> Execution:
        return Execution(status="sandbox_error", tier="t", error="disk full")

    for judge in (
        verdict("", ["assert f(1)"], execute),
        verdicts("", ["for x in f(1):\n    pass"], execute),
        verdict_of_outputs("", [Case("", "")], execute, same=str.__eq__),
    ):
        with pytest.raises(SandboxFailed, match="disk full"):
            asyncio.run(judge)  # type: ignore[arg-type]


# -- in the sandbox


RIGHT = "def f(x):\n    return x + 41"
TESTS = [
    "assert f(1) == 42",
    "for x in (1, 2):\n    assert f(x) == x + 41",
    "def check(candidate):\n    results = [42, 43]\n    for x, expected in zip((1, 2), results):\n"
    "        assert candidate(x) == expected\ncheck(f)",
    "assert abs(f(1) - 42) < 1e-6",
]


def test_a_right_program_passes(sandbox: SharedSandbox) -> None:
    found = asyncio.run(verdicts(RIGHT, TESTS, sandbox.run))
    assert [one.status for one in found] == ["ok"] * len(TESTS)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_passes_no_test(sandbox: SharedSandbox, forgery: str) -> None:
    found = asyncio.run(verdicts(forgery.replace("{name}", "f"), TESTS, sandbox.run))
    assert not any(one.passed for one in found), found


def test_each_way_to_fail_has_its_name(sandbox: SharedSandbox) -> None:
    sources = {
        "wrong": "def f(x):\n    return 0",
        "exception": "def f(x):\n    raise ValueError(x)",
        "timeout": "def f(x):\n    while True:\n        pass",
        "memory": "def f(x):\n    return len('a' * 10 ** 10)",
        "output": "def f(x):\n    return iter([])",
    }
    limits = Limits(seconds=2, cpu_seconds=1)

    async def judge(source: str) -> Verdict:
        return await verdict(source, TESTS[:1], sandbox.run, limits=limits)

    for status, source in sources.items():
        found = asyncio.run(judge(source)).status
        # Python may turn down at once what is too much memory.
        assert found == status or (status, found) == ("memory", "exception"), (status, found)

"""Asserts come back from any reply, each fit to run alone."""

from __future__ import annotations

import ast
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.code.suites import suite
from archsearch.testing.malformed import malformed

TWO = ("assert f(1) == 2", "assert f([3]) == 'x'")


@pytest.mark.parametrize(
    "reply",
    [
        "assert f(1) == 2\nassert f([3]) == 'x'",
        "```python\nassert f(1) == 2\nassert f([3]) == 'x'\n```",
        '```\nassert f(1)==2; assert f([ 3 ])=="x"\n',
        "Sure!\n```py\nassert f(1) == 2\n```\nand\n```py\nassert f([3]) == 'x'\n```",
        "1. assert f(1) == 2\n2. assert f([3]) == 'x'",
        "- `assert f(1) == 2`\n- `assert f([3]) == 'x'`",
        "* assert f(1) == 2, 'one'\n* assert f([3]) == 'x', f'{f}'",
        "The tests are:\nassert f(1) == 2\nThat is all but this:\nassert f([3]) == 'x'",
        "def test_f():\n    assert f(1) == 2\n    assert f([3]) == 'x'",
        "async def test():\n    assert f(1) == 2\n    assert f([3]) == 'x'",
        "def test_a():\n    assert f(1) == 2\n\ndef test_b():\n    assert f([3]) == 'x'\ntest_b()",
        "class TestF:\n    def test(self):\n        assert f(1) == 2\n        assert f([3]) == 'x'",
        "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate([3]) == 'x'",
        "if __name__ == '__main__':\n    assert f(1) == 2\n    assert f([3]) == 'x'",
        "def f(x):\n    assert x\n    return 2\n\nassert f(1) == 2\nassert f([3]) == 'x'",
        "from solution import f\nimport math\nassert f(1) == 2\nassert f([3]) == 'x'",
        "assert f(1) == 2\nassert f(1) == 2\nassert f([3]) == 'x'\nassert f( 1 ) == 2",
        "assert f(\n    1,\n) == 2\nassert f([\n    3\n]) == 'x'\nassert f(",
        "assert f(1) == 2\nassert isinstance('f', str)\nassert f(...) == ...\nassert f([3]) == 'x'",
        "x = 5\nassert f(1) == 2\nprint(f(x))\nassert f([3]) == 'x'",
    ],
)
def test_reads_asserts_however_they_are_written(reply: str) -> None:
    assert suite(reply, 9, "f").tests == TWO


@pytest.mark.parametrize(
    ("reply", "tests"),
    [
        (
            "x = [1]\ny = 2\nx.append(3)\nassert f(x) == 1",
            ["x = [1]\nx.append(3)\nassert f(x) == 1"],
        ),
        ("import math\nassert f(1) == math.pi", ["import math\nassert f(1) == math.pi"]),
        (
            "CASES = [(1, 2)]\nfor x, y in CASES:\n    assert f(x) == y, 'no'",
            ["CASES = [(1, 2)]\nfor x, y in CASES:\n    assert f(x) == y"],
        ),
        (
            "def g(x):\n    return x\nassert f(g(1)) == 1",
            ["def g(x):\n    return x\nassert f(g(1)) == 1"],
        ),
        ("y = f(1)\nassert y == 2", ["y = f(1)\nassert y == 2"]),
        (
            "try:\n    f(1)\n    assert False\nexcept ValueError:\n    pass",
            ["try:\n    f(1)\n    assert False\nexcept ValueError:\n    pass"],
        ),
        ("def test(x, y):\n    assert f(x) == y", []),
        (
            "class F:\n    def f(self):\n        assert self\nassert F().f() == 1",
            ["assert F().f() == 1"],
        ),
        ("y = g(1)\nassert y == 2", []),
        ("Assert that f(1) is 2.", []),
        ("", []),
    ],
)
def test_a_test_brings_what_it_hangs_on(reply: str, tests: list[str]) -> None:
    assert list(suite(reply, 9, "f").tests) == tests


def test_a_method_is_called_through_its_class() -> None:
    reply = "class Solution:\n    def f(self, x): return x\nassert Solution().f(1) == 1"
    for function in ("Solution", "f", "Solution.f"):
        assert suite(reply, 9, function).tests == ("assert Solution().f(1) == 1",)


def test_where_no_function_is_named_an_implementation_is_left_out_too() -> None:
    reply = "def g(x):\n    return x\n\ndef test_g():\n    assert g(1) == 1\nassert len([]) == 0"
    assert suite(reply, 9).tests == ("assert g(1) == 1",)


@pytest.mark.parametrize(
    ("reply", "broken"),
    [
        ("assert f(1) == 2\nassert f(3 == 6", 1),
        ("assert f(1) == 2\nassert that f(3) is 6\nassert f(", 2),
        ("def test():\n    assert f(1) == 2\n    assert f(3 == 6\n", 1),
        ("Assertions:\nassert f(1) == 2\nWe assert that it is so.", 0),
    ],
)
def test_counts_what_is_no_python(reply: str, broken: int) -> None:
    found = suite(reply, 9, "f")
    assert (found.tests, found.broken) == (("assert f(1) == 2",), broken)


def test_a_parameter_that_is_no_function_is_not_the_one_under_test() -> None:
    helper = "def check(n):\n    assert f(n) == n + 1\nfor i in range(3):\n    check(i)\n"
    assert suite(helper + "assert f(1) == 2", function="f", most=9).tests == ("assert f(1) == 2",)


def test_keeps_the_first_ones() -> None:
    reply = "\n".join(f"assert f({n}) == 0" for n in range(9))
    assert suite(reply, 2, "f").tests == ("assert f(0) == 0", "assert f(1) == 0")


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=5,
).filter(lambda value: "inf" not in repr(value))


@given(st.lists(st.tuples(LITERALS, LITERALS), min_size=1, max_size=5))
def test_asserts_of_literals_come_back_as_they_were_meant(
    pairs: list[tuple[object, object]],
) -> None:
    written = [f"assert f({given!r}) == {gives!r}" for given, gives in pairs]
    found = suite("```python\n" + "\n".join(written) + "\n```", 9, "f")
    meant = dict.fromkeys(ast.dump(ast.parse(line)) for line in written)
    assert [ast.dump(ast.parse(test)) for test in found.tests] == list(meant)
    assert suite("\n".join(found.tests), 9, "f").tests == found.tests


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_gives_tests_that_are_python(reply: str) -> None:
    found = suite(f"assert f({reply})\n{reply}", 3, "f")
    assert len(found.tests) <= 3
    for test in found.tests:
        ast.parse(test)


def test_malformed_replies_are_survived() -> None:
    assert all(len(suite(reply, 5).tests) <= 5 for reply in malformed())


PARTS = [
    "(",
    "-",
    "assert f(",
    "assert f(1)\n",
    "```\n",
    "assert ",
    "a\n",
    "def t():\n ",
    ")\n",
    "[",
]


@pytest.mark.parametrize("part", PARTS)
def test_ten_megabytes_take_seconds_at_most(part: str) -> None:
    reply = part * (10_000_000 // len(part))
    start = time.process_time()
    suite(reply, 5, "f")
    assert time.process_time() - start < 5

"""The tree of a test: its functions stand where they are called."""

import ast

import pytest

from archsearch.code.operators import Unreadable
from archsearch.code.testtree import free_names, inlined, parse


def statements(test):
    return ast.unparse(inlined(parse(test))).splitlines()


def test_a_function_stands_in_place_of_its_only_call():
    test = "def check(candidate):\n    assert candidate(1) == 2\nx = 3\ncheck(f)"
    assert statements(test) == ["x = 3", "assert f(1) == 2"]


def test_test_functions_count_as_called_in_their_order():
    test = "def test_b():\n    assert f(1)\ndef test_a():\n    assert f(2)\nx = 3"
    assert statements(test) == ["x = 3", "assert f(1)", "assert f(2)"]


def test_what_a_function_assigns_is_its_own():
    test = "x = 3\ndef check(c):\n    x = 4\n    assert c(x, y)\ncheck(f)\nassert f(x)"
    assert statements(test) == ["x = 3", "x of check = 4", "assert f(x of check, y)", "assert f(x)"]


@pytest.mark.parametrize(
    "test",
    [
        "def check(c):\n    assert c(1)\ncheck(f)\ncheck(g)",
        "def check(c):\n    assert c(1)",
        "def check(c, n=3):\n    assert c(n)\ncheck(f)",
        "def check(c):\n    c = 3\n    assert c\ncheck(f)",
        "def check(n):\n    assert f(n)\ncheck(3)",
        "@f\ndef check(c):\n    assert c(1)\ncheck(f)",
        "def check(c):\n    assert c(1)\nx = check(f)",
        "def test_f(fixture):\n    assert f(fixture)",
    ],
)
def test_what_does_not_stand_for_its_call_is_unreadable(test):
    with pytest.raises(Unreadable):
        statements(test)


def test_free_names_are_those_of_the_program():
    assert free_names("def g(x): return f(x)\nassert g(3) == h and len('a')") == ("f", "h")

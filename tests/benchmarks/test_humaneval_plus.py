"""HumanEval+ on rows made here in its form, and EvalPlus's rules of comparison."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from archsearch.benchmark import Benchmark, Item
from archsearch.benchmarks.humaneval_plus import HumanEvalPlus
from archsearch.code.evalplus import ORACLES, near, suite
from tests.benchmarks.coding import CodeBenchmarkContract
from tests.benchmarks.synthetic import ASSERTION, humaneval_plus_rows, written


class TestHumanEvalPlus(CodeBenchmarkContract):
    items = 6

    @pytest.fixture(autouse=True)
    def _rows(self, tmp_path: Path) -> None:
        self.place = written(tmp_path / "rows.jsonl", humaneval_plus_rows())

    @pytest.fixture
    def benchmark(self) -> HumanEvalPlus:
        return HumanEvalPlus(path=self.place)

    def wrong_reply(self, item: Item) -> str:
        return f"```python\ndef {item.target.reference.entry_point}(*args):\n    return 5\n```"

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        one = HumanEvalPlus()
        return [
            (one, HumanEvalPlus(revision="main")),
            (one, HumanEvalPlus(path=self.place)),
            (one, HumanEvalPlus(seconds=3)),
        ]


def test_both_forms_of_a_test_are_read() -> None:
    for row in humaneval_plus_rows():
        found = suite(row["test"], row["entry_point"])
        assert found is not None, row["entry_point"]
        assert (found.results is None) == (row["entry_point"] == "mirror")
        assert "numpy" not in found.reference


def test_infinity_is_read_and_another_form_is_not() -> None:
    test = f"{ASSERTION}\ninputs = [[inf, -inf], [nan, {{1}}]]\nresults = [inf, None]\n"
    loop = "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(f(*inp), exp, 0)\n"
    found = suite(test + loop, "f")
    assert found is not None
    assert found.inputs[0] == (inf, -inf)
    assert found.results == (inf, None)
    assert suite(test, "f") is None
    assert suite(test.replace("[inf, None]", "[make(), None]") + loop, "f") is None
    assert suite("inputs = [", "f") is None


@pytest.mark.parametrize(
    ("out", "expected", "atol", "same"),
    [
        (1.0, 1.0 + 1e-7, 0, True),
        (1.0, 1.0 + 1e-5, 0, False),
        ([1.0, 2.0], [1.0, 2.0000001], 0, True),
        ((1.0, 2.0), [1.0, 2.0000001], 0, False),
        ([1.0], [1.0, 1.0], 1e-6, False),
        (1, 1.0, 0, True),
        (1, 1.0 + 1e-7, 0, False),
        (3, 4, 0, False),
        ("a", "a", 0, True),
        ("a", "b", 1e-6, False),
        (inf, inf, 0, True),
        (inf, 1.0, 0, False),
        (1.0, inf, 0, False),
        (nan, nan, 0, False),
        ([], [], 0, True),
        ({"a": 1.0}, {"a": 1.0000001}, 1e-6, False),
    ],
)
def test_results_are_compared_as_evalplus_does(
    out: Any, expected: Any, atol: float, same: bool
) -> None:
    test = (
        f"inputs = [[]]\nresults = [{expected!r}]\n"
        f"for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(f(), exp, {atol})\n"
    )
    found = suite(test, "f")
    assert found is not None
    assert found.same(out, expected, ()) is same


@pytest.mark.parametrize(
    ("name", "out", "expected", "args", "right"),
    [
        ("similar_elements", (4, 5), (5, 4), ((), ()), True),
        ("similar_elements", (4, 5), (5, 6), ((), ()), False),
        ("check_str", True, True, ("a",), True),
        ("check_str", "match", True, ("a",), True),
        ("check_str", None, True, ("a",), False),
        ("check_str", None, False, ("a",), True),
        ("find_zero", 1.0, 1.0, ([-6, 11, -6, 1],), True),
        ("find_zero", 2.0, 1.0, ([-6, 11, -6, 1],), True),
        ("find_zero", 2.5, 1.0, ([-6, 11, -6, 1],), False),
        ("surface_Area", 33, 33, (3, 4), True),
        ("surface_Area", 35, 33, (3, 4), True),
        ("surface_Area", 34, 33, (3, 4), False),
        ("digit_distance_nums", 1, 1, (1, 2), True),
        ("digit_distance_nums", 6, 10, (23, 56), True),
        ("digit_distance_nums", 7, 10, (23, 56), False),
        ("are_equivalent", False, True, (1, 2), True),
        ("sum_div", 0, 7, (8,), True),
        ("sum_div", 1, 7, (8,), False),
    ],
)
def test_some_functions_have_more_than_one_right_answer(
    name: str, out: Any, expected: Any, args: tuple[Any, ...], right: bool
) -> None:
    assert ORACLES[name](out, expected, args, 1e-4) is right


def test_rows_are_near_place_by_place() -> None:
    assert near([[1.0], (2.0,)], [[1.0], [2.0]], 1e-6)
    assert not near([1.0, "a"], [1.0, "a"], 1e-6)

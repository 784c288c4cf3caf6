"""MBPP and MBPP+ on rows made here in their forms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from archsearch.benchmark import Benchmark, Item
from archsearch.benchmarks.mbpp import MBPP
from archsearch.benchmarks.mbpp_plus import MBPPPlus
from archsearch.code import benchmark as code_benchmark
from tests.benchmarks.coding import CodeBenchmarkContract
from tests.benchmarks.synthetic import mbpp_plus_rows, mbpp_rows, written


class MBPPContract(CodeBenchmarkContract):
    items = 5

    def wrong_reply(self, item: Item) -> str:
        return f"```python\ndef {item.target.reference.entry_point}(*args):\n    return 7\n```"


class TestMBPP(MBPPContract):
    hides = False

    @pytest.fixture(autouse=True)
    def _rows(self, tmp_path: Path) -> None:
        self.place = written(tmp_path / "rows.jsonl", mbpp_rows())

    @pytest.fixture
    def benchmark(self) -> MBPP:
        return MBPP(path=self.place)

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        one = MBPP()
        return [
            (one, MBPP(revision="main")),
            (one, MBPP(path=self.place)),
            (one, MBPP(seconds=3)),
            (one, MBPP(split="train")),
        ]


class TestMBPPPlus(MBPPContract):
    @pytest.fixture(autouse=True)
    def _rows(self, tmp_path: Path) -> None:
        self.place = written(tmp_path / "rows.jsonl", mbpp_plus_rows())

    @pytest.fixture
    def benchmark(self) -> MBPPPlus:
        return MBPPPlus(path=self.place)

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        one = MBPPPlus()
        return [
            (one, MBPPPlus(revision="main")),
            (one, MBPPPlus(path=self.place)),
            (one, MBPPPlus(seconds=3)),
        ]


@pytest.fixture
def items(tmp_path: Path) -> Sequence[Item]:
    return MBPP(path=written(tmp_path / "rows.jsonl", mbpp_rows())).load(9)


def test_the_function_is_named_by_the_tests(items: Sequence[Item]) -> None:
    names = [item.question.metadata["entry_point"] for item in items]
    assert names == ["add_all", "mirror", "halves", "letters", "largest"]


def test_a_function_may_have_the_name_of_a_builtin() -> None:
    tests = ["assert sum(10, 15) == 6", "assert sum(len('ab'), 4) == 3"]
    assert code_benchmark.tested(tests, "def sum(a, b):\n    return 3") == "sum"
    both = "def set(x): ...\ndef f(x): ..."
    assert code_benchmark.tested(["assert set(f(1)) == {1}"], both) == "f"
    assert code_benchmark.tested(["assert len('ab') == 2"], "def f(x): ...") == ""


def test_all_asserts_are_shown(items: Sequence[Item]) -> None:
    for item, row in zip(items, mbpp_rows(), strict=True):
        for test in row["test_list"]:
            assert test in item.question.messages[0].content


def test_what_stands_before_a_test_runs_with_it(items: Sequence[Item]) -> None:
    (halves,) = (item for item in items if "halves" in item.question.metadata["entry_point"])
    assert all(test.startswith("import math\n") for test in halves.target.reference.tests)


def test_plus_shows_one_assert_and_hides_the_rest(tmp_path: Path) -> None:
    loaded = MBPPPlus(path=written(tmp_path / "rows.jsonl", mbpp_plus_rows())).load(9)
    for item, row in zip(loaded, mbpp_plus_rows(), strict=True):
        asked = item.question.messages[0].content
        assert row["test_list"][0] in asked
        assert not any(test in asked for test in row["test_list"][1:])


def test_the_names_of_the_sanitized_config_are_read(tmp_path: Path) -> None:
    row = dict(mbpp_rows()[0])
    row["prompt"] = row.pop("text")
    row["test_imports"] = [row.pop("test_setup_code") or "import re"]
    (item,) = MBPP(path=written(tmp_path / "s.jsonl", [row])).load(9)
    assert item.target.reference.tests[0].startswith("import re\n")

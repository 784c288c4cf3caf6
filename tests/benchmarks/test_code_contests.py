"""CodeContests on rows made here in its form, and the official comparison of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from archsearch.benchmark import Benchmark, Item
from archsearch.benchmarks.code_contests import CodeContests, same_output
from archsearch.errors import ConfigError
from tests.benchmarks.coding import CodeBenchmarkContract
from tests.benchmarks.synthetic import PROGRAMS, code_contests_rows, written


class TestCodeContests(CodeBenchmarkContract):
    items = 4

    @pytest.fixture(autouse=True)
    def _rows(self, tmp_path: Path) -> None:
        self.place = written(tmp_path / "rows.jsonl", code_contests_rows())

    @pytest.fixture
    def benchmark(self) -> CodeContests:
        return CodeContests(path=self.place)

    def gold_reply(self, item: Item) -> str:
        (program,) = (code for asked, code, _ in PROGRAMS if asked in str(item.question.messages))
        return f"```python\n{program}\n```"

    def wrong_reply(self, item: Item) -> str:
        shown = item.question.metadata["examples"][0][1]
        return f"```python\nprint({shown!r})\n```"  # right on what is shown, and only there

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        one = CodeContests()
        return [
            (one, CodeContests(revision="main")),
            (one, CodeContests(path=self.place)),
            (one, CodeContests(seconds=3)),
            (one, CodeContests(slack=2)),
            (one, CodeContests(split="valid")),
        ]


def test_a_problem_has_its_own_time(tmp_path: Path) -> None:
    rows = [dict(row) for row in code_contests_rows()]
    rows[1]["time_limit"] = None
    loaded = CodeContests(path=written(tmp_path / "r.jsonl", rows), slack=2, seconds=7).load(9)
    limits = [CodeContests(slack=2, seconds=7).limits(one.target.reference) for one in loaded]
    assert [one.cpu_seconds for one in limits] == [5.0, 14.0, 5.0, 5.0]


def test_all_three_kinds_of_tests_count(tmp_path: Path) -> None:
    row = dict(code_contests_rows()[0])
    row["private_tests"] = {"input": ["2 2\n"], "output": ["4\n"]}
    (item,) = CodeContests(path=written(tmp_path / "r.jsonl", [row])).load(9)
    assert [case.stdin for case in item.target.reference.cases] == ["1 2\n", "2 2\n", "5 -5\n"]
    assert item.question.metadata["examples"] == (("1 2\n", "3\n"),)


def test_problems_that_read_files_are_left_out(tmp_path: Path) -> None:
    rows = [dict(row) for row in code_contests_rows()]
    rows[0]["input_file"] = "input.txt"
    assert len(CodeContests(path=written(tmp_path / "r.jsonl", rows)).load(9)) == 3


def test_tests_come_in_pairs(tmp_path: Path) -> None:
    row = dict(code_contests_rows()[0])
    row["private_tests"] = {"input": ["2 2\n"], "output": []}
    with pytest.raises(ConfigError, match=r"r\.jsonl, row 1: .*as many outputs as inputs"):
        CodeContests(path=written(tmp_path / "r.jsonl", [row])).load(9)


@pytest.mark.parametrize(
    ("output", "expected", "same"),
    [
        ("YES\n", "yes", True),
        (" 1\n2  3 ", "1 2\n3", True),
        ("1 2", "1 2 3", False),
        ("0.333333333", "0.33333", True),
        ("0.3334", "0.3333", False),
        ("1e3", "1000.0", True),
        ("1000000", "1000001", False),
        ("abc", "abd", False),
        ("nan", "nan", True),
        ("nan", "1", False),
        ("", "", True),
        ("", "0", False),
        ("1" * 400, "1" * 399 + "2", False),
        ("1.0", "one", False),
    ],
)
def test_outputs_are_compared_word_by_word(output: str, expected: str, same: bool) -> None:
    assert same_output(output, expected) is same

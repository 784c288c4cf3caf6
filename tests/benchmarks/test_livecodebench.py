"""LiveCodeBench on rows made here in its form, and the official comparison of outputs."""

from __future__ import annotations

import base64
import os
import pickle
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from archsearch.benchmark import Benchmark, Item
from archsearch.benchmarks.livecodebench import IMPORTS, LiveCodeBench, same_output
from archsearch.code.coding import program_of
from archsearch.errors import ConfigError
from tests.benchmarks.coding import CodeBenchmarkContract
from tests.benchmarks.synthetic import FUNCTIONS, PROGRAMS, livecodebench_rows, written


class TestLiveCodeBench(CodeBenchmarkContract):
    items = 9

    @pytest.fixture(autouse=True)
    def _rows(self, tmp_path: Path) -> None:
        self.place = written(tmp_path / "rows.jsonl", livecodebench_rows())

    @pytest.fixture
    def benchmark(self) -> LiveCodeBench:
        return LiveCodeBench(path=self.place)

    def gold_reply(self, item: Item) -> str:
        if method := item.question.metadata.get("method"):
            (found,) = (one for one in FUNCTIONS if one[0] == method)
            name, signature, body, _, _ = found
            program = f"class Solution:\n    def {name}(self, {signature}):\n        {body}"
        else:
            asked = str(item.question.messages)
            (program,) = (code for what, code, _ in PROGRAMS if what in asked)
        return f"```python\n{program}\n```"

    def wrong_reply(self, item: Item) -> str:
        if method := item.question.metadata.get("method"):
            return f"```python\nclass Solution:\n    def {method}(self, x):\n        return 5\n```"
        return f"```python\nprint({item.question.metadata['examples'][0][1]!r})\n```"

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        one = LiveCodeBench()
        return [
            (one, LiveCodeBench(revision="main")),
            (one, LiveCodeBench(path=self.place)),
            (one, LiveCodeBench(seconds=3)),
            (one, LiveCodeBench(release=1)),
            (one, LiveCodeBench(since="2024-08-01")),
            (one, LiveCodeBench(until="2024-12-31")),
        ]


def test_questions_are_chosen_by_date(tmp_path: Path) -> None:
    rows = [dict(row) for row in livecodebench_rows()[:3]]
    for row, day in zip(rows, ("2024-01-31", "2024-02-01", "2024-02-29"), strict=True):
        row["contest_date"] = f"{day}T00:00:00"
    path = written(tmp_path / "r.jsonl", rows)
    loaded = LiveCodeBench(path=path, since="2024-02-01", until="2024-02-28").load(9)
    assert [item.question.metadata["date"] for item in loaded] == ["2024-02-01"]


def test_imports_of_the_official_checker_stand_before_programs_in_layers_too(
    tmp_path: Path,
) -> None:
    loaded = LiveCodeBench(path=written(tmp_path / "r.jsonl", livecodebench_rows())).load(9)
    reply = "```python\nclass Solution:\n    def f(self): return heappop([1])\n```"
    for item in loaded:
        assert str(program_of(reply, item.question)).startswith(IMPORTS)


def test_public_and_hidden_tests_count(tmp_path: Path) -> None:
    loaded = LiveCodeBench(path=written(tmp_path / "r.jsonl", livecodebench_rows())).load(9)
    references = [item.target.reference for item in loaded]
    assert [len(one.cases) for one in references[:4]] == [2, 2, 2, 2]
    assert [len(one.checks) for one in references[4:]] == [3, 3, 2, 2, 2]


class Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, ("touch /tmp/archsearch-was-harmed",))


@pytest.mark.parametrize(
    "packed",
    [
        base64.b64encode(zlib.compress(pickle.dumps(Harm()))).decode(),
        base64.b64encode(zlib.compress(pickle.dumps(["no text"]))).decode(),
        base64.b64encode(b"not packed").decode(),
        "not base64",
        "[1, 2]",
        '[{"input": "1"}]',
    ],
)
def test_hidden_tests_are_text_and_nothing_else(tmp_path: Path, packed: str) -> None:
    row = {**livecodebench_rows()[0], "private_test_cases": packed}
    with pytest.raises(ConfigError, match=r"tests of LiveCodeBench 'stdin_0' must be JSON"):
        LiveCodeBench(path=written(tmp_path / "r.jsonl", [row])).load(1)
    assert not Path("/tmp/archsearch-was-harmed").exists()


@pytest.mark.parametrize(
    ("output", "expected", "same"),
    [
        ("1\n2\n", "1\n2", True),
        (" 1 \n 2 ", "1\n2", True),
        ("1.0 2", "1 2.00", True),
        ("1 2", "1  2", True),
        ("a b", "a  b", False),
        ("1\n\n2", "1\n2", False),
        ("0.33333", "0.333333", False),
        ("Yes", "YES", False),
        ("50000000000000000", "50000000000000001", False),
        ("", "", True),
    ],
)
def test_outputs_are_compared_line_by_line(output: str, expected: str, same: bool) -> None:
    assert same_output(output, expected) is same

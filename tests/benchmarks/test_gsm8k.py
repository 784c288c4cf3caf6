"""GSM8K on twelve of its rows; the hub is out of reach and must say so."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from math_verify import grader, parser

from archsearch.benchmark import Benchmark, Item
from archsearch.benchmarks.gsm8k import GSM8K, REVISION
from archsearch.errors import ConfigError, MissingExtra
from archsearch.testing.benchmark_contract import BenchmarkContract
from archsearch.types import Target

SAMPLE = Path(__file__).with_name("gsm8k_sample.jsonl")


def written(path: Path, rows: Sequence[object]) -> GSM8K:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return GSM8K(path=str(path))


def row(question: str, answer: str) -> dict[str, str]:
    return {"question": question, "answer": f"It is so.\n#### {answer}"}


class TestGSM8K(BenchmarkContract):
    items = 12  # all of the sample

    @pytest.fixture
    def benchmark(self) -> GSM8K:
        return GSM8K(path=str(SAMPLE))

    def gold_reply(self, item: Item) -> str:
        return f"Let me see: 2 + 2 = 4.\nThe answer is **${item.target.reference}.00**. (3 steps)"

    def wrong_reply(self, item: Item) -> str:
        wrong = int(item.target.reference) + 1
        return f"Not {item.target.reference}: that forgets one. The answer is **{wrong}**."

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        hub = GSM8K()
        return [
            (hub, GSM8K(split="train")),
            (hub, GSM8K(revision="main")),
            (hub, GSM8K(path=str(SAMPLE))),
        ]


@pytest.fixture
def sample() -> GSM8K:
    return GSM8K(path=str(SAMPLE))


def test_the_rows_are_read_as_published(sample: GSM8K) -> None:
    loaded = sample.load(100)
    assert [item.target.reference for item in loaded] == (
        ["18", "3", "70000", "540", "360", "720", "2125", "114200", "4", "32", "71", "5"]
    )
    first = loaded[0].question
    assert first.messages[0].content.startswith("Janet’s ducks lay 16 eggs per day.")
    assert first.answer_kind == "number"
    assert first.metadata == {}


@pytest.mark.parametrize(
    ("reference", "reply", "value"),
    [
        ("1/3", "The answer is 0.333333", 1.0),
        ("1/3", "The answer is 0.33", 0.0),
        ("0.5", "1/2", 1.0),
        ("18", r"\boxed{18}", 1.0),
        ("18", "$18.00 a day", 1.0),
        ("2125", "2,125", 1.0),
        ("18", "-18", 0.0),
        ("18", "18.01", 0.0),
        ("18", "1.8", 0.0),
        ("18", "1800%", 0.0),
    ],
)
def test_equal_numbers_score(sample: GSM8K, reference: str, reply: str, value: float) -> None:
    score = sample.score(reply, Target(question_id="q", reference=reference))
    assert score.value == value
    assert not score.malformed


def test_scoring_is_quiet(
    sample: GSM8K, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in (parser, grader):  # it warns once in a process
        monkeypatch.setattr(part, "TIMEOUT_WARNING_SHOWN", False)
    with caplog.at_level(logging.DEBUG):
        assert sample.score("8", Target(question_id="q", reference="7")).value == 0.0
    assert caplog.records == []


def test_a_json_array_reads_the_same(sample: GSM8K, tmp_path: Path) -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    array = tmp_path / "array.json"
    array.write_text(json.dumps([json.loads(line) for line in lines], indent=1), encoding="utf-8")
    assert GSM8K(path=str(array)).load(12) == sample.load(12)


def test_ids_follow_the_text_not_the_place(sample: GSM8K, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    backwards = written(tmp_path / "b.jsonl", rows[::-1]).load(12)
    assert list(backwards) == list(sample.load(12))[::-1]


def test_a_repeated_question_counts_once(tmp_path: Path) -> None:
    rows = [row("a?", "1"), row("a?", "1"), row("b?", "2")]
    loaded = written(tmp_path / "r.jsonl", rows).load(2)
    assert [item.target.reference for item in loaded] == ["1", "2"]


def test_the_fingerprint_of_a_file_is_its_content(tmp_path: Path) -> None:
    one = written(tmp_path / "one.jsonl", [row("a?", "1")])
    same = written(tmp_path / "same.jsonl", [row("a?", "1")])
    other = written(tmp_path / "other.jsonl", [row("a?", "2")])
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_a_row_without_a_final_number_is_refused(tmp_path: Path) -> None:
    broken = written(tmp_path / "b.jsonl", [{"question": "a?", "answer": "It is 1."}])
    with pytest.raises(ConfigError, match=r"must end with `#### N`; received 'It is 1\.'"):
        broken.load(1)


def test_a_row_without_an_answer_is_named(tmp_path: Path) -> None:
    broken = written(tmp_path / "b.jsonl", [row("a?", "1"), {"question": "b?"}])
    with pytest.raises(ConfigError, match=r"b\.jsonl, row 2: 'answer' is missing"):
        broken.load(2)


@pytest.mark.parametrize("content", ["{", "[1, 2", '{"question": "a?"\n"answer": "1"}'])
def test_a_file_that_is_not_json_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="must hold a JSON array or JSON lines"):
        GSM8K(path=str(path)).load(1)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    nowhere = GSM8K(path=str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(ConfigError, match=r"must be a readable UTF-8 file; received .*nowhere"):
        nowhere.load(1)
    with pytest.raises(ConfigError, match="leave it out to read the published data"):
        _ = nowhere.fingerprint


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"pip install 'archsearch\[benchmarks\]'"):
        GSM8K().load(1)


def test_the_hub_is_asked_for_one_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def load_dataset(*names: str, **options: str) -> list[dict[str, str]]:
        asked.append((names, options))
        return [row("a?", "1"), row("b?", "2")]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    loaded = GSM8K(split="train").load(5)
    assert [item.target.reference for item in loaded] == ["1", "2"]
    options = {"name": "main", "split": "train", "revision": REVISION}
    assert asked == [(("openai/gsm8k",), options)]
    assert re.fullmatch("[0-9a-f]{40}", REVISION)


def test_an_unreachable_hub_is_refused_with_the_remedy(tmp_path: Path) -> None:
    # In a process of its own: `datasets` reads these variables once, when it is imported.
    script = "from archsearch.benchmarks.gsm8k import GSM8K; GSM8K().load(1)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "archsearch.errors.ConfigError: openai/gsm8k must be on the Hugging Face hub"
    )
    assert "set benchmark.path to a local JSON lines file" in last

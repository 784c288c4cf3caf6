"""What a study runs on is open while it is needed, and its sandbox not before that."""

import asyncio
import json

import pytest

from archsearch.errors import SandboxUnavailable
from archsearch.meter import Meter
from archsearch.program import Call, Program
from archsearch.search.opening import opened
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.store import SampleStore
from tests.search.studies import study

ADD = Program(source="def f(x): return x + 1", calls=(Call(function="f", args=(2,)),))
NOWHERE = {"packages": ["no-such-package-is-installed"]}


def coding(**changes):
    """A study whose scores take programs, answered by a script."""
    code = "```python\\ndef add(a, b):\\n    return a + b\\n```"
    script = {"backend": "scripted", "replies": [{"match": "", "texts": [code, "I cannot."]}]}
    return study(
        models={"m": script},
        benchmark={"name": "mbpp", "path": "mbpp.jsonl"},
        space={"name": "one", "layers": [{"type": "generator", "model": "m", "samples": 1}]},
        splits={"search": 2, "select": 1, "test": 2},
        budget={},
        search={"trials": 1},
        baselines={"styles": ["plain"], "max_samples": 2, "max_tokens": 64},
        **changes,
    )


@pytest.fixture
def problems(tmp_path, monkeypatch):
    """Rows in the form of MBPP, made up."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "task_id": number,
            "text": f"Write a function that adds two numbers, and {number}.",
            "code": "def add(a, b): return a + b",
            "test_list": [f"assert add({number}, 2) == {number + 2}"],
            "test_setup_code": "",
            "challenge_test_list": [],
        }
        for number in range(11, 16)
    ]
    (tmp_path / "mbpp.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize("unsafe", [False, True])
def test_programs_run_where_the_study_says(unsafe):
    async def run():
        with SampleStore() as store:
            async with opened(study(), store, unsafe=unsafe) as dispatcher:
                executed = await dispatcher.execute(ADD)
        assert executed.execution.replies[0].value == 3
        assert (executed.execution.tier == "unsafe") == unsafe

    asyncio.run(run())


def test_a_sandbox_that_nobody_needs_is_not_opened():
    async def run():
        with SampleStore() as store:
            async with opened(study(sandbox=NOWHERE), store) as dispatcher:
                with pytest.raises(SandboxUnavailable, match="no-such-package-is-installed"):
                    await dispatcher.execute(ADD)

    asyncio.run(run())


def test_a_benchmark_that_runs_programs_wants_a_sandbox_before_anything_is_drawn(
    problems, tmp_path
):
    meter = Meter()
    with pytest.raises(SandboxUnavailable, match="no-such-package-is-installed"):
        asyncio.run(search(coding(sandbox=NOWHERE), tmp_path / "run", Progress(), meter))
    assert meter.drawn_samples == 0


def test_a_search_on_code_runs_each_program_once_and_says_where(problems, tmp_path):
    def run(folder, **options):
        return asyncio.run(
            search(coding(store="samples.sqlite"), folder, Progress(), Meter(), **options)
        )

    report = run(tmp_path / "one")
    assert report["programs"]["run"] > 0
    assert report["programs"]["cpu_seconds"] > 0
    assert report["unsafe_exec"] is False
    again = run(tmp_path / "two")
    assert again["programs"]["run"] == 0
    assert again["best"] == report["best"]
    assert run(tmp_path / "three", unsafe=True)["unsafe_exec"] is True
    assert run(tmp_path / "three")["unsafe_exec"] is True  # a part of it was

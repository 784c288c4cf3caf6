"""The quickstart as a whole process: time, memory, tokens, and the winner beside its baselines.

    python scripts/bench/quickstart.py [--quick] [--json]

Runs `archsearch search quickstart` in a fresh folder. `drawn_over_used` is FLOPs drawn in the whole
run over what its evaluations used (trials, selection, test), each counted in full;
`measured_over_expected` compares the winner's cost on the search questions with what was foreseen
when it was proposed; `bounds_passed` counts trials with a question above its upper bound.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import arguments, tell

QUICK = ["--limit", "8", "--set", "search.trials=6"]


def main() -> None:
    """Runs and tells."""
    flags = arguments(__doc__, quick="8 questions in each split, 6 trials")
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [sys.executable, "-m", "archsearch", "search", "quickstart", "--out", folder]
        subprocess.run([*command, *(QUICK if flags.quick else [])], check=True)
        seconds = time.monotonic() - began
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
    tell(figures(report, seconds), as_json=flags.json)


def figures(report: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What the bench shows, from a run's report."""
    best = report["best"]
    cost = best["flops_per_question"]
    complete = [trial for trial in report["trials"] if trial["state"] == "complete"]
    return {
        "seconds": seconds,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "trials": len(complete),
        "tokens_drawn": report["tokens"]["drawn"],
        "tokens_reused": report["tokens"]["reused"],
        "drawn_over_used": report["flops"]["drawn"] / report["flops"]["used"],
        "measured_over_expected": cost["measured"] / cost["expected"],
        "bounds_passed": sum(
            trial["highest_flops_of_a_question"] > trial["upper_flops_per_question"]
            for trial in complete
        ),
        "best": best["summary"],
        "best_test": [best["test"]["score"], *best["test"]["ci95"]],
        **{
            f"{rival['name']}": {
                "test": [rival["test"]["score"], *rival["test"]["ci95"]],
                "best_minus_this": [rival["paired_delta"]["value"], *rival["paired_delta"]["ci95"]],
            }
            for rival in report["baselines"]
        },
    }


if __name__ == "__main__":
    main()

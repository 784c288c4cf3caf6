"""How long it takes until something happens, and what an import drags in.

    python scripts/bench/startup.py [--quick] [--json]

Medians of whole processes; `bare_python` is an interpreter that does nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from common import arguments, tell

HEAVY = ("torch", "vllm", "optuna", "scipy", "transformers", "datasets", "reasoning_gym")
COMMANDS = {
    "bare_python": ["-c", ""],
    "import_archsearch": ["-c", "import archsearch"],
    "archsearch_help": ["-m", "archsearch", "--help"],
    "archsearch_check": ["-m", "archsearch", "check", "quickstart"],
}


def main() -> None:
    """Runs and tells."""
    flags = arguments(__doc__, quick="3 runs each instead of 9")
    runs = 3 if flags.quick else 9
    found: dict[str, object] = {f"{n}_s": median(c, runs) for n, c in COMMANDS.items()}
    loaded = f"import sys, archsearch; print([m for m in {HEAVY!r} if m in sys.modules])"
    found["heavy_modules"] = subprocess.run(
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True
    ).stdout.strip()
    tell(found, as_json=flags.json)


def median(arguments_: list[str], runs: int) -> float:
    """Median seconds of a whole process."""
    seconds = []
    for _ in range(runs):
        began = time.monotonic()
        subprocess.run([sys.executable, *arguments_], check=True, capture_output=True)
        seconds.append(time.monotonic() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()

"""Reuse changes no result: scores with an empty store, a full one, and an empty one again.

    python scripts/bench/reuse.py [--quick] [--json]

The same small study three times, with the scripted model and with the llama.cpp one. A full store
must give the same scores bit for bit and draw nothing. An empty store again redraws everything:
`*_redrawn_equal` is the share of samples whose text came out the same, which tells whether the
back-end itself is deterministic under whatever batching it met.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from common import arguments, tell

from archsearch.meter import Meter
from archsearch.search.config import SHELF, StudyConfig
from archsearch.search.progress import Progress
from archsearch.search.run import search

SCRIPT = (
    "{backend: scripted, context: 1024, replies: [{match: '(\\d) . 1', texts: ['\\1']}, "
    "{match: '', texts: ['4', '12', '[2] > [1]', 'The answer is 20.', 'Correct']}]}"
)


def main() -> None:
    """Runs and tells."""
    flags = arguments(__doc__, quick="6 questions in each split, 5 trials; else 15 and 10")
    size, trials = (6, 5) if flags.quick else (15, 10)
    found: dict[str, Any] = {}
    for name, model in (("scripted", [f"models.smollm2={SCRIPT}"]), ("llamacpp", [])):
        overrides = [
            f"splits={{search: {size}, select: {size}, test: {size}}}",
            f"search.trials={trials}",
            *model,
        ]
        config = StudyConfig.read(SHELF / "quickstart.yaml", overrides)
        found |= {f"{name}_{key}": value for key, value in compare(config).items()}
    tell(found, as_json=flags.json)


def compare(config: StudyConfig) -> dict[str, Any]:
    """Three runs of one study, held against each other."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        empty = run(config, folder / "empty")
        full = run(
            config.model_copy(update={"store": str(folder / "empty" / "samples.sqlite")}),
            folder / "full",
        )
        again = run(config, folder / "again")
        redrawn = same_texts(
            folder / "empty" / "samples.sqlite", folder / "again" / "samples.sqlite"
        )
    return {
        "full_store_equal": told(full) == told(empty),
        "full_store_drawn": full["tokens"]["drawn"],
        "redrawn_scores_equal": told(again) == told(empty),
        "redrawn_equal": redrawn,
        "drawn": empty["tokens"]["drawn"],
    }


def run(config: StudyConfig, folder: Path) -> dict[str, Any]:
    """One search."""
    return asyncio.run(search(config, folder, Progress(), Meter()))


def told(report: dict[str, Any]) -> Any:
    """Everything a search found, apart from what it paid."""
    return [report[key] for key in ("best", "baselines", "trials", "front", "finalists")]


def same_texts(first: Path, second: Path) -> float:
    """The share of samples in both stores that have the same text."""
    db = sqlite3.connect(first)
    db.execute("ATTACH ? AS other", (str(second),))
    query = (
        "SELECT AVG(a.text = b.text) FROM samples a "
        "JOIN other.samples b ON a.key = b.key AND a.idx = b.idx"
    )
    (share,) = db.execute(query).fetchone()
    db.close()
    return float(share)


if __name__ == "__main__":
    main()

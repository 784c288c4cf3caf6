"""What a search draws, against what its trials would cost one by one: 64 trials of Archon's space
with SmolLM2-135M on the multiplication table.

    python scripts/bench/search_cost.py [--quick] [--questions N] [--only-raced] [--json]

The study is searched twice with one store, without racing and then with it. What is told of each is
what it draws from an empty store: every sample is charged once, when a study first needs it. So
`--only-raced` leaves out the first search, which takes several times as long, and its figures.

- `drawn_over_used`: FLOPs drawn over those that all evaluations of the search without racing use.
- `drawn_over_distinct`: samples drawn over distinct samples asked for, in the first run.
- `with_racing_over_naive`: FLOPs that the search with racing draws, over what its trials cost
  without a store and without racing. A stopped trial would have gone on at its mean cost.

Selection and test, which every search needs, are on both sides.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import yaml
from common import parser, tell

from archsearch.meter import Meter
from archsearch.registry import validate
from archsearch.search.config import SHELF, StudyConfig
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.store import SampleStore

CAPS = {"max_tokens": 12, "max_prompt_tokens": 512}
"""The model answers in a few tokens; what it writes after them is noise."""


def main() -> None:
    """Both searches."""
    flags_of = parser(__doc__, quick="6 trials on 2 questions; else 64 on 10")
    flags_of.add_argument("--questions", type=int, help="of the search split, at most 40")
    flags_of.add_argument("--only-raced", action="store_true", help="only the search with racing")
    flags = flags_of.parse_args()
    trials, questions = (6, 2) if flags.quick else (64, 10)
    questions = flags.questions or questions
    found: dict[str, Any] = {"questions": questions}
    with tempfile.TemporaryDirectory() as root:
        store = Path(root) / "samples.sqlite"
        if not flags.only_raced:
            plain = run(study(trials, questions, risk=0.0, store=store), Path(root) / "plain")
            found |= without_racing(plain, store)
        raced = run(study(trials, questions, risk=0.01, store=store), Path(root) / "raced")
    found |= with_racing(raced, questions)
    tell(found, as_json=flags.json)


def without_racing(report: dict[str, Any], store: Path) -> dict[str, float]:
    """Figures of the first search, which alone has filled the store."""
    with SampleStore(store) as samples:
        distinct = samples.count()
    return {
        "drawn_over_used": report["flops"]["drawn"] / report["flops"]["used"],
        "drawn_over_distinct": report["samples"]["drawn"] / distinct,
        "samples_drawn": report["samples"]["drawn"],
        "seconds_without_racing": report["seconds"],
    }


def with_racing(report: dict[str, Any], questions: int) -> dict[str, float]:
    """Figures of the second."""
    return {
        "with_racing_over_naive": report["flops"]["charged"] / naive(report, questions),
        "trials": len(evaluated(report)),
        "raced_out": sum(trial["state"] == "raced out" for trial in report["trials"]),
        "seconds_with_racing": report["seconds"],
    }


def study(trials: int, questions: int, *, risk: float, store: Path) -> StudyConfig:
    """The quickstart's study in Archon's space."""
    racing = {"risk": risk, "block": min(2, max(1, questions // 5))}
    quickstart = yaml.safe_load((SHELF / "quickstart.yaml").read_text())
    space = yaml.safe_load((SHELF / "archon-space.yaml").read_text())
    data = quickstart | {
        "name": "search-cost",
        "space": capped(space),
        "models": {"model": quickstart["models"]["smollm2"]},
        "splits": {"search": questions, "select": questions // 2, "test": questions},
        "budget": {},
        "search": {"trials": trials, "in_flight": 4, "finalists": 2, "racing": racing},
        "store": str(store),
    }
    return validate(StudyConfig, data, where="search_cost")


def capped(value: Any) -> Any:
    """A space whose layers that ask a model have `CAPS`."""
    if isinstance(value, list):
        return [capped(one) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {key: capped(one) for key, one in value.items()}
    return {**inner, **CAPS} if "model" in value else inner


def run(config: StudyConfig, folder: Path) -> dict[str, Any]:
    """The report of one search."""
    return asyncio.run(search(config, folder, Progress(), Meter()))


def evaluated(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The trials that drew something."""
    return [trial for trial in report["trials"] if trial["questions_scored"]]


def naive(report: dict[str, Any], questions: int) -> float:
    """FLOPs of the same search without store and racing."""
    missing = sum(
        trial["flops_per_question"] * (questions - trial["questions_scored"])
        for trial in evaluated(report)
    )
    return float(report["flops"]["used"] + missing)


if __name__ == "__main__":
    main()

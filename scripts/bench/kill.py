"""SIGKILLs, of the coordinator and of its workers in turn, over one search: what is lost, what is
there twice, and what is paid twice.

A search of 300 trials with 4 workers on a scripted model with latency is killed 100 times, evenly
over its trials, and started again whenever the coordinator was hit. Then:

lost         results and samples that were committed before a kill and are not there at the end
duplicated   architectures that were evaluated by more than one trial, and trials recorded twice
paid_twice   samples drawn to the end twice, though the first draw was not in flight at a kill
in_flight    draws that kills cut off, or whose end they kept from the store
as_if_whole  whether a search that nobody interrupts, given the same samples, finds the same

Usage: python scripts/bench/kill.py [--quick] [--json]
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from common import arguments, tell
from logged import installed

from archsearch.search.tasks import Process

WORKERS = 4
COMMIT = 0.5
"""Seconds after its end in which a draw counts as in flight still."""
CAPS = {"max_tokens": 16, "max_prompt_tokens": 400}
TEMPERATURES = [round(0.1 * step, 1) for step in range(1, 13)]


def main() -> None:
    """The search with its kills, then the same one whole."""
    flags = arguments(__doc__, quick="24 trials and 6 kills")
    trials, kills = (24, 6) if flags.quick else (300, 100)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        killed = Killed(folder, study(folder, trials, latency=0.15), installed(folder))
        began = time.monotonic()
        killed.search(trials, kills)
        seconds = time.monotonic() - began
        found = {
            "kills": len(killed.deaths),
            "lost": killed.lost(),
            "duplicated": killed.duplicated(),
            **killed.paid(),
            "as_if_whole": killed.as_if_whole(),
            "trials": trials,
            "seconds": round(seconds, 1),
        }
    tell(found, as_json=flags.json)


def study(folder: Path, trials: int, *, latency: float) -> Path:
    """The study file of so many trials."""
    generator = {
        "type": "generator",
        "model": "m",
        "temperature": {"choose": TEMPERATURES},
        "samples": {"choose": [2, 3, 4, 5, 6]},
        "style": {"choose": ["plain", "direct", "step_by_step"]},
        **CAPS,
    }
    ends = {
        "vote": [{"type": "vote"}],
        "rank": [{"type": "ranker", "model": "m", **CAPS}],
        "fuse": [{"type": "fuser", "model": "m", **CAPS}],
        "both": [
            {"type": "ranker", "model": "m", "keep": 2, **CAPS},
            {"type": "fuser", "model": "m"},
        ],
        "critic": [
            {"type": "critic", "model": "m", **CAPS},
            {"type": "fuser", "model": "m", **CAPS},
        ],
    }
    data = {
        "name": "killed",
        "space": {"name": "wide", "layers": [generator, {"choose": ends, "name": "end"}]},
        "models": {"m": {"backend": "logged", "log": str(folder / "draws"), "latency": latency}},
        "benchmark": {"name": "sums"},
        "splits": {"search": 8, "select": 4, "test": 8},
        "search": {"trials": trials, "in_flight": 4, "racing": {"risk": 0}},
        "baselines": {"max_samples": 4, **CAPS},
    }
    path = folder / "killed.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@dataclass
class Killed:
    """A search, its kills and what was there when they came."""

    folder: Path
    file: Path
    environment: dict[str, str]
    deaths: list[tuple[set[int], float]] = field(default_factory=list)
    """Processes that each kill ended, and when."""
    results: dict[Any, str] = field(default_factory=dict)
    samples: set[Any] = field(default_factory=set)

    @property
    def out(self) -> Path:
        """The run folder."""
        return self.folder / "run"

    def search(self, trials: int, kills: int) -> None:
        """Starts it, and again after each kill of the coordinator, until it is through."""
        chance = random.Random(0)
        coordinator = self.started("--workers", str(WORKERS))
        for kill in range(kills):
            while self.begun() < (kill + 1) * trials / (kills + 1) and coordinator.poll() is None:
                time.sleep(0.02)
            time.sleep(chance.uniform(0.0, 0.3))
            if coordinator.poll() is not None:
                break
            self.remember()
            if kill % 2 and (alive := self.workers()):
                self.kill(victim := chance.choice(alive), {victim})
            else:
                self.kill(coordinator.pid, {coordinator.pid, *self.workers()})
                coordinator.wait()
                coordinator = self.started("--workers", str(WORKERS))
        if coordinator.wait():
            sys.exit(f"the search ended with status {coordinator.returncode}")

    def kill(self, process: int, gone: set[int]) -> None:
        """Kills one, with which all of `gone` end."""
        os.kill(process, signal.SIGKILL)
        self.deaths.append((gone, time.time()))

    def started(self, *flags: str, out: Path | None = None) -> subprocess.Popen[bytes]:
        """The coordinator as a process."""
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "archsearch",
                "search",
                self.file,
                "--out",
                out or self.out,
                *flags,
            ],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def begun(self) -> int:
        """Architectures that have results."""
        return len(self.rows("ledger", "SELECT DISTINCT digest FROM outcomes"))

    def workers(self) -> list[int]:
        """Processes of the workers that are alive."""
        known = [number for (number,) in self.rows("ledger", "SELECT process FROM workers")]
        return [number for number in known if not Process.seen(number).is_dead]

    def remember(self) -> None:
        """What is committed now."""
        recorded = "SELECT digest, question, outcome FROM outcomes"
        brought = (
            "SELECT digest, question, json_extract(result, '$.outcome') FROM tasks "
            "WHERE result IS NOT NULL"
        )
        for digest, question, outcome in self.rows("ledger", f"{recorded} UNION ALL {brought}"):
            self.results[digest, question] = json.loads(outcome)["text"]
        self.samples.update(self.rows("samples", "SELECT key, idx FROM samples"))

    def rows(self, file: str, query: str) -> list[Any]:
        """Of a database of the run; none while it is not there."""
        place = self.out / f"{file}.sqlite"
        try:
            with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=60)) as db:
                return db.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def lost(self) -> int:
        """Results and samples that were there and are not."""
        before, samples = dict(self.results), set(self.samples)
        self.results, self.samples = {}, set()
        self.remember()
        lost = [key for key, text in before.items() if self.results.get(key) != text]
        return len(lost) + len(samples - self.samples)

    def duplicated(self) -> int:
        """Evaluations of what another trial had evaluated, and numbers given twice."""
        report = json.loads((self.out / "report.json").read_text())
        evaluated: list[str] = [t["digest"] for t in report["trials"] if t["state"] == "complete"]
        numbers: list[int] = [trial["number"] for trial in report["trials"]]
        return len(evaluated) - len(set(evaluated)) + len(numbers) - len(set(numbers))

    def paid(self) -> dict[str, int]:
        """Samples drawn twice without need, and draws that kills cut off."""
        draws: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for event, process, sample, at in self.log():
            if event == "ended":
                draws[sample].append((process, at))
        twice = excused = 0
        for ends in draws.values():
            for (process, at), _ in pairwise(sorted(ends, key=lambda end: end[1])):
                fine = any(
                    process in gone and 0 <= then - at < COMMIT for gone, then in self.deaths
                )
                excused, twice = excused + fine, twice + (not fine)
        began = sum(event == "began" for event, *_ in self.log())
        ended = sum(len(ends) for ends in draws.values())
        return {"paid_twice": twice, "in_flight": began - ended + excused, "drawn": ended}

    def log(self) -> Iterator[tuple[str, int, str, float]]:
        """What the model wrote down."""
        for line in (self.folder / "draws").read_text().splitlines():
            event, process, sample, at = line.split()
            yield event, int(process), sample, float(at)

    def as_if_whole(self) -> bool:
        """Whether a search without kills and workers comes to the same, given the same samples."""
        whole = self.folder / "whole"
        store = f"store={self.out / 'samples.sqlite'}"
        if self.started("--set", store, out=whole).wait():
            return False
        one, other = (json.loads((out / "report.json").read_text()) for out in (self.out, whole))
        return all(one[key] == other[key] for key in ("best", "baselines", "trials", "finalists"))


if __name__ == "__main__":
    main()

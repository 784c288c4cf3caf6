"""What the sandbox keeps in, what it costs, and whom it believes.

    python scripts/bench/sandbox.py [--quick] [--json] [--tier NAME ...]

On each kind of sandbox that this host gives: the hostile programs of `tests/sandbox/hostile` beside
innocent ones (`breaches`, `false_failures`, `survivors`, the longest time that one lived beyond its
limit), the forgeries and the honest programs, a soak of many runs with one in ten hostile, innocent
programs beside hostile ones, throughput, start-up. Breaches are seen from outside: planted
secrets, files, sockets and processes. Figures without a tier in their name are sums over tiers, or
the worst of them; programs per second are those of the best tier.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import parser, tell

sys.path.insert(0, str(Path(__file__).parents[2]))

from archsearch.errors import SandboxUnavailable
from archsearch.program import Program
from archsearch.sandbox import Sandbox, tiers
from tests.sandbox.case import CASES
from tests.sandbox.soak import Soaked, soak
from tests.sandbox.task import FORGED, HONEST, Claim
from tests.sandbox.trial import Footprint, Seen, batch, innocent, scratch
from tests.sandbox.watch import descendants, survivors
from tests.sandbox.world import World

TOGETHER = 6
"""Hostile programs at once: most of them wait for their end."""


def main() -> None:
    """Runs and tells."""
    flags_of = parser(__doc__, quick="no soak of 2,000 runs but one of 200; fewer starts")
    flags_of.add_argument("--tier", action="append", help="only this kind; may be given again")
    flags = flags_of.parse_args()
    names = flags.tier or [name for name, kind in tiers.TIERS.items() if kind.isolates]
    found: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            found[name] = asyncio.run(measure(name, quick=flags.quick))
        except SandboxUnavailable as error:
            missing[name] = str(error)
    if not found:
        sys.exit(f"this host gives no sandbox: {missing}")
    tell({**summed(found), "missing": missing}, as_json=flags.json)


def summed(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One figure of each kind, and those of each tier."""
    told: dict[str, Any] = {"tiers": list(found)}
    for key in ("breaches", "hostile", "forgeries_accepted", "forgeries", "correct_accepted",
                "correct", "survivors", "false_failures"):  # fmt: skip
        told[key] = sum(figures[key] for figures in found.values())
    told["longest_overrun_s"] = max(figures["longest_overrun_s"] for figures in found.values())
    told["programs_per_second"] = next(iter(found.values()))["programs_per_second"]
    for tier, figures in found.items():
        told |= {f"{tier}_{key}": value for key, value in figures.items()}
    return told


async def measure(tier: str, *, quick: bool) -> dict[str, Any]:
    """All figures of one tier."""
    figures: dict[str, Any] = {}
    with World() as world, scratch() as folder:
        before = descendants()
        async with Sandbox.open(tier=tier, processes=TOGETHER + 1) as sandbox:
            figures |= of_hostile(await batch(sandbox, world, CASES.values(), together=TOGETHER))
        async with Sandbox.open(tier=tier) as sandbox:
            footprint = Footprint(sandbox)
            figures |= await judged(sandbox)
            figures |= await paced(sandbox, runs=60 if quick else 400)
            beside = await soak(sandbox, world, folder, runs=250, hostile=50, together=8)
            figures["false_failures"] += len(beside.false_failures)
            many = (
                beside
                if quick
                else await soak(sandbox, world, folder, runs=2000, hostile=200, together=8)
            )
            figures |= of_soak(many)
        figures["survivors"] = len(survivors(before, within=1)) + many.growth["survivors"]
        figures["breaches"] += len(world.breaches())
        figures["files_left"] = sum(1 for _ in folder.rglob("*")) + len(footprint.left())
    return figures


def of_hostile(seen: Seen) -> dict[str, Any]:
    """Figures of the hostile suite."""
    faults = {ended.case.name: ended.faults for ended in seen.ended.values() if ended.faults}
    leaks = sum(ended.leaked for ended in seen.ended.values())
    for name, found in faults.items():
        print(f"{name}: {'; '.join(found)}", file=sys.stderr)
    for breach in (*seen.breaches, *seen.false_failures):
        print(breach, file=sys.stderr)
    return {
        "breaches": len(seen.breaches) + leaks,
        "hostile": len(seen.ended),
        "not_as_expected": len(faults),
        "longest_overrun_s": max(ended.overrun for ended in seen.ended.values()),
        "longest_outside_s": max(
            ended.outside - ended.case.limits.seconds for ended in seen.ended.values()
        ),
        "innocent_beside": len(seen.innocents),
        "false_failures": len(seen.false_failures),
        "peak_memory_mb": seen.peak_bytes >> 20,
    }


async def judged(sandbox: Sandbox) -> dict[str, Any]:
    """How many claims are believed: forgeries by calls or by a test, honest ones by both."""

    async def verdicts(claim: Claim) -> tuple[bool, bool]:
        inputs = claim.task.inputs(random.Random())
        calls, test = await asyncio.gather(
            sandbox.run(claim.by_calls(inputs)), sandbox.run(claim.by_test(inputs))
        )
        return claim.task.solved(calls, inputs), test.status == "ok"

    async def all_of(claims: Sequence[Claim]) -> list[tuple[bool, bool]]:
        return list(await asyncio.gather(*map(verdicts, claims)))

    forged, honest = await all_of([*FORGED.values()]), await all_of([*HONEST.values()])
    return {
        "forgeries": len(forged),
        "forgeries_accepted": sum(any(pair) for pair in forged),
        "correct": len(honest),
        "correct_accepted": sum(all(pair) for pair in honest),
    }


async def paced(sandbox: Sandbox, *, runs: int) -> dict[str, Any]:
    """Programs per second with the pool full, and the median of one at a time."""
    empty = Program(source="")
    starts = []
    for _ in range(20):
        began = time.perf_counter()
        await sandbox.run(empty)
        starts.append(time.perf_counter() - began)
    began = time.perf_counter()
    ended = await asyncio.gather(*(innocent(sandbox) for _ in range(runs)))
    seconds = time.perf_counter() - began
    if any(execution.status != "ok" for execution in ended):
        sys.exit(f"nothing may fail while it is measured; {ended}"[:2000])
    return {
        "startup_median_ms": statistics.median(starts) * 1000,
        "programs_per_second": runs / seconds,
        "cores": len(os.sched_getaffinity(0)),
    }


def of_soak(soaked: Soaked) -> dict[str, Any]:
    """Figures of a soak."""
    return {
        "soak_runs": soaked.runs,
        "soak_hostile": soaked.hostile,
        "soak_s": soaked.seconds,
        "soak_false_failures": len(soaked.false_failures),
        "soak_not_as_expected": len(soaked.faults),
        **{f"soak_{name}": value for name, value in soaked.growth.items()},
    }


if __name__ == "__main__":
    main()

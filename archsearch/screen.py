"""Screen: live progress and the final tables. Off a terminal, plain lines without control codes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from archsearch.architecture import Architecture
from archsearch.meter import Meter
from archsearch.search.config import Budget
from archsearch.search.curves import Curve
from archsearch.search.pool import Pool
from archsearch.search.progress import Progress

LIVE_EVERY = 0.25
"""Seconds between two pictures on a terminal."""
LINE_EVERY = 5.0
"""Seconds between two lines elsewhere."""


class Watch:
    """Shows how far a search is, until told to stop."""

    def __init__(self, console: Console, progress: Progress, meter: Meter, budget: Budget) -> None:
        self._console, self._progress, self._meter = console, progress, meter
        self._budget = budget

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Shows progress while the body runs."""
        task = asyncio.ensure_future(self._live() if self._console.is_terminal else self._lines())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _live(self) -> None:
        with Live(self._picture(), console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(self._picture(), refresh=True)
                    await asyncio.sleep(LIVE_EVERY)
            finally:
                live.update(self._picture(), refresh=True)

    async def _lines(self) -> None:
        shown, phase = time.monotonic(), ""
        try:
            while True:
                if self._progress.phase != phase or time.monotonic() - shown >= LINE_EVERY:
                    shown, phase = time.monotonic(), self._progress.phase
                    self._print_line()
                await asyncio.sleep(LIVE_EVERY)
        finally:
            self._print_line()

    def _print_line(self) -> None:
        self._console.print(self.line(), markup=False, highlight=False, soft_wrap=True)

    def line(self) -> str:
        """Everything in one line."""
        return " | ".join(f"{name} {value}" for name, value in self._facts())

    def _picture(self) -> RenderableType:
        grid = Table.grid(padding=(0, 2))
        for name, value in self._facts():
            grid.add_row(Text(name, style="dim"), value)
        progress = self._progress
        bar = ProgressBar(total=max(1, progress.questions_wanted), completed=progress.questions)
        return Group(bar, grid)

    def _facts(self) -> Iterator[tuple[str, str]]:
        progress, meter = self._progress, self._meter
        yield progress.phase, clock(progress.seconds)
        if progress.trials_wanted:
            yield (
                "trials",
                f"{progress.trials}/{progress.trials_wanted} "
                f"({progress.refused} refused, {progress.duplicates} repeated)",
            )
        yield "questions", f"{progress.questions}/{progress.questions_wanted}"
        if progress.best is not None:
            yield "best so far", f"{progress.best:.3f} {progress.best_architecture}"
        cap = self._budget.study.flops
        yield "FLOPs drawn", f"{meter.drawn_flops:.3g}" + (f" of {cap:.3g}" if cap else "")
        yield (
            "tokens",
            f"{meter.drawn_prompt_tokens + meter.drawn_completion_tokens:,} drawn, "
            f"{meter.reused_completion_tokens:,} reused",
        )
        left = progress.seconds_left
        yield "left", f"about {clock(left)}" if left is not None else "unknown yet"


def show_report(console: Console, report: Mapping[str, Any]) -> None:
    """The front, the winner as a tree, and the baselines beside it."""
    console.print(_front(report))
    console.print(drawn(Architecture.parse(report["best"]["architecture"])))
    console.print(_contenders(report))
    console.print(optimism_line(report), highlight=False)
    for line in filter(
        None, (incomplete_line(report), unscored_line(report), way_out_line(report))
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    tokens, flops, dollars = report["tokens"], report["flops"], report["charged"]["dollars"]
    console.print(
        f"drawn {tokens['drawn']:,} tokens, {flops['drawn']:.3g} FLOPs; without reuse the same "
        f"evaluations take {flops['used']:.3g}; "
        + (f"{dollars:.3g} dollars charged; " if dollars else "")
        + f"{report['seconds']:.0f} s",
        highlight=False,
    )


def show_pool(console: Console, pool: Pool) -> None:
    """What a pool is to hold, and what it takes at most."""
    bound, cap = pool.upper_bound(), pool.config.budget.study
    tokens = bound.prompt_tokens + bound.completion_tokens
    lines = [
        f"{len(pool.items)} questions, {pool.samples:,} samples in all, of:",
        *(f"  {generator}" for generator in pool.generators),
        f"at most {bound.flops:.3g} FLOPs, {tokens:,.0f} tokens, less what the store holds; the "
        f"study's cap: {cap}",
    ]
    if pool.most < pool.asked_for:
        lines.append(
            f"what asks for more than {pool.most} samples, up to {pool.asked_for}, a replay will "
            f"lack; give more --samples, or lower baselines.max_samples"
        )
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def show_curves(console: Console, curves: Sequence[Curve]) -> None:
    """A table of each generator, a row for each number of samples."""
    for curve in curves:
        table = Table(title=str(curve.generator), title_justify="left")
        for name in ("samples", "any passes (pass@n)", "majority vote", "FLOPs per question"):
            table.add_column(name, justify="right")
        for point in curve.points:
            scores = (
                f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
                for one in (point.any_passes, point.vote)
            )
            table.add_row(str(point.samples), *scores, f"{point.flops:.3g}")
        console.print(table)


def optimism_line(report: Mapping[str, Any]) -> str:
    """What the search score of the winner is worth."""
    best = report["best"]
    tried = sum(trial["score"] is not None for trial in report["trials"])
    return (
        f"chosen from {tried} on {best['search']['n']} questions, its search score of "
        f"{best['search']['score']:.3f} is expected to flatter it by {best['optimism']:+.3f}"
    )


def incomplete_line(report: Mapping[str, Any]) -> str:
    """Why trials were not scored to their end, such as that the budget ended; blank where none."""
    reasons = [trial["reason"] for trial in report["trials"] if trial["state"] == "incomplete"]
    return f"{len(reasons)} trials were cut short; the first: {reasons[0]}" if reasons else ""


def unscored_line(report: Mapping[str, Any]) -> str:
    """How much of the test is missing, as a model or a sandbox failed; blank where nothing is."""
    everyone = (report["best"], *report["baselines"])
    missing = [one["test"]["unscored"] for one in everyone if one["test"]["unscored"]]
    if not missing:
        return ""
    return (
        f"{sum(missing)} test questions of {len(missing)} of these could not be scored, and are "
        f"left out; the same command tries them again"
    )


def way_out_line(report: Mapping[str, Any]) -> str:
    """What the best most often did in place of its work, such as clip a prompt; blank without."""
    test = report["best"]["test"]
    if not test["fallbacks"]:
        return ""
    reason, count = next(iter(test["fallbacks"].items()))
    return f"on {count} of {test['n']} test questions of the best: {reason}"


def late_line(report: Mapping[str, Any], progress: Progress) -> str:
    """That time ended the trials; blank where it did not."""
    cap = report["budget"]["study"].get("seconds")
    if cap is None or report["seconds"] < cap or progress.trials >= progress.trials_wanted:
        return ""
    return (
        f"{progress.trials} of {progress.trials_wanted} trials were tried: none begins once "
        f"budget.study.seconds, {cap:g}, are over; raise it, and the same command goes on"
    )


def drawn(architecture: Architecture) -> Tree:
    """An architecture as a small tree: a layer a branch, components side by side below it."""
    tree = Tree("question")
    for row in architecture.rows:
        if len(row) == 1:
            tree.add(str(Architecture(rows=(row,))))
        else:
            branch = tree.add(f"{len(row)} side by side")
            for layer in row:
                branch.add(str(Architecture(rows=((layer,),))))
    return tree


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _front(report: Mapping[str, Any]) -> Table:
    unit = report["cost_unit"]
    table = Table(title=f"Score against {unit} per question (search split)")
    for name in ("trial", "score", f"{unit} per question"):
        table.add_column(name, justify="right")
    table.add_column("architecture")
    table.add_column("")
    trials: Mapping[int, Any] = {trial["number"]: trial for trial in report["trials"]}
    shown = {*report["front"], report["best"]["number"]}
    for number in sorted(shown, key=lambda number: trials[number]["cost_per_question"]):
        trial = trials[number]
        table.add_row(
            str(number),
            f"{trial['score']:.3f}",
            f"{trial['cost_per_question']:.3g}",
            trial["summary"],
            "named best" if number == report["best"]["number"] else "",
        )
    return table


def _contenders(report: Mapping[str, Any]) -> Table:
    table = Table(title=f"Held-out test, {report['best']['test']['n']} questions never searched on")
    for name in (
        "",
        "score [95 %]",
        f"{report['cost_unit']} per question",
        "best minus this [95 %]",
    ):
        table.add_column(name)
    best = report["best"]
    table.add_row(
        "best",
        _with_interval(best["test"]["score"], best["test"]["ci95"]),
        f"{best['cost_per_question']:.3g}",
        "",
    )
    for rival in report["baselines"]:
        delta = rival["paired_delta"]
        table.add_row(
            f"{rival['name']}: {rival['summary']}",
            _with_interval(rival["test"]["score"], rival["test"]["ci95"]),
            f"{rival['cost_per_question']:.3g}",
            _with_interval(delta["value"], delta["ci95"], sign="+"),
        )
    return table


def _with_interval(value: float | None, ci95: Sequence[float] | None, sign: str = "") -> str:
    if value is None or ci95 is None:
        return "unscored"
    return f"{value:{sign}.3f} [{ci95[0]:{sign}.3f}, {ci95[1]:{sign}.3f}]"

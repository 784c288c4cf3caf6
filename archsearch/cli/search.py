"""`archsearch search`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from archsearch.cli.app import (
    Limit,
    Overrides,
    Replay,
    Seed,
    Study,
    UnsafeExec,
    finished,
    missing_line,
    study_of,
)

if TYPE_CHECKING:
    from archsearch.search.config import StudyConfig
    from archsearch.search.progress import Progress


def search(
    study: Study,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/NAME.")] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    replay: Replay = None,
    objective: Annotated[
        str | None, typer.Option(help="score, or pareto: the front of score against cost.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that evaluate for it.")] = 0,
    join: Annotated[
        bool, typer.Option("--join", help="Let `archsearch worker` join, here and on other hosts.")
    ] = False,
    unsafe_exec: UnsafeExec = False,
) -> None:
    """Search for the best architecture; the same command resumes an interrupted run.

    Examples:

      archsearch search quickstart

      archsearch search my_study.yaml --set search.trials=40 --out runs/more

      archsearch search my_study.yaml --set search.sampler.name=gp --replay pool.sqlite

      archsearch search my_study.yaml --objective pareto --out runs/front

      archsearch search my_study.yaml --set database=postgresql://me@host/runs --join
    """
    from archsearch import collector
    from archsearch.meter import Meter
    from archsearch.screen import Watch
    from archsearch.search.progress import Progress
    from archsearch.search.run import search as run_search

    asked = [*(overrides or []), *([f"search.objective={objective}"] if objective else [])]
    config = study_of(study, asked, limit=limit, seed=seed)
    if replay is not None:
        config = config.model_copy(update={"store": replay})
    folder = out or Path("runs") / (f"{config.name}-replay" if replay else config.name)
    console, progress, meter = Console(), Progress(), Meter()
    if join:
        _invite(console, config, folder)

    async def run() -> dict[str, Any]:
        async with Watch(console, progress, meter, config.budget).watching():
            return await run_search(
                config,
                folder,
                progress,
                meter,
                workers=workers if workers or join else None,
                replay=replay is not None,
                unsafe=unsafe_exec,
            )

    collector.spare()
    document = finished(run(), f"interrupted; the same command resumes from {folder}")
    _show(console, document, progress, replay)
    console.print(f"report, best architecture and samples: {folder}", highlight=False)


def _invite(console: Console, config: StudyConfig, folder: Path) -> None:
    from archsearch.search.run import address

    line = f"workers join with: archsearch worker '{address(config, folder)}'"
    console.print(line, highlight=False, soft_wrap=True)


def _show(
    console: Console, document: dict[str, Any], progress: Progress, replay: str | None
) -> None:
    from archsearch.screen import late_line, show_report

    show_report(console, document)
    if late := late_line(document, progress):
        console.print(late, highlight=False, soft_wrap=True)
    if replay is not None and (missing := document["samples"]["missing"]):
        console.print(missing_line(missing, replay), highlight=False)

"""`archsearch evaluate`: one architecture, scored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from archsearch.cli.app import (
    Limit,
    Overrides,
    Replay,
    Seed,
    UnsafeExec,
    finished,
    kept_of,
    missing_line,
    study_of,
)
from archsearch.errors import ConfigError


def evaluate(
    architecture: Annotated[Path, typer.Argument(help="Architecture file, such as best.yaml.")],
    study: Annotated[
        str | None, typer.Option(help="Study file; by default config.yaml beside the architecture.")
    ] = None,
    benchmark: Annotated[str | None, typer.Option(help="Another benchmark, by name.")] = None,
    split: Annotated[str, typer.Option(help="search, select or test.")] = "test",
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Another architecture file, for the paired difference; repeatable."),
    ] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    store: Annotated[str | None, typer.Option(help="Sample store to reuse and fill.")] = None,
    replay: Replay = None,
    unsafe_exec: UnsafeExec = False,
) -> None:
    """Score an architecture, with its interval and cost; or several, with their differences.

    Examples:

      archsearch evaluate runs/quickstart/best.yaml

      archsearch evaluate best.yaml --study study.yaml --benchmark gsm8k --limit 200

      archsearch evaluate best.yaml --study study.yaml --against mine.yaml --store pool.sqlite
    """
    from archsearch.architecture import Architecture
    from archsearch.meter import Meter
    from archsearch.screen import Watch
    from archsearch.search.progress import Progress
    from archsearch.search.scoring import score

    _require_files((architecture, *(against or [])))
    source = study or _study_beside(architecture)
    named = [] if benchmark is None else [f"benchmark={{name: {benchmark}}}"]
    config = study_of(source, [*named, *(overrides or [])], limit=limit, seed=seed)
    _require_one(store, replay)
    progress, meter = Progress(), Meter()

    async def run() -> dict[str, Any]:
        async with Watch(Console(stderr=True), progress, meter, config.budget).watching():
            return await score(
                config,
                Architecture.read(architecture),
                split=split,
                progress=progress,
                meter=meter,
                against=[Architecture.read(other) for other in against or []],
                store=replay or store,
                replay=replay is not None,
                unsafe=unsafe_exec,
                kept=kept_of(source, config),
            )

    drawn = f"what was drawn is in {store}" if store else "nothing is kept without --store"
    document = finished(run(), f"interrupted; {drawn}")
    typer.echo(json.dumps(document, indent=2))
    if replay is not None and document["missing"]:
        typer.echo(missing_line(document["missing"], replay), err=True)


def _require_files(architectures: Iterable[Path]) -> None:
    for file in architectures:
        if not file.is_file():
            raise ConfigError(f"an architecture must be a file, such as best.yaml; {file} is none")


def _require_one(store: str | None, replay: str | None) -> None:
    if store is not None and replay is not None:
        raise ConfigError("give --store, which is filled, or --replay, which is only read")


def _study_beside(architecture: Path) -> str:
    """The study file that a search leaves beside the best architecture."""
    source = architecture.parent / "config.yaml"
    if not source.is_file():
        raise ConfigError(
            f"an architecture needs a study, for its models; no {source} is beside {architecture}; "
            f"give one as --study"
        )
    return str(source)

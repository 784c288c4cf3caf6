"""`archsearch pool`: samples drawn once, for searches to come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from archsearch.cli.app import Limit, Overrides, Seed, Study, finished, kept_of, study_of
from archsearch.errors import RunError

if TYPE_CHECKING:
    from archsearch.types import Failure


def pool(
    study: Study,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="Of each prompt; by default the most that any generator asks."),
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Sample store to fill; by default the study's.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="search, select or test; by default all three.")
    ] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it takes at most; draw nothing.")
    ] = False,
) -> None:
    """Draw once all that a study's generators may ask; the same command goes on where it ended.

    Searches with --replay then need no model for architectures whose later layers ask none.

    Examples:

      archsearch pool my_study.yaml --samples 64 --store pool.sqlite --dry-run

      archsearch pool my_study.yaml --samples 64 --store pool.sqlite
    """
    from archsearch.meter import Meter
    from archsearch.screen import Watch, show_pool
    from archsearch.search.pool import Pool
    from archsearch.search.progress import Progress
    from archsearch.search.run import store_of

    config = study_of(study, overrides, limit=limit, seed=seed)
    folder = Path("runs") / config.name
    place = store or store_of(config, folder)
    wanted = Pool.of(config, samples=samples, split=split, kept=kept_of(study, config))
    console, progress, meter = Console(), Progress(), Meter()
    show_pool(console, wanted)
    if dry_run:
        return

    async def run() -> list[Failure]:
        async with Watch(console, progress, meter, config.budget).watching():
            return await wanted.draw(place, progress, meter)

    if not store:
        folder.mkdir(parents=True, exist_ok=True)
    failures = finished(run(), f"interrupted; what was drawn is in {place}")
    if failures:
        raise RunError(
            f"{len(failures)} requests failed, the first: {failures[0].message}; the rest is in "
            f"{place}; the same command draws what is missing"
        )
    console.print(f"pool: {place}; drawn now {meter.drawn_samples} samples", highlight=False)

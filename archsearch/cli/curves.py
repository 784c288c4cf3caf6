"""`archsearch curves`: score against number of samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from archsearch.cli.app import (
    Limit,
    Overrides,
    Seed,
    Study,
    UnsafeExec,
    finished,
    kept_of,
    study_of,
)

if TYPE_CHECKING:
    from archsearch.search.curves import Curve


def curves(
    study: Study,
    store: Annotated[
        str | None, typer.Option(help="Store that holds the pool; by default the study's.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Of each prompt; by default all that the pool holds.")
    ] = None,
    split: Annotated[str, typer.Option(help="search, select or test.")] = "search",
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    unsafe_exec: UnsafeExec = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score against number of samples: pass@n and majority vote of every generator of a pool.

    All samples count at every n, so that it varies less than the first n would. Draws nothing.

    Examples:

      archsearch pool my_study.yaml --samples 32 --store pool.sqlite

      archsearch curves my_study.yaml --store pool.sqlite
    """
    from archsearch.meter import Meter
    from archsearch.screen import Watch, show_curves
    from archsearch.search.curves import curves as over_pool
    from archsearch.search.curves import held
    from archsearch.search.pool import Pool
    from archsearch.search.progress import Progress
    from archsearch.search.run import store_of

    config = study_of(study, overrides, limit=limit, seed=seed)
    place = store or store_of(config, Path("runs") / config.name)
    pool = Pool.of(config, samples=samples, split=split, kept=kept_of(study, config))
    console, progress = Console(stderr=as_json), Progress()

    async def run() -> list[Curve]:
        async with Watch(console, progress, Meter(), config.budget).watching():
            there = samples or await held(pool, place)
            wanted = pool.of_each(there) if there else pool
            return await over_pool(wanted, place, progress, unsafe=unsafe_exec)

    found = finished(run())
    if as_json:
        typer.echo(json.dumps([curve.dump() for curve in found], indent=2))
    else:
        show_curves(console, found)

"""`archsearch check`: what a study takes, before anything is drawn."""

from __future__ import annotations

from typing import Annotated

import typer

from archsearch.cli.app import Limit, Overrides, Seed, Study, study_of


def check(
    study: Study,
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    tokens_per_second: Annotated[
        float | None, typer.Option(min=0.001, help="Speed of your models, to foresee the time.")
    ] = None,
) -> None:
    """Validate a study and foresee what it takes; draws nothing.

    Examples:

      archsearch check quickstart

      archsearch check my_study.yaml --tokens-per-second 5000
    """
    from archsearch.search.checkup import checkup

    config = study_of(study, overrides, limit=limit, seed=seed)
    for line in checkup(config, tokens_per_second):
        typer.echo(line)

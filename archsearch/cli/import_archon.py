"""`archsearch import-archon`: configurations of Archon, converted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archsearch.errors import ConfigError


def import_archon(
    configuration: Annotated[Path, typer.Argument(help="Configuration file of Archon, in JSON.")],
    models: Annotated[
        Path | None,
        typer.Option(help="YAML file of `ARCHON NAME: YOUR NAME`, or a study file."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Architecture file to write; by default it is printed.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail, and write nothing, if anything is ignored.")
    ] = False,
) -> None:
    """Convert an Archon configuration; what does not come over as it stands is remarked upon.

    Examples:

      archsearch import-archon archon.json --out archon.yaml

      archsearch import-archon archon.json --models my_study.yaml --strict
    """
    from archsearch import archon
    from archsearch.search.config import find

    names = archon.read_models(find(str(models))) if models is not None else {}
    imported = archon.convert(archon.read(configuration), names)
    for line in archon.lines(imported.remarks):
        typer.echo(line, err=True)
    ignored = sum(remark.kind == "ignored" for remark in imported.remarks)
    if strict and ignored:
        raise ConfigError(
            f"--strict allows nothing to be ignored; {configuration} has {ignored} such settings, "
            f"listed above; change them there, or leave --strict out"
        )
    text = imported.text(configuration.name)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out must be a file that can be written; {error}") from None

"""`archsearch schema`: files, for editors."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from archsearch.errors import UnknownName


def schema(
    what: Annotated[str, typer.Argument(help="architecture, space or study.")],
) -> None:
    """Print the JSON Schema of a kind of file.

    Example:

      archsearch schema study > study.schema.json
    """
    from archsearch.schema import SCHEMAS

    if what not in SCHEMAS:
        raise UnknownName("schema", what, SCHEMAS)
    typer.echo(json.dumps(SCHEMAS[what](), indent=2))

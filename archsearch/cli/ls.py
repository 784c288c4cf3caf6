"""`archsearch ls`: what files can name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from archsearch.errors import UnknownName


def ls(
    what: Annotated[str, typer.Argument(help="models, layers, benchmarks, spaces or samplers.")],
) -> None:
    """List what can be named in files.

    Example:

      archsearch ls layers
    """
    for name, line in _listing(what):
        typer.echo(f"{name:24} {line}")


def _listing(what: str) -> list[tuple[str, str]]:
    from archsearch.architecture import LAYERS
    from archsearch.benchmark import BENCHMARKS
    from archsearch.models import MODELS
    from archsearch.search.config import SHELF
    from archsearch.search.sampler import SAMPLERS

    registries: dict[str, Any] = {
        "models": MODELS,
        "layers": LAYERS,
        "benchmarks": BENCHMARKS,
        "samplers": SAMPLERS,
    }
    if what == "spaces":
        return [(path.stem, _first_comment(path)) for path in sorted(SHELF.glob("*.yaml"))]
    if what not in registries:
        raise UnknownName("list", what, [*registries, "spaces"])
    return [
        (name, _first_sentence(cls.__doc__ or "")) for name, cls in registries[what].classes.items()
    ]


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".") + "."


def _first_comment(path: Path) -> str:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""

"""Rows of a data set: from a hub, or from a local file in the same format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from archsearch.errors import ConfigError, MissingExtra
from archsearch.registry import validate

Row = TypeVar("Row", bound=BaseModel)


def local_text(path: str) -> str:
    """The text of a file in UTF-8, unpacked where its name ends in `.gz`; a mark of the encoding at
    its start, as some editors put it, is no part of it."""
    try:
        held = Path(path).expanduser().read_bytes()
        return (gzip.decompress(held) if path.endswith(".gz") else held).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"benchmark.path must be a readable UTF-8 file; received {path!r} ({error}); "
            f"correct it, or leave it out to read the published data"
        ) from None


def local_rows(path: str) -> list[Any]:
    """The rows of a JSON array or of JSON lines."""
    text = local_text(path)
    if text.lstrip().startswith("["):
        return list(_parsed(text, path, 1))
    lines = enumerate(text.split("\n"), start=1)
    return [_parsed(line, path, number) for number, line in lines if line.strip()]


def _parsed(text: str, path: str, first: int) -> Any:
    """What a piece of JSON says; it begins on line `first` of its file."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"benchmark.path must hold a JSON array or JSON lines; {path!r}, line "
            f"{first + error.lineno - 1}, column {error.colno}: {error.msg}; correct it"
        ) from None


def hub_rows(dataset: str, **options: Any) -> Iterable[Any]:
    """The rows of a data set on the Hugging Face hub, or in its cache.

    `options` are those of `datasets.load_dataset`: `name`, `split`, `revision` and the like.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise MissingExtra(f"reading {dataset} from the hub", "benchmarks") from None
    try:
        rows: Iterable[Any] = load_dataset(dataset, **options)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{dataset} must be on the Hugging Face hub or in its cache; it could not be read with "
            f"{options} ({error}); go online once, or set benchmark.path to a local JSON lines "
            f"file of its rows"
        ) from error
    return rows


def checked(cls: type[Row], rows: Iterable[Any], *, where: str) -> Iterator[Row]:
    """The rows as objects, each checked; columns that `cls` does not name are ignored."""
    for place, row in enumerate(rows):
        yield validate(cls, row, where=f"{where}, row {place + 1}")

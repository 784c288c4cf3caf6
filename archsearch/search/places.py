"""Places: where the local files are that a study names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from archsearch.errors import UnknownName
from archsearch.models import MODELS

BENCHMARK_FILES = ("path",)
"""Entries of a benchmark that name a local file."""


def anchor(study: Mapping[str, Any], folder: Path) -> None:
    """Puts the whole path for each file in `folder` that the data of a study names, so that it is
    found from anywhere. What is no file there stays as it is: it may be an id on a hub."""
    for entry, keys in _entries(study):
        for key in keys:
            if isinstance(name := entry.get(key), str) and name:
                place = folder / Path(name).expanduser()
                if place.exists():
                    # Not the file itself: what a link points to may be called otherwise.
                    entry[key] = str(place.parent.resolve() / place.name)


def moved(old: Any, new: Any) -> bool:
    """Whether an entry names the same file as before, now by its whole path.

    >>> moved("data/q.jsonl", "/home/me/data/q.jsonl"), moved("/old/q.jsonl", "/new/q.jsonl")
    (True, True)
    >>> moved("q.jsonl", "/home/me/other.jsonl"), moved("/new/q.jsonl", "q.jsonl")
    (False, False)
    """
    if not isinstance(old, str) or not isinstance(new, str) or not Path(new).is_absolute():
        return False
    known = Path(old).parts[-1:] if Path(old).is_absolute() else Path(old).parts
    return bool(known) and Path(new).parts[-len(known) :] == known


def _entries(study: Mapping[str, Any]) -> Iterator[tuple[MutableMapping[str, Any], Iterable[str]]]:
    """What may name files, and under which keys."""
    if isinstance(benchmark := study.get("benchmark"), dict):
        yield benchmark, BENCHMARK_FILES
    models = study.get("models")
    for model in models.values() if isinstance(models, dict) else ():
        if isinstance(model, dict) and isinstance(backend := model.get("backend"), str):
            try:
                yield model, MODELS.get(backend).files
            except UnknownName:
                continue  # told, with its place, when the study is made

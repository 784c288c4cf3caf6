"""Mistakes: what a space says that no choice could mend, such as a layer type that nobody knows.

A layer that lacks what it needs, or values that do not go together, are none: there a search may
choose otherwise, and such points are refused one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from archsearch.architecture import parse_row
from archsearch.errors import ConfigError, Misfit, UnknownName
from archsearch.search.space import SearchSpace

TOLD = 5
"""Mistakes that a message names."""


def require_none(space: SearchSpace, models: Collection[str]) -> None:
    """Raises `ConfigError` naming the mistakes of `space`, each once; `models` are those there
    are. Each option is looked at, however many points there are."""
    found: dict[str, None] = {}
    for layers in space.covered():
        found.update(dict.fromkeys(_mistakes(layers, models)))
    if found:
        more = f"; and {len(found) - TOLD} more" if len(found) > TOLD else ""
        raise ConfigError(f"space {space.name!r}: {'; '.join(list(found)[:TOLD])}{more}")


def _mistakes(layers: Iterable[Any], models: Collection[str]) -> Iterator[str]:
    for item in layers:
        for entry in item if isinstance(item, list) else [item]:
            try:
                _require_right(entry, models)
            except Misfit:
                continue
            except ConfigError as error:
                yield str(error)


def _require_right(entry: Any, models: Collection[str]) -> None:
    if not isinstance(entry, dict) or "type" not in entry:
        raise ConfigError(
            f"a layer must be a mapping with `type: NAME`, with `choose` (and a `name`) alone, or "
            f"with `repeat` and `layers` alone; received {entry!r}"
        )
    for layer in parse_row(entry, str(entry["type"])):
        for model in sorted(layer.models()):
            if model not in models:
                raise UnknownName("model", model, models)

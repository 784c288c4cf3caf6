"""The components of a configuration, and which of their keys Archon reads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsearch.archon.remark import Remark, ignored, shown
from archsearch.errors import ConfigError, suggest

MAKERS = {"generator", "fuser"}
"""The types that make candidates."""
SPELLING = 0.85
"""How alike a key must be to a known one to be taken for it, from 0 to 1."""

_CALLING = {"type", "model", "model_type", "temperature", "max_tokens", "samples", "no_system"}
KEYS: Mapping[str, set[str]] = {
    "generator": _CALLING,
    "fuser": _CALLING | {"length_control"},
    "critic": _CALLING,
    "ranker": _CALLING | {"top_k", "use_critiques", "ranker_batch_size"},
    "verifier": _CALLING | {"first_k"},
    "unit_test_generator": _CALLING | {"unit_test_cap"},
    "unit_test_evaluator": _CALLING
    | {"top_k", "first_k", "first_pass", "unit_test_cap", "remove_unit_tests_from_prompt"},
}
"""The keys that Archon reads, by type of component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component of the file."""

    place: str
    kind: str
    model: str
    settings: Mapping[str, Any]
    """Only keys that Archon's component of this kind reads."""


def rows_of(top: Mapping[str, Any], remarks: list[Remark]) -> list[list[Component]]:
    """The components of each layer of a configuration. Raises `ConfigError`."""
    layers = top.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ConfigError(
            f"an Archon configuration must have `layers`, a non-empty list; received "
            f"{shown(layers) if 'layers' in top else 'none'}; a search configuration has none, "
            f"and is written anew as a space"
        )
    rows = []
    for at, layer in enumerate(layers):
        place = f"layers[{at}]"
        rows.append([_part(inner, data, remarks) for inner, data in _row(layer, place, remarks)])
        _check_row([part.kind for part in rows[-1]], place)
    return rows


def _check_row(kinds: Sequence[str], place: str) -> None:
    other = next((kind for kind in kinds if kind != kinds[0]), None)
    if other is not None and not set(kinds) <= MAKERS:
        raise ConfigError(
            f"{place} must hold components of one type, or generators and fusers; received "
            f"{kinds[0]!r} beside {other!r}; give each a layer of its own"
        )


def _row(layer: Any, place: str, remarks: list[Remark]) -> list[tuple[str, Any]]:
    """The components of one layer, each with its place. Old files have them under `models`."""
    if isinstance(layer, Mapping) and "models" in layer:
        for key in sorted(layer.keys() - {"models"}):
            done = "of a layer written as a mapping Archon reads `models` alone"
            remarks.append(ignored(f"{place}.{key}", layer[key], done))
        layer, place = layer["models"], f"{place}.models"
    elif isinstance(layer, Mapping):
        found = "a component without the list around it"
        done = "taken as a layer of one; Archon refuses it"
        remarks.append(Remark("corrected", place, found, done))
        return [(place, layer)]
    if not isinstance(layer, list) or not layer:
        raise ConfigError(
            f"{place} must be a non-empty list of components; received {shown(layer)}"
        )
    return [(f"{place}[{at}]", data) for at, data in enumerate(layer)]


def _part(place: str, data: Any, remarks: list[Remark]) -> Component:
    if not isinstance(data, Mapping) or not isinstance(data.get("type"), str):
        raise ConfigError(
            f"{place} must be a component, a mapping with `type`; received {shown(data)}"
        )
    kind = data["type"]
    if kind not in KEYS:
        raise ConfigError(
            f"{place}.type must be one that comes with Archon; received {kind!r}"
            f"{suggest(kind, KEYS)}; for a component of your own write a layer type (one file), "
            f"and put it into the converted file by hand"
        )
    settings = settings_of(data, KEYS[kind], f"{place}.", f"Archon's {kind}", remarks)
    model = settings.get("model")
    if not isinstance(model, str) or not model:
        raise ConfigError(
            f"{place}.model must name a model; received {shown(model)}; give the name that the "
            f"provider has for it"
        )
    return Component(place=place, kind=kind, model=model, settings=settings)


def settings_of(
    data: Mapping[str, Any], known: set[str], prefix: str, reader: str, remarks: list[Remark]
) -> dict[str, Any]:
    """What `reader` reads of `data`, slips of spelling read as they were meant."""
    found = {key: value for key, value in data.items() if key in known}
    for key, value in data.items():
        if key in known:
            continue
        place, meant = f"{prefix}{key}", _meant(str(key), known)
        if meant is None or meant in found:
            remarks.append(ignored(place, value, f"{reader} does not read it"))
            continue
        found[meant] = value
        done = f"read as {meant}; {reader} does not read it as it is spelt"
        remarks.append(Remark("corrected", place, shown(value), done))
    return found


def _meant(key: str, known: set[str]) -> str | None:
    # Archon's own search writes components with the older name.
    if key == "max_context_length" and "max_tokens" in known:
        return "max_tokens"
    near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=SPELLING)
    return near[0] if near else None

"""Growth: whether a study file says what an earlier one said, and only more.

A run goes on with a larger study: with more trials or budget, another model, another option of a
choice, an optional layer, more search questions; and with its models elsewhere, or faster ones. Its
earlier trials stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archsearch.models import MODELS
from archsearch.models.base import ModelConfig
from archsearch.search.places import moved

FREE = (
    "search.trials",
    "search.finalists",
    "budget.study",
    "patience",
    "store",
    "sandbox.processes",
)
"""Entries that a resumed run may say differently, in either direction."""

COSTS = {"price", "shape", "shape_from"}
"""Fields of a model that no sample hangs on, but what the earlier trials cost."""

HAVE_FILES = ("benchmark.", "models.")
"""Where entries name files, which may lie elsewhere when a run goes on."""


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What `new` says otherwise than `old` and is no growth, as lines; both are dumped studies.

    >>> old = {"splits": {"search": 10, "test": 20}, "search": {"trials": 8}}
    >>> changes(old, {"splits": {"search": 15, "test": 20}, "search": {"trials": 4}})
    []
    >>> changes(old, {"splits": {"search": 10, "test": 30}, "search": {"trials": 8}})
    ['splits.test: was 20, now 30']
    """
    ours, theirs = dict(_flat(new)), dict(_flat(old))
    return [
        _told(key, theirs.get(key), ours.get(key))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
        and not _grows(key, old, new)
        and not (key.startswith(HAVE_FILES) and moved(theirs.get(key), ours.get(key)))
    ]


def _grows(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the entry `key` of a study may differ."""
    first, _, rest = key.partition(".")
    if first == "models":
        names = {**old["models"], **new["models"]}  # which may have dots, and begin alike
        owner = max((name for name in names if f"{rest}.".startswith(f"{name}.")), key=len)
        field = rest[len(owner) + 1 :].partition(".")[0]
        return owner not in old["models"] or _passes(field, names[owner]["backend"])
    if first == "space":
        return _enlarges(rest, old["space"], new["space"])
    if key == "splits.search":
        return int(new["splits"]["search"]) >= int(old["splits"]["search"])
    return any(key == free or key.startswith(f"{free}.") for free in FREE)


def _passes(field: str, backend: str) -> bool:
    """Whether a field of a model may differ as neither samples nor costs hang on it."""
    return field in MODELS.classes.get(backend, ModelConfig).passing - COSTS


def enlarges(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether every point of the space file `old` is one of `new`, as far as their shapes tell.

    A choice may have more options, a value may become one of a choice, an optional layer may be
    added and a rule dropped.

    >>> old = {"layers": [{"type": "generator", "samples": 2}]}
    >>> enlarges(old, {"layers": [{"type": "generator", "samples": {"choose": [2, 4]}}]})
    True
    >>> enlarges(old, {"layers": [{"type": "generator", "samples": {"choose": [4, 8]}}]})
    False
    """
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return all(_enlarges(key, old, new) for key in changed)


def _enlarges(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the entry `key` of a space may differ."""
    if key == "rules":
        return set(new.get("rules", ())) <= set(old.get("rules", ()))
    return key == "layers" and _listed(old["layers"], new["layers"])


def _within(old: Any, new: Any) -> bool:
    """Whether `new` leaves open what `old` says, or more."""
    before, after = _options(old), _options(new)
    if after is not None:
        if before is None:
            return any(_within(old, _alone(option)) for option in after.values())
        return old.get("name") == new.get("name") and all(
            label in after and _within(option, after[label]) for label, option in before.items()
        )
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_within(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return _listed(old, new)
    return bool(old == new)


def _listed(old: Sequence[Any], new: Sequence[Any]) -> bool:
    """Whether `new` is `old`, item by item, apart from layers that may be left out."""
    if not new:
        return not old
    if old and _within(old[0], new[0]):
        return _listed(old[1:], new[1:])
    return _may_be_nothing(new[0]) and _listed(old, new[1:])


def _may_be_nothing(item: Any) -> bool:
    if (options := _options(item)) is not None:
        return [] in options.values()
    times = item.get("repeat") if isinstance(item, Mapping) else None
    return 0 in (_options(times) or {times: times}).values()


def _options(item: Any) -> Mapping[Any, Any] | None:
    """The options of a choice, by label."""
    if not isinstance(item, Mapping) or "choose" not in item:
        return None
    choose = item["choose"]
    return choose if isinstance(choose, Mapping) else {option: option for option in choose}


def _alone(option: Any) -> Any:
    """An option of one layer may be written with or without brackets."""
    return option[0] if isinstance(option, list) and len(option) == 1 else option


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        yield prefix, value
        return
    for name, inner in value.items():
        yield from _flat(inner, f"{prefix}.{name}" if prefix else str(name))


def _told(place: str, old: Any, new: Any) -> str:
    """The first part of an entry that differs.

    >>> old = [{"type": "generator", "samples": 2, "model": "m"}, {"type": "vote"}]
    >>> new = [{"type": "generator", "samples": 4, "model": "m"}, {"type": "vote"}]
    >>> _told("space.layers", old, new)
    'space.layers.0.samples: was 2, now 4'
    """
    if isinstance(old, list) and isinstance(new, list):
        before = _same(old, new)
        after = _same(old[before:][::-1], new[before:][::-1])
        old, new = old[before : len(old) - after], new[before : len(new) - after]
        if old and len(old) == len(new):
            return _told(f"{place}.{before}", old[0], new[0])
        place = f"{place}, from {before} on" if before else place
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        parts = [part for part in {**old, **new} if not _within(old.get(part), new.get(part))]
        if parts and all(part in old and part in new for part in parts):
            return _told(f"{place}.{parts[0]}", old[parts[0]], new[parts[0]])
        old, new = ({k: one[k] for k in one if k in parts} for one in (old, new))
    return f"{place}: was {old!r}, now {new!r}"


def _same(old: Sequence[Any], new: Sequence[Any]) -> int:
    """How many items at the start of `new` leave open what `old` says."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, pair in pairs if not _within(*pair)), min(len(old), len(new)))

"""Growth: whether a study file says what an earlier one said, and only more.

A run goes on with a larger study: with more trials or budget, another model, another option of a
choice, an optional layer, more search questions. Its earlier trials stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
        f"{key}: was {theirs.get(key)!r}, now {ours.get(key)!r}"
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
        return owner not in old["models"]
    if first == "space":
        return enlarges(old["space"], new["space"])
    if key == "splits.search":
        return int(new["splits"]["search"]) >= int(old["splits"]["search"])
    return any(key == free or key.startswith(f"{free}.") for free in FREE)


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
    return (
        changed <= {"layers", "rules"}
        and set(new.get("rules", ())) <= set(old.get("rules", ()))
        and _listed(old["layers"], new["layers"])
    )


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

"""SearchSpace: an architecture with choices left open.

A space file is an architecture file in which any value may be a choice:

    layers:
      - type: generator
        model: {choose: [small, large]}
        samples: {choose: [1, 4, 16]}
      - choose:                       # alternatives of layers, by name; each a list of layers
          none: []
          vote: [{type: vote}]
          fuse: [{type: fuser, model: {choose: [small, large]}}]
        name: aggregate
      - repeat: {choose: [0, 1, 2]}   # so many times, with choices of its own each time
        layers: [{type: fuser, model: large}]

Choices inside an alternative exist only when it is taken. A choice is named by its place, or by
`name`; two choices of plain values with one name are one choice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from archsearch.architecture import Architecture
from archsearch.errors import ConfigError, UnknownName
from archsearch.plainfile import read_plain
from archsearch.registry import validate
from archsearch.search.rules import RULES

Label = str | int | float | bool | None
"""What names one option of a choice, in the file and for the sampler."""
Pick = Callable[[str, Sequence[Label]], Label]
"""(choice, labels of its options) -> the label taken."""
Params = dict[str, Label]


class SearchSpace(BaseModel):
    """A space file: `layers` with choices left open, and rules that proposals must keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "space"
    layers: list[Any] = Field(min_length=1)
    rules: tuple[str, ...] = ()
    """Names from `rules.RULES`; a proposal that breaks one is refused."""

    _first: dict[int, list[Params]] = PrivateAttr(default_factory=dict)

    @field_validator("rules")
    @classmethod
    def _rules_exist(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        for rule in rules:
            if rule not in RULES:
                raise UnknownName("rule", rule, RULES)
        return rules

    @model_validator(mode="after")
    def _choices_can_be_made(self) -> SearchSpace:
        self.choices()
        return self

    @classmethod
    def read(cls, path: Path) -> SearchSpace:
        """From a YAML or JSON file."""
        return validate(cls, read_plain(path, "a space file"), where=str(path))

    def suggest(self, pick: Pick) -> Any:
        """Plain data of the architecture that `pick` chooses, choice by choice, in file order."""
        taken: Params = {}
        known: dict[str, tuple[Label, ...]] = {}

        def once(name: str, labels: Sequence[Label]) -> Label:
            _require_same_labels(name, known.setdefault(name, tuple(labels)), labels)
            if name not in taken:
                taken[name] = pick(name, labels)
            return taken[name]

        return _layers(self.layers, "", once)

    def architecture(self, params: Params) -> Architecture:
        """The architecture of a point. Raises `ConfigError` when it is invalid or breaks a rule."""
        architecture = Architecture.parse(
            self.suggest(lambda name, _: params[name]), where=f"space {self.name!r}"
        )
        self.check(architecture)
        return architecture

    def check(self, architecture: Architecture) -> None:
        """Raises `ConfigError` naming the first rule that `architecture` breaks."""
        for rule in self.rules:
            if problem := RULES[rule](architecture):
                raise ConfigError(f"rule {rule!r} of space {self.name!r}: {problem}")

    def parts(self) -> Iterator[SearchSpace]:
        """Each layer that the file holds, by itself, with the choices inside it."""
        for layer in _written(self.layers):
            yield SearchSpace(name=self.name, layers=[layer])

    def choices(self) -> dict[str, tuple[Label, ...]]:
        """Every choice with its labels, those that exist in some alternatives only included; in the
        order of discovery, which for choices that always exist is that of the file.

        Raises `ConfigError` when one name stands for different labels."""
        found: dict[str, tuple[Label, ...]] = {}
        for _ in self._covered(found):
            pass
        return found

    def covered(self) -> Iterator[Any]:
        """Plain data of a few architectures that together have each label of each choice."""
        return self._covered({})

    def _covered(self, found: dict[str, tuple[Label, ...]]) -> Iterator[Any]:
        """As `covered`; the choices that come to light are put into `found`."""
        # A choice exists by what encloses it alone, so each label of each choice is taken once.
        waiting: deque[Params] = deque([{}])
        while waiting:
            forced, made = waiting.popleft(), Params()

            def pick(
                name: str, labels: Sequence[Label], forced: Params = forced, made: Params = made
            ) -> Label:
                if name not in found:
                    found[name] = tuple(labels)
                    waiting.extend({**made, name: label} for label in labels[1:])
                _require_same_labels(name, found[name], labels)
                made[name] = forced.get(name, labels[0])
                return made[name]

            yield self.suggest(pick)

    def holds(self, params: Params) -> bool:
        """Whether `params` is a point."""
        made: Params = {}

        def pick(name: str, labels: Sequence[Label]) -> Label:
            label = params.get(name, labels[0])
            made[name] = label if label in labels else labels[0]
            return made[name]

        self.suggest(pick)
        return made == params

    def holds_at_most(self, count: int) -> bool:
        """Whether there are at most `count` points."""
        return sum(1 for _ in islice(self.points(), count + 1)) <= count

    def first(self, count: int) -> Sequence[Params]:
        """As many points, or all; listed once."""
        if count not in self._first:
            self._first[count] = list(islice(self.points(), count))
        return self._first[count]

    def by_digest(self, most: int) -> dict[str, Params]:
        """The first point of each architecture; empty for a space of more than `most` points, too
        large to look through."""
        points = self.first(most + 1)
        found: dict[str, Params] = {}
        for point in points if len(points) <= most else ():
            try:
                found.setdefault(self.architecture(point).digest, point)
            except ConfigError:
                continue
        return found

    def points(self) -> Iterator[Params]:
        """Every point once, in a fixed order: the choice made last changes fastest."""
        prefix: list[int] | None = []
        while prefix is not None:
            trail: list[tuple[str, Sequence[Label], int]] = []

            def pick(
                name: str, labels: Sequence[Label], prefix: list[int] = prefix, trail: Any = trail
            ) -> Label:
                at = prefix[len(trail)] if len(trail) < len(prefix) else 0
                trail.append((name, labels, at))
                return labels[at]

            self.suggest(pick)
            yield {name: labels[at] for name, labels, at in trail}
            prefix = _next(trail)


def _next(trail: Sequence[tuple[str, Sequence[Label], int]]) -> list[int] | None:
    """The positions of the next point, up to the choice that moves on; None after the last."""
    for last in range(len(trail) - 1, -1, -1):
        if trail[last][2] + 1 < len(trail[last][1]):
            return [at for *_, at in trail[:last]] + [trail[last][2] + 1]
    return None


def _require_same_labels(name: str, one: Sequence[Label], other: Sequence[Label]) -> None:
    if list(one) != list(other):
        raise ConfigError(
            f"choices of one name must have the same labels, in one order; {name!r} has "
            f"{list(one)} and {list(other)}; rename one"
        )


def _written(items: Iterable[Any]) -> Iterator[Any]:
    """The layers in a list of layers, whatever choice, repetition or row they stand in."""
    for item in items:
        if _is_choice(item):
            options = item["choose"]
            yield from _written(options.values() if isinstance(options, Mapping) else options)
        elif isinstance(item, Mapping) and "repeat" in item:
            yield from _written(item["layers"])
        elif isinstance(item, list):
            yield from _written(item)
        else:
            yield item


def _layers(items: Sequence[Any], path: str, pick: Pick) -> list[Any]:
    """A list of layers; a choice or a repetition among them gives any number of layers."""
    layers: list[Any] = []
    for at, item in enumerate(items):
        place = _step(path, str(at))
        if _is_choice(item):
            layers.extend(_alternative(item, place, pick))
        elif isinstance(item, Mapping) and "repeat" in item:
            layers.extend(_repeated(item, place, pick))
        else:
            layers.append(_value(item, place, pick))
    return layers


def _alternative(item: Mapping[str, Any], path: str, pick: Pick) -> list[Any]:
    """The layers of the alternative taken."""
    option, place = _option(item, path, pick)
    return _layers(option if isinstance(option, list) else [option], place, pick)


def _repeated(item: Mapping[str, Any], path: str, pick: Pick) -> list[Any]:
    if set(item) != {"repeat", "layers"} or not isinstance(item["layers"], list):
        raise ConfigError(
            f"a repetition must have exactly `repeat` (a number or a choice) and `layers` (a "
            f"list); received {sorted(item)} at {path}"
        )
    times = _value(item["repeat"], _step(path, "repeat"), pick)
    if not isinstance(times, int) or times < 0:
        raise ConfigError(f"`repeat` must be a whole number >= 0; received {times!r} at {path}")
    return [
        layer
        for turn in range(times)
        for layer in _layers(item["layers"], _step(path, f"turn{turn}"), pick)
    ]


def _value(item: Any, path: str, pick: Pick) -> Any:
    """Any other value: choices inside it are made, the rest stays."""
    if _is_choice(item):
        option, place = _option(item, path, pick)
        return _value(option, place, pick)
    if isinstance(item, Mapping):
        place = _step(path, item["type"]) if isinstance(item.get("type"), str) else path
        return {key: _value(value, _step(place, str(key)), pick) for key, value in item.items()}
    if isinstance(item, list):
        return [_value(value, _step(path, str(at)), pick) for at, value in enumerate(item)]
    return item


def _option(item: Mapping[str, Any], path: str, pick: Pick) -> tuple[Any, str]:
    """The option taken, and the place of what is inside it."""
    name = item.get("name", path)
    options = _options(item["choose"], name)
    label = pick(name, list(options))
    return options[label], f"{name}={label}"


def _options(choose: Any, name: str) -> dict[Label, Any]:
    if isinstance(choose, Mapping) and choose:
        return dict(choose)
    if isinstance(choose, list) and choose and not any(isinstance(o, (dict, list)) for o in choose):
        return {option: option for option in choose}
    raise ConfigError(
        f"`choose` must be a non-empty list of plain values, or a mapping from names to options; "
        f"received {choose!r} at {name}"
    )


def _is_choice(item: Any) -> bool:
    return isinstance(item, Mapping) and "choose" in item and set(item) <= {"choose", "name"}


def _step(path: str, segment: str) -> str:
    return f"{path}.{segment}" if path else segment

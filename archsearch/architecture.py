"""Architecture: frozen, ordered layers; valid by data flow; one canonical form and digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

from archsearch.compose import Step, chain, parallel, placed
from archsearch.errors import ConfigError, InvalidArchitecture, suggest
from archsearch.layer import Facet, Layer, Outline, PlannedCall
from archsearch.plainfile import read_plain
from archsearch.registry import Registry
from archsearch.seeds import digest

LAYERS: Registry[Layer] = Registry(
    kind="layer type", shelf="archsearch.layers", base=Layer, key="type"
)

Row = tuple[Layer, ...]
"""What stands side by side in one layer."""


@dataclass(frozen=True)
class Architecture:
    """Rows of components. Made through `parse`, which checks it and puts it in canonical form.

    Two spellings of the same work are equal and have one `digest`; what is executed is the
    canonical form.
    """

    rows: tuple[Row, ...]

    @classmethod
    def parse(cls, data: Any, *, where: str = "architecture") -> Self:
        """From plain data: a list of layers, or a mapping with `layers` (and, ignored, `name`).

        Each layer is a mapping with `type`, or a list of them side by side. Raises `ConfigError`
        naming the place, or `InvalidArchitecture` naming the layer, its need and the remedy.
        """
        if isinstance(data, Mapping):
            unknown = sorted(str(key) for key in data if key not in ("name", "layers"))
            if unknown or "layers" not in data:
                problem = (
                    f"unknown key {unknown[0]!r}{suggest(unknown[0], ['name', 'layers'])}"
                    if unknown
                    else "'layers' is missing"
                )
                raise ConfigError(f"{where}: {problem}")
            data = data["layers"]
        if not isinstance(data, Sequence) or isinstance(data, str) or not data:
            raise ConfigError(f"{where} must be a non-empty list of layers; received {data!r}")
        rows = [parse_row(item, f"{where}.layers[{at}]") for at, item in enumerate(data)]
        return cls(rows=_canonical(rows))

    @classmethod
    def of(cls, *layers: Layer | Sequence[Layer]) -> Self:
        """From layer objects; a sequence stands side by side."""
        return cls.parse([[item] if isinstance(item, Layer) else list(item) for item in layers])

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a YAML or JSON file."""
        return cls.parse(read_plain(path, "an architecture file"), where=str(path))

    def dump(self) -> list[Any]:
        """Plain data that `parse` takes back; fields at their default are left out."""
        return [
            _dump(row[0]) if len(row) == 1 else [_dump(layer) for layer in row] for row in self.rows
        ]

    @cached_property
    def digest(self) -> str:
        """Hex digest of the canonical form, the texts of its templates and its layers' versions."""
        return digest(
            [
                [
                    [layer.model_dump(mode="json"), layer.prompt_texts(), layer.version]
                    for layer in row
                ]
                for row in self.rows
            ]
        )

    @cached_property
    def outlines(self) -> tuple[Outline, ...]:
        """What the slate is after each layer, as far as it is known beforehand."""
        return _outlines(self.rows)

    @cached_property
    def plan(self) -> tuple[PlannedCall, ...]:
        """Every call that one question may need, an upper bound on each count."""
        before = (Outline(), *self.outlines)
        return tuple(
            call
            for row, given in zip(self.rows, before, strict=False)
            for layer in _members(row)
            for call in layer.plan(given)
        )

    @property
    def models(self) -> frozenset[str]:
        """Names of the models it calls."""
        return frozenset().union(*(layer.models() for row in self.rows for layer in row))

    def step(self) -> Step:
        """The whole as one step, each layer at its own path (`0.generator`, `1.fuser/2`)."""
        return chain(
            [placed(f"{at}.{row[0].type}", _side_by_side(row)) for at, row in enumerate(self.rows)]
        )

    @property
    def executes(self) -> bool:
        """Whether it runs programs: unit tests of kind program are there to be run."""
        return any(outline.holds(Facet.PROGRAM_TESTS) for outline in self.outlines)

    def warnings(self) -> list[str]:
        """What it pays for and nothing uses."""
        found = []
        for at, (row, given) in enumerate(
            zip(self.rows, (Outline(), *self.outlines), strict=False)
        ):
            if given.candidates and not _reads(row, Facet.CANDIDATES) and row[0].makes:
                found.append(
                    f"layer {_place(at, row)} leaves behind {given.candidates} candidates that "
                    f"were paid for; drop the layers before it"
                )
        for at, row in enumerate(self.rows):
            later = self.rows[at + 1 :]
            if row[0].type == "unit_test_generator" and not any(
                _reads(after, Facet.UNIT_TESTS) for after in later
            ):
                found.append(
                    f"layer {_place(at, row)} writes unit tests that nothing uses; add a "
                    f"unit_test_evaluator or a code_vote, or set `unit_tests: true` on a later "
                    f"layer"
                )
        if self.outlines[-1].candidates > 1 and Facet.SCORES not in self.outlines[-1].facets:
            found.append(
                f"it ends with {self.outlines[-1].candidates} candidates and answers with the "
                f"first; add a vote, a ranker or a fuser"
            )
        return found

    def __str__(self) -> str:
        """One line, such as `generator(smollm2 x8) > vote`."""
        return " > ".join(" | ".join(map(_summary, row)) for row in self.rows)


def parse_row(item: Any, where: str) -> Row:
    """One layer as a file has it, or several side by side. Whether it finds what it needs is not
    looked at. Raises `ConfigError`, a `Misfit` where only its values do not go together."""
    entries = item if isinstance(item, Sequence) and not isinstance(item, str) else [item]
    row = tuple(layer for entry in entries for layer in _parse_entry(entry, where))
    if not row:
        raise ConfigError(f"{where} must hold at least one component; received {item!r}")
    return row


def _parse_entry(entry: Any, where: str) -> Row:
    if isinstance(entry, Mapping) and isinstance(entry.get("type"), str):
        cls = LAYERS.get(entry["type"])
        return tuple(LAYERS.parse(data, where=where) for data in cls.expand(entry))
    return (LAYERS.parse(entry, where=where),)


def _canonical(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Each row checked against what the rows before it leave, and put in its one spelling."""
    given = Outline()
    settled: list[Row] = []
    for at, row in enumerate(rows):
        _check(at, row, given)
        settled.append(_merged([layer.canonical(given) for layer in row]))
        given = _after(settled[-1], given)
    if not given.candidates:
        raise InvalidArchitecture("(the end)", Facet.CANDIDATES, Facet.CANDIDATES.remedy)
    return tuple(settled)


def _check(at: int, row: Row, given: Outline) -> None:
    place = _place(at, row)
    if len(row) > 1:
        for layer in row:
            if not layer.side_by_side:
                raise ConfigError(
                    f"layer {place}: {layer.type!r} stands alone, since nothing says what several "
                    f"side by side come to; give it a layer of its own"
                )
            if layer.type != row[0].type and not (layer.makes and row[0].makes):
                raise ConfigError(
                    f"layer {place}: only layers that make candidates stand side by side with "
                    f"another type; received {row[0].type!r} beside {layer.type!r}; give each a "
                    f"layer of its own"
                )
    for layer in row:
        for need in sorted(layer.needs()):
            if not given.holds(need):
                raise InvalidArchitecture(place, need, need.remedy)


def _merged(row: Sequence[Layer]) -> Row:
    merged: list[Layer] = []
    for layer in row:
        joint = merged[-1].merged(layer) if merged else None
        if joint is None:
            merged.append(layer)
        else:
            merged[-1] = joint
    return tuple(merged)


def _outlines(rows: Sequence[Row]) -> tuple[Outline, ...]:
    outlines = []
    given = Outline()
    for row in rows:
        given = _after(row, given)
        outlines.append(given)
    return tuple(outlines)


def _after(row: Row, given: Outline) -> Outline:
    if len(row) == 1:
        return row[0].leaves(given)
    left = [layer.leaves(given) for layer in _members(row)]
    return row[0].join_outlines(row, given, left)


def _members(row: Row) -> Row:
    """What is executed of a row: a layer alone, or each as one of several."""
    return row if len(row) == 1 else tuple(layer.as_member() for layer in row)


def _side_by_side(row: Row) -> Step:
    return parallel(_members(row), partial(row[0].join, row))


def _reads(row: Row, facet: Facet) -> bool:
    """Whether anything of a row needs `facet`, or what implies it."""
    return any(facet in need.implies for layer in row for need in layer.needs())


def _place(at: int, row: Row) -> str:
    return f"{at} ({row[0].type})"


def _dump(layer: Layer) -> dict[str, Any]:
    return {"type": layer.type, **layer.model_dump(mode="json", exclude_defaults=True)}


def _summary(layer: Layer) -> str:
    """What tells it apart at a glance: caps and templates are left to the file."""
    data = {
        key: value
        for key, value in _dump(layer).items()
        if not key.startswith("max_") and not key.endswith("prompt")
    }
    told = [str(data.pop(key)) for key in ("model", "style") if key in data]
    told += [f"{key}={data[key]}" for key in sorted(data.keys() - {"type", "samples"})]
    inner = ", ".join(told)
    count = f" ×{data['samples']}" if "samples" in data else ""
    return f"{layer.type}({inner}{count})" if inner or count else layer.type

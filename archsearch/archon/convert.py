"""A configuration becomes an architecture, layer after layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from archsearch.architecture import LAYERS, Architecture
from archsearch.archon.component import MAKERS, Component, rows_of, settings_of
from archsearch.archon.fields import FIELDS, Spot
from archsearch.archon.names import names_of
from archsearch.archon.remark import Remark, ignored, printable, shown
from archsearch.errors import ConfigError, InvalidArchitecture
from archsearch.layer import Facet, Layer, Outline, PlannedCall

QUESTION_TOKENS = 2048
"""Left in each prompt for the question and the words around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A configuration, converted."""

    name: str | None
    layers: list[Any]
    """Plain data that `Architecture.parse` takes."""
    remarks: tuple[Remark, ...]

    def text(self, source: str) -> str:
        """An architecture file, with a header that names `source` and the models it calls."""
        models = ", ".join(sorted(Architecture.parse(self.layers).models))
        header = (
            f"Imported by archsearch from {source}, a configuration of Archon (arXiv 2409.15254)",
            f"Models that the study declares: {models}",
        )
        named = {"name": self.name} if self.name is not None else {}
        body = yaml.safe_dump(
            {**named, "layers": self.layers},
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=None,
            width=100,
        )
        return "".join(f"# {printable(line)}\n" for line in header) + body


def convert(data: Any, models: Mapping[str, str]) -> Imported:
    """The architecture that `data`, a configuration's plain data, describes.

    `models` maps Archon's model names to the study's; for a name that it lacks one is derived, and
    a remark says so. Raises `ConfigError` naming the place where something cannot come over, or
    `InvalidArchitecture` where a component needs what those before it do not leave.
    """
    remarks: list[Remark] = []
    if not isinstance(data, Mapping):
        raise ConfigError(
            f"an Archon configuration must be a mapping with `layers`; received {shown(data)}"
        )
    top = settings_of(data, {"name", "layers", "custom"}, "", "Archon", remarks)
    if "custom" in top:
        note = "it only says that a program adds components"
        remarks.append(ignored("custom", top["custom"], f"{note}; none is in this file"))
    rows = rows_of(top, remarks)
    names = names_of([part for row in rows for part in row], models, remarks)
    layers = _Walk(names, remarks).layers(rows)
    architecture = Architecture.parse(layers, where="the converted configuration")
    last = architecture.outlines[-1]
    if last.candidates > 1 and Facet.SCORES not in last.facets:
        found = f"up to {last.candidates} candidates at the end"
        done = "the first is the answer; Archon takes a random one"
        remarks.append(Remark("translated", "layers", found, done))
    name = top.get("name")
    return Imported(name=None if name is None else str(name), layers=layers, remarks=tuple(remarks))


@dataclass(slots=True)
class _Walk:
    """Converts layer after layer, knowing what the ones before leave."""

    names: Mapping[str, str]
    remarks: list[Remark]
    given: Outline = field(default_factory=Outline)
    critic_before: bool = False

    def layers(self, rows: Sequence[Sequence[Component]]) -> list[Any]:
        """The layers as an architecture file has them."""
        found = []
        for at, row in enumerate(rows):
            final = at == len(rows) - 1
            entries = [entry for part in row if (entry := self._entry(part, final)) is not None]
            self._note_judges(row, f"layers[{at}]")
            self.critic_before |= any(part.kind == "critic" for part in row)
            if entries:
                found.append(entries[0] if len(entries) == 1 else entries)
                self._advance(entries)
        return found

    def _entry(self, part: Component, final: bool) -> dict[str, Any] | None:
        """One component in our words, or None where it would have nothing to do."""
        spot = Spot(
            part=part,
            given=self.given,
            final=final,
            critic_before=self.critic_before,
            remarks=self.remarks,
        )
        missing = _missing(spot)
        if missing is Facet.SEVERAL:
            done = "left out: of one candidate there is nothing to choose"
            spot.remark("ignored", "", f"a {part.kind} of one candidate", done)
            return None
        if missing is not None:
            raise InvalidArchitecture(f"{part.place} ({part.kind})", missing, missing.remedy)
        fields = FIELDS[part.kind](spot)
        data = {"type": part.kind, "model": self.names[part.model], **fields}
        _note_tests(spot)
        layer = LAYERS.parse(data, where=part.place)
        return {**data, **_room(layer, spot)}

    def _advance(self, entries: Sequence[Mapping[str, Any]]) -> None:
        row = [LAYERS.parse(entry, where="layers") for entry in entries]
        if len(row) == 1:
            self.given = row[0].canonical(self.given).leaves(self.given)
            return
        left = [layer.canonical(self.given).as_member().leaves(self.given) for layer in row]
        self.given = row[0].join_outlines(row, self.given, left)

    def _note_judges(self, row: Sequence[Component], place: str) -> None:
        if len(row) > 1 and row[0].kind not in MAKERS:
            found = f"{len(row)} components of type {row[0].kind} side by side"
            done = "here they come to one result; Archon puts what each leaves behind the others'"
            self.remarks.append(Remark("translated", place, found, done))


def _missing(spot: Spot) -> Facet | None:
    """What its component needs and is not there, whatever its settings."""
    kind, given = spot.part.kind, spot.given
    if kind in ("generator", "unit_test_generator"):
        return None
    if not given.candidates:
        return Facet.CANDIDATES
    if kind == "unit_test_evaluator" and not given.holds(Facet.UNIT_TESTS):
        return Facet.UNIT_TESTS
    if kind in ("ranker", "verifier") and not given.holds(Facet.SEVERAL):
        return Facet.SEVERAL
    return None


def _note_tests(spot: Spot) -> None:
    """Archon writes the tests into the question; here only some layers are shown them."""
    kind = spot.part.kind
    if spot.given.unit_tests and kind in ("critic", "ranker", "verifier", "unit_test_generator"):
        done = f"a {kind} is not shown them here; in Archon they stand in the question"
        spot.remark("ignored", "", f"a {kind} after a unit_test_generator", done)


def _room(layer: Layer, spot: Spot) -> dict[str, int]:
    """A cap on prompts that cuts nothing, as Archon cuts nothing, where the default might."""
    needed = max(_most_tokens(call) for call in layer.plan(spot.given))
    default: int = type(layer).model_fields["max_prompt_tokens"].default
    if needed <= default:
        return {}
    spot.remark(
        "translated",
        "",
        "no cap on prompts",
        f"max_prompt_tokens: {needed}, the most that its prompts can take; lower it for models "
        f"with a shorter context",
    )
    return {"max_prompt_tokens": needed}


def _most_tokens(call: PlannedCall) -> int:
    return QUESTION_TOKENS + math.ceil(
        sum(quoted.max_tokens * count for quoted, count in call.quotes)
    )

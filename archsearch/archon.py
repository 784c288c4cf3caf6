"""Archon's configuration files, read as architectures.

The format is that of Archon (arXiv 2409.15254; github.com/ScalingIntelligence/Archon): `layers`,
each a list of components side by side. It has no schema, so its own program ignores whatever it
does not know, a misspelt key too. Here nothing goes by unseen: whatever does not come over as it
stands is a `Remark`, and what cannot come over at all is a `ConfigError` with its place.

What the program does counts, not what a key is called: a fuser and a ranker are shown critiques
wherever there are any, and unit tests stand in the question for every layer after them. The
defects of single steps (critiques beside the wrong answer, the verdict of another candidate) do
not come over, and are told in the layers.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from archsearch.architecture import LAYERS, Architecture
from archsearch.errors import ConfigError, InvalidArchitecture, suggest
from archsearch.layer import Facet, Layer, Outline, PlannedCall

RemarkKind = Literal["ignored", "corrected", "translated"]

TEMPERATURE, MAX_TOKENS = 0.7, 2048
"""What the paper uses throughout. Archon has no defaults: it refuses a component without them."""
QUESTION_TOKENS = 2048
"""Left in each prompt for the question and the words around it."""
SPELLING = 0.85
"""How alike a key must be to a known one to be taken for it, from 0 to 1."""
MOST_SHOWN = 60
"""Characters of a value that a remark repeats."""

MAKERS = {"generator", "fuser"}
"""The types that make candidates."""
PAIR_RM = "llm-blender/PairRM"
PROVIDERS = {
    "Together_API",
    "OpenAI_API",
    "Anthropic_API",
    "Groq_API",
    "Google_API",
    "Bedrock_API",
    "tgi",
    "vLLM",
}
"""What `model_type` can be unless a program adds its own."""

_CALLING = {"type", "model", "model_type", "temperature", "max_tokens", "samples", "no_system"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that does not come over as it stands."""

    kind: RemarkKind
    """`ignored`: it has no effect here; `corrected`: a slip was read as it was meant;
    `translated`: it is said in another way."""
    place: str
    """Where it stands in the file, such as `layers[0][3].length_contorl`."""
    found: str
    """The value, or what was found in its stead."""
    done: str
    """What became of it, and why."""


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
        return "".join(f"# {_printable(line)}\n" for line in header) + body


def read(path: Path) -> Any:
    """The data of a configuration file. Raises `ConfigError` naming line and column."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"an Archon configuration must be valid JSON; {path}, line {error.lineno}, column "
            f"{error.colno}: {error.msg}; correct it there"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"an Archon configuration must be a readable JSON file; {path}: {error}"
        ) from None


def read_models(path: Path) -> dict[str, str]:
    """Archon's model names -> those of a study.

    `path` is a YAML file with such a mapping, or a study file, whose models go by their own name
    and by their `model`; where two have the same `model`, by the first.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"a file of models must be readable YAML; {path}: {error}") from None
    entries = data.get("models", data) if isinstance(data, Mapping) else data
    if not isinstance(entries, Mapping):
        raise ConfigError(
            f"a file of models must map Archon's names to the study's, or be a study file; {path} "
            f"holds {_shown(entries)}"
        )
    found = {str(name): _own_name(name, entry, path) for name, entry in entries.items()}
    for name, entry in entries.items():
        if isinstance(entry, Mapping) and isinstance(entry.get("model"), str):
            found.setdefault(entry["model"], str(name))
    return found


def convert(data: Any, models: Mapping[str, str]) -> Imported:
    """The architecture that `data`, a configuration's plain data, describes.

    `models` maps Archon's model names to the study's; for a name that it lacks one is derived, and
    a remark says so. Raises `ConfigError` naming the place where something cannot come over, or
    `InvalidArchitecture` where a component needs what those before it do not leave.
    """
    remarks: list[Remark] = []
    if not isinstance(data, Mapping):
        raise ConfigError(
            f"an Archon configuration must be a mapping with `layers`; received {_shown(data)}"
        )
    top = _settings(data, {"name", "layers", "custom"}, "", "Archon", remarks)
    if "custom" in top:
        note = "it only says that a program adds components"
        remarks.append(_ignored("custom", top["custom"], f"{note}; none is in this file"))
    rows = _rows(top, remarks)
    names = _names([part for row in rows for part in row], models, remarks)
    layers = _Walk(names, remarks).layers(rows)
    architecture = Architecture.parse(layers, where="the converted configuration")
    last = architecture.outlines[-1]
    if last.candidates > 1 and Facet.SCORES not in last.facets:
        found = f"up to {last.candidates} candidates at the end"
        done = "the first is the answer; Archon takes a random one"
        remarks.append(_remark("translated", "layers", found, done))
    name = top.get("name")
    return Imported(name=None if name is None else str(name), layers=layers, remarks=tuple(remarks))


def lines(remarks: Iterable[Remark]) -> list[str]:
    """Remarks for reading, one line for all that differ only in their place.

    >>> lines([_ignored(f"layers[0][{at}].top_k", 1, "it has none") for at in range(3)])
    ['ignored     layers[0][0].top_k and 2 more: 1; it has none']
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for remark in remarks:
        key = remark.place.rpartition(".")[2] if "." in remark.place else ""
        alike.setdefault((remark.kind, key, remark.found, remark.done), []).append(remark.place)
    return [
        _printable(f"{kind:11} {places[0]}{_more(places)}: {found}; {done}")
        for (kind, _, found, done), places in alike.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A component of the file."""

    place: str
    kind: str
    model: str
    settings: Mapping[str, Any]
    """Only keys that Archon's component of this kind reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a component stands: what it is converted by."""

    part: _Part
    given: Outline
    final: bool
    """Whether no layer comes after it."""
    critic_before: bool
    """Whether a critic stands anywhere before it."""
    remarks: list[Remark]

    def setting(self, key: str) -> Any:
        """Its value, or None."""
        return self.part.settings.get(key)

    def count(self, key: str) -> int | None:
        """A whole number, or None; 0 and false say the same as none at all."""
        value = self.setting(key) or None
        if value is None or (isinstance(value, int) and value is not True and value > 0):
            return value
        raise ConfigError(
            f"{self.part.place}.{key} must be a whole number above 0; received {_shown(value)}; "
            f"correct it, or leave it out"
        )

    def ignored(self, key: str, done: str) -> None:
        place = f"{self.part.place}.{key}"
        self.remarks.append(_ignored(place, self.setting(key), done))

    def remark(self, kind: RemarkKind, key: str, found: str, done: str) -> None:
        place = f"{self.part.place}.{key}" if key else self.part.place
        self.remarks.append(_remark(kind, place, found, done))


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"a key may stand once in a mapping; {twice!r} stands twice; delete one")
    return found


def _own_name(name: Any, entry: Any, path: Path) -> str:
    if isinstance(entry, Mapping):
        return str(name)
    if isinstance(entry, str) and entry:
        return entry
    raise ConfigError(
        f"a file of models must give each of Archon's names one of the study's; {path} gives "
        f"{name!r} {_shown(entry)}; write `{name}: NAME`"
    )


def _rows(top: Mapping[str, Any], remarks: list[Remark]) -> list[list[_Part]]:
    layers = top.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ConfigError(
            f"an Archon configuration must have `layers`, a non-empty list; received "
            f"{_shown(layers) if 'layers' in top else 'none'}; a search configuration has none, "
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
            remarks.append(_ignored(f"{place}.{key}", layer[key], done))
        layer, place = layer["models"], f"{place}.models"
    elif isinstance(layer, Mapping):
        found = "a component without the list around it"
        done = "taken as a layer of one; Archon refuses it"
        remarks.append(_remark("corrected", place, found, done))
        return [(place, layer)]
    if not isinstance(layer, list) or not layer:
        raise ConfigError(
            f"{place} must be a non-empty list of components; received {_shown(layer)}"
        )
    return [(f"{place}[{at}]", data) for at, data in enumerate(layer)]


def _part(place: str, data: Any, remarks: list[Remark]) -> _Part:
    if not isinstance(data, Mapping) or not isinstance(data.get("type"), str):
        raise ConfigError(
            f"{place} must be a component, a mapping with `type`; received {_shown(data)}"
        )
    kind = data["type"]
    if kind not in _KINDS:
        raise ConfigError(
            f"{place}.type must be one that comes with Archon; received {kind!r}"
            f"{suggest(kind, _KINDS)}; for a component of your own write a layer type (one file), "
            f"and put it into the converted file by hand"
        )
    keys, _ = _KINDS[kind]
    settings = _settings(data, keys, f"{place}.", f"Archon's {kind}", remarks)
    model = settings.get("model")
    if not isinstance(model, str) or not model:
        raise ConfigError(
            f"{place}.model must name a model; received {_shown(model)}; give the name that the "
            f"provider has for it"
        )
    return _Part(place=place, kind=kind, model=model, settings=settings)


def _settings(
    data: Mapping[str, Any], known: set[str], prefix: str, reader: str, remarks: list[Remark]
) -> dict[str, Any]:
    """What `reader` reads of `data`, slips of spelling read as they were meant."""
    found = {key: value for key, value in data.items() if key in known}
    for key, value in data.items():
        if key in known:
            continue
        place, meant = f"{prefix}{key}", _meant(str(key), known)
        if meant is None or meant in found:
            remarks.append(_ignored(place, value, f"{reader} does not read it"))
            continue
        found[meant] = value
        done = f"read as {meant}; {reader} does not read it as it is spelt"
        remarks.append(_remark("corrected", place, _shown(value), done))
    return found


def _meant(key: str, known: set[str]) -> str | None:
    # Archon's own search writes components with the older name.
    if key == "max_context_length" and "max_tokens" in known:
        return "max_tokens"
    near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=SPELLING)
    return near[0] if near else None


def _names(
    parts: Sequence[_Part], models: Mapping[str, str], remarks: list[Remark]
) -> dict[str, str]:
    """Archon's model names -> ours; a remark for each that is derived."""
    first: dict[str, _Part] = {}
    for part in parts:
        first.setdefault(part.model, part)
        _check_provider(part, models)
    derived = _derived([name for name in first if name not in models])
    for name, ours in derived.items():
        if ours not in models.values():
            place = f"{first[name].place}.model"
            done = f"called {ours!r} here; declare it under `models` of the study"
            remarks.append(_remark("translated", place, _shown(name), done))
    return {**models, **derived}


def _check_provider(part: _Part, models: Mapping[str, str]) -> None:
    provider = part.settings.get("model_type")
    if provider is None or str(provider) in PROVIDERS or part.model in (*models, PAIR_RM):
        return
    raise ConfigError(
        f"{part.place}.model_type must be a provider that comes with Archon; received "
        f"{provider!r}{suggest(str(provider), PROVIDERS)}; a function of your own has no place in "
        f"a file: declare its model in the study, and name it in --models as "
        f"`{part.model}: NAME`"
    )


def _derived(names: Sequence[str]) -> dict[str, str]:
    """A name of ours for each: its last part, or all of it where two would be called the same.

    >>> _derived(["Qwen/Qwen2-72B-Instruct", "a/small", "b/small"])
    {'Qwen/Qwen2-72B-Instruct': 'qwen2-72b-instruct', 'a/small': 'a-small', 'b/small': 'b-small'}
    """
    whole = {name: _spelt(name) for name in names}
    last = {name: _spelt(name.rpartition("/")[2]) for name in names}
    return {
        name: whole[name]
        if any(last[other] == last[name] and whole[other] != whole[name] for other in names)
        else last[name]
        for name in names
    }


def _spelt(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-") or "model"


@dataclass(slots=True)
class _Walk:
    """Converts layer after layer, knowing what the ones before leave."""

    names: Mapping[str, str]
    remarks: list[Remark]
    given: Outline = field(default_factory=Outline)
    critic_before: bool = False

    def layers(self, rows: Sequence[Sequence[_Part]]) -> list[Any]:
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

    def _entry(self, part: _Part, final: bool) -> dict[str, Any] | None:
        """One component in our words, or None where it would have nothing to do."""
        spot = _Spot(
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
        _, fields = _KINDS[part.kind]
        data = {"type": part.kind, "model": self.names[part.model], **fields(spot)}
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

    def _note_judges(self, row: Sequence[_Part], place: str) -> None:
        if len(row) > 1 and row[0].kind not in MAKERS:
            found = f"{len(row)} components of type {row[0].kind} side by side"
            done = "here they come to one result; Archon puts what each leaves behind the others'"
            self.remarks.append(_remark("translated", place, found, done))


def _missing(spot: _Spot) -> Facet | None:
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


def _note_tests(spot: _Spot) -> None:
    """Archon writes the tests into the question; here only some layers are shown them."""
    kind = spot.part.kind
    if spot.given.unit_tests and kind in ("critic", "ranker", "verifier", "unit_test_generator"):
        done = f"a {kind} is not shown them here; in Archon they stand in the question"
        spot.remark("ignored", "", f"a {kind} after a unit_test_generator", done)


def _room(layer: Layer, spot: _Spot) -> dict[str, int]:
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


# -- the fields of each kind, from where it stands


def _calling(spot: _Spot) -> dict[str, Any]:
    """What every component that calls a language model has."""
    if spot.setting("no_system"):
        spot.ignored("no_system", "no system message is added here in the first place")
    found = {}
    for key, value in (("temperature", TEMPERATURE), ("max_tokens", MAX_TOKENS)):
        found[key] = spot.part.settings.get(key, value)
        if key not in spot.part.settings:
            done = f"{value}, as throughout the paper; Archon refuses a component without"
            spot.remark("corrected", key, "missing", done)
    return found


def _making(spot: _Spot) -> dict[str, Any]:
    """What makers of candidates have: samples, and the tests in the question."""
    samples = spot.part.settings.get("samples", 1)
    return {
        **_calling(spot),
        **({} if samples == 1 else {"samples": samples}),
        **({"unit_tests": True} if spot.given.unit_tests else {}),
    }


def _judging(spot: _Spot) -> dict[str, Any]:
    """What the rest has: one reply decides."""
    if spot.part.settings.get("samples", 1) != 1:
        spot.ignored("samples", f"one reply of a {spot.part.kind} counts, in Archon too")
    return _calling(spot)


def _critiques(spot: _Spot) -> dict[str, Any]:
    """Critiques are shown wherever there are any."""
    if spot.given.holds(Facet.CRITIQUES):
        return {"critiques": True}
    if spot.critic_before:
        done = "shown none; Archon shows those of the old ones, or stops where their number differs"
        spot.remark("corrected", "", "candidates newer than the critiques before", done)
    return {}


def _fuser(spot: _Spot) -> dict[str, Any]:
    critiques = _critiques(spot)
    if not spot.setting("length_control"):
        return {**_making(spot), **critiques}
    if not critiques:
        done = "kept; Archon heeds it only where critiques are shown"
        spot.remark("translated", "length_control", "true", done)
    return {**_making(spot), **critiques, "length_control": True}


def _ranker(spot: _Spot) -> dict[str, Any]:
    keep = spot.count("top_k")
    if keep is None:
        raise ConfigError(
            f"{spot.part.place}.top_k must say how many candidates go on; received none; add it"
        )
    if spot.part.model == PAIR_RM:
        return {"type": "reward_ranker", "keep": keep, **_pair_rm(spot)}
    if "ranker_batch_size" in spot.part.settings:
        spot.ignored("ranker_batch_size", f"it is for {PAIR_RM} alone, in Archon too")
    critiques = _critiques(spot)
    wanted = spot.setting("use_critiques")
    if wanted and not critiques:
        spot.ignored("use_critiques", "there are no critiques to show")
    if wanted is False and critiques:
        done = "critiques: true, as Archon shows them wherever there are any, whatever it says"
        spot.remark("translated", "use_critiques", "false", done)
    return {**_judging(spot), "keep": keep, **critiques}


def _pair_rm(spot: _Spot) -> dict[str, Any]:
    """A ranker that draws no text. Archon compares pairs; a reward model scores one by one."""
    spot.remark(
        "translated",
        "model",
        _shown(PAIR_RM),
        "a reward_ranker; declare a model that scores single answers, as this one compares pairs",
    )
    for key in ("temperature", "max_tokens", "samples", "use_critiques", "ranker_batch_size"):
        if key in spot.part.settings:
            spot.ignored(key, "a reward_ranker draws no text")
    return {}


def _verifier(spot: _Spot) -> dict[str, Any]:
    first_k = spot.count("first_k")
    return {**_judging(spot), **({"first_k": first_k} if first_k else {})}


def _unit_test_generator(spot: _Spot) -> dict[str, Any]:
    cap = spot.count("unit_test_cap")
    if cap is not None:
        return {**_judging(spot), "tests": cap}
    tests = LAYERS.get("unit_test_generator").model_fields["tests"].default
    done = f"tests: {tests}, the default here; Archon leaves the number to the model"
    spot.remark("translated", "unit_test_cap", "missing", done)
    return _judging(spot)


def _unit_test_evaluator(spot: _Spot) -> dict[str, Any]:
    if spot.setting("unit_test_cap") is not None:
        spot.ignored("unit_test_cap", "all tests are judged, in Archon too")
    if spot.setting("remove_unit_tests_from_prompt") is False:
        done = "the tests are never part of the question here, and are shown once beside it"
        spot.ignored("remove_unit_tests_from_prompt", done)
    return {**_judging(spot), **_going_on(spot)}


def _going_on(spot: _Spot) -> dict[str, Any]:
    """`keep` or `first_k`, which exclude each other here."""
    keep, first_k = spot.count("top_k"), spot.count("first_k")
    if first_k is None and spot.setting("first_pass"):
        first_k = 1
    elif spot.setting("first_pass"):
        spot.ignored("first_pass", "first_k says more, in Archon too")
    if first_k is None:
        return {} if keep is None else {"keep": keep}
    if keep is None:
        return {"first_k": first_k}
    found = f"{_shown(keep)} beside first_k {_shown(first_k)}"
    if spot.final:
        spot.remark("translated", "top_k", found, f"first_k: {first_k}; the answer is the same")
    elif first_k > keep:
        done = f"first_k: {first_k}; where fewer pass all tests, all go on and not top_k alone"
        spot.remark("translated", "top_k", found, done)
    else:
        done = f"keep: {keep}; all candidates are judged, as no early end can be had beside it"
        spot.remark("translated", "top_k", found, done)
        return {"keep": keep}
    return {"first_k": first_k}


_KINDS: Mapping[str, tuple[set[str], Callable[[_Spot], dict[str, Any]]]] = {
    "generator": (_CALLING, _making),
    "fuser": (_CALLING | {"length_control"}, _fuser),
    "critic": (_CALLING, _judging),
    "ranker": (_CALLING | {"top_k", "use_critiques", "ranker_batch_size"}, _ranker),
    "verifier": (_CALLING | {"first_k"}, _verifier),
    "unit_test_generator": (_CALLING | {"unit_test_cap"}, _unit_test_generator),
    "unit_test_evaluator": (
        _CALLING
        | {"top_k", "first_k", "first_pass", "unit_test_cap", "remove_unit_tests_from_prompt"},
        _unit_test_evaluator,
    ),
}
"""Each type of component: the keys that Archon reads, and our fields for it."""


def _remark(kind: RemarkKind, place: str, found: str, done: str) -> Remark:
    return Remark(kind=kind, place=place, found=found, done=done)


def _ignored(place: str, value: Any, done: str) -> Remark:
    return _remark("ignored", place, _shown(value), done)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _more(places: Sequence[str]) -> str:
    return f" and {len(places) - 1} more" if len(places) > 1 else ""


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)

"""The fields of our layers, from a component of each type and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from archsearch.architecture import LAYERS
from archsearch.archon.component import Component
from archsearch.archon.names import PAIR_RM
from archsearch.archon.remark import Remark, RemarkKind, ignored, shown
from archsearch.errors import ConfigError
from archsearch.layer import Facet, Outline

TEMPERATURE, MAX_TOKENS = 0.7, 2048
"""What the paper uses throughout. Archon has no defaults: it refuses a component without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a component stands: what it is converted by."""

    part: Component
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
            f"{self.part.place}.{key} must be a whole number above 0; received {shown(value)}; "
            f"correct it, or leave it out"
        )

    def ignored(self, key: str, done: str) -> None:
        """A remark on a key that has no effect."""
        place = f"{self.part.place}.{key}"
        self.remarks.append(ignored(place, self.setting(key), done))

    def remark(self, kind: RemarkKind, key: str, found: str, done: str) -> None:
        """A remark on a key, or, where `key` is empty, on the whole component."""
        place = f"{self.part.place}.{key}" if key else self.part.place
        self.remarks.append(Remark(kind, place, found, done))


def _calling(spot: Spot) -> dict[str, Any]:
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


def _making(spot: Spot) -> dict[str, Any]:
    """What makers of candidates have: samples, and the tests in the question."""
    samples = spot.part.settings.get("samples", 1)
    return {
        **_calling(spot),
        **({} if samples == 1 else {"samples": samples}),
        **({"unit_tests": True} if spot.given.unit_tests else {}),
    }


def _judging(spot: Spot) -> dict[str, Any]:
    """What the rest has: one reply decides."""
    if spot.part.settings.get("samples", 1) != 1:
        spot.ignored("samples", f"one reply of a {spot.part.kind} counts, in Archon too")
    return _calling(spot)


def _critiques(spot: Spot) -> dict[str, Any]:
    """Critiques are shown wherever there are any."""
    if spot.given.holds(Facet.CRITIQUES):
        return {"critiques": True}
    if spot.critic_before:
        done = "shown none; Archon shows those of the old ones, or stops where their number differs"
        spot.remark("corrected", "", "candidates newer than the critiques before", done)
    return {}


def _fuser(spot: Spot) -> dict[str, Any]:
    critiques = _critiques(spot)
    if not spot.setting("length_control"):
        return {**_making(spot), **critiques}
    if not critiques:
        done = "kept; Archon heeds it only where critiques are shown"
        spot.remark("translated", "length_control", "true", done)
    return {**_making(spot), **critiques, "length_control": True}


def _ranker(spot: Spot) -> dict[str, Any]:
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


def _pair_rm(spot: Spot) -> dict[str, Any]:
    """A ranker that draws no text. Archon compares pairs; a reward model scores one by one."""
    spot.remark(
        "translated",
        "model",
        shown(PAIR_RM),
        "a reward_ranker; declare a model that scores single answers, as this one compares pairs",
    )
    for key in ("temperature", "max_tokens", "samples", "use_critiques", "ranker_batch_size"):
        if key in spot.part.settings:
            spot.ignored(key, "a reward_ranker draws no text")
    return {}


def _verifier(spot: Spot) -> dict[str, Any]:
    first_k = spot.count("first_k")
    return {**_judging(spot), **({"first_k": first_k} if first_k else {})}


def _unit_test_generator(spot: Spot) -> dict[str, Any]:
    cap = spot.count("unit_test_cap")
    if cap is not None:
        return {**_judging(spot), "tests": cap}
    tests = LAYERS.get("unit_test_generator").model_fields["tests"].default
    done = f"tests: {tests}, the default here; Archon leaves the number to the model"
    spot.remark("translated", "unit_test_cap", "missing", done)
    return _judging(spot)


def _unit_test_evaluator(spot: Spot) -> dict[str, Any]:
    if spot.setting("unit_test_cap") is not None:
        spot.ignored("unit_test_cap", "all tests are judged, in Archon too")
    if spot.setting("remove_unit_tests_from_prompt") is False:
        done = "the tests are never part of the question here, and are shown once beside it"
        spot.ignored("remove_unit_tests_from_prompt", done)
    return {**_judging(spot), **_going_on(spot)}


def _going_on(spot: Spot) -> dict[str, Any]:
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
    found = f"{shown(keep)} beside first_k {shown(first_k)}"
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


FIELDS: Mapping[str, Callable[[Spot], dict[str, Any]]] = {
    "generator": _making,
    "fuser": _fuser,
    "critic": _judging,
    "ranker": _ranker,
    "verifier": _verifier,
    "unit_test_generator": _unit_test_generator,
    "unit_test_evaluator": _unit_test_evaluator,
}
"""Our fields, by type of component."""

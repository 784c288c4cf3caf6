"""JSON Schemas of the files that people write, for editors and validators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from archsearch.architecture import LAYERS
from archsearch.benchmark import BENCHMARKS
from archsearch.models import MODELS
from archsearch.registry import Registry
from archsearch.search.config import StudyConfig
from archsearch.search.sampler import SAMPLERS
from archsearch.search.space import SearchSpace

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def architecture_schema() -> dict[str, Any]:
    """Of an architecture file: every registered layer type with its fields."""
    layer, definitions = _any_of(LAYERS)
    for name, cls in LAYERS.classes.items():
        _allow_lists(definitions[cls.__name__], getattr(cls, "listable", ()), name)
    row = {"anyOf": [layer, {"type": "array", "items": layer, "minItems": 1}]}
    layers = {"type": "array", "items": row, "minItems": 1}
    return {
        "$schema": DIALECT,
        "anyOf": [
            layers,
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "layers": layers},
                "required": ["layers"],
                "additionalProperties": False,
            },
        ],
        "$defs": definitions,
    }


def space_schema() -> dict[str, Any]:
    """Of a space file. Values may be choices anywhere, so layers are left open."""
    return {"$schema": DIALECT, **SearchSpace.model_json_schema()}


def study_schema() -> dict[str, Any]:
    """Of a study file: every registered back-end, benchmark and sampler with its fields."""
    schema = StudyConfig.model_json_schema()
    definitions = schema["$defs"]
    model, benchmark, sampler = (
        _adding(definitions, registry) for registry in (MODELS, BENCHMARKS, SAMPLERS)
    )
    schema["properties"]["models"]["additionalProperties"] = model
    schema["properties"]["benchmark"] = benchmark
    definitions["SearchSettings"]["properties"]["sampler"] = sampler
    space = schema["properties"]["space"]
    schema["properties"]["space"] = {"anyOf": [space, {"type": "string"}]}
    return {"$schema": DIALECT, **schema}


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "architecture": architecture_schema,
    "space": space_schema,
    "study": study_schema,
}


def _adding(definitions: dict[str, Any], registry: Registry[Any]) -> dict[str, Any]:
    schema, more = _any_of(registry)
    definitions.update(more)
    return schema


def _any_of(registry: Registry[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema for any class of a registry, and the definitions it refers to."""
    classes: list[type[BaseModel]] = list(registry.classes.values())
    refs, whole = models_json_schema([(cls, "validation") for cls in classes])
    for cls in classes:
        definition = whole["$defs"][cls.__name__]
        # The naming field has a default, yet a file must give it.
        definition["required"] = sorted({registry.key, *definition.get("required", [])})
    return {"anyOf": [refs[cls, "validation"] for cls in classes]}, whole["$defs"]


def _allow_lists(definition: dict[str, Any], fields: tuple[str, ...], name: str) -> None:
    for field in fields:
        one = definition["properties"][field]
        several = {"type": "array", "items": one, "minItems": 1}
        definition["properties"][field] = {
            "anyOf": [one, several],
            "description": f"a list stands for a row of {name}s side by side",
        }

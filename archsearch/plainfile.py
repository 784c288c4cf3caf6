"""Plain files: YAML or JSON that users write, each key of a mapping once."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml

from archsearch.errors import ConfigError


def read_plain(path: Path, noun: str) -> Any:
    """The data of a file, JSON where its name says so. Raises `ConfigError`, which calls it
    `noun`."""
    try:
        text = path.read_text(encoding="utf-8")
        # YAML takes JSON's escape of a character beyond U+FFFF for two characters.
        is_json = path.suffix == ".json"
        return json.loads(text, object_pairs_hook=once) if is_json else _yaml(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"{noun} must be readable YAML or JSON; {path}: {_why(error)}") from None


def parse_plain(text: str, noun: str) -> Any:
    """The value that a piece of YAML is. Raises `ConfigError` likewise."""
    try:
        return _yaml(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{noun} must be readable YAML; received {text!r}: {_why(error)}"
        ) from None


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of a JSON object. Raises `ValueError` where a key stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(_twice(next(key for key in keys if keys.count(key) > 1)))
    return found


def _why(error: Exception) -> str:
    """In one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Once)  # noqa: S506  it is a safe loader


class _Once(yaml.SafeLoader):
    """Takes each key of a mapping once; `<<` may bring others that it has."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, _twice(key.value), key.start_mark
                    )
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def _twice(key: str) -> str:
    return f"a key may stand once in a mapping; {key!r} stands twice; delete one"

"""Files: a configuration of Archon, and what its models are called here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archsearch.archon.remark import shown
from archsearch.errors import ConfigError
from archsearch.plainfile import once, read_plain


def read(path: Path) -> Any:
    """The data of a configuration file. Raises `ConfigError` naming line and column."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once)
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
    data = read_plain(path, "a file of models")
    entries = data.get("models", data) if isinstance(data, Mapping) else data
    if not isinstance(entries, Mapping):
        raise ConfigError(
            f"a file of models must map Archon's names to the study's, or be a study file; {path} "
            f"holds {shown(entries)}"
        )
    found = {str(name): _own_name(name, entry, path) for name, entry in entries.items()}
    for name, entry in entries.items():
        if isinstance(entry, Mapping) and isinstance(entry.get("model"), str):
            found.setdefault(entry["model"], str(name))
    return found


def _own_name(name: Any, entry: Any, path: Path) -> str:
    if isinstance(entry, Mapping):
        return str(name)
    if isinstance(entry, str) and entry:
        return entry
    raise ConfigError(
        f"a file of models must give each of Archon's names one of the study's; {path} gives "
        f"{name!r} {shown(entry)}; write `{name}: NAME`"
    )

"""Kept: which questions a run has had, in a file beside its study.

Whoever scores something with that study later must not take for unseen what the run searched on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from archsearch.benchmark import Splits
from archsearch.plainfile import read_plain
from archsearch.search.config import StudyConfig

FILE = "splits.json"


def text_of(splits: Splits, config: StudyConfig) -> str:
    """What the file says."""
    return json.dumps({**_origin(config), "splits": splits.ids}, indent=1)


def kept_beside(study: Path, config: StudyConfig) -> Mapping[str, Sequence[str]]:
    """Question ids by split of the run whose study this is; none where it is no run's, or where
    `config` now has another benchmark or seed."""
    place = study.with_name(FILE)
    if not place.is_file():
        return {}
    data = read_plain(place, "the questions of a run")
    same = {name: data.get(name) for name in _origin(config)} == _origin(config)
    return dict(data["splits"]) if same else {}


def _origin(config: StudyConfig) -> Mapping[str, object]:
    return {"benchmark": config.benchmark.fingerprint, "seed": config.seed}

"""How often Python looks for garbage in cycles."""

from __future__ import annotations

import gc

_THRESHOLD = 50_000
"""Objects made since the last look. By default 700, which takes a sixth of the time of a search on
fast models: futures, tasks and candidates live for seconds and are in no cycles."""


def spare() -> None:
    """Looks less often from now on, and never again at what is loaded so far."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_THRESHOLD, 10, 10)

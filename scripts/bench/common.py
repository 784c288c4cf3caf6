"""What every bench shares: its two flags, and how it tells its figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any


def parser(description: str | None, *, quick: str) -> argparse.ArgumentParser:
    """With the flags of every bench; `quick` says what the short run leaves out."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--json", action="store_true", help="print one JSON object as last line")
    return made


def arguments(description: str | None, *, quick: str) -> argparse.Namespace:
    """The flags of a bench that has no others."""
    return parser(description, quick=quick).parse_args()


def tell(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Prints figures, a line each; with `as_json` as one JSON object after them."""
    for name, value in figures.items():
        print(f"{name:34} {value:.4g}" if isinstance(value, float) else f"{name:34} {value}")
    if as_json:
        print(json.dumps(figures))

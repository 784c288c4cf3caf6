"""What every bench shares: its two flags, and how it tells its figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any


def arguments(description: str | None, *, quick: str) -> argparse.Namespace:
    """The flags of a bench; `quick` says what the short run leaves out."""
    return parser(description, quick=quick).parse_args()


def parser(description: str | None, *, quick: str) -> argparse.ArgumentParser:
    """The same, for a bench that has flags of its own."""
    flags = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("--quick", action="store_true", help=quick)
    flags.add_argument("--json", action="store_true", help="print one JSON object as last line")
    return flags


def tell(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Prints figures, a line each; with `as_json` as one JSON object after them."""
    for name, value in figures.items():
        print(f"{name:34} {value:.4g}" if isinstance(value, float) else f"{name:34} {value}")
    if as_json:
        print(json.dumps(figures))

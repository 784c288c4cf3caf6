"""Lines of each room, and the longest functions.

python scripts/bench/size.py [--quick] [--json]
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from common import arguments, tell

ROOT = Path(__file__).parents[2]
ROOMS = (
    "archsearch",
    "archsearch/models",
    "archsearch/search",
    "archsearch/testing",
    "layers",
    "benchmarks",
    "scripts",
    "tests",
)


def main() -> None:
    """Counts and tells."""
    flags = arguments(__doc__, quick="the same; it takes no time")
    lines: Counter[str] = Counter()
    functions: list[tuple[int, str]] = []
    for room in ROOMS:
        nested = "**/*.py" if room in {"scripts", "tests", "archsearch/search"} else "*.py"
        for path in sorted((ROOT / room).glob(nested)):
            source = path.read_text(encoding="utf-8")
            lines[room] += source.count("\n")
            if room != "tests":
                functions += lengths(source, path.relative_to(ROOT))
    longest = [f"{name} ({count})" for count, name in sorted(functions, reverse=True)[:3]]
    tell({**lines, "longest_functions": longest}, as_json=flags.json)


def lengths(source: str, path: Path) -> list[tuple[int, str]]:
    """Lines and name of each function, docstring included."""
    return [
        (node.end_lineno - node.lineno + 1, f"{path}:{node.name}")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


if __name__ == "__main__":
    main()

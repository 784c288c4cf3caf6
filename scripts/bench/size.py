"""Lines of each room, and the longest functions.

python scripts/bench/size.py [--quick] [--json]
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from common import arguments, tell

ROOT = Path(__file__).parents[2]
SHELVES = ("layers", "benchmarks", "scripts", "tests")


def main() -> None:
    """Counts and tells."""
    flags = arguments(__doc__, quick="the same; it takes no time")
    lines: Counter[str] = Counter()
    functions: list[tuple[int, str]] = []
    for path, room in files():
        source = path.read_text(encoding="utf-8")
        lines[room] += source.count("\n")
        if room != "tests":
            functions += lengths(source, path.relative_to(ROOT))
    longest = [f"{name} ({count})" for count, name in sorted(functions, reverse=True)[:3]]
    tell({**lines, "longest_functions": longest}, as_json=flags.json)


def files() -> Iterator[tuple[Path, str]]:
    """Every file and its room: a folder of `archsearch` or a shelf."""
    package = ROOT / "archsearch"
    for path in sorted(package.glob("*.py")):
        yield path, "archsearch"
    rooms = [one for one in sorted(package.iterdir()) if one.is_dir() and not one.is_symlink()]
    for room in (*rooms, *(ROOT / shelf for shelf in SHELVES)):
        for path in sorted(room.rglob("*.py")):
            yield path, str(room.relative_to(ROOT))


def lengths(source: str, path: Path) -> list[tuple[int, str]]:
    """Lines and name of each function, docstring included."""
    return [
        (node.end_lineno - node.lineno + 1, f"{path}:{node.name}")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


if __name__ == "__main__":
    main()

"""Who may import whom. Each room imports only rooms of a lower rank; the table is below."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

RANKS = [
    "archsearch types errors program syntax",
    "seeds collector gguf answers replies stats gate patience budget layer registry database",
    "shape pool shrinkage sandbox rows plainfile",
    "flops compose prompts store benchmark thinking judging results statements",
    "models architecture draw asking answering code",
    "cost ranking archon",
    "meter",
    "executor",
    "dispatch",
    "calls",
    "evaluate",
    "ledger",
    "search",
    "schema screen testing",
    "cli",
    "__main__",
]
"""Rooms from the lowest rank to the highest. A folder is one room, free inside; `archsearch` is its
`__init__`."""

RANK = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms.split()}
SHELVES = {"layers": "archsearch.layers", "benchmarks": "archsearch.benchmarks"}
DATA = "search_spaces"
"""A shelf of files, which says no more than where it lies; `search` imports it for that."""

ONLY = {"vllm": "archsearch/models/vllm_api.py", "optuna": "archsearch/search/"}
"""Where the imports of a library stand."""

FILES = sorted(
    place.relative_to(ROOT)
    for folder in ("archsearch", "layers", "benchmarks", "search_spaces")
    for place in (ROOT / folder).rglob("*.py")
    # The links show the shelves a second time.
    if not (folder == "archsearch" and place.relative_to(ROOT).parts[1] in {*SHELVES, DATA})
)


def name_of(place):
    """The module in a file: `archsearch.layers.vote` for `layers/vote.py`."""
    parts = place.with_suffix("").parts
    parts = parts if parts[0] == "archsearch" else ("archsearch", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(place) for place in FILES}


def imports(place, *, when_imported=False):
    """Full names of the modules that a file imports: all of them, or only those that it imports as
    soon as it is imported itself."""
    package = name_of(place) if place.name == "__init__.py" else name_of(place).rpartition(".")[0]
    return set(_imports(ast.parse((ROOT / place).read_text("utf-8")), package, when_imported))


def _imports(node, package, when_imported):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) + 1 - child.level] if child.level else []
            source = ".".join([*above, *([child.module] if child.module else [])])
            for alias in child.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in MODULES else source
        elif not (when_imported and _is_later(child)):
            yield from _imports(child, package, when_imported)


def _is_later(node):
    """Whether what stands inside runs later than the import of the file, or never."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return True
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def room_of(module):
    """`search` for `archsearch.search.space`, `archsearch` for the package itself."""
    return module.split(".")[1] if "." in module else module


def ours(modules):
    return {module for module in modules if module.partition(".")[0] == "archsearch"}


ENGINE = [place for place in FILES if place.parts[0] == "archsearch"]
ON_SHELVES = [place for place in FILES if place.parts[0] in SHELVES]


def test_every_room_has_a_rank():
    rooms = {room_of(name_of(place)) for place in ENGINE}
    assert rooms == set(RANK)
    assert len(RANK) == sum(len(rooms.split()) for rooms in RANKS)


@pytest.mark.parametrize("place", ENGINE, ids=str)
def test_a_room_imports_only_lower_ones(place):
    room = room_of(name_of(place))
    for module in ours(imports(place)):
        other = room_of(module)
        if other == DATA:
            assert room == "search"
        elif other != room:
            assert other not in SHELVES, f"{module} is reached through the registry only"
            assert RANK[other] < RANK[room], f"{room} imports {module}"


@pytest.mark.parametrize("place", ON_SHELVES, ids=str)
def test_a_shelf_imports_the_engine_up_to_calls(place):
    shelf = room_of(name_of(place))
    for module in ours(imports(place)):
        other = room_of(module)
        assert other == shelf or RANK.get(other, 99) <= RANK["calls"], f"it imports {module}"


def test_files_of_a_shelf_do_not_import_one_another():
    for place in ON_SHELVES:
        for module in ours(imports(place)):
            assert module not in MODULES or room_of(module) not in SHELVES, (place, module)


def test_a_library_is_imported_only_where_it_is_wrapped():
    for place in FILES:
        for module in imports(place):
            top = module.partition(".")[0]
            assert str(place).startswith(ONLY.get(top, "")), f"{place} imports {module}"
    assert any("optuna" in imports(place) for place in FILES)


def test_no_file_imports_a_shelf_by_its_bare_name():
    """`layers.vote` would be a second copy of each class in `archsearch.layers.vote`."""
    places = [
        place.relative_to(ROOT)
        for folder in ("tests", "scripts")
        for place in (ROOT / folder).rglob("*.py")
    ]
    for place in [*FILES, *places]:
        tops = {module.partition(".")[0] for module in imports(place)}
        assert not tops & {*SHELVES, DATA}, place


def test_no_modules_import_one_another_in_a_circle():
    left = {
        name_of(place): ours(imports(place, when_imported=True)) & MODULES - {name_of(place)}
        for place in FILES
    }
    while free := [name for name, needed in left.items() if not needed & left.keys()]:
        for name in free:
            del left[name]
    assert not left


# -- the reader of imports


@pytest.mark.parametrize(
    ("text", "every", "at_once"),
    [
        ("import a.b, c", {"a.b", "c"}, {"a.b", "c"}),
        ("from a.b import c as d", {"a.b"}, {"a.b"}),
        ("from archsearch import types, __version__", *[{"archsearch", "archsearch.types"}] * 2),
        (
            "from archsearch.models import MODELS, base",
            *[{"archsearch.models", "archsearch.models.base"}] * 2,
        ),
        ("from . import space", *[{"archsearch.search.space"}] * 2),
        ("from ..types import Slate", *[{"archsearch.types"}] * 2),
        ("def f():\n    import a", {"a"}, set()),
        ("class A:\n    async def f(self):\n        from a import b", {"a"}, set()),
        ("if TYPE_CHECKING:\n    import a", {"a"}, set()),
        ("try:\n    import a\nexcept ImportError:\n    import b", {"a", "b"}, {"a", "b"}),
        ("if x:\n    import a", {"a"}, {"a"}),
    ],
)
def test_imports_are_read(text, every, at_once):
    tree, package = ast.parse(text), "archsearch.search"
    assert set(_imports(tree, package, False)) == every
    assert set(_imports(tree, package, True)) == at_once

"""How executable unit tests are read off a reply: asserts about a function, each fit to run alone.

The reader is pure and total: any text gives a result. Only the first `WINDOW` characters are read,
and nothing of them is run.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TypeGuard

from archsearch.replies import WINDOW
from archsearch.syntax import parsed

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_LEAD = re.compile(r"[\s>*•+\d.):`-]{0,20}(?=assert\b)")
_GOES_ON = re.compile(r"[\s)\]}#]|(?:else|elif|except|finally)\b|$")

_BUILTINS = frozenset(dir(builtins))

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The tests of a reply."""

    tests: tuple[str, ...]
    """Python source of each in its one spelling (`ast.unparse`), in their order, none twice."""
    broken: int
    """Asserts that are no Python and were left out."""


def suite(reply: str, most: int, function: str = "") -> Suite:
    r"""At most `most` distinct tests of `function`; of any function where that is blank.

    A test is an assert, without its message, at top level or inside a test function, or a loop or
    a block with asserts in it; before it stand the statements that its names hang on. What calls
    no function under test is none, nor what has a `...` in it. The function's own definition, which
    a reply may hold too, is left out: a test is to fit any program. Fenced blocks are read and,
    where these hold no test, what stands outside; what is no Python is read line by line.

    >>> suite("```python\ndef test():\n    x = [2]\n    assert f(x) == 4, 'no'\n```", 5, "f").tests
    ('x = [2]\nassert f(x) == 4',)
    >>> suite("1. `assert f( 1 )==2`\n2. `assert f(1) == 2`\n3. `assert f(3 == 4`", 5, "f")
    Suite(tests=('assert f(1) == 2',), broken=1)
    """
    parts = _FENCE.split(reply[:WINDOW])
    tests, broken = _read(parts[1::2], function)
    if not tests:
        tests, more = _read(parts[::2], function)
        broken += more
    return Suite(tests=tuple(islice(tests, most)), broken=broken)


def _read(blocks: Iterable[str], function: str) -> tuple[dict[str, None], int]:
    """The distinct tests in blocks of text, and how many asserts were left out."""
    tests: dict[str, None] = {}
    broken = 0
    for block in blocks:
        body, unread = _body(block)
        broken += unread
        tests.update(dict.fromkeys(_tests(body, [], function)))
    return tests, broken


def _body(block: str) -> tuple[list[ast.stmt], int]:
    """Its statements, piece by piece where the whole is no Python, and the asserts left out."""
    whole = _statements(block)
    if whole is not None:
        return whole, 0
    found: list[ast.stmt] = []
    broken = 0
    for piece in _pieces(block):
        body = _statements(piece)
        parts = [body] if body is not None else [*map(_statements, _lines(piece))]
        broken += sum(part is None for part in parts)
        found += [statement for part in parts for statement in part or []]
    return found, broken


def _lines(piece: str) -> Iterator[str]:
    """The lines with an assert, without the marks of a list around it."""
    for line in piece.split("\n"):
        if lead := _LEAD.match(line):
            yield line[lead.end() :].rstrip(" \t\r`")


def _pieces(block: str) -> Iterator[str]:
    """Lines from one that begins a statement up to the next."""
    piece: list[str] = []
    for line in block.split("\n"):
        if piece and not _GOES_ON.match(line):
            yield "\n".join(piece)
            piece = []
        piece.append(line)
    yield "\n".join(piece)


def _statements(text: str) -> list[ast.stmt] | None:
    """None where it is no Python."""
    try:
        return parsed(text).body
    except SyntaxError:
        return None


def _tests(body: Iterable[ast.stmt], before: Sequence[ast.stmt], function: str) -> Iterator[str]:
    """Source of the tests in `body`, where the statements of `before` have run."""
    before = list(before)
    for statement in body:
        if _may_define(statement, function):
            continue
        if not any(isinstance(node, ast.Assert) for node in ast.walk(statement)):
            before.append(statement)
        elif isinstance(statement, ast.ClassDef) or _is_main(statement):
            yield from _tests(statement.body, before, function)
        elif not isinstance(statement, _Function):
            yield from _test(statement, before, function)
        elif _needs_nothing(statement, function):
            yield from _tests(statement.body, before, function)


def _test(test: ast.stmt, before: Sequence[ast.stmt], function: str) -> Iterator[str]:
    """Source of a test behind what it hangs on; nothing where it calls no function under test."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            node.msg = None
    known = _BUILTINS.union(function.split("."))
    needed, kept = _names(test) - known, [test]
    for statement in reversed(before):
        names = _names(statement) - known
        if not names.isdisjoint(needed):
            needed |= names
            kept.insert(0, statement)
    if any(_calls(statement, function) for statement in kept) and not _is_form(test):
        with suppress(RecursionError, ValueError):  # nested too deep, or with too long a number
            yield ast.unparse(ast.Module(body=kept, type_ignores=[]))


def _is_form(test: ast.stmt) -> bool:
    """Whether it has yet to be filled in, as `assert f(...) == ...` has."""
    nodes = ast.walk(test)
    return any(isinstance(node, ast.Constant) and node.value is ... for node in nodes)


def _may_define(statement: ast.stmt, function: str) -> bool:
    """Whether it may be an implementation of the function: where none is named, whatever is no
    test may."""
    if not isinstance(statement, _Function | ast.ClassDef):
        return False
    if not function:
        return not statement.name.casefold().startswith("test")
    inner = statement.body if isinstance(statement, ast.ClassDef) else []
    names = {statement.name, *(one.name for one in inner if isinstance(one, _Function))}
    return not names.isdisjoint(function.split("."))


def _is_main(statement: ast.stmt) -> TypeGuard[ast.If]:
    """`if __name__ == "__main__":`"""
    return isinstance(statement, ast.If) and "__name__" in _names(statement.test)


def _needs_nothing(test: _Function, function: str) -> bool:
    """Whether a test function can be called; a sole parameter that is called itself, as in
    HumanEval's `check(candidate)`, is the function under test and is renamed to it."""
    names = [node for node in ast.walk(test) if isinstance(node, ast.Name)]
    match [one.arg for one in test.args.args if one.arg != "self"]:
        case []:
            return True
        case [sole] if _calls(test, sole) and function not in {name.id for name in names}:
            for name in names:
                name.id = function if name.id == sole else name.id
            return function.isidentifier() and not test.decorator_list
    return False


def _names(node: ast.AST) -> set[str]:
    """What it reads, binds or imports."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.alias):
            found.add((inner.asname or inner.name).partition(".")[0])
        elif isinstance(inner, _Function | ast.ClassDef):
            found.add(inner.name)
    return found


def _calls(statement: ast.stmt, function: str) -> bool:
    """Whether it calls the function, by its name or as a method; any, where none is named."""
    called = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
    names = {one.id for one in called if isinstance(one, ast.Name)} - _BUILTINS
    names |= {one.attr for one in called if isinstance(one, ast.Attribute)}
    return function.rpartition(".")[2] in names if function else bool(names)

"""The syntax tree of a test, with functions that hold the tests in place of their calls.

Of such a function, called once, the statements stand where the call was; one whose name begins with
`test`, called nowhere, counts as called at the end, as pytest does.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections import Counter
from collections.abc import Iterator, Sequence

from archsearch.code.operators import Unreadable
from archsearch.syntax import parsed


def parse(test: str) -> ast.Module:
    """The tree of a test, its test functions called. Raises `SyntaxError` alone."""
    tree = parsed(test)
    read = loads(tree)
    uncalled = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test")
        and _parameters(node) == []
        and not read[node.name]
    ]
    tree.body += ast.parse("\n".join(f"{name}()" for name in uncalled)).body
    return tree


def inlined(tree: ast.Module) -> ast.Module:
    """The same, with the statements of a function in place of its only call; or `Unreadable`."""
    return ast.Module(body=list(_statements(tree)), type_ignores=[])


def free_names(test: str) -> tuple[str, ...]:
    r"""The names that a test uses and neither defines nor finds among the builtins, sorted.

    >>> free_names("import math\ndef near(a): return a < f(math.pi)\nassert near(g(3))")
    ('f', 'g')
    """
    top = symtable.symtable(test, "<test>", "exec")
    defined = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {
        symbol.get_name()
        for table in _tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is top or symbol.is_global())
    }
    return tuple(sorted(used - defined - set(dir(builtins))))


def loads(tree: ast.AST) -> Counter[str]:
    """How often each name is read."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return Counter(name.id for name in names if isinstance(name.ctx, ast.Load))


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    read, functions = loads(tree), dict[str, ast.FunctionDef]()
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            if read[statement.name] != 1:
                raise Unreadable
            functions[statement.name] = statement
            continue
        match statement:
            case ast.Expr(ast.Call(ast.Name(name), args, [])) if name in functions:
                yield from _body(functions.pop(name), args)
            case _:
                yield statement
    if functions:
        raise Unreadable


def _body(function: ast.FunctionDef, args: Sequence[ast.expr]) -> list[ast.stmt]:
    """What a function does, given names for its parameters."""
    parameters = _parameters(function)
    given = [arg.id for arg in args if isinstance(arg, ast.Name)]
    if function.decorator_list or parameters is None:
        raise Unreadable
    if not len(parameters) == len(args) == len(given):
        raise Unreadable
    renamed = dict(zip(parameters, given, strict=True))
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    for name in {node.id for node in names if isinstance(node.ctx, ast.Store)}:
        if name in renamed:
            raise Unreadable
        renamed[name] = f"{name} of {function.name}"  # which no name outside of it can be
    for node in names:
        node.id = renamed.get(node.id, node.id)
    return function.body


def _parameters(function: ast.FunctionDef) -> list[str] | None:
    """Their names; None where a call may leave some out or give more than these."""
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults:
        return None
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)

"""A test in Python, read as calls of the program that it tests and what must hold of their values.

`assert f(2) == [4]` is the call `f(2)` and, apart from it, `== [4]`. The calls are made in a
sandbox; what must hold is worked out here, by Python's own operators on plain data. So nothing that
is expected ever enters the sandbox, and no object of the program's own making ever leaves it.

Read are asserts, bare calls, and assignments of what can be read, over: literals, comparisons,
`and`, `or`, `not`, arithmetic, subscripts, and the builtins in `FUNCTIONS`. Functions that hold the
tests are read as if their bodies stood in place of the call (`testtree`). Whatever else a test
holds is left to `Program.test`, which runs it in a sandbox of its own.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archsearch.code.operators import (
    BINARY,
    COMPARE,
    CONSTANTS,
    FUNCTIONS,
    MATH,
    TYPES,
    UNARY,
    Unreadable,
)
from archsearch.code.testtree import inlined, loads
from archsearch.program import Call, Plain, Reply


class Unanswered(Exception):
    """What must hold hangs on a call that is not answered."""


class Raised(Exception):
    """What must hold hangs on a call that raised, or whose value did not arrive."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.error)


@dataclass(slots=True)
class _State:
    """What is known while a test is worked out."""

    replies: Sequence[Reply | None]
    names: dict[str, Plain] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list)
    """The calls that the statement at hand has looked at."""


_Value = Callable[[_State], Plain]
_Step = Callable[[_State], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A test that was read."""

    calls: tuple[Call, ...]
    """In the order in which Python would make them."""
    steps: tuple[_Step, ...]

    def hold(self, replies: Sequence[Reply | None]) -> None:
        """Returns where the test passes, given a reply or None for each call.

        Raises what Python would: `AssertionError`, or `TypeError` and the like where values do not
        fit an operator; `Raised` for what a call raised, `Unanswered` where a reply is needed and
        missing, `Unreadable` where it is too much work to be done here.
        """
        state = _State(replies)
        for step in self.steps:
            state.seen.clear()
            step(state)


def read(tree: ast.Module, *, own: frozenset[str] = frozenset()) -> Reading:
    """The calls and conditions of a test, or `Unreadable`.

    `own` are names that the program defines, which stand before builtins of the same name.
    """
    try:
        flat = inlined(tree)
        reader = _Reader(own, loads(flat))
        steps = tuple(reader.step(statement) for statement in flat.body)
    except RecursionError:
        raise Unreadable from None
    return Reading(calls=tuple(reader.calls), steps=steps)


class _Reader:
    """Reads statements one after another, and numbers the calls of the program on the way."""

    def __init__(self, own: frozenset[str], loads: Mapping[str, int]) -> None:
        self.calls: list[Call] = []
        self._own, self._loads = own, loads
        self._assigned: set[str] = set()
        self._imported: set[str] = set()
        self._constants: dict[str, Plain] = {}
        """What assigned names stand for, where no call decides it."""

    def step(self, statement: ast.stmt) -> _Step:
        match statement:
            case ast.Assert(test):
                return self._assertion(statement, self.value(test))
            case ast.Assign([ast.Name(name)], given) | ast.AnnAssign(ast.Name(name), _, given) if (
                given is not None
            ):
                return self._assignment(name, given)
            case ast.Import([ast.alias("math", None)]):
                self._imported.add("math")
            case ast.Expr(ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(ast.Name(name)) if hasattr(builtins, name):  # as a lone `print`
                pass
            case ast.Expr(ast.Call() as call):
                value = self.value(call)
                return lambda state: _discard(value(state))
            case _:
                raise Unreadable
        return lambda state: None

    def _assertion(self, statement: ast.stmt, condition: _Value) -> _Step:
        text = ast.unparse(statement)

        def check(state: _State) -> None:
            if not condition(state):
                gave = ", ".join(self._told(index, state) for index in state.seen)
                raise AssertionError(_cut(text) + (f", where {gave}" if gave else ""))

        return check

    def _told(self, index: int, state: _State) -> str:
        reply = state.replies[index]
        return f"{self.calls[index].function} gave {_shown(reply.value if reply else None)}"

    def _assignment(self, name: str, node: ast.expr) -> _Step:
        value = self.value(node)
        constant = self._constant(value)
        # What is read more than once must not be changed by the first reader, and must not be put
        # together anew each time: a = b, b; b = c, c; ... would make a row of 2 ** 100 items.
        if self._loads[name] > 1 and not (_is_flat(constant) or self._is_asked(node)):
            raise Unreadable
        if constant is _VARIABLE:
            self._constants.pop(name, None)
        else:
            self._constants[name] = constant
        self._assigned.add(name)
        return lambda state: state.names.__setitem__(name, value(state))

    def _is_asked(self, node: ast.expr) -> bool:
        """Whether an expression is one call of the program, and no more."""
        return isinstance(node, ast.Call) and self._known(_dotted(node.func)) is None

    def _constant(self, value: _Value) -> Plain:
        """What `value` is whatever the calls give; `_VARIABLE` where it hangs on them."""
        try:
            return value(_State((), dict(self._constants)))
        except KeyError:
            return _VARIABLE
        except Exception:  # noqa: BLE001 - Python would raise it too, in the middle of the test
            raise Unreadable from None

    def value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Constant(constant) if constant is not ...:
                return lambda state: constant
            case ast.Name(name):
                return self._name(name)
            case ast.List(items) | ast.Tuple(items) | ast.Set(items):
                return self._row(_ROWS[type(node)], items)
            case ast.Dict(keys, items):
                return self._dict(keys, items)
            case ast.Subscript(inner, ast.Slice() as cut):
                return self._slice(inner, cut)
            case ast.Subscript(inner, index):
                row, place = self.value(inner), self.value(index)
                return lambda state: row(state)[place(state)]
            case ast.Call(function, args, keywords):
                return self._call(_dotted(function), args, keywords)
            case ast.Attribute() if self._outside(_dotted(node)) and _dotted(node) in CONSTANTS:
                number = CONSTANTS[_dotted(node)]
                return lambda state: number
            case _:
                return self._operation(node)

    def _operation(self, node: ast.expr) -> _Value:
        match node:
            case ast.UnaryOp(op, operand) if type(op) in UNARY:
                unary, inner = UNARY[type(op)], self.value(operand)
                return lambda state: unary(inner(state))
            case ast.BinOp(left, op, right) if type(op) in BINARY:
                binary, one, other = BINARY[type(op)], self.value(left), self.value(right)
                return lambda state: binary(one(state), other(state))
            case ast.BoolOp(op, values):
                return self._junction(isinstance(op, ast.And), values)
            case ast.Compare(left, ops, comparators):
                return self._comparison(left, ops, comparators)
        raise Unreadable

    def _name(self, name: str) -> _Value:
        if name in self._assigned:
            return lambda state: state.names[name]
        if name in TYPES and name not in self._own:
            kind = TYPES[name]
            return lambda state: kind
        raise Unreadable

    def _row(self, kind: Callable[[Any], Plain], nodes: Sequence[ast.expr]) -> _Value:
        items = [self.value(node) for node in nodes]
        return lambda state: kind([item(state) for item in items])

    def _dict(self, keys: Sequence[ast.expr | None], items: Sequence[ast.expr]) -> _Value:
        pairs = [
            (self.value(key), self.value(item))
            for key, item in zip(keys, items, strict=True)
            if key is not None
        ]
        if len(pairs) < len(keys):
            raise Unreadable
        return lambda state: {key(state): item(state) for key, item in pairs}

    def _junction(self, conjunction: bool, nodes: Sequence[ast.expr]) -> _Value:
        values = [self.value(node) for node in nodes]

        def evaluate(state: _State) -> Plain:
            result = None
            for value in values:
                result = value(state)
                if bool(result) is not conjunction:
                    break
            return result

        return evaluate

    def _comparison(
        self, left: ast.expr, ops: Sequence[ast.cmpop], nodes: Sequence[ast.expr]
    ) -> _Value:
        identities = [one for op, one in zip(ops, nodes, strict=True) if type(op) in _IDENTITY]
        if not all(_is_singleton(one) for one in identities):
            raise Unreadable
        compares = [COMPARE[type(op)] for op in ops]
        first, *others = [self.value(node) for node in (left, *nodes)]

        def evaluate(state: _State) -> Plain:
            one, result = first(state), True
            for compare, value in zip(compares, others, strict=True):
                other = value(state)
                if not (result := compare(one, other)):
                    break
                one = other
            return result

        return evaluate

    def _slice(self, node: ast.expr, cut: ast.Slice) -> _Value:
        row = self.value(node)
        lower, upper, step = (
            None if bound is None else self.value(bound)
            for bound in (cut.lower, cut.upper, cut.step)
        )

        def evaluate(state: _State) -> Plain:
            bounds = [bound and bound(state) for bound in (lower, upper, step)]
            return row(state)[slice(*bounds)]

        return evaluate

    def _call(
        self, name: str, nodes: Sequence[ast.expr], keywords: Sequence[ast.keyword]
    ) -> _Value:
        known = self._known(name)
        args = [self.value(node) for node in nodes]
        options = {one.arg: self.value(one.value) for one in keywords if one.arg}
        if len(options) < len(keywords):
            raise Unreadable
        if known is not None:
            return lambda state: known(
                *[arg(state) for arg in args],
                **{option: value(state) for option, value in options.items()},
            )
        root = name.partition(".")[0]
        if root in self._assigned | self._imported:  # a method of a value, or a function of `math`
            raise Unreadable
        if hasattr(builtins, name) and name not in self._own:
            raise Unreadable
        return self._asked(name, args, options)

    def _known(self, name: str) -> Callable[..., Plain] | None:
        """The function that is called here, where `name` is one of these."""
        return (FUNCTIONS.get(name) or MATH.get(name)) if self._outside(name) else None

    def _asked(self, name: str, args: Sequence[_Value], options: Mapping[str, _Value]) -> _Value:
        """The value of a call of the program, whose arguments are known beforehand."""
        call = Call(
            function=name,
            args=tuple(self._argument(arg) for arg in args),
            kwargs={option: self._argument(value) for option, value in options.items()},
        )
        index = len(self.calls)
        self.calls.append(call)

        def evaluate(state: _State) -> Plain:
            if not state.replies:
                raise KeyError(index)
            reply = state.replies[index]
            if reply is None:
                raise Unanswered
            if reply.status != "ok":
                raise Raised(reply)
            state.seen.append(index)
            return reply.value

        return evaluate

    def _argument(self, value: _Value) -> Plain:
        constant = self._constant(value)
        if constant is _VARIABLE or not _is_plain(constant):
            raise Unreadable
        return constant

    def _outside(self, name: str) -> bool:
        """Whether a dotted name is known here, and not something of the program or the test."""
        root = name.partition(".")[0]
        if root in self._own or root in self._assigned:
            return False
        return "." not in name or root in self._imported


_VARIABLE = object()
_IDENTITY = (ast.Is, ast.IsNot)
_ROWS: Mapping[type[ast.expr], Callable[[Any], Plain]] = {
    ast.List: list,
    ast.Tuple: tuple,
    ast.Set: set,
}


def _discard(value: Plain) -> None:
    """A bare call counts by what it raises."""


def _dotted(node: ast.expr) -> str:
    """`a.b` for the expression; `Unreadable` for what is no dotted name."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(inner, name):
            return f"{_dotted(inner)}.{name}"
    raise Unreadable


def _is_singleton(node: ast.expr) -> bool:
    """Whether identity with it is the same here as there."""
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, bool)
    return isinstance(node, ast.Name) and node.id in TYPES


def _is_flat(value: Plain) -> bool:
    """Whether it cannot change and holds nothing that holds anything."""
    if isinstance(value, tuple | frozenset):
        return not any(isinstance(item, tuple | frozenset | list | set | dict) for item in value)
    return value is not _VARIABLE and not isinstance(value, list | set | dict)


def _is_plain(value: Plain) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return value is None or type(value) in TYPES.values()


def _shown(value: Plain) -> str:
    try:
        return _cut(repr(value))
    except (ValueError, RecursionError):  # an integer of too many digits, a row in rows too deep
        return f"a {type(value).__name__}"


def _cut(text: str, length: int = 200) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"

"""What may be worked out on plain data outside of a sandbox: quick whatever the data are.

A program chooses its values, and could choose such that `x ** y` or `set(x)` would take for ever.
Where that may be, or where it is no work for here, `Unreadable` is raised.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

MOST_ITEMS = 100_000
"""Items of the longest row that is made here, and bits of the longest product."""
MOST_HASHED = 10_000
"""Items that are put into a set here: a program can choose them so that all collide."""


class Unreadable(Exception):
    """Nothing that is worked out here: Python itself has to run it, in a sandbox."""


def _hashed(kind: type[set[Any] | frozenset[Any]]) -> Callable[[Any], Any]:
    def make(items: Any = ()) -> Any:
        if len(items) > MOST_HASHED:
            raise Unreadable
        return kind(items)

    return make


def _range(*bounds: Any) -> range:
    made = range(*bounds)
    if len(made) > MOST_ITEMS:
        raise Unreadable
    return made


def _rounded(number: Any, places: int | None = None) -> Any:
    if places is not None:
        _bounded(100 * abs(places))
    return round(number, places)


def _sum(items: Any, start: Any = 0) -> Any:
    for item in items:
        start = _added(start, item)
    return start


def _added(one: Any, other: Any) -> Any:
    if not (_is_number(one) and _is_number(other)):
        _short(one, other)
    return one + other


def _multiplied(one: Any, other: Any) -> Any:
    for row, times in ((one, other), (other, one)):
        if isinstance(times, int) and not _is_number(row):
            _bounded(_size(row) * times)
    _small(one, other)
    return one * other


def _size(row: Any) -> int:
    """Items in a row and in the rows that it holds, all of them; counted up to `MOST_ITEMS`."""
    size, rows = 0, [row]
    while rows and size <= MOST_ITEMS:
        one = rows.pop()
        size += len(one)
        if isinstance(one, list | tuple):
            rows += [item for item in one if isinstance(item, list | tuple | str | bytes)]
    return size


def _power(one: Any, other: Any) -> Any:
    _small(one, other)
    if isinstance(one, int) and isinstance(other, int):
        _bounded(one.bit_length() * abs(other))
    return one**other


def _divided(how: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def divide(one: Any, other: Any) -> Any:
        if isinstance(one, str | bytes):  # a format may be of any width
            raise Unreadable
        _small(one, other)
        return how(one, other)

    return divide


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex)


def _short(*rows: Any) -> None:
    _bounded(sum(len(row) for row in rows if hasattr(row, "__len__")))


def _small(*numbers: Any) -> None:
    _bounded(sum(number.bit_length() for number in numbers if isinstance(number, int)))


def _bounded(size: int) -> None:
    if size > MOST_ITEMS:
        raise Unreadable


BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Add: _added,
        ast.Sub: operator.sub,
        ast.Mult: _multiplied,
        ast.Div: _divided(operator.truediv),
        ast.FloorDiv: _divided(operator.floordiv),
        ast.Mod: _divided(operator.mod),
        ast.Pow: _power,
    }
)
UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = MappingProxyType(
    {ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos}
)
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.In: lambda one, other: one in other,
        ast.NotIn: lambda one, other: one not in other,
        ast.Is: operator.is_,
        ast.IsNot: operator.is_not,
    }
)

TYPES: Mapping[str, type] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict)
    }
)
"""Types of plain data."""
_UNBOUNDED = (abs, all, any, bool, float, int, isinstance, len, list, max, min, sorted, str, tuple)
FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{function.__name__: function for function in _UNBOUNDED},
        "range": _range,
        "round": _rounded,
        "set": _hashed(set),
        "frozenset": _hashed(frozenset),
        "sum": _sum,
        "type": lambda value: type(value),
    }
)
"""Builtins that a test may call without a call of the program."""
MATH: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        f"math.{name}": getattr(math, name)
        for name in ("isclose", "fabs", "isnan", "isinf", "isfinite", "sqrt", "floor", "ceil")
    }
)
CONSTANTS: Mapping[str, float] = MappingProxyType(
    {f"math.{name}": getattr(math, name) for name in ("pi", "e", "inf", "nan", "tau")}
)

"""Plain data as bytes: the only form in which anything enters or leaves a sandbox.

A value is one byte that names its type, then its content; lengths and counts are four bytes, big
end first. Decoding builds exact plain types and nothing else, whatever the bytes say. This file
stands alone: a copy of it runs inside each sandbox.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would take longer to import than all else that runs inside
    from collections.abc import Callable, Iterable
    from typing import Any

MAX_DEPTH = 200
"""Containers inside one another."""
MAX_EQUAL_HASHES = 64
"""Members of one set or dict whose hash another member has too. More are an attack: they make its
making quadratic in their number."""

_LENGTH = struct.Struct(">I")
_FLOAT = struct.Struct(">d")
_COMPLEX = struct.Struct(">dd")
_REAL: Any = complex.__dict__["real"]
_IMAG: Any = complex.__dict__["imag"]


class NotPlain(ValueError):
    """A value that is no plain data, or too large or too deep; or bytes that are no such value."""


def encode(value: Any, limit: int) -> bytes:
    """`value` in at most `limit` bytes, subclasses of plain types as these types. Raises
    `NotPlain`."""
    encoder = _Encoder(limit)
    encoder.put(value, 0)
    return bytes(encoder.made)


def decode(data: bytes) -> Any:
    """The value that `data` is, all of it. Raises `NotPlain` for bytes that are none."""
    decoder = _Decoder(data)
    value = decoder.take(0)
    if decoder.place != len(data):
        raise NotPlain("there are bytes after the value")
    return value


class _Encoder:
    """Appends to `made`. Calls the plain types' own methods only, which a subclass may override."""

    def __init__(self, limit: int) -> None:
        self.made = bytearray()
        self.limit = limit

    def put(self, value: Any, depth: int) -> None:
        kind = type(value)
        if value is None:
            self.add(b"N")
            return
        if kind not in _PUT:
            kind = next((plain for plain in _PUT if issubclass(kind, plain)), kind)
        if kind not in _PUT:
            raise NotPlain(f"{type(value).__name__} is no plain data")
        if depth > MAX_DEPTH:
            raise NotPlain(f"more than {MAX_DEPTH} containers inside one another")
        _PUT[kind](self, value, depth)

    def add(self, piece: bytes) -> None:
        self.made += piece
        if len(self.made) > self.limit:
            raise NotPlain(f"more than {self.limit} bytes of values")

    def sized(self, tag: bytes, content: bytes) -> None:
        self.add(tag + _LENGTH.pack(len(content)))
        self.add(content)

    def members(self, tag: bytes, items: Iterable[Any], depth: int) -> None:
        """Sorted, as the order of a set hangs on the process: equal sets have equal bytes."""
        encoded = []
        for item in items:
            apart = _Encoder(self.limit - len(self.made))
            apart.put(item, depth + 1)
            encoded.append(bytes(apart.made))
        self.add(tag + _LENGTH.pack(len(encoded)))
        for member in sorted(encoded):
            self.add(member)

    def items(self, tag: bytes, size: int, items: Iterable[Any], depth: int) -> None:
        self.add(tag + _LENGTH.pack(size))
        for item in items:
            self.put(item, depth + 1)


def _put_bool(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.add(b"T" if value else b"F")


def _put_int(encoder: _Encoder, value: Any, depth: int) -> None:
    size = int.bit_length(value) // 8 + 1
    if size > encoder.limit:
        raise NotPlain(f"more than {encoder.limit} bytes of values")
    encoder.sized(b"i", int.to_bytes(value, size, "big", signed=True))


def _put_float(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.add(b"f" + _FLOAT.pack(value))


def _put_complex(encoder: _Encoder, value: Any, depth: int) -> None:
    parts = (_REAL.__get__(value), _IMAG.__get__(value))
    encoder.add(b"c" + _COMPLEX.pack(*parts))


def _put_str(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.sized(b"s", str.encode(value, "utf-8", "surrogatepass"))


def _put_bytes(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.sized(b"b", bytes.__getitem__(value, slice(None)))


def _put_list(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.items(b"l", list.__len__(value), list.__iter__(value), depth)


def _put_tuple(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.items(b"t", tuple.__len__(value), tuple.__iter__(value), depth)


def _put_set(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.members(b"S", set.__iter__(value), depth)


def _put_frozenset(encoder: _Encoder, value: Any, depth: int) -> None:
    encoder.members(b"Z", frozenset.__iter__(value), depth)


def _put_dict(encoder: _Encoder, value: Any, depth: int) -> None:
    halves = (half for pair in dict.items(value) for half in pair)
    encoder.items(b"d", dict.__len__(value), halves, depth)


_PUT: dict[type, Callable[[_Encoder, Any, int], None]] = {
    bool: _put_bool,
    int: _put_int,
    float: _put_float,
    complex: _put_complex,
    str: _put_str,
    bytes: _put_bytes,
    list: _put_list,
    tuple: _put_tuple,
    set: _put_set,
    frozenset: _put_frozenset,
    dict: _put_dict,
}


class _Decoder:
    """Takes values from `data`, from `place` on."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, depth: int) -> Any:
        if depth > MAX_DEPTH + 1:
            raise NotPlain(f"more than {MAX_DEPTH} containers inside one another")
        tag = self.some(1)
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag in _LEAVES:
            return _LEAVES[tag](self)
        if tag not in b"ltSZd":
            raise NotPlain(f"no type is named {tag!r}")
        size = self.length() * (2 if tag == b"d" else 1)
        if size > len(self.data) - self.place:
            raise NotPlain("there are fewer bytes than the value needs")
        return _container(tag, [self.take(depth + 1) for _ in range(size)])

    def some(self, size: int) -> bytes:
        piece = self.data[self.place : self.place + size]
        if len(piece) < size:
            raise NotPlain("there are fewer bytes than the value needs")
        self.place += size
        return piece

    def length(self) -> int:
        return int(_LENGTH.unpack(self.some(4))[0])

    def sized(self) -> bytes:
        return self.some(self.length())

    def text(self) -> str:
        try:
            return self.sized().decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise NotPlain("a text is no UTF-8") from error


_CONSTANTS = {b"N": None, b"T": True, b"F": False}
_LEAVES: dict[bytes, Callable[[_Decoder], Any]] = {
    b"i": lambda decoder: int.from_bytes(decoder.sized(), "big", signed=True),
    b"f": lambda decoder: _FLOAT.unpack(decoder.some(8))[0],
    b"c": lambda decoder: complex(*_COMPLEX.unpack(decoder.some(16))),
    b"s": _Decoder.text,
    b"b": _Decoder.sized,
}


def _container(tag: bytes, items: list[Any]) -> Any:
    if tag == b"l":
        return items
    if tag == b"t":
        return tuple(items)
    keys = items[::2] if tag == b"d" else items
    _refuse_equal_hashes(keys)
    if tag == b"d":
        return dict(zip(keys, items[1::2], strict=True))
    return set(keys) if tag == b"S" else frozenset(keys)


def _refuse_equal_hashes(keys: list[Any]) -> None:
    try:
        equal = len(keys) - len(set(map(hash, keys)))
    except TypeError as error:
        raise NotPlain("a member of a set or a key of a dict cannot be hashed") from error
    if equal > MAX_EQUAL_HASHES:
        raise NotPlain(f"more than {MAX_EQUAL_HASHES} members of a set or dict have equal hashes")

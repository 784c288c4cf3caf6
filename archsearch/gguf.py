"""The header of a GGUF file: its metadata and the shapes of its tensors, never its weights.

One walk over the memory-mapped file that steps over arrays: a vocabulary is nearly all of a header,
and reading it token by token is what makes `gguf.GGUFReader` take seconds (2.9 s for 49 thousand
tokens, where this takes hundredths). Format, versions 2 and 3:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from archsearch.errors import ConfigError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MAX_DIMS = 4
"""GGML_MAX_DIMS: the loader itself refuses more."""

_U32, _U64 = Struct("<I"), Struct("<Q")
_BOOL, _STRING, _ARRAY = 7, 8, 9
_NUMBERS = {
    0: Struct("<B"),
    1: Struct("<b"),
    2: Struct("<H"),
    3: Struct("<h"),
    4: _U32,
    5: Struct("<i"),
    6: Struct("<f"),
    _BOOL: Struct("<?"),
    10: _U64,
    11: Struct("<q"),
    12: Struct("<d"),
}
"""Value types of a fixed size, by their number in the file."""

# The least that one entry takes. A count that the rest of the file cannot hold is refused before
# anything is read for it, so a damaged count costs no time and no memory.
_LEAST_ENTRY = _U64.size + _U32.size + 1
_LEAST_TENSOR = _U64.size + 2 * _U32.size + _U64.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """A metadata array, of which only the outline is read."""

    kind: int
    """Value type of its items, as numbered in the file."""
    length: int
    """Items."""


Value = bool | int | float | str | Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """What the header says of one tensor."""

    name: str
    dims: tuple[int, ...]
    """Fastest first, as ggml has them: a matrix is (inputs, outputs)."""
    kind: int
    """The ggml type (0 is F32, 1 is F16, 3 is Q4_1, ...)."""

    @property
    def n_elements(self) -> int:
        """Weights in it, whatever their quantisation."""
        return math.prod(self.dims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """All that stands before the weights."""

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    """In file order."""


def read_header(path: str | os.PathLike[str]) -> Header:
    """The header of the GGUF file at `path`.

    Raises:
        ConfigError: there is no such file, it is not GGUF of version 2 or 3, or it ends or turns
            senseless before its header does.

    """
    file = Path(path)
    if not file.is_file():  # before opening: a pipe would wait for ever
        raise ConfigError(f"a GGUF model must be a file; received {file}; correct the path")
    if file.stat().st_size == 0:  # which mmap refuses
        raise _broken(file, "the file is empty")
    try:
        with file.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Walk(data, file).header()
    except OSError as error:
        raise ConfigError(
            f"a GGUF model must be readable; received {file} ({error.strerror}); "
            "correct the path or its permissions"
        ) from error


class _Walk:
    """A position in a GGUF file, and how to go on from it."""

    def __init__(self, data: mmap.mmap, file: Path) -> None:
        self._data, self._file = data, file
        self._size = len(data)
        self._at = 0

    def header(self) -> Header:
        magic = self._data[: len(_MAGIC)]
        if magic != _MAGIC:
            raise ConfigError(
                f"a GGUF file starts with {_MAGIC!r}; {self._file} starts with {magic!r}; "
                "convert the model with llama.cpp's convert_hf_to_gguf.py, or correct the path"
            )
        self._at = len(_MAGIC)
        version = self._count(_U32)
        if version not in _VERSIONS:
            raise ConfigError(
                f"GGUF must be version 2 or 3, little-endian; {self._file} says {version}; "
                "convert the model again with a current llama.cpp"
            )
        n_tensors, n_entries = self._count(_U64), self._count(_U64)
        self._require(n_entries, _LEAST_ENTRY)
        metadata = dict(self._entry() for _ in range(n_entries))
        self._require(n_tensors, _LEAST_TENSOR)
        tensors = tuple(self._tensor() for _ in range(n_tensors))
        return Header(version=version, metadata=metadata, tensors=tensors)

    def _entry(self) -> tuple[str, Value]:
        return self._string(), self._value(self._count(_U32))

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        value: bool | int | float = self._number(self._format(kind))
        return value

    def _tensor(self) -> Tensor:
        name = self._string()
        n_dims = self._count(_U32)
        if n_dims > _MAX_DIMS:
            raise _broken(self._file, f"tensor {name!r} has {n_dims} dimensions")
        dims = tuple(self._count(_U64) for _ in range(n_dims))
        kind = self._count(_U32)
        self._step(_U64.size)  # where its weights start
        return Tensor(name=name, dims=dims, kind=kind)

    def _array(self) -> Array:
        kind, length = self._count(_U32), self._count(_U64)
        if kind == _STRING:
            self._step_over_strings(length)
        else:  # an array of arrays falls out here: llama.cpp refuses those too
            self._step(length * self._format(kind).size)
        return Array(kind=kind, length=length)

    def _step_over_strings(self, length: int) -> None:
        # The one hot loop, a turn per token of the vocabulary: no calls to methods of our own.
        self._require(length, _U64.size)
        data, unpack, prefix = self._data, _U64.unpack_from, _U64.size
        at, last = self._at, self._size - prefix
        for _ in range(length):
            if at > last:
                raise self._truncated()
            at += prefix + unpack(data, at)[0]
        self._at = at
        self._step(0)

    def _string(self) -> str:
        length = self._count(_U64)
        start = self._at
        self._step(length)
        # A bad byte in some author's description must not hide the shape of a model.
        return self._data[start : self._at].decode(errors="replace")

    def _format(self, kind: int) -> Struct:
        if kind not in _NUMBERS:
            raise _broken(self._file, f"there is no value type {kind}")
        return _NUMBERS[kind]

    def _count(self, form: Struct) -> int:
        return int(self._number(form))

    def _number(self, form: Struct) -> bool | int | float:
        start = self._at
        self._step(form.size)
        value: bool | int | float = form.unpack_from(self._data, start)[0]
        return value

    def _step(self, size: int) -> None:
        self._require(size, 1)
        self._at += size

    def _require(self, count: int, size: int) -> None:
        """Refuses what the rest of the file cannot hold: `count` things of `size` bytes."""
        if self._at + count * size > self._size:
            raise self._truncated()

    def _truncated(self) -> ConfigError:
        return _broken(self._file, f"it ends at byte {self._size}, inside its header")


def _broken(file: Path, what: str) -> ConfigError:
    return ConfigError(
        f"a GGUF header must be whole; in {file} {what}; download or convert the model again"
    )

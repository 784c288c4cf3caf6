"""Plain data comes back exactly as it was, and no bytes build anything else."""

import math
import struct
from collections import OrderedDict, defaultdict, namedtuple
from contextlib import suppress
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.sandbox import plain

ROOM = 1 << 22
EXACT = {type(None), bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict}

texts = st.text(st.characters(exclude_categories=()), max_size=8)  # surrogates among them
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(1 << 4000), max_value=1 << 4000),
    st.floats(width=64),
    st.complex_numbers(),
    texts,
    st.binary(max_size=8),
)
keys = st.recursive(
    leaves, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=20,
)


def form(value):
    """What tells two values apart where `==` does not: types, signs of zeros, kinds of NaN."""
    kind = type(value).__name__
    if isinstance(value, float):
        return kind, struct.pack(">d", value)
    if isinstance(value, complex):
        return kind, struct.pack(">dd", value.real, value.imag)
    if isinstance(value, dict):
        return kind, [(form(key), form(one)) for key, one in value.items()]
    if isinstance(value, set | frozenset):
        return kind, sorted(map(repr, map(form, value)))
    if isinstance(value, list | tuple):
        return kind, [form(one) for one in value]
    return kind, value


@given(values)
def test_what_is_encoded_is_decoded_exactly(value):
    assert form(plain.decode(plain.encode(value, ROOM))) == form(value)


def is_plain(value):
    if isinstance(value, dict):
        return type(value) is dict and all(map(is_plain, [*value, *value.values()]))
    if isinstance(value, list | tuple | set | frozenset):
        return type(value) in EXACT and all(map(is_plain, value))
    return type(value) in EXACT


pieces = st.sampled_from([b"N", b"T", b"i\0\0\0\1", b"l\0\0\0\1", b"d\0\0\0\1", b"S\0\0\0\2"])


@given(st.binary(max_size=60) | st.lists(pieces | st.binary(max_size=3)).map(b"".join))
def test_any_bytes_are_plain_data_or_refused(data):
    with suppress(plain.NotPlain):
        assert is_plain(plain.decode(data))


@given(values, st.data())
def test_bytes_that_were_cut_or_changed_are_plain_data_or_refused(value, data):
    encoded = bytearray(plain.encode(value, ROOM))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] = data.draw(st.integers(0, 255))
    for changed in (bytes(encoded), bytes(encoded[:place])):
        with suppress(plain.NotPlain):
            assert is_plain(plain.decode(changed))


class Liar(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__

    def __index__(self):
        return 5

    to_bytes = bit_length = None


class Endless(list):
    def __iter__(self):
        while True:
            yield 0

    def __len__(self):
        return 0


Point = namedtuple("Point", "x y")
Colour = IntEnum("Colour", ["RED"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Liar(3), 3),
        (Endless([1]), [1]),
        (Point(1, 2), (1, 2)),
        (Colour.RED, 1),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
    ],
)
def test_a_subclass_arrives_as_the_plain_type_that_it_is(value, expected):
    found = plain.decode(plain.encode(value, ROOM))
    assert type(found) is type(expected)
    assert found == expected


@pytest.mark.parametrize("value", [object(), len, range(3), bytearray(b"x"), {1: [iter(())]}])
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(plain.NotPlain, match="is no plain data"):
        plain.encode(value, ROOM)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def test_depth_has_a_limit_on_both_sides():
    assert plain.decode(plain.encode(nested(plain.MAX_DEPTH), ROOM)) == nested(plain.MAX_DEPTH)
    with pytest.raises(plain.NotPlain, match="inside one another"):
        plain.encode(nested(plain.MAX_DEPTH + 1), ROOM)
    with pytest.raises(plain.NotPlain, match="inside one another"):
        plain.decode(b"l\0\0\0\1" * 100_000 + b"N")


def test_size_has_a_limit_also_where_a_value_is_shared():
    value = [0]
    for _ in range(60):
        value = [value, value]
    for large in (value, 1 << (9 * ROOM), "x" * ROOM, b"x" * ROOM):
        with pytest.raises(plain.NotPlain, match="bytes of values"):
            plain.encode(large, ROOM)
    assert len(plain.encode("x" * 95, 100)) == 100
    with pytest.raises(plain.NotPlain, match="100 bytes"):
        plain.encode("x" * 96, 100)


def test_members_with_one_hash_are_refused():
    prime = (1 << 61) - 1
    same = [n * prime for n in range(1, plain.MAX_EQUAL_HASHES + 3)]
    assert plain.decode(plain.encode(set(same[:-1]), ROOM)) == set(same[:-1])
    for value in (set(same), frozenset(same), dict.fromkeys(same)):
        with pytest.raises(plain.NotPlain, match="equal hashes"):
            plain.decode(plain.encode(value, ROOM))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "fewer bytes"),
        (b"NN", "bytes after the value"),
        (b"x", "no type is named"),
        (b"l\xff\xff\xff\xff", "fewer bytes"),
        (b"s\0\0\0\1\xff", "no UTF-8"),
        (b"S\0\0\0\1l\0\0\0\0", "cannot be hashed"),
        (b"d\0\0\0\1d\0\0\0\0N", "cannot be hashed"),
    ],
)
def test_malformed_bytes_are_refused_with_their_reason(data, message):
    with pytest.raises(plain.NotPlain, match=message):
        plain.decode(data)


def test_nan_is_nan():
    (found,) = plain.decode(plain.encode({math.nan}, ROOM))
    assert math.isnan(found)

"""Seeds and digests are derived from identity, never from order or time."""

from __future__ import annotations

import hashlib
import json
from typing import Any

SEED_BITS = 31
"""Every back-end takes a non-negative 32-bit signed seed."""


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value: sorted keys, no spaces, no NaN.

    >>> canonical_json({"b": 1, "a": [1.5, None]})
    '{"a":[1.5,null],"b":1}'
    """
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """Hex SHA-256 (64 characters) of a JSON value's canonical spelling.

    Lone surrogates, which JSON escapes, are kept apart from one another.
    """
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def seed_of(value: Any) -> int:
    """A seed in [0, 2**31) that depends on `value` alone."""
    return seed_from(digest(value))


def seed_from(hexadecimal: str) -> int:
    """A seed in [0, 2**31) from a digest."""
    return int(hexadecimal[:16], 16) % (1 << SEED_BITS)

# With a future import, annotations and a docstring.
# task: primes
"""Primes."""

from __future__ import annotations


def primes(limit: int) -> list[int]:
    """All below `limit`."""
    return [n for n in range(2, limit) if is_prime(n)]


def is_prime(n: int) -> bool:
    """Whether nothing divides it."""
    return all(n % d for d in range(2, int(n**0.5) + 1))

"""A broken test does not rule, and a right one is not outvoted for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.code.agreement import broken_tests
from archsearch.code.verdicts import Verdict

SAID = {
    "+": Verdict("ok"),
    "3": Verdict("wrong", "f gave 3"),
    "4": Verdict("wrong", "f gave 4"),
    "x": Verdict("exception", "ValueError: no"),
    "t": Verdict("timeout", "5 s"),
    "m": Verdict("memory"),
}


def broken(*rows: str) -> tuple[int, ...]:
    return broken_tests([[SAID[letter] for letter in row] for row in rows])


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ((), ()),
        (("3",), ()),  # one program against one test
        (("3", "3"), (0,)),
        (("3", "4"), ()),  # they do not agree
        (("3", "3", "4"), (0,)),
        (("3", "3", "4", "4"), ()),  # half is not more than half
        (("x", "x", "3"), (0,)),
        (("t", "t", "t"), ()),
        (("m", "m", "3"), ()),
        (("+3", "+3", "4x"), (1,)),
        (("33", "33"), (0, 1)),
        # A program that passes everything vouches for all tests.
        (("++", "+3", "+3", "+3", "+3", "+3", "+3"), ()),
        # A small minority that does not: one in six, and not one in five.
        (("3+", "+3", "+3", "+3", "+3", "+3"), (1,)),
        (("3+", "+3", "+3", "+3", "+3"), ()),
    ],
)
def test_the_rule(rows: tuple[str, ...], found: tuple[int, ...]) -> None:
    assert broken(*rows) == found


ROWS = st.integers(0, 5).flatmap(
    lambda tests: st.lists(
        st.lists(st.sampled_from(list(SAID.values())), min_size=tests, max_size=tests), max_size=12
    )
)


@given(ROWS, st.randoms())
def test_it_hangs_on_who_agrees_and_not_on_the_order(
    rows: list[list[Verdict]], random: object
) -> None:
    found = broken_tests(rows)
    assert len(rows) > 1 or not found
    assert not any(all(verdict.passed for verdict in row) for row in rows) or not found
    for at in found:
        passing = sum(row[at].passed for row in rows)
        assert passing * 5 < len(rows)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert broken_tests(rows) == found

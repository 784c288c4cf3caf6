"""Which generated tests do not count, as the programs agree that they are wrong.

After the dual execution agreement of CodeT (Chen et al. 2022, "CodeT: Code Generation with
Generated Tests", arXiv 2207.10397, section 2.2): programs that agree vouch for one another, and
tests that they pass alike for them. CodeT weighs sets of programs by the tests they pass; here the
ranking stays one by passes, and only the tests that agreement speaks against are taken out of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archsearch.code.verdicts import Verdict

MINORITY = 5
"""A test may be set aside that fewer than one in so many programs pass."""


def broken_tests(rows: Sequence[Sequence[Verdict]]) -> tuple[int, ...]:
    """Places of the tests to be set aside, given for each distinct program a row with a verdict
    beside each test.

    A test is set aside where no program passes every test, fewer than one in `MINORITY` programs
    pass it, and more than half of the programs, two at the least, fail it alike: with one message,
    so with one and the same value where that is told, or with one and the same exception. That
    programs run out of time or memory alike says nothing. Of one program nothing is set aside.

    >>> good, bad = Verdict("ok"), Verdict("wrong", "f gave 3")
    >>> broken_tests([[good, bad], [good, bad], [Verdict("exception", "NameError"), bad]])
    (1,)
    """
    if any(all(verdict.passed for verdict in row) for row in rows):
        return ()
    return tuple(at for at, column in enumerate(zip(*rows, strict=True)) if _is_broken(column))


def _is_broken(column: Sequence[Verdict]) -> bool:
    passing = sum(verdict.passed for verdict in column)
    alike = Counter(verdict for verdict in column if verdict.status in ("wrong", "exception"))
    most = max(alike.values(), default=0)
    return passing * MINORITY < len(column) and most >= 2 and most * 2 > len(column)

"""Syntax trees of Python that a model wrote: read, never run.

Python's own parser may also raise `ValueError` (a NUL), `MemoryError` and `RecursionError` (too
deep a nest), and warns of backslashes; whoever reads what a model wrote wants to know whether it is
Python, and no more.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings

LONGEST = 4 << 20
"""Characters of the longest source that is read: tests of EvalPlus have more than one million."""

_BINDING = re.compile(
    r"""^(?:(?:async[ \t]+)?(?:def|class)[ \t]+(?P<defined>\w+)
        |(?P<assigned>\w+)[ \t]*(?:=(?!=)|:(?!\s*$)))""",
    re.MULTILINE | re.VERBOSE,
)
_FILTERS = threading.Lock()
"""Filters of warnings belong to the whole process: two threads that set them would mix them up."""


def parsed(source: str) -> ast.Module:
    """The tree of `source`. Raises `SyntaxError` and nothing else.

    >>> ast.unparse(parsed("x=1"))
    'x = 1'
    """
    if len(source) > LONGEST:
        raise SyntaxError(f"{len(source)} characters are too many; at most {LONGEST} are read")
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (ValueError, MemoryError, RecursionError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from None


def defines(source: str, name: str) -> bool:
    r"""Whether some line at the left margin of `source` defines or assigns `name`.

    By its letters alone, so it holds of what is no Python too.

    >>> defines("import re\nasync def f(x):", "f"), defines("def g():\n    f = 1", "f")
    (True, False)
    """
    return name in defined(source)


def defined(source: str) -> frozenset[str]:
    """The names that lines at the left margin define or assign."""
    return frozenset(match["defined"] or match["assigned"] for match in _BINDING.finditer(source))

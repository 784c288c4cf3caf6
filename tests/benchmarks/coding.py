"""What the tests of all code benchmarks share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from archsearch.benchmark import Item
from archsearch.program import Execute
from archsearch.testing.benchmark_contract import BenchmarkContract
from archsearch.testing.runners import SharedSandbox

FORGERIES = (
    "import os\nos._exit(0)",
    "import sys\nsys.exit(0)",
    "class Equal:\n    __eq__ = lambda self, other: True\n    __ne__ = lambda self, other: False\n"
    "def {name}(*args):\n    return Equal()",
    "class Always(int):\n    __eq__ = lambda self, other: True\n    __hash__ = int.__hash__\n"
    "def {name}(*args):\n    return Always(12345)",
    "print('passed')\ndef {name}(*args):\n    print('passed')\n    raise SystemExit(0)",
    "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.AssertionError = Warning\n"
    "def {name}(*args):\n    return 12345",
    "import sys\ndef {name}(*args):\n    frame = sys._getframe()\n    while frame:\n"
    "        for key in ('exp', 'expected', 'results'):\n"
    "            if key in frame.f_locals: return frame.f_locals[key]\n"
    "        frame = frame.f_back\n    return 12345",
)
"""Programs that fulfil nothing, and do what has fooled harnesses."""


class CodeBenchmarkContract(BenchmarkContract):
    """The contract of a benchmark, with a sandbox to run programs in."""

    hides: ClassVar[bool] = True
    """Whether some tests are not shown."""

    @pytest.fixture(autouse=True)
    def _sandbox(self, sandbox: SharedSandbox) -> None:
        self.sandbox = sandbox

    @asynccontextmanager
    async def execution(self) -> AsyncIterator[Execute]:
        yield self.sandbox.run

    def gold_reply(self, item: Item) -> str:
        return f"It is simple:\n\n```python\n{item.target.reference.canonical}\n```\n\nDone."

    def test_forgeries_score_0(self, benchmark, loaded) -> None:  # type: ignore[no-untyped-def]
        pairs = []
        for forgery in FORGERIES:
            for item in loaded[:3]:
                name = item.question.metadata.get("method") or item.target.reference.entry_point
                program = forgery.replace("{name}", name or "main")
                pairs.append((f"```python\n{program}\n```", item.target))
        for pair, score in zip(pairs, self.judged(benchmark, pairs), strict=True):
            assert score.value == 0.0, (pair, score)

    def test_what_decides_is_not_shown(self, loaded) -> None:  # type: ignore[no-untyped-def]
        for item in loaded:
            reference, asked = item.target.reference, repr(item.question)
            if reference.canonical:
                body = reference.canonical.strip().splitlines()[-1].strip()
                assert body not in asked
            assert not self.hides or repr(reference.tests) not in asked
            for case in reference.cases[1:]:
                assert repr((case.stdin, case.stdout)) not in asked

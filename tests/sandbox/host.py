"""The kinds of sandbox that this host gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import pytest

from archsearch.errors import SandboxUnavailable
from archsearch.sandbox import Sandbox, tiers

NAMES = [name for name, tier in tiers.TIERS.items() if tier.isolates]
"""Those that keep a program from anything, the best first."""


def as_parameters(quick: Collection[str]) -> list[Any]:
    """All of them as parameters of a test, which is slow for all but the `quick` ones."""
    return [
        pytest.param(name, id=name, marks=[] if name in quick else [pytest.mark.slow])
        for name in NAMES
    ]


TIERS = as_parameters(tiers.AUTOMATIC)
"""Those that are taken only when they are named are tested with the slow tests."""
BEST = as_parameters(tiers.AUTOMATIC[:1])
"""For what hangs little on the kind of sandbox."""


@asynccontextmanager
async def opened(tier: str, processes: int | None = None) -> AsyncIterator[Sandbox]:
    """A sandbox of that kind; a test on a host that cannot have it is skipped, with the reason."""
    try:
        opening = Sandbox.open(tier=tier, processes=processes)
        sandbox = await opening.__aenter__()
    except SandboxUnavailable as error:
        pytest.skip(f"no {tier} here: {error}")
    try:
        yield sandbox
    finally:
        await opening.__aexit__(None, None, None)

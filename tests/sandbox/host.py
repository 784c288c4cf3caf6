"""The kinds of sandbox that this host gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from archsearch.errors import SandboxUnavailable
from archsearch.sandbox import Sandbox, tiers

TIERS = [
    pytest.param(name, id=name, marks=[] if name in tiers.AUTOMATIC else [pytest.mark.slow])
    for name, tier in tiers.TIERS.items()
    if tier.isolates
]
"""Those that keep a program from anything, the best first, as parameters of a test. Those that are
taken only when they are named are tested with the slow tests."""


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

"""Programs that try to get out, run when a sandbox opens."""

from typing import Any


async def check(sandbox: Any) -> None:
    """Nothing yet."""

"""The kinds of sandbox, one a file."""

from __future__ import annotations

from archsearch.sandbox.tiers.base import Ground, Tier
from archsearch.sandbox.tiers.bwrap import Bwrap
from archsearch.sandbox.tiers.landlock import Landlock
from archsearch.sandbox.tiers.nsjail import Nsjail
from archsearch.sandbox.tiers.runsc import Runsc
from archsearch.sandbox.tiers.unsafe import Unsafe

TIERS: dict[str, type[Tier]] = {
    tier.name: tier for tier in (Bwrap, Landlock, Nsjail, Runsc, Unsafe)
}
"""By name, the best first."""
AUTOMATIC = ("bwrap", "landlock")
"""Those that are taken without being named, the best first."""

__all__ = ["AUTOMATIC", "TIERS", "Ground", "Tier"]

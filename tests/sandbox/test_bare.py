"""Each breach is seen where there is no sandbox: a watcher that sees nothing proves nothing."""

import pytest

from tests.sandbox.case import CASES
from tests.sandbox.trial import bare
from tests.sandbox.world import World

BREACHING = [case for case in CASES.values() if case.bare]


@pytest.mark.parametrize("case", BREACHING, ids=lambda case: case.name)
def test_a_breach_is_seen(case, tmp_path):
    with World() as world:
        seen = bare(case, world, tmp_path)
    kinds = {breach.partition(":")[0].split()[0] for breach in seen}
    assert case.bare <= kinds, seen


def test_every_kind_of_breach_that_can_be_shown_is_shown():
    shown = set().union(*(case.bare for case in BREACHING))
    assert shown >= {
        "secrets", "files", "connections", "siblings", "survivors",
        "namespaces", "descriptors", "identity", "mounts", "terminal",
    }  # fmt: skip


def test_a_world_that_nobody_touches_has_no_breach(tmp_path):
    with World() as world:
        assert world.breaches() == []
        assert world.leaked(["so " + world._planted[0]])
        assert not world.leaked(world.brief("nobody"))

"""Nothing piles up over many runs, and hostile programs do innocent ones no harm."""

import asyncio

import pytest

from tests.sandbox.host import TIERS, opened
from tests.sandbox.soak import soak
from tests.sandbox.trial import innocent, scratch
from tests.sandbox.watch import descendants, survivors
from tests.sandbox.world import World


def soaked(tier, **sizes):
    async def run():
        async with opened(tier) as sandbox:
            return await soak(sandbox, world, folder, **sizes, together=8)

    with World() as world, scratch() as folder:
        found = asyncio.run(run())
        assert not world.breaches()
        assert not list(folder.rglob("*"))
    assert not found.false_failures
    growth = found.growth
    assert growth["survivors"] <= 0
    assert growth["zombies"] == 0
    assert growth["descriptors"] <= 0
    assert growth["files"] <= 0
    assert growth["memory_mb"] < 50
    return found


@pytest.mark.parametrize("tier", TIERS)
def test_little_piles_up(tier):
    soaked(tier, runs=60, hostile=12)


@pytest.mark.slow
@pytest.mark.parametrize("tier", TIERS)
def test_nothing_piles_up_over_two_thousand_runs(tier):
    soaked(tier, runs=2000, hostile=200)


@pytest.mark.slow
@pytest.mark.parametrize("tier", TIERS)
def test_two_hundred_innocent_programs_beside_fifty_hostile_ones(tier):
    assert soaked(tier, runs=250, hostile=50).runs == 250


@pytest.mark.parametrize("tier", TIERS)
def test_a_sandbox_that_closes_early_leaves_nothing(tier):
    """Whoever opened it fails while programs run and others wait."""

    async def fail():
        async with opened(tier, processes=2) as sandbox:
            runs = [asyncio.ensure_future(innocent(sandbox)) for _ in range(20)]
            await asyncio.wait(runs, return_when="FIRST_COMPLETED")
            for run in runs:
                run.cancel()
            raise KeyError("of the caller")

    with scratch() as folder:
        before = descendants()
        with pytest.raises(KeyError, match="of the caller"):
            asyncio.run(asyncio.wait_for(fail(), 30))
        assert not survivors(before, within=1)
        assert not list(folder.rglob("*"))

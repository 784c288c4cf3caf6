"""How many samples a baseline takes, from what they are expected to cost."""

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st

from archsearch.budget import Limits
from archsearch.search.baselines import Baseline, grown, matched
from archsearch.search.config import Baselines
from archsearch.types import Expected

MOST = 20
ONCE = Baseline(kind="self-consistency", model="m", style="plain")
SETTINGS = Baselines(max_samples=MOST)


class Linear:
    """Expects the same of every prompt, and the same of every sample."""

    def __init__(self, prompt, sample):
        self.prompt, self.sample = prompt, sample

    async def expected(self, architecture):
        (call, *_) = architecture.plan
        return Expected(flops=self.at(call.samples))

    def at(self, samples):
        return self.prompt + samples * self.sample


COSTS = st.floats(0, 100), st.floats(1, 100), st.floats(1, 3000), st.floats(1, 3000)


@given(*COSTS)
@example(0.0, 10.0, 40.0, 1000.0)
@example(0.0, 10.0, 39.0, 39.5)
def test_a_match_has_no_less_to_spend_and_no_sample_too_many(prompt, sample, spent, cap):
    linear = Linear(prompt, sample)
    found = asyncio.run(matched(ONCE, SETTINGS, Limits(flops=spent), Limits(flops=cap), linear))
    assert 1 <= found.samples <= MOST
    one_less, one_more = linear.at(found.samples - 1), linear.at(found.samples + 1)
    assert found.samples == 1 or one_less <= spent
    if linear.at(found.samples) <= spent:
        assert found.samples == MOST or one_more > cap


def test_a_match_is_within_the_cap_also_where_more_may_be_spent():
    """As where a baseline's model costs nothing that the winner's cost is told in."""
    linear = Linear(0.0, 1.0)
    found = asyncio.run(matched(ONCE, SETTINGS, Limits(dollars=9), Limits(flops=3), linear))
    assert found.samples == 3


@given(*COSTS[:3])
def test_as_many_as_are_within_a_cap(prompt, sample, cap):
    linear = Linear(prompt, sample)
    found = asyncio.run(grown(ONCE, SETTINGS, Limits(flops=cap), linear))
    within = [n for n in range(2, MOST + 1) if linear.at(n) <= cap]
    assert (found.samples if found else None) == max(within, default=None)

"""The cap is a guarantee: whatever is drawn at once, cancelled or cheaper than feared."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from archsearch.budget import Account, ChargesInMemory, Limits
from archsearch.errors import BudgetExhausted
from archsearch.ledger import Ledger
from archsearch.types import Cost, Expected, Measured, UpperBound

counts = st.integers(0, 10**6)
costs = st.builds(
    Cost,
    flops=counts,
    prompt_tokens=counts,
    completion_tokens=counts,
    calls=counts,
    dollars=counts,
)
caps = st.none() | st.integers(1, 10**6)
limits = st.builds(Limits, flops=caps, tokens=caps, dollars=caps)


def amounts(cost):
    return {
        "flops": cost.flops,
        "tokens": cost.prompt_tokens + cost.completion_tokens,
        "dollars": cost.dollars,
    }


# -- limits


@given(limits, costs)
def test_a_cost_is_within_when_it_is_at_most_each_cap(limits, cost):
    capped = limits.model_dump(exclude_none=True)
    within = all(amounts(cost)[name] <= cap for name, cap in capped.items())
    assert (limits.over(cost) <= 0) == within
    for kind in (Measured, Expected, UpperBound):
        same = kind(**{name: getattr(cost, name) for name in Cost.__slots__})
        assert limits.over(same) == limits.over(cost)


@given(limits, costs)
def test_over_is_the_worst_share(limits, cost):
    each = [
        Limits(**{name: cap}).over(cost)
        for name, cap in limits.model_dump(exclude_none=True).items()
    ]
    assert limits.over(cost) == max(each, default=-1.0)


@given(limits, costs, costs)
def test_more_is_never_less_over(limits, cost, more):
    assert limits.over(cost + more) >= limits.over(cost)


@given(limits, caps)
def test_a_higher_cap_is_never_more_over(limits, cap):
    cost = Cost(flops=1000, prompt_tokens=10, completion_tokens=10, dollars=1)
    for name, old in limits.model_dump(exclude_none=True).items():
        for new in (None, old + (cap or 0)):
            wider = limits.model_copy(update={name: new})
            assert wider.over(cost) <= limits.over(cost)


def test_over_is_a_share_of_the_cap():
    cost = Cost(flops=120, prompt_tokens=7, completion_tokens=3, calls=10**9, dollars=1)
    assert Limits(flops=100).over(cost) == pytest.approx(0.2)
    assert Limits(tokens=20).over(cost) == pytest.approx(-0.5)
    assert Limits(flops=100, tokens=20, dollars=0.5).over(cost) == pytest.approx(1.0)
    assert Limits(flops=120).over(cost) == 0
    assert Limits().over(cost) == -1


def test_limits_are_told_in_their_units():
    assert str(Limits()) == "no cap"
    assert str(Limits(flops=2e10, tokens=500)) == "2e+10 FLOPs, 500 tokens"
    assert str(Limits(dollars=1.5)) == "1.5 dollars"
    assert str(Limits(tokens=500, seconds=90)) == "500 tokens, 90 seconds"
    cost = Cost(flops=3, prompt_tokens=4, completion_tokens=5, dollars=6)
    assert Limits(dollars=1, tokens=1).tell(cost) == "9 tokens, 6 dollars"


@pytest.mark.parametrize("wrong", [{"flops": 0}, {"tokens": -1}, {"flop": 1}, {"dollars": "nan"}])
def test_a_cap_must_be_one(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Limits(**wrong)


# -- the account


def flops(number):
    return UpperBound(flops=number)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def take_whole(account, bound):
    """Holds `bound` at once, which shows that nothing else is held."""
    async with asyncio.timeout(1), account.holding(bound):
        pass


def test_a_name_is_charged_once():
    account = Account()
    one, two = Measured(flops=3, calls=1), Measured(flops=5)
    account.charge({"a": one})
    account.charge({"b": two, "a": two})
    account.charge({"a": one})
    assert account.spent == one + two


@pytest.fixture(params=["memory", "ledger"])
def charges(request, tmp_path):
    if request.param == "memory":
        yield ChargesInMemory()
    else:
        with Ledger(tmp_path) as ledger:
            yield ledger


def test_what_was_charged_before_counts_and_is_not_charged_again(charges):
    assert charges.record_charges({"a": Measured(flops=3), "b": Measured(flops=4)}).flops == 7
    account = Account(charges=charges)
    assert account.spent.flops == 7
    account.charge({"a": Measured(flops=9), "c": Measured(calls=1, dollars=0.5)})
    assert account.spent == Measured(flops=7, calls=1, dollars=0.5)
    assert charges.charged() == account.spent


def test_without_a_cap_everything_fits():
    async def run():
        account = Account()
        async with account.holding(flops(1e30)):
            await take_whole(account, flops(1e300))

    asyncio.run(run())


def test_a_draw_waits_while_others_hold_what_it_needs():
    async def run():
        account = Account(Limits(flops=10))
        entered = []

        async def draw(name, bound, actual, done):
            async with account.holding(flops(bound)):
                entered.append(name)
                await done.wait()
                account.charge({name: Measured(flops=actual)})

        first_done, at_once = asyncio.Event(), asyncio.Event()
        at_once.set()
        first = asyncio.ensure_future(draw("first", 8, 3, first_done))
        await settle()
        second = asyncio.ensure_future(draw("second", 7, 7, at_once))
        small = asyncio.ensure_future(draw("small", 2, 0, at_once))
        await settle()
        assert entered == ["first", "small"]
        first_done.set()
        # The first took less than it held, so the second has room after all.
        await asyncio.wait_for(asyncio.gather(first, second, small), timeout=5)
        assert entered == ["first", "small", "second"]
        assert account.spent.flops == 10

    asyncio.run(run())


def test_those_who_waited_in_vain_are_told():
    async def run():
        account = Account(Limits(flops=10))

        async def draw(name, bound):
            async with account.holding(flops(bound)):
                await settle()
                account.charge({name: Measured(flops=bound)})

        ends = await asyncio.wait_for(
            asyncio.gather(*(draw(str(n), n) for n in (8, 7, 3, 2)), return_exceptions=True), 5
        )
        assert [isinstance(end, BudgetExhausted) for end in ends] == [False, True, True, False]
        assert account.spent.flops == 10

    asyncio.run(run())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            Limits(flops=100),
            r"cap is 100 FLOPs; 60 FLOPs are spent, 20 FLOPs set aside, and this draw may take "
            r"21 FLOPs; raise budget\.study",
        ),
        (
            Limits(tokens=50, dollars=1),
            r"cap is 50 tokens, 1 dollars; 30 tokens, 0\.1 dollars are spent, 10 tokens, "
            r"0\.2 dollars set aside, and this draw may take 11 tokens, 0 dollars; raise",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_drawn(limits, message):
    async def run():
        account = Account(limits)
        account.charge(
            {"a": Measured(flops=60, prompt_tokens=20, completion_tokens=10, dollars=0.1)}
        )
        account.set_aside(UpperBound(flops=20, prompt_tokens=10, dollars=0.2))
        bound = UpperBound(flops=21, prompt_tokens=5, completion_tokens=6)
        with pytest.raises(BudgetExhausted, match=f"^the study's {message}"):
            async with account.holding(bound):
                pytest.fail("it was let in")
        await take_whole(account, replace(bound, flops=20, completion_tokens=5))
        account.set_aside(UpperBound())
        await take_whole(account, bound)

    asyncio.run(run())


def test_two_caps_together_are_the_lower_of_each():
    ours, theirs = Limits(flops=5, tokens=2), Limits(flops=4, dollars=3)
    assert ours.within(theirs) == theirs.within(ours) == Limits(flops=4, tokens=2, dollars=3)
    assert ours.within(Limits()) == ours


@pytest.mark.parametrize("cap", ["flops", "tokens", "dollars"])
def test_what_is_set_aside_is_out_of_reach(cap):
    async def run():
        account = Account(Limits(**{cap: 10}))
        name = "completion_tokens" if cap == "tokens" else cap
        account.set_aside(UpperBound(**{name: 4}))
        await take_whole(account, UpperBound(**{name: 6}))
        with pytest.raises(BudgetExhausted):
            await take_whole(account, UpperBound(**{name: 7}))
        account.set_aside(UpperBound())
        await take_whole(account, UpperBound(**{name: 10}))

    asyncio.run(run())


draws = st.lists(
    st.tuples(
        st.integers(0, 60),  # may take
        st.floats(0, 1),  # takes, of that
        st.integers(0, 4),  # turns of the event loop that it lasts
        st.none() | st.integers(0, 8),  # turn at which it is cancelled
    ),
    max_size=12,
)


@given(st.integers(1, 100), st.integers(0, 50), draws)
def test_the_cap_is_never_passed(cap, reserve, draws):
    async def run():
        account = Account(Limits(flops=cap))
        account.set_aside(flops(reserve))

        async def draw(name, bound, share, turns):
            async with account.holding(flops(bound)):
                # Sample by sample, as they come.
                actual = int(bound * share)
                for sample in range(turns + 1):
                    part = actual // (turns + 1) + (sample < actual % (turns + 1))
                    account.charge({f"{name}/{sample}": Measured(flops=part)})
                    assert account.spent.flops <= max(0, cap - reserve)
                    await asyncio.sleep(0)

        tasks = [
            asyncio.ensure_future(draw(str(at), bound, share, turns))
            for at, (bound, share, turns, _) in enumerate(draws)
        ]
        for turn in range(9):
            for task, (*_, cancelled) in zip(tasks, draws, strict=True):
                if cancelled == turn:
                    task.cancel()
            await asyncio.sleep(0)
        # Nobody waits for ever.
        ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=5)
        for end, (*_, cancelled) in zip(ends, draws, strict=True):
            if isinstance(end, asyncio.CancelledError):
                assert cancelled is not None
            else:
                assert end is None or isinstance(end, BudgetExhausted)
        # Nothing is held any more: what is left can be taken whole, and not one more.
        account.set_aside(UpperBound())
        left = cap - account.spent.flops
        await take_whole(account, flops(left))
        with pytest.raises(BudgetExhausted):
            await take_whole(account, flops(left + 1))

    asyncio.run(run())


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(30, 200), st.data())
def test_rounding_is_not_held_for_ever(cents, cap, data):
    """0.06 + 0.06 + 0.17 + 0.08, less the same in another order, is not 0."""
    turns = data.draw(st.lists(st.integers(0, 5), min_size=len(cents), max_size=len(cents)))

    async def run():
        account = Account(Limits(dollars=cap / 100))

        async def draw(dollars, turns):
            async with account.holding(UpperBound(dollars=dollars)):
                for _ in range(turns):
                    await asyncio.sleep(0)

        await asyncio.gather(*(draw(c / 100, t) for c, t in zip(cents, turns, strict=True)))
        await take_whole(account, UpperBound(dollars=cap / 100))

    asyncio.run(run())


def test_an_error_inside_gives_the_hold_back():
    async def run():
        account = Account(Limits(flops=10))
        with pytest.raises(RuntimeError, match="no answer"):
            async with account.holding(flops(10)):
                raise RuntimeError("no answer")
        await take_whole(account, flops(10))

    asyncio.run(run())

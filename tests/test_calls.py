"""A walk gives each request samples of its own, and stops early by what came in order."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import ModelUnavailable, RequestRejected
from archsearch.models.scripted import Scripted
from archsearch.patience import Patience
from archsearch.types import Message, Request
from tests.stores import in_memory


def ask(text="hi", n=1, temperature=1.0):
    return Request(
        model="m",
        messages=(Message(role="user", content=text),),
        max_tokens=8,
        n=n,
        temperature=temperature,
    )


def reply(request, seed):
    return f"{request.messages[-1].content} {seed}"


def dispatcher(reply=reply, **options):
    return Dispatcher(
        {"m": Scripted(reply, **options)},
        in_memory(),
        patience=Patience(attempts=2, first_pause=0.001, longest_pause=0.002),
    )


def said(request):
    return request.messages[-1].content


def texts(completions):
    return [completion.text for completion in completions]


async def one(calls, request):
    return texts(await Walk(calls).complete(request))


def test_the_same_request_again_in_a_walk_takes_the_next_samples():
    async def run():
        calls = dispatcher()
        walk = Walk(calls)
        first, second = await walk.complete(ask(n=2)), await walk.complete(ask(n=2))
        assert texts(first + second) == await one(calls, ask(n=4))

    asyncio.run(run())


def test_temperature_zero_is_always_sample_zero():
    async def run():
        calls = dispatcher()
        walk = Walk(calls)
        found = [
            *await walk.complete(ask(n=3, temperature=0)),
            *await walk.complete(ask(temperature=0)),
        ]
        assert len(set(texts(found))) == 1
        assert calls.meter.drawn_samples == 1

    asyncio.run(run())


def test_a_replicate_has_samples_of_its_own():
    async def run():
        calls = dispatcher()
        first = await Walk(calls, replicate=0).complete(ask(n=2))
        second = await Walk(calls, replicate=1).complete(ask(n=2))
        assert not set(texts(first)) & set(texts(second))

    asyncio.run(run())


class OneAfterAnother(Walk):
    """The meaning of `each`, spelled out."""

    def at(self, segment):
        deeper = OneAfterAnother(self._dispatcher, replicate=self._replicate)
        deeper._before, deeper._taken, deeper._used = self._before, self._taken, self._used
        return deeper

    async def each(self, items, step, *, enough=None, ahead=None):
        results = []
        for at, item in enumerate(items):
            if enough and results and enough(results):
                break
            results.append(await step(item, self.at(str(at))))
        return results


# A plan is a request (text, n) or a list of plans walked side by side, then another request.
plans = st.recursive(
    st.tuples(st.sampled_from("ab"), st.integers(1, 3)),
    lambda inner: st.lists(inner, min_size=1, max_size=4),
    max_leaves=12,
)


async def follow(plan, calls):
    if isinstance(plan, tuple):
        text, n = plan
        first = texts(await calls.complete(ask(text, n)))
        # What is asked next hangs on what came: a branch that was walked wrongly shows.
        return first, texts(await calls.complete(ask("ab"[len(first[0]) % 2], 1)))
    if len(plan) % 2:
        return await calls.each(plan, follow)
    # Some stop early, by what the branches found.
    return await calls.each(plan, follow, enough=settled, ahead=len(plan) // 2)


def settled(results):
    return "3" in str(results[-1])


@given(plans, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_side_by_side_means_the_same_as_one_after_another(plan, rng):
    async def run(kind, latency):
        walk = kind(dispatcher(latency=latency))
        found = await follow(plan, walk)
        return found, walk.used

    shuffled = lambda request, seed: rng.random() * 0.002  # noqa: E731
    together = asyncio.run(run(Walk, shuffled))
    apart = asyncio.run(run(OneAfterAnother, 0.0))
    assert together == apart


# -- one by one


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 12), st.randoms())
@settings(max_examples=40, deadline=None)
def test_samples_come_in_index_order_and_only_those_taken_are_used(n, ahead, stop, rng):
    async def run():
        calls = dispatcher(latency=lambda request, seed: rng.random() * 0.003)
        walk, taken = Walk(calls), []
        async with walk.successive(ask(n=n), ahead=ahead) as completions:
            async for completion in completions:
                taken.append(completion.text)
                if len(taken) == stop:
                    break
        assert taken == (await one(calls, ask(n=n)))[: stop or n]
        assert sum(len(call.completion_tokens) for call in walk.used) == len(taken)
        wasted = calls.meter.wasted_samples + calls.meter.cancelled_samples
        assert wasted <= min(ahead, n - len(taken))
        # The request has all its samples to itself, whether or not it took them.
        following = texts(await walk.complete(ask()))
        assert following == (await one(calls, ask(n=n + 1)))[n:]

    asyncio.run(run())


def test_nothing_taken_is_nothing_used():
    async def run():
        calls = dispatcher(latency=0.01)
        walk = Walk(calls)
        async with walk.successive(ask(n=4), ahead=2):
            pass
        assert walk.used == ()
        assert calls.meter.drawn_samples == 0

    asyncio.run(run())


def test_a_sample_that_cannot_be_had_ends_it():
    async def run():
        calls = dispatcher(fault=lambda request, seed: "transient")
        async with Walk(calls).successive(ask(n=4), ahead=2) as completions:
            with pytest.raises(ModelUnavailable):
                await anext(completions)

    asyncio.run(run())


# -- early ends


def test_it_ends_by_the_order_of_items_and_not_of_answers():
    async def run():
        slow_first = lambda request, seed: 0.05 if "0" in request.messages[0].content else 0.0  # noqa: E731
        calls = dispatcher(latency=slow_first)
        walk = Walk(calls)

        async def step(item, door):
            await door.complete(ask(str(item)))
            return item

        found = await walk.each(range(6), step, enough=lambda results: results[-1] >= 1)
        assert found == [0, 1]
        assert len(walk.used) == 2
        assert calls.meter.wasted_samples == 4

    asyncio.run(run())


def test_no_more_are_under_way_than_ahead():
    async def run():
        now, most = 0, 0

        async def step(item, door):
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1

        await Walk(dispatcher()).each(range(20), step, enough=lambda results: False, ahead=3)
        assert most == 3

    asyncio.run(run())


def test_the_first_failure_in_order_is_raised_and_the_others_are_gone():
    async def run():
        async def step(item, door):
            if item == 1:
                raise RuntimeError("no")
            await asyncio.sleep(0 if item == 0 else 30)

        with pytest.raises(RuntimeError, match="no"):
            await Walk(dispatcher()).each(range(5), step)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_was_asked_before_a_branch_raised_is_used_wherever_it_stands(at):
    async def run():
        calls = dispatcher(
            fault=lambda request, seed: "rejected" if "no" in said(request) else None
        )
        walk = Walk(calls)

        async def step(item, door):
            await door.complete(ask(f"first {item}", n=2))
            if item == at:
                await asyncio.sleep(0.05)
                await door.complete(ask("no"))
            if item == 3:
                await asyncio.sleep(30)  # it has to end with the others, so that it asked in vain

        with pytest.raises(RequestRejected):
            await walk.each(range(4), step)
        assert [len(call.completion_tokens) for call in walk.used] == [2, 2, 2]
        assert calls.meter.wasted_samples == 2

    asyncio.run(run())


def test_a_branch_that_raises_when_it_is_walked_again_is_used_as_well():
    async def run():
        calls = dispatcher()
        walk = Walk(calls)

        async def step(item, door):
            (drawn,) = await door.complete(ask())
            if drawn.text != (await one(calls, ask()))[0]:
                raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            await walk.each(range(2), step)
        assert len(walk.used) == 2

    asyncio.run(run())

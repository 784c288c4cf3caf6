"""The dispatcher draws each sample once, whoever wants it, and keeps models busy and unharmed."""

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.budget import Account, ChargesInMemory, Limits
from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import (
    BudgetExhausted,
    MissingSample,
    ModelUnavailable,
    RequestRejected,
    RunError,
    TransientModelError,
    UnknownName,
)
from archsearch.models.replayed import Facts, Replayed
from archsearch.models.scripted import Scripted
from archsearch.patience import Patience
from archsearch.seeds import seed_from
from archsearch.types import Message, Request, UpperBound
from tests.stores import in_memory

IMPATIENT = Patience(attempts=3, deadline=5, first_pause=0.001, longest_pause=0.002)


def ask(text="hi", n=1, temperature=1.0, model="m"):
    return Request(
        model=model,
        messages=(Message(role="user", content=text),),
        max_tokens=8,
        n=n,
        temperature=temperature,
    )


def reply(request, seed):
    return f"{request.messages[-1].content} {seed}"


class Counted(Scripted):
    """Counts the samples that are really drawn."""

    def __init__(self, reply=reply, **options):
        self.drawn = Counter()
        super().__init__(self._counted, **options)
        self._inner = reply

    def _counted(self, request, seed):
        self.drawn[request.messages[-1].content] += 1
        return self._inner(request, seed)


def replayed():
    """What a replay has in place of a `Scripted`."""
    facts = Facts(
        name="m",
        identity="scripted",
        context=8192,
        capacity=64,
        together=64,
        scores=False,
        shape=None,
    )
    return Replayed(facts, None)


def dispatcher(model=None, store=None, **options):
    options.setdefault("patience", IMPATIENT)
    return Dispatcher({"m": model or Counted()}, store or in_memory(), **options)


def texts(completions):
    return [completion.text for completion in completions]


async def one(calls, request):
    return texts(await Walk(calls).complete(request))


def test_fewer_samples_are_a_prefix_of_more():
    async def run():
        model = Counted()
        calls = dispatcher(model)
        four = await one(calls, ask(n=4))
        sixteen = await one(calls, ask(n=16))
        assert sixteen[:4] == four
        assert len(set(sixteen)) == 16
        assert model.drawn["hi"] == 16
        assert calls.meter.drawn_samples == 16
        assert calls.meter.reused_samples == 4

    asyncio.run(run())


@given(st.permutations([1, 3, 5, 8]), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_samples_do_not_depend_on_who_asked_first_or_on_capacity(sizes, capacity):
    async def run(order, capacity):
        calls = dispatcher(Counted(capacity=capacity))
        found = {n: await one(calls, ask(n=n)) for n in order}
        return [found[n] for n in sorted(found)]

    assert asyncio.run(run(sizes, capacity)) == asyncio.run(run([8, 5, 3, 1], 64))


def test_one_sample_is_drawn_once_however_many_want_it():
    async def run():
        model = Counted(latency=0.01)
        calls = dispatcher(model)
        found = await asyncio.gather(*(one(calls, ask(n=4)) for _ in range(20)))
        assert model.drawn["hi"] == 4
        assert all(texts == found[0] for texts in found)

    asyncio.run(run())


def test_what_is_reused_is_counted_alike_whether_stored_or_on_its_way():
    async def run(*, together):
        calls = dispatcher(Counted(latency=0.01))
        if together:
            await asyncio.gather(*(one(calls, ask(n=n)) for n in (2, 4)))
        else:
            for n in (2, 4):
                await one(calls, ask(n=n))
        return calls.meter

    meter = asyncio.run(run(together=True))
    assert meter.reused_samples == 2
    assert meter.reused_completion_tokens > 0
    assert meter == asyncio.run(run(together=False))


def test_a_waiter_that_leaves_does_not_take_the_draw_along():
    async def run():
        model = Counted(latency=0.05)
        calls = dispatcher(model)
        leaver = asyncio.ensure_future(one(calls, ask()))
        stayer = asyncio.ensure_future(one(calls, ask()))
        await asyncio.sleep(0.01)
        leaver.cancel()
        assert await stayer == await one(calls, ask())
        assert model.drawn["hi"] == 1

    asyncio.run(run())


def test_the_last_waiter_to_leave_ends_the_draw():
    async def run():
        model = Counted(latency=30)
        calls = dispatcher(model)
        waiters = [asyncio.ensure_future(one(calls, ask())) for _ in range(2)]
        await asyncio.sleep(0.01)
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)
        await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1, "the draw goes on although nobody waits"
        assert not model.drawn

    asyncio.run(run())


class Slow(Counted):
    """Takes its time to end a call that nobody wants any more, as an engine does."""

    async def stream(self, request):
        try:
            async for sample in super().stream(request):
                yield sample
        finally:
            await asyncio.sleep(0.02)


def test_who_asks_while_a_draw_is_being_ended_has_another():
    async def run():
        calls = dispatcher(Slow(latency=0.05))
        leaver = asyncio.ensure_future(one(calls, ask()))
        await asyncio.sleep(0.01)
        leaver.cancel()
        for _ in range(5):  # in the same turn of the loop, and in the next ones
            assert await one(calls, ask()) == await one(dispatcher(), ask())
            await asyncio.sleep(0)

    asyncio.run(run())


def test_who_pauses_holds_nothing_that_those_before_it_wait_for():
    """Else a place and a part of the budget are waited for in a circle, near the cap."""

    async def run():
        failed = []

        def fault(request, seed):
            if request.messages[-1].content == "a" and not failed:
                failed.append(request)
                return "transient"
            return None

        calls = dispatcher(Counted(capacity=1, fault=fault), account=Account(Limits(tokens=18)))
        async with asyncio.timeout(IMPATIENT.deadline / 2):
            found = await asyncio.gather(*(one(calls, ask(text)) for text in "ab"))
        assert failed
        assert [len(each) for each in found] == [1, 1]

    asyncio.run(run())


def test_only_what_is_missing_is_asked_again():
    async def run():
        struck = set()

        def fault(request, seed):
            if seed % 3 == 0 and seed not in struck:
                struck.add(seed)
                return "transient"
            return None

        model = Counted(fault=fault)
        calls = dispatcher(model, patience=Patience(attempts=9, first_pause=0))
        found = await one(calls, ask(n=8))
        assert found == await one(dispatcher(), ask(n=8))
        assert model.drawn["hi"] == 8
        assert calls.meter.retries == len(struck) > 0

    asyncio.run(run())


def test_a_failure_reaches_everyone_and_is_never_stored():
    async def run():
        store, broken = in_memory(), [True]
        model = Counted(fault=lambda *_: "transient" if broken[0] else None)
        calls = dispatcher(model, store)
        found = await asyncio.gather(*(one(calls, ask()) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(error, ModelUnavailable) for error in found)
        assert "failed 3 times in a row; last: a transient fault" in str(found[0])
        assert store.count() == 0
        broken[0] = False
        assert len(await one(calls, ask())) == 1

    asyncio.run(run())


def test_a_rejection_is_not_tried_again():
    async def run():
        strikes = Counter()

        def fault(request, seed):
            strikes[seed] += 1
            return "rejected"

        with pytest.raises(RequestRejected, match="as scripted"):
            await one(dispatcher(Scripted(reply, fault=fault)), ask())
        assert sum(strikes.values()) == 1

    asyncio.run(run())


def test_a_refusal_is_kept_for_replays_until_the_sample_is_there():
    """Who has the model may ask it again; who has none is refused again, in the same words."""

    async def run(*, model):
        return await one(dispatcher(model, store), ask(n=3))

    def refused(model):
        with pytest.raises(RequestRejected, match=r"^a rejection, as scripted$"):
            asyncio.run(run(model=model))

    store, gone = in_memory(), replayed()
    with pytest.raises(MissingSample):
        asyncio.run(run(model=gone))
    first = seed_from(dispatcher().identify(ask(), replicate=0).key)
    refused(Scripted(reply, fault=lambda _, seed: "rejected" if seed == first + 1 else None))
    assert store.count() == 1
    refused(gone)
    drawn = asyncio.run(run(model=Scripted(reply)))
    assert drawn == asyncio.run(run(model=gone))


def test_a_refusal_that_cannot_be_kept_is_an_error_and_leaves_nobody_waiting():
    async def run():
        store = in_memory()
        store.close()
        draws = dispatcher(Scripted(reply, fault=lambda *_: "rejected"), store)
        (draw,) = draws._launch(draws.identify(ask(), replicate=0), [0], "", 0)
        with pytest.raises(RunError, match="closed database"):
            await asyncio.wait_for(draw.watch([0]).samples(), timeout=5)

    asyncio.run(run())


def test_a_hanging_model_meets_the_deadline():
    async def run():
        calls = dispatcher(
            Scripted(reply, fault=lambda *_: "hang"), patience=Patience(deadline=0.05)
        )
        with pytest.raises(ModelUnavailable, match=r"within 0.05 s and has not; raise patience"):
            await one(calls, ask())

    asyncio.run(run())


def test_an_unknown_model_is_named_with_its_neighbours():
    async def run():
        with pytest.raises(UnknownName, match="unknown model 'n'; known: m"):
            await one(dispatcher(), ask(model="n"))

    asyncio.run(run())


def test_a_prompt_is_charged_again_where_it_is_sampled_otherwise():
    """It is computed again, too."""

    async def run():
        account = Account()
        calls = dispatcher(account=account)
        for temperature in (0.5, 0.7, 0.7):
            await one(calls, ask(temperature=temperature))
        assert account.spent.prompt_tokens == calls.meter.drawn_prompt_tokens == 2 * 2

    asyncio.run(run())


def test_what_is_drawn_while_a_call_waits_for_the_budget_is_not_drawn_again():
    async def run():
        store, model = in_memory(), Counted(latency=0.01)
        await one(dispatcher(store=store), ask("q", n=5))
        # The first five of six wait until what another call holds is free; one who needs less of
        # the store is served meanwhile, and draws the sixth.
        account = Account(Limits(tokens=100))
        calls = dispatcher(model, store, account=account)
        async with account.holding(UpperBound(completion_tokens=70)):
            several = asyncio.ensure_future(one(calls, ask("q", n=6)))
            await asyncio.sleep(0.02)
            assert not several.done()
            asked = calls.identify(ask("q", n=6), replicate=0)
            await calls.samples(asked, [5])
        await several
        assert model.drawn["q"] == 1

    asyncio.run(run())


def test_the_wait_for_room_in_the_budget_is_no_silence_of_the_model():
    async def run():
        account = Account(Limits(tokens=20))
        calls = dispatcher(
            Scripted(reply, latency=0.02), account=account, patience=Patience(deadline=0.1)
        )
        async with account.holding(UpperBound(completion_tokens=20)):
            waits = asyncio.ensure_future(one(calls, ask()))
            await asyncio.sleep(0.2)
            assert not waits.done()
        await waits

    asyncio.run(run())


def test_a_warm_store_changes_what_is_paid_and_not_what_is_charged():
    async def run():
        store = in_memory()
        accounts = [Account(), Account()]
        for account in accounts:
            calls = dispatcher(store=store, account=account)
            await one(calls, ask(n=3))
            await one(calls, ask(n=5))
        assert calls.meter.drawn_samples == 0
        assert accounts[0].spent == accounts[1].spent
        assert accounts[0].spent.calls == 5
        assert accounts[0].spent.prompt_tokens == 2  # one prompt of one word, once

    asyncio.run(run())


def test_no_draw_starts_that_could_pass_the_cap():
    async def run():
        model = Counted()
        calls = dispatcher(model, account=Account(Limits(tokens=30)))
        with pytest.raises(BudgetExhausted, match="study's cap is 30 tokens"):
            [await one(calls, ask(text)) for text in "abcdefgh"]
        spent = calls._account.spent
        assert spent.prompt_tokens + spent.completion_tokens <= 30
        assert 0 < sum(model.drawn.values()) < 8

    asyncio.run(run())


def test_what_is_stored_passes_the_cap_no_more_than_what_is_drawn():
    async def run():
        store, texts = in_memory(), [f"{number}" for number in range(20)]
        for text in texts:
            await one(dispatcher(store=store), ask(text))
        charges = ChargesInMemory()
        warm = dispatcher(store=store, account=Account(Limits(tokens=30), charges=charges))
        waits = [one(warm, ask(text)) for text in texts]
        found = await asyncio.gather(*waits, return_exceptions=True)
        assert {type(each) for each in found} == {list, BudgetExhausted}
        had = [each for each in found if isinstance(each, list)]
        spent = charges.charged()
        assert spent.prompt_tokens + spent.completion_tokens <= 30
        # What was charged before is there again, however little is left.
        again = dispatcher(store=store, account=Account(Limits(tokens=30), charges=charges))
        kept = [text for text, each in zip(texts, found, strict=True) if each in had]
        assert [await one(again, ask(text)) for text in kept] == had
        assert charges.charged() == spent

    asyncio.run(run())


def test_closing_ends_every_draw():
    async def run():
        calls = dispatcher(Counted(latency=30))
        waiters = [asyncio.ensure_future(one(calls, ask(text))) for text in "abc"]
        await asyncio.sleep(0.01)
        await calls.close()
        found = await asyncio.gather(*waiters, return_exceptions=True)
        assert all(isinstance(error, asyncio.CancelledError) for error in found)

    asyncio.run(run())


@pytest.mark.parametrize("together", [1, 3, 64])
def test_no_more_samples_are_under_way_than_the_model_takes(together):
    async def run():
        now, most = 0, 0

        class Watched(Scripted):
            async def _draw(self, request, seed):
                nonlocal now, most
                now += request.n
                most = max(most, now)
                async for pair in super()._draw(request, seed):
                    now -= 1  # its place is free although others of its request are not there yet
                    yield pair

        model = Watched(reply, latency=uneven, capacity=6, together=together)
        calls, rng = dispatcher(model), random.Random(0)
        await asyncio.gather(*(one(calls, ask(str(at), rng.randint(1, 9))) for at in range(40)))
        assert most == 6

    def uneven(request, seed):
        return seed % 5 / 1000

    asyncio.run(run())


def test_short_prompts_fit_without_being_counted():
    async def run():
        class Uncountable(Scripted):
            counted = 0

            async def count_tokens(self, messages):
                Uncountable.counted += 1
                return await super().count_tokens(messages)

        calls = dispatcher(Uncountable(reply))
        short, long = ask("word " * 3).messages, ask("word " * 30).messages
        assert await calls.fits("m", short, 40)
        assert Uncountable.counted == 1  # the template's own tokens, once
        assert await calls.fits("m", long, 31)
        assert not await calls.fits("m", long, 30)

    asyncio.run(run())


def test_parties_take_turns_at_a_busy_model():
    async def run():
        order = []

        def noted(request, seed):
            order.append(request.messages[-1].content[0])
            return "done"

        calls = dispatcher(Scripted(noted, latency=0.001, capacity=1))

        async def many(party, count):
            walks = [Walk(calls, party=party) for _ in range(count)]
            requests = [ask(f"{party}{at}") for at in range(count)]
            await asyncio.gather(*(w.complete(r) for w, r in zip(walks, requests, strict=True)))

        first = asyncio.ensure_future(many("a", 20))
        await asyncio.sleep(0)
        await asyncio.gather(first, many("b", 5))
        # The late and small one is done while most of the early and big one still waits.
        assert max(at for at, who in enumerate(order) if who == "b") <= 12

    asyncio.run(run())


class Overloaded(Scripted):
    """Turns away whatever is beyond `most` samples at once."""

    def __init__(self, most, **options):
        super().__init__(reply, **options)
        self.most, self.now, self.refused = most, 0, 0

    async def _draw(self, request, seed):
        if self.now + request.n > self.most:
            self.refused += 1
            await asyncio.sleep(0.0005)
            raise TransientModelError("too many", overload=True)
        self.now += request.n
        try:
            async for pair in super()._draw(request, seed):
                yield pair
        finally:
            self.now -= request.n


def test_the_limit_adapts_to_what_a_model_takes():
    async def run():
        model = Overloaded(most=4, latency=0.001, capacity=64, together=1)
        patience = Patience(attempts=30, first_pause=0.001, longest_pause=0.004)
        calls = dispatcher(model, patience=patience)
        await asyncio.gather(*(one(calls, ask(str(at))) for at in range(400)))
        # The first burst is refused; then the limit hovers about what the model takes.
        assert model.refused < 200
        assert calls.meter.retries == model.refused

    asyncio.run(run())


def test_a_pause_leaves_its_place_to_others():
    async def run():
        failed = set()

        def fault(request, seed):
            text = request.messages[-1].content
            if text == "bad" and text not in failed:
                failed.add(text)
                return "transient"
            return None

        patience = Patience(attempts=3, first_pause=0.2, longest_pause=0.2)
        calls = dispatcher(Scripted(reply, fault=fault, capacity=1), patience=patience)
        bad = asyncio.ensure_future(one(calls, ask("bad")))
        async with asyncio.timeout(0.15):
            await asyncio.gather(*(one(calls, ask(str(at))) for at in range(10)))
        assert not bad.done()
        assert await bad

    asyncio.run(run())


def test_a_place_is_free_as_soon_as_its_sample_is_there():
    async def run():
        latency = lambda request, seed: 0.3 if request.n > 1 and seed % 2 else 0.0  # noqa: E731
        calls = dispatcher(Scripted(reply, latency=latency, capacity=2, together=2))
        slow = asyncio.ensure_future(one(calls, ask(n=2)))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(0.15):
            await one(calls, ask("quick"))
        assert not slow.done()
        await slow

    asyncio.run(run())

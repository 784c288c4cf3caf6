"""A gate lets in first whoever came first, never more than it holds, and forgets nobody's place."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archsearch.gate import BACK, Gate

CAPACITY = 4


class Visitor:
    """Takes places, keeps them until told to go, and gives them back one by one."""

    def __init__(self, gate, places, entered):
        self.places, self.held, self.asked_to_go = places, 0, asyncio.Event()
        self._gate, self._entered = gate, entered
        self.task = asyncio.ensure_future(self._visit())

    async def _visit(self):
        await self._gate.take(self.places)
        self.held = self.places
        self._entered.append(self)
        try:
            await self.asked_to_go.wait()
        finally:
            self.go()

    def go(self):
        """Gives the places back at once, in the same breath as whatever called this."""
        self.asked_to_go.set()
        while self.held:
            self.held -= 1
            self._gate.give()


act = st.one_of(
    st.tuples(st.just("come"), st.integers(1, CAPACITY)),
    st.tuples(st.sampled_from(["go", "cancel"]), st.integers(0, 7)),
    st.just(("wait", 1)),
)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


def check_queue(visitors, entered):
    """Nobody waits beside places enough, and none is in who came after one who waits."""
    waiting = [v for v in visitors if not v.task.done() and v not in entered]
    if waiting:
        free = CAPACITY - sum(visitor.held for visitor in visitors)
        assert waiting[0].places > free
        assert visitors.index(waiting[0]) > max(map(visitors.index, entered))


async def check_empty(gate):
    """All places are free: one visitor can have them at once."""
    await asyncio.wait_for(gate.take(CAPACITY), timeout=1)
    late = asyncio.ensure_future(gate.take(1))
    await settle()
    assert not late.done()
    late.cancel()


@given(st.lists(act, max_size=30))
# Cancelled and passed over by a give in the same breath; once this raised ValueError.
@example([("come", 4), ("come", 1), ("wait", 1), ("cancel", 1), ("go", 0)])
# Served and cancelled in the same breath.
@example([("come", 4), ("come", 1), ("wait", 1), ("go", 0), ("cancel", 1)])
# The third comes in before the second, which was served first, has noticed.
@example([("come", 4), ("come", 1), ("wait", 1), ("come", 1), ("go", 0)])
# The cancelled one stood before one that fits.
@example([("come", 3), ("come", 4), ("come", 1), ("wait", 1), ("cancel", 1)])
def test_any_schedule(schedule):
    async def run():
        gate, visitors, entered = Gate(CAPACITY), [], []
        for what, number in [*schedule, ("wait", 1)]:
            if what == "come":
                visitors.append(Visitor(gate, number, entered))
            elif what == "wait":
                await settle()
                check_queue(visitors, entered)
            elif number < len(visitors):
                visitor = visitors[number]
                visitor.go() if what == "go" else visitor.task.cancel()
            assert sum(visitor.held for visitor in visitors) <= CAPACITY
        for visitor in visitors:
            visitor.task.cancel()
        for end in await asyncio.gather(*(v.task for v in visitors), return_exceptions=True):
            assert end is None or isinstance(end, asyncio.CancelledError)
        await check_empty(gate)

    asyncio.run(run())


@pytest.mark.parametrize("who", range(4))
@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("go_first", [False, True])
def test_cancelled_at_any_point_nothing_is_lost(who, turns, go_first):
    async def run():
        gate, entered = Gate(CAPACITY), []
        visitors = [Visitor(gate, places, entered) for places in (3, 2, 4, 1)]
        for turn in range(turns):
            if turn % 3 == 2:
                visitors[turn // 3].go()
            await asyncio.sleep(0)
        if go_first:
            next(v for v in visitors if not v.asked_to_go.is_set()).go()
        visitors[who].task.cancel()
        for visitor in visitors:
            visitor.asked_to_go.set()
        ends = await asyncio.wait_for(
            asyncio.gather(*(v.task for v in visitors), return_exceptions=True), timeout=5
        )
        assert all(end is None for at, end in enumerate(ends) if at != who)
        assert ends[who] is None or isinstance(ends[who], asyncio.CancelledError)
        await check_empty(gate)

    asyncio.run(run())


def test_a_small_one_does_not_overtake_a_big_one():
    async def run():
        gate, entered = Gate(CAPACITY), []
        first, big, small = (Visitor(gate, places, entered) for places in (3, 4, 1))
        await settle()
        assert entered == [first]
        first.go()
        await settle()
        assert entered == [first, big]
        big.go()
        await settle()
        assert entered == [first, big, small]
        small.go()
        await settle()

    asyncio.run(run())


def test_more_than_it_holds_cannot_be_taken():
    async def run():
        gate = Gate(2)
        with pytest.raises(ValueError, match="at most 2 places can be taken; received 3"):
            await gate.take(3)
        await asyncio.wait_for(gate.take(2), timeout=1)
        gate.give(2)
        await asyncio.wait_for(gate.take(2), timeout=1)

    asyncio.run(run())


# -- parties, and the limit


def test_parties_take_turns():
    async def run():
        gate, order = Gate(1), []
        await gate.take(1)

        async def come(party, name):
            await gate.take(1, party)
            order.append(name)
            gate.give()

        comers = [
            asyncio.ensure_future(come(party, f"{party}{at}"))
            for party, count in (("a", 4), ("b", 2), ("c", 1))
            for at in range(count)
        ]
        await settle()
        gate.give()
        await asyncio.gather(*comers)
        assert order == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]

    asyncio.run(run())


def test_whoever_comes_back_goes_first():
    async def run():
        gate, order = Gate(1), []
        await gate.take(1)

        async def come(name, progress):
            await gate.take(1, name, progress=progress)
            order.append(name)
            gate.give()

        waiting = [asyncio.ensure_future(come(name, 0)) for name in "ab"]
        await settle()
        back = asyncio.ensure_future(come("back", BACK))
        await settle()
        gate.give()
        await asyncio.gather(*waiting, back)
        assert order == ["back", "a", "b"]

    asyncio.run(run())


def test_who_has_come_less_far_goes_first():
    async def run():
        gate, order = Gate(1), []
        await gate.take(1)

        async def come(progress):
            await gate.take(1, progress=progress)
            order.append(progress)
            gate.give()

        comers = [asyncio.ensure_future(come(progress)) for progress in (2, 0, 1, 0)]
        await settle()
        gate.give()
        await asyncio.gather(*comers)
        assert order == [0, 0, 1, 2]

    asyncio.run(run())


def test_overload_halves_the_limit_once_a_burst_and_answers_raise_it():
    async def run():
        gate = Gate(16)
        for _ in range(16):
            await gate.take(1)
        began = asyncio.get_running_loop().time()
        gate.overloaded(began, 0.0)
        assert gate.limit == 8
        gate.overloaded(began - 1, 0.0)  # it began before the limit fell
        assert gate.limit == 8
        for _ in range(9):
            gate.answered()
        assert gate.limit == 9
        for _ in range(1000):
            gate.answered()
        assert gate.limit == 16

    asyncio.run(run())


def test_nobody_goes_in_during_a_pause_after_overload():
    async def run():
        gate, loop = Gate(4), asyncio.get_running_loop()
        await gate.take(1)
        start = loop.time()
        gate.overloaded(start, 0.05)
        gate.give()
        await gate.take(1)
        assert loop.time() - start >= 0.045

    asyncio.run(run())


def test_alone_one_may_take_more_than_the_limit():
    async def run():
        gate = Gate(8)
        await gate.take(1)
        gate.overloaded(asyncio.get_running_loop().time(), 0.0)
        assert gate.limit == 1
        gate.give()
        await asyncio.wait_for(gate.take(8), 1)

    asyncio.run(run())

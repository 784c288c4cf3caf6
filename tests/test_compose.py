"""The two combinators, by their laws."""

import asyncio
import copy
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.calls import Walk
from archsearch.compose import chain, parallel, placed
from archsearch.dispatch import Dispatcher
from archsearch.store import SampleStore
from archsearch.types import Candidate, Fallback, Origin, Slate
from tests.strategies import candidates, slates, texts


def adding(candidate):
    async def step(slate, calls):
        return slate.with_candidates((*slate.candidates, candidate))

    return step


def noting(reason):
    async def step(slate, calls):
        return slate.noting(Fallback(path=calls.path, reason=reason))

    return step


def late(pause, step):
    """`step`, done `pause` turns of the event loop later."""

    async def run(slate, calls):
        for _ in range(pause):
            await asyncio.sleep(0)
        return await step(slate, calls)

    return run


async def reverse(slate, calls):
    return slate.with_candidates(slate.candidates[::-1])


async def drop(slate, calls):
    return slate.with_candidates(slate.candidates[1:])


async def locate(slate, calls):
    origin = Origin(model="-", path=calls.path, index=0)
    return slate.with_candidates((*slate.candidates, Candidate(text="here", origin=origin)))


simple = (
    st.builds(adding, candidates)
    | st.builds(noting, texts)
    | st.sampled_from([reverse, drop, locate])
)
steps = st.builds(late, st.integers(0, 3), simple)
rows = st.lists(steps, max_size=4)


def walk(step, slate):
    """What `step` makes of `slate`, which is left as it was."""

    async def run():
        with SampleStore() as store:
            return await step(slate, Walk(Dispatcher({}, store)))

    before = copy.deepcopy(slate)
    left = asyncio.run(run())
    assert slate == before
    return left


@given(rows, rows, rows, slates)
def test_chain_is_associative(first, second, third, slate):
    flat = walk(chain([*first, *second, *third]), slate)
    assert walk(chain([chain(first), chain([chain(second), chain(third)])]), slate) == flat
    assert walk(chain([chain([chain(first), chain(second)]), chain(third)]), slate) == flat


@given(steps, slates)
def test_the_empty_chain_is_the_identity(step, slate):
    alone = walk(step, slate)
    assert walk(chain([]), slate) == slate
    assert walk(chain([chain([]), step]), slate) == alone
    assert walk(chain([step, chain([])]), slate) == alone
    assert walk(chain([step]), slate) == alone


@given(st.lists(candidates, max_size=6), slates)
def test_chain_takes_steps_in_their_order(added, slate):
    left = walk(chain([late(len(added) - at, adding(c)) for at, c in enumerate(added)]), slate)
    assert left.candidates == (*slate.candidates, *added)


@given(st.lists(steps, min_size=2, max_size=4), slates)
def test_parallel_sets_what_each_step_leaves_side_by_side(row, slate):
    apart = [walk(placed(str(at), step), slate) for at, step in enumerate(row)]
    left = walk(parallel(row), slate)
    assert left.question is slate.question
    assert left.candidates == tuple(c for part in apart for c in part.candidates)
    known = len(slate.fallbacks)
    assert left.fallbacks[:known] == slate.fallbacks
    assert left.fallbacks[known:] == tuple(n for part in apart for n in part.fallbacks[known:])


@given(st.permutations(range(5)), slates)
def test_parallel_keeps_order_and_length_whoever_is_first(pauses, slate):
    async def nothing(slate, calls):
        return slate.with_candidates(())

    row = [chain([nothing, late(pause, locate)]) for pause in pauses]
    made = walk(parallel(row), slate).candidates
    assert [candidate.origin.path for candidate in made] == ["0", "1", "2", "3", "4"]


def test_parallel_steps_run_at_the_same_time():
    async def run():
        door = asyncio.Event()

        async def wait(slate, calls):
            await door.wait()
            return slate

        async def open_door(slate, calls):
            door.set()
            return slate

        with SampleStore() as store:
            calls = Walk(Dispatcher({}, store))
            await asyncio.wait_for(parallel([wait, open_door])(EMPTY, calls), timeout=5)

    asyncio.run(run())


def test_a_step_alone_stands_at_its_own_path():
    whole = chain([placed("0.a", parallel([locate])), placed("1.b", parallel([locate, locate]))])
    paths = [candidate.origin.path for candidate in walk(whole, EMPTY).candidates]
    assert paths == ["0.a", "1.b/0", "0.a", "1.b/1"]


def test_a_failing_step_ends_the_row():
    async def fail(slate, calls):
        raise RuntimeError("this one fails")

    with pytest.raises(RuntimeError, match="this one fails"):
        walk(parallel([late(3, locate), fail, locate]), EMPTY)


@given(slates)
def test_nothing_on_a_slate_can_be_assigned_to(slate):
    for thing in (slate, slate.question, *slate.candidates, *slate.fallbacks):
        for field in fields(thing):
            with pytest.raises(FrozenInstanceError):
                setattr(thing, field.name, None)
        # Slots: no name that the class does not declare.
        with pytest.raises((AttributeError, TypeError)):
            thing.other = None
        assert replace(thing) == thing


EMPTY = Slate(question=None)

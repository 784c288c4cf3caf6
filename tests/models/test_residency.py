"""Models that take turns: never two awake, nobody starves, drained before sleep."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.errors import ConfigError, TransientModelError
from archsearch.models.residency import Member, Turns, memory_lines
from archsearch.models.scripted import Reply, ScriptedConfig
from archsearch.models.vllm import VLLMConfig
from archsearch.shape import ModelShape


class Node:
    """A device with room for one model; it notes what happens, and objects to what must not."""

    def __init__(self, **bounds: Any) -> None:
        self.turns = Turns(**bounds)
        self.awake: set[str] = set()
        self.inside: dict[str, int] = {}
        self.log: list[str] = []
        self.members: dict[str, Member] = {}

    def join(self, *names: str, seconds: float = 0.0) -> None:
        for name in names:
            self.inside[name] = 0
            self.members[name] = self.turns.join(
                sleep=self._switch(name, False, seconds), wake=self._switch(name, True, seconds)
            )

    def _switch(self, name: str, wake: bool, seconds: float) -> Callable[[], Awaitable[None]]:
        async def switch() -> None:
            assert not any(self.inside.values()), "nobody switches while a call is in flight"
            if not wake:
                self.awake.remove(name)
            await asyncio.sleep(seconds)
            if wake:
                assert not self.awake, "two models do not fit"
                self.awake.add(name)
                self.log.append(name)

        return switch

    async def call(self, name: str, seconds: float = 0.0) -> None:
        async with self.turns.resident(self.members[name]):
            assert self.awake == {name}
            self.inside[name] += 1
            try:
                await asyncio.sleep(seconds)
            finally:
                self.inside[name] -= 1


def within(work: Awaitable[Any], seconds: float = 10.0) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(work, seconds)

    return asyncio.run(bounded())


def test_the_first_call_wakes_a_model_and_others_share_it() -> None:
    async def calls() -> list[str]:
        node = Node()
        node.join("a", "b")
        await asyncio.gather(*(node.call("a", 0.001) for _ in range(5)))
        await node.call("a")
        return node.log

    assert within(calls()) == ["a"]


def test_calls_of_one_model_are_served_together() -> None:
    async def calls() -> list[str]:
        node = Node()
        node.join("a", "b")
        await asyncio.gather(*(node.call(name, 0.001) for name in "ababab"))
        return node.log

    assert within(calls()) == ["a", "b"]


@pytest.mark.parametrize("bounds", [{"seconds": 0.05}, {"calls": 20}], ids=str)
def test_nobody_starves_while_the_resident_is_never_idle(bounds: dict[str, Any]) -> None:
    async def calls() -> int:
        node = Node(**{"seconds": 1e9, "calls": 10**9, **bounds})
        node.join("busy", "rare")
        begun = 0

        async def keep_busy() -> None:
            nonlocal begun
            while True:
                await node.call("busy", 0.001)
                begun += 1

        tasks = [asyncio.create_task(keep_busy()) for _ in range(4)]
        await asyncio.sleep(0.02)
        before = begun
        await node.call("rare")
        after = begun
        await node.call("rare")  # and again, after the busy one had its turn
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return after - before

    served = within(calls(), 5)
    assert served <= 20 + 4 or "seconds" in bounds  # and those in flight


@given(
    plan=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3), st.integers(0, 6)),
        max_size=25,
    ),
    calls=st.integers(1, 4),
)
def test_any_mixture_of_calls_and_cancellations(
    plan: list[tuple[str, int, int, int]], calls: int
) -> None:
    """Each entry: a model, steps before the call, steps it takes, steps until it is cancelled (6:
    never). The node objects to any broken rule; a call that is not cancelled must end."""

    async def run() -> None:
        node = Node(seconds=1e9, calls=calls)
        node.join("a", "b", "c")

        async def one(name: str, wait: int, work: int) -> None:
            for _ in range(wait):
                await asyncio.sleep(0)
            async with node.turns.resident(node.members[name]):
                assert node.awake == {name}
                node.inside[name] += 1
                try:
                    for _ in range(work):
                        await asyncio.sleep(0)
                finally:
                    node.inside[name] -= 1

        async def entry(name: str, wait: int, work: int, cancel: int) -> None:
            task = asyncio.create_task(one(name, wait, work))
            if cancel < 6:
                for _ in range(cancel):
                    await asyncio.sleep(0)
                task.cancel()
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            assert outcome is None or (
                cancel < 6 and isinstance(outcome, asyncio.CancelledError)
            ), repr(outcome)

        await asyncio.gather(*(entry(*item) for item in plan))
        for name in "abc":  # whatever happened, everybody can still have a turn
            await node.call(name)
        assert all(member.inside == 0 for member in node.members.values())

    within(run())


def test_a_model_that_cannot_wake_tells_its_callers_and_no_others() -> None:
    async def calls() -> list[Any]:
        node = Node()
        node.join("good")

        async def fail() -> None:
            raise ConfigError("no such model")

        async def sleep() -> None: ...

        node.members["bad"] = node.turns.join(sleep=sleep, wake=fail)
        node.inside["bad"] = 0
        tries = (node.call(name, 0.001) for name in ("good", "bad", "bad", "good"))
        return await asyncio.gather(*tries, return_exceptions=True)

    good, bad, also_bad, also_good = within(calls())
    assert good is also_good is None
    assert isinstance(bad, ConfigError)
    assert isinstance(also_bad, ConfigError)


def test_a_model_that_leaves_dismisses_its_callers_and_frees_the_node() -> None:
    async def calls() -> list[str]:
        node = Node(seconds=1e9)
        node.join("a", "b")
        long = asyncio.create_task(node.call("a", 0.05))
        await asyncio.sleep(0.01)
        waits = asyncio.create_task(node.call("b"))
        await asyncio.sleep(0.01)
        node.turns.leave(node.members["b"])
        node.turns.leave(node.members["b"])
        with pytest.raises(TransientModelError, match="closed"):
            await waits
        with pytest.raises(TransientModelError, match="closed"):
            await node.call("b")
        await long
        node.awake.clear()  # what close() does
        node.turns.leave(node.members["a"])
        node.join("c")
        await node.call("c")
        return node.log

    assert within(calls()) == ["a", "c"]


def test_a_group_is_found_by_its_name_for_as_long_as_somebody_is_in_it() -> None:
    first = Turns.of("tests-node")
    assert Turns.of("tests-node") is first
    assert Turns.of("tests-other") is not first
    known = id(first)
    first._marked = True  # type: ignore[attr-defined]
    del first
    gc.collect()
    assert known
    assert not hasattr(Turns.of("tests-node"), "_marked")


def test_switches_are_few_under_load() -> None:
    """200 calls of two models in random order take a few switches, not a hundred."""

    async def calls() -> int:
        node = Node()
        node.join("a", "b", seconds=0.002)
        names = random.Random(0).choices("ab", k=200)
        await asyncio.gather(*(node.call(name, 0.001) for name in names))
        return len(node.log)

    assert within(calls()) <= 4


# -- Memory.

SHAPE = ModelShape(
    layers=2, hidden=8, heads=2, kv_heads=1, head_dim=4, vocab=10, active_parameters=100
)


def test_lines_tell_the_memory_of_those_that_take_any() -> None:
    models = {
        "large": VLLMConfig(model="a", shape=SHAPE, concurrency=2**20, context=2**10),
        "scripted": ScriptedConfig(replies=(Reply(match="", texts=("a",)),)),
    }
    [line] = memory_lines(models)
    assert line == "memory of large: 32.0 GiB with full caches"


def test_lines_tell_where_nothing_is_known(tmp_path: Any) -> None:
    [line] = memory_lines({"m": VLLMConfig(model=str(tmp_path))})
    assert line.startswith("memory of m: not known (a model folder must hold a config.json")

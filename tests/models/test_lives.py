"""An engine that dies or stalls is started again. The real one is killed in test_vllm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from archsearch.errors import ConfigError, ModelUnavailable, TransientModelError
from archsearch.models.lives import EngineDied, Life, Lives


class Engine:
    """Answers, dies or hangs as it is told."""

    def __init__(self) -> None:
        self.stopped = 0
        self.probes = 0
        self.answers = True

    async def ask(self, seconds: float = 0.0) -> str:
        await asyncio.sleep(seconds)
        return "answer"

    async def probe(self, life: Life) -> None:
        self.probes += 1
        if not self.answers:
            await asyncio.sleep(1e9)
        life.sign()

    def stop(self) -> None:
        self.stopped += 1

    def life(self, stall: float = 60.0) -> Life:
        return Life(self, stop=self.stop, probe=self.probe, stall=stall)


def within(work: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(work, 10)

    return asyncio.run(bounded())


def lives_of(*engines: Engine | Exception, restarts: int = 3) -> Lives:
    left = list(engines)

    async def start() -> Life:
        await asyncio.sleep(0.01)
        engine = left.pop(0)
        if isinstance(engine, Exception):
            raise engine
        return engine.life()

    return Lives(start, restarts=restarts, name="model m", remedy="mend it")


async def die() -> None:
    raise EngineDied("gone")


def test_work_is_done_and_its_own_errors_are_passed_on() -> None:
    async def work() -> None:
        engine = Engine()
        life = engine.life()
        assert await life.run(engine.ask()) == "answer"

        async def refuse() -> None:
            raise TransientModelError("busy")

        with pytest.raises(TransientModelError, match="busy"):
            await life.run(refuse())
        assert not life.ended
        life.end(TransientModelError("over"))
        await life.stop()
        await life.stop()
        assert engine.stopped == 1

    within(work())


def test_a_death_ends_every_call() -> None:
    async def work() -> None:
        engine = Engine()
        life = engine.life()
        calls = [asyncio.create_task(life.run(engine.ask(1e9))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(EngineDied, match="gone"):
            await life.run(die())
        assert life.ended
        for call in calls:
            with pytest.raises(EngineDied, match="gone"):
                await call
        with pytest.raises(EngineDied, match="gone"):
            await life.run(engine.ask())
        await life.stop()

    within(work())


def test_cancelling_a_call_cancels_its_work() -> None:
    async def work() -> bool:
        engine, cancelled = Engine(), asyncio.Event()

        async def noted() -> None:
            try:
                await asyncio.sleep(1e9)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        life = engine.life()
        call = asyncio.create_task(life.run(noted()))
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        await asyncio.sleep(0)
        life.end(TransientModelError("over"))
        await life.stop()
        return cancelled.is_set()

    assert within(work())


def test_a_stall_is_a_death_only_if_the_probe_fails() -> None:
    async def work() -> None:
        slow, stuck = Engine(), Engine()
        stuck.answers = False
        life = slow.life(stall=0.05)
        assert await life.run(slow.ask(0.3)) == "answer"
        assert slow.probes >= 2
        life.end(TransientModelError("over"))
        await life.stop()
        life = stuck.life(stall=0.05)
        with pytest.raises(EngineDied, match="brought nothing"):
            await life.run(stuck.ask(1e9))
        await life.stop()

    within(work())


def test_a_probe_that_waits_behind_others_is_no_death() -> None:
    """Where samples come, a probe may wait its turn for as long as it likes."""

    async def work() -> None:
        engine = Engine()
        engine.answers = False
        life = engine.life(stall=0.1)

        async def sign_now_and_then() -> None:
            for _ in range(4):
                await asyncio.sleep(0.13)
                life.sign()

        await life.run(sign_now_and_then())
        assert engine.probes >= 1
        assert not life.ended
        life.end(TransientModelError("over"))
        await life.stop()

    within(work())


def test_an_idle_engine_is_left_alone() -> None:
    async def work() -> int:
        engine = Engine()
        life = engine.life(stall=0.02)
        await asyncio.sleep(0.1)
        await life.run(engine.ask())
        life.end(TransientModelError("over"))
        await life.stop()
        return engine.probes

    assert within(work()) == 0


def test_all_who_ask_wait_for_the_same_start() -> None:
    async def work() -> None:
        first, second = Engine(), Engine()
        lives = lives_of(first, second)
        assert len({await life for life in [asyncio.create_task(lives.living())] * 3}) == 1
        life = await lives.living()
        impatient = asyncio.create_task(lives.living())
        life.end(EngineDied("gone"))
        impatient.cancel()
        both = await asyncio.gather(lives.living(), lives.living())
        assert both[0] is both[1] is not life
        assert first.stopped == 1
        await lives.close()
        await lives.close()
        assert (first.stopped, second.stopped) == (1, 1)
        with pytest.raises(TransientModelError, match="closed"):
            await lives.living()
        with pytest.raises(TransientModelError, match="closed"):
            await both[0].run(second.ask())

    within(work())


def test_restarts_are_bounded() -> None:
    async def work() -> None:
        lives = lives_of(Engine(), Engine(), Engine(), restarts=1)
        for _ in range(2):
            (await lives.living()).end(EngineDied("gone"))
        with pytest.raises(
            ModelUnavailable, match=r"model m may be started again 1 times.*mend it"
        ):
            await lives.living()
        await lives.close()

    within(work())


def test_a_failed_first_start_is_told_as_it_is_and_a_failed_restart_may_pass() -> None:
    async def work() -> None:
        with pytest.raises(ConfigError, match="no such model"):
            await lives_of(ConfigError("no such model")).living()
        lives = lives_of(Engine(), ConfigError("out of memory"), Engine())
        (await lives.living()).end(EngineDied("gone"))
        with pytest.raises(TransientModelError, match=r"started again: out of memory"):
            await lives.living()
        assert not (await lives.living()).ended
        assert await lives.last() is await lives.living()
        await lives.close()

    within(work())


def test_closing_amid_a_start_waits_for_it_and_stops_it() -> None:
    async def work() -> int:
        engine = Engine()
        lives = lives_of(engine)
        assert await lives.last() is None
        start = asyncio.create_task(lives.living())
        await asyncio.sleep(0)
        await lives.close()
        await start
        return engine.stopped

    assert within(work()) == 1

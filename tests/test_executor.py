"""Programs run once: from the store, in flight, and again where the sandbox failed."""

import asyncio

import pytest

from archsearch import executor
from archsearch.budget import Account
from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import SandboxFailed, SandboxUnavailable
from archsearch.executor import ATTEMPTS, Executor
from archsearch.meter import Meter
from archsearch.program import Call, Execution, Limits, Program, Reply
from archsearch.store import SampleStore
from archsearch.types import Measured

PROGRAM = Program(source="x = 1")


class Counting:
    """A runner that runs nothing, and counts; it fails as often as it is told to."""

    def __init__(self, *, failing=0, identity="here"):
        self.identity, self.failing = identity, failing
        self.began, self.stopped = [], 0
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self):
        return self

    async def run(self, program):
        self.began.append(program)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if len(self.began) <= self.failing:
            return Execution(status="sandbox_error", tier="none", error="no room", cpu_seconds=0.25)
        replies = (Reply(status="ok", value={"a": (1, 2.5)}),)
        return Execution(status="ok", tier="none", replies=replies, cpu_seconds=0.5)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(executor, "PAUSE", 0.001)


def test_a_program_is_run_once_for_all_who_ask_at_once_or_later():
    async def run():
        runner, meter = Counting(), Meter()
        with SampleStore() as store:
            door = Executor(runner, store, meter)
            found = await asyncio.gather(*(door.execute(PROGRAM) for _ in range(5)))
            found.append(await door.execute(PROGRAM))
            again = await Executor(Counting(failing=9), store, Meter()).execute(PROGRAM)
        assert len(runner.began) == 1
        assert all(one == found[0] for one in [*found, again])
        assert found[0].execution.replies[0].value == {"a": (1, 2.5)}
        assert (meter.executions, meter.reused_executions, meter.cpu_seconds) == (1, 5, 0.5)

    asyncio.run(run())


@pytest.mark.parametrize(
    "other",
    [
        Program(source="x = 2"),
        Program(source="x = 1", stdin="1"),
        Program(source="x = 1", limits=Limits(seconds=3)),
        Program(source="x = 1", calls=(Call(function="f", args=(1,)),)),
        Program(source="x = 1", test="f()", functions=("f",)),
    ],
)
def test_another_program_is_another(other):
    async def run():
        runner = Counting()
        with SampleStore() as store:
            door = Executor(runner, store, Meter())
            one, two = await door.execute(PROGRAM), await door.execute(other)
        assert one.key != two.key
        assert len(runner.began) == 2

    asyncio.run(run())


@pytest.mark.parametrize(("one", "two"), [((1,), (1.0,)), ((1,), (True,)), (([],), ((),))])
def test_arguments_that_are_equal_but_of_other_types_are_others(one, two):
    async def run():
        with SampleStore() as store:
            door = Executor(Counting(), store, Meter())
            keys = {
                (await door.execute(Program(source="", calls=(Call(function="f", args=a),)))).key
                for a in (one, two)
            }
        assert len(keys) == 2

    asyncio.run(run())


def test_another_environment_runs_it_again():
    async def run():
        with SampleStore() as store:
            first = await Executor(Counting(), store, Meter()).execute(PROGRAM)
            there = Counting(identity="there")
            second = await Executor(there, store, Meter()).execute(PROGRAM)
        assert first.key != second.key
        assert len(there.began) == 1

    asyncio.run(run())


def test_a_failure_of_the_sandbox_is_tried_again_and_never_stored():
    async def run():
        meter = Meter()
        with SampleStore() as store:
            runner = Counting(failing=ATTEMPTS - 1)
            executed = await Executor(runner, store, meter).execute(PROGRAM)
            assert executed.execution.status == "ok"
            assert meter.executions == 1
            assert meter.cpu_seconds == (ATTEMPTS - 1) * 0.25 + 0.5
            for _ in range(2):
                runner = Counting(failing=ATTEMPTS)
                with pytest.raises(SandboxFailed, match=r"after 3 failures .* no room; see"):
                    await Executor(runner, store, meter).execute(Program(source="y"))
                assert len(runner.began) == ATTEMPTS

    asyncio.run(run())


def test_the_last_who_leaves_stops_it_and_the_next_starts_anew():
    async def run():
        runner = Counting()
        runner.open.clear()
        with SampleStore() as store:
            door = Executor(runner, store, Meter())
            waiting = [asyncio.ensure_future(door.execute(PROGRAM)) for _ in range(2)]
            await asyncio.sleep(0.01)
            waiting[0].cancel()
            await asyncio.sleep(0.01)
            assert runner.stopped == 0
            waiting[1].cancel()
            third = asyncio.ensure_future(door.execute(PROGRAM))
            await asyncio.sleep(0.01)
            assert runner.stopped == 1
            runner.open.set()
            assert (await third).execution.status == "ok"
        assert len(runner.began) == 2

    asyncio.run(run())


def test_closing_stops_what_runs():
    async def run():
        runner = Counting()
        runner.open.clear()
        with SampleStore() as store:
            door = Executor(runner, store, Meter())
            waiting = asyncio.ensure_future(door.execute(PROGRAM))
            await asyncio.sleep(0.01)
            await door.close()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert runner.stopped == 1

    asyncio.run(run())


def test_without_a_sandbox_nothing_runs():
    async def run():
        with SampleStore() as store, pytest.raises(SandboxUnavailable, match="none was opened"):
            await Walk(Dispatcher({}, store)).execute(PROGRAM)

    asyncio.run(run())


def test_a_walk_counts_each_distinct_program_once_and_a_study_pays_it_once():
    async def run():
        account = Account()
        with SampleStore() as store:
            dispatcher = Dispatcher({}, store, account=account, sandbox=Counting())
            first, second = Walk(dispatcher), Walk(dispatcher)

            async def step(item, calls):
                await calls.execute(PROGRAM)
                await calls.execute(Program(source=item))

            await first.at("0.a").each(["a", "b"], step)
            await second.at("0.a").execute(PROGRAM)
        assert first.cpu_seconds == 3 * 0.5
        assert second.cpu_seconds == 0.5
        assert account.spent == Measured(cpu_seconds=1.5)

    asyncio.run(run())


def test_the_seconds_of_a_branch_that_raised_are_used():
    async def run():
        with SampleStore() as store:
            dispatcher = Dispatcher({}, store, sandbox=Counting())
            walk = Walk(dispatcher)

            async def step(source, door):
                await door.execute(Program(source=source))
                raise RuntimeError("no")

            with pytest.raises(RuntimeError, match="no"):
                await walk.each(["x = 1"], step)
            assert walk.cpu_seconds == 0.5
            await dispatcher.close()

    asyncio.run(run())

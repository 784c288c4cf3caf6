"""Verdicts on a program by tests, such as the program itself cannot forge.

What a program gives leaves its sandbox as plain data and is judged outside of it; what is expected
never goes in. A program that says "passed", exits with 0, patches `==` or reads the frames of its
caller gains nothing: there is nothing there to be told, patched or read.
"""

from __future__ import annotations

import ast
import asyncio
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from archsearch.code.asserts import Raised, Unanswered, read
from archsearch.code.operators import Unreadable
from archsearch.code.testtree import free_names, parse
from archsearch.errors import SandboxFailed
from archsearch.program import Call, Execute, Execution, Limits, Plain, Program, Reply, Status
from archsearch.syntax import defined

MOST_RUNS = 8
"""Sandboxes for the calls of one program: each time-out or crash in a call takes a fresh one."""
OUTPUTS_AT_ONCE = 8
"""Inputs of one program under way at once, where the first wrong output ends it."""
NO_CALL = Call(function="__name__")
"""Nothing that can be called: what is asked of a program to see whether it runs, as what is asked
of nothing is run as `__main__`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one test says of a program."""

    status: Status
    """`ok` where it passed."""
    message: str = ""
    """Why not. It may tell what was expected: it is not for the eyes of the program."""

    @property
    def passed(self) -> bool:
        """Whether the test is fulfilled."""
        return self.status == "ok"


class Check(Protocol):
    """Calls of a program, and what must hold of the replies. See `asserts.Reading`."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls, in order."""

    def hold(self, replies: Sequence[Reply | None]) -> None:
        """Returns where it holds; raises as `asserts.Reading.hold` does."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One call, and what it must give."""

    call: Call
    expected: Plain
    same: Callable[[Plain, Plain], bool] = operator.eq
    """Whether what it gave (first) is as good as what is expected (second)."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """The call."""
        return (self.call,)

    def hold(self, replies: Sequence[Reply | None]) -> None:
        """Raises `AssertionError` where the value is another one."""
        (reply,) = replies
        if reply is None:
            raise Unanswered
        if reply.status != "ok":
            raise Raised(reply)
        if not self.same(reply.value, self.expected):
            raise AssertionError(f"{self.call.function} gave another value than expected")


@dataclass(frozen=True, slots=True)
class Case:
    """What a program reads from stdin, and what it must write to stdout."""

    stdin: str
    stdout: str


async def verdicts(
    source: str, tests: Sequence[str], execute: Execute, *, limits: Limits = Limits()
) -> tuple[Verdict, ...]:
    """One verdict for each test, in their order.

    A test is Python source that raises where `source` is wrong: asserts, most often. Those that can
    be read (`asserts`) become calls, all of which are made in one sandbox; each of the others is
    run in a sandbox of its own, against proxies of the functions that it does not define. `limits`
    hold for each sandbox. A source that does not run at all fails every test with that status. A
    test that is no Python fails with `exception`, whatever the source. Raises `SandboxFailed`.
    """
    candidate = _Candidate(source, _papers(source, tests), execute, limits)
    await candidate.make_calls()
    return tuple(await asyncio.gather(*map(candidate.verdict, candidate.papers)))


async def verdict(
    source: str, tests: Sequence[str], execute: Execute, *, limits: Limits = Limits()
) -> Verdict:
    """`ok` where every test is passed, else the verdict of a test that is not; `tests` as in
    `verdicts`. Nothing is run once one has failed."""
    return await _first_failure(_Candidate(source, _papers(source, tests), execute, limits))


async def verdict_of_checks(
    source: str, checks: Sequence[Check], execute: Execute, *, limits: Limits = Limits()
) -> Verdict:
    """The same of checks."""
    papers = [_Paper(check=check) for check in checks]
    return await _first_failure(_Candidate(source, papers, execute, limits))


async def verdict_of_outputs(
    source: str,
    cases: Sequence[Case],
    execute: Execute,
    *,
    same: Callable[[str, str], bool],
    limits: Limits = Limits(),
) -> Verdict:
    """`ok` where each case's stdin makes the program write what is the `same` as the case's stdout,
    else the verdict of one that does not. Each case is a program, and `limits` hold for each;
    the first alone, as most that fail fail there, then some at once, and none after a failure."""

    async def run(case: Case) -> Verdict:
        execution = await _ran(execute, Program(source=source, stdin=case.stdin, limits=limits))
        if execution.status == "ok" and not same(execution.stdout, case.stdout):
            return Verdict("wrong", "another output than expected")
        return _verdict(execution)

    starts = [0, *range(1, len(cases), OUTPUTS_AT_ONCE), len(cases)]
    for start, end in pairwise(starts):
        for one in await asyncio.gather(*map(run, cases[start:end])):
            if not one.passed:
                return one
    return Verdict("ok")


@dataclass(slots=True)
class _Paper:
    """A test or a check, and what is known of it so far."""

    test: str = ""
    check: Check | None = None
    """None where the test has to be run."""
    verdict: Verdict | None = None
    replies: list[Reply | None] = field(init=False)

    def __post_init__(self) -> None:
        self.replies = [None] * len(self.calls)

    @property
    def calls(self) -> tuple[Call, ...]:
        """What is asked of the program."""
        return self.check.calls if self.check else ()

    def missing(self) -> list[int]:
        """The calls that the verdict may hang on; where it hangs on none, it is now known."""
        if self.verdict is None and self.check is not None:
            try:
                self.verdict = _judged(self.check, self.replies)
            except Unanswered:
                return [index for index, reply in enumerate(self.replies) if reply is None]
            except Unreadable:
                self.check = None
        return []


class _Candidate:
    """A source on its way through its tests."""

    def __init__(
        self, source: str, papers: Sequence[_Paper], execute: Execute, limits: Limits
    ) -> None:
        self.papers = papers
        self._source, self._execute, self._limits = source, execute, limits
        self._fault: Verdict | None = None
        """What is said of whatever the calls that were answered do not settle."""

    @property
    def failure(self) -> Verdict | None:
        """A verdict that is not `ok`, if there is one so far."""
        known = [paper.verdict for paper in self.papers if paper.verdict]
        return next((one for one in known if not one.passed), self._fault)

    async def make_calls(self, *, until_failure: bool = False) -> None:
        """Asks what the tests hang on, until all of it is known or it is not to be had."""
        runs, running = 0, False
        while places := [(paper, index) for paper in self.papers for index in paper.missing()]:
            if until_failure and self.failure:
                return
            execution = await self._run(calls=tuple(paper.calls[index] for paper, index in places))
            runs += 1
            for (paper, index), reply in zip(places, execution.replies, strict=False):
                paper.replies[index] = reply
            if not (running or execution.replies) and await self._does_not_run():
                return
            running = True
            if runs == MOST_RUNS and execution.status != "ok":
                self._fault = _verdict(execution)
                return
            if not execution.replies:
                # What came first in a fresh sandbox and ended it, ends it.
                paper, index = places[0]
                paper.replies[index] = Reply(status=execution.status, error=execution.error)
        if not running and sum(paper.verdict is None for paper in self.papers) > 1:
            await self._does_not_run()

    async def verdict(self, paper: _Paper) -> Verdict:
        """The verdict of one test, which is run where calls did not settle it."""
        known = paper.verdict or self._fault
        if known:
            return known
        return _verdict(await self._run(test=paper.test, functions=free_names(paper.test)))

    async def _does_not_run(self) -> bool:
        """Whether the source ends badly before anything is asked of it."""
        execution = await self._run(calls=(NO_CALL,))
        if execution.status != "ok":
            self._fault = _verdict(execution)
        return self._fault is not None

    async def _run(self, **task: Any) -> Execution:
        program = Program(source=self._source, limits=self._limits, **task)
        return await _ran(self._execute, program)


async def _ran(execute: Execute, program: Program) -> Execution:
    """What became of a program; a failure of the sandbox says nothing of it, and is no verdict."""
    execution = await execute(program)
    if execution.status == "sandbox_error":
        raise SandboxFailed(execution.error)
    return execution


async def _first_failure(candidate: _Candidate) -> Verdict:
    await candidate.make_calls(until_failure=True)
    for paper in candidate.papers:
        if candidate.failure:
            return candidate.failure
        paper.verdict = await candidate.verdict(paper)
    return candidate.failure or Verdict("ok")


def _papers(source: str, tests: Sequence[str]) -> list[_Paper]:
    own = defined(source)
    return [_paper(test, own) for test in tests]


def _paper(test: str, own: frozenset[str]) -> _Paper:
    try:
        tree = parse(test)
    except SyntaxError as error:
        return _Paper(verdict=Verdict("exception", f"the test is no Python: {error}"))
    test = ast.unparse(tree)
    try:
        return _Paper(test, read(tree, own=own))
    except Unreadable:
        return _Paper(test)


def _judged(check: Check, replies: Sequence[Reply | None]) -> Verdict:
    try:
        check.hold(replies)
    except (Unanswered, Unreadable):
        raise
    except Raised as raised:
        return Verdict(raised.reply.status, raised.reply.error)
    except AssertionError as error:
        return Verdict("wrong", str(error))
    except Exception as error:  # noqa: BLE001 - whatever Python raises where values do not fit
        return Verdict("exception", f"{type(error).__name__}: {error}")
    return Verdict("ok")


def _verdict(execution: Execution) -> Verdict:
    return Verdict(execution.status, execution.error)

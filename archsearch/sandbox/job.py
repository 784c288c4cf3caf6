"""One program from its start to what became of it: alone, with calls, or against its test in a
second sandbox. Runs in the warden."""

from __future__ import annotations

import selectors
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from archsearch.program import Program, Status
from archsearch.sandbox import plain, tree
from archsearch.sandbox.cell import ERROR_BYTES, Cell, read_plain
from archsearch.sandbox.inside import CALL, REPLY, SERVED

TICK_SECONDS = 0.05

Outcome = tuple[Status, str]
Make = Callable[[str], Cell]
"""Makes a cell of that mode, not started."""


class Bells(Protocol):
    """What ends a job's waiting besides its pipes."""

    control: int
    """Can be read when the host has said something."""
    child: int
    """Can be read when a process has ended."""

    def called(self) -> bool:
        """Takes in what can be read; whether the host wants no more of the job."""


class Job(ABC):
    """The cells of one program, and what passes between them and us. The job is over when one of
    their commands exits, or is stopped."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.replies: list[bytes] = []
        self.cells: list[Cell] = []

    @abstractmethod
    def start(self, make: Make) -> None:
        """Makes and starts the cells."""

    @abstractmethod
    def advance(self) -> None:
        """Takes the frames that came, and sends what follows from them."""

    @abstractmethod
    def judge(self) -> Outcome:
        """What became of the program, once all is over."""

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return any(cell.verdict or cell.exit_code is not None for cell in self.cells)


class Alone(Job):
    """The source, then the calls."""

    def start(self, make: Make) -> None:
        """Starts the one cell."""
        self._cell = make("calls" if self.program.calls else "plain")
        self.cells.append(self._cell)
        self._cell.start(self.program.stdin, ())
        self._released = self._asked = False
        self._room = self.program.limits.output_bytes

    def advance(self) -> None:
        """The source goes in when the limits are set, the calls once it has run."""
        cell = self._cell
        for kind, content in cell.frames():
            if kind == SERVED and self.program.calls and not self._asked:
                self._ask()
            elif kind == REPLY and self._asked and is_reply(read_plain(content)):
                self._take(content)
            else:
                cell.stop("exception", "it wrote among its answers what is no answer")
        if cell.ready and not self._released:
            self._released = True
            cell.release(self.program.source)

    def _ask(self) -> None:
        self._asked = True
        for call in self.program.calls:
            arguments = (call.function, call.args, dict(call.kwargs))
            self._cell.send(plain.encode(arguments, 1 << 28))
        self._cell.send_no_more()

    def _take(self, content: bytes) -> None:
        self.replies.append(content)
        self._room -= max(0, len(content) - ERROR_BYTES)
        if len(self.replies) > len(self.program.calls):
            self._cell.stop("exception", "it gave more answers than there were calls")
        if self._room < 0:
            most = self.program.limits.output_bytes
            self._cell.stop("output", f"more than {most} bytes of values")

    def judge(self) -> Outcome:
        """Each call has to be answered."""
        status, error = verdict(self._cell)
        if status == "ok" and len(self.replies) < len(self.program.calls):
            answered = f"{len(self.replies)} of {len(self.program.calls)} calls"
            return "exception", f"it left after it had answered {answered}"
        return status, error


class Tested(Job):
    """The program serves the calls that its test makes in a sandbox of its own."""

    def start(self, make: Make) -> None:
        """Starts both cells; the test waits for the program's source to run."""
        self._subject, self._test = make("subject"), make("test")
        self.cells += [self._subject, self._test]
        self._subject.start(self.program.stdin, ())
        self._test.start("", self.program.functions)
        self._released = self._served = self._tested = False
        self._asked = 0

    def advance(self) -> None:
        """Passes calls one way and answers the other."""
        for kind, content in self._subject.frames():
            self._answered(kind, content)
        for kind, content in self._test.frames():
            if kind == CALL and is_call(read_plain(content)):
                self._asked += 1
                self._subject.send(content)
            else:
                self._test.stop("exception", "it wrote among its calls what is no call")
        if self._subject.ready and not self._released:
            self._released = True
            self._subject.release(self.program.source)
        if self._served and self._test.ready and not self._tested:
            self._tested = True
            self._test.release(self.program.test)

    def _answered(self, kind: bytes, content: bytes) -> None:
        if kind == SERVED and not self._served:
            self._served = True
        elif kind == REPLY and self._asked and is_reply(read_plain(content), "changed"):
            self._asked -= 1
            self._test.send(content)
        else:
            self._subject.stop("exception", "it wrote among its answers what is no answer")

    @property
    def over(self) -> bool:
        """A test that has told its end is over, whatever it left running."""
        return super().over or self._test.told is not None

    def judge(self) -> Outcome:
        """The test's own end decides, unless something ended the program before."""
        passed = self._test.told == ("", "") and not self._test.verdict
        if self._subject.verdict or (self._subject.exit_code is not None and not passed):
            return _not_ok(verdict(self._subject), "it left before its test had ended")
        if passed:
            return "ok", ""
        if self._test.told and not self._test.verdict:
            error, kind = self._test.told
            return TOLD.get(kind, "exception"), error
        return _not_ok(verdict(self._test), "the test left before its end")


TOLD: dict[str, Status] = {"AssertionError": "wrong", "MemoryError": "memory"}


def verdict(cell: Cell) -> Outcome:
    """What became of what ran in one cell, from the outside in: what stopped it, whether it started
    at all, the kernel's counter, what it told, its exit code."""
    killed = cell.group.killed() if cell.group else 0
    if cell.verdict and not (killed and cell.verdict[0] == "exception"):
        return cell.verdict
    if killed:
        return "memory", f"more than {cell.limits.memory_bytes} bytes of memory"
    if not cell.ready:
        said = cell.stderr.decode("utf-8", "replace").strip()[-300:]
        return "sandbox_error", f"the sandbox did not start: {said or cell.exit_code}"
    if cell.exit_code == -signal.SIGXCPU:
        return "timeout", f"more than {cell.limits.cpu_seconds:g} seconds of CPU time"
    error, kind = cell.told or ("", "")
    if kind == "MemoryError":
        return "memory", error
    if cell.exit_code == 0 and (cell.mode == "plain" or not error):
        return "ok", ""
    return "exception", error or _died(cell.exit_code)


def _not_ok(outcome: Outcome, instead: str) -> Outcome:
    return ("exception", instead) if outcome[0] == "ok" else outcome


def _died(code: int | None) -> str:
    if code is not None and code < 0:
        names = {number.value: number.name for number in signal.Signals}
        return f"it died by {names.get(-code, f'signal {-code}')}"
    return f"it left with status {code}"


def is_reply(value: Any, *more: str) -> bool:
    """Whether it is what `inside.py` answers to a call; `more` are statuses that it may have."""
    return (
        isinstance(value, tuple)
        and len(value) == 4
        and value[0] in ("ok", "exception", "output", *more)
        and type(value[2]) is type(value[3]) is str
    )


def is_call(value: Any) -> bool:
    """Whether it is what a proxy in a test sends."""
    kinds = [str, tuple, dict]
    return isinstance(value, tuple) and [type(one) for one in value] == kinds


def run(job: Job, make: Make, bells: Bells) -> list[tree.End]:
    """Runs a job, unless the host takes it back; gives each process that ended, and leaves none."""
    ended: list[tree.End] = []
    try:
        job.start(make)
        while not job.over:
            if _wait(job, bells) and bells.called():
                break
            for end in tree.reap():
                ended.append(end)
                for cell in job.cells:
                    if cell.pid == end.pid:
                        cell.end(end.code)
            job.advance()
            for cell in job.cells:
                cell.watch()
    finally:
        ended += tree.end_all()
        for cell in job.cells:
            cell.close()
    job.advance()
    return ended


def _wait(job: Job, bells: Bells) -> bool:
    """Moves what can move through the pipes, waiting a tick for it at most. Whether a bell rang."""
    selector = selectors.PollSelector()
    for bell in (bells.control, bells.child):
        selector.register(bell, selectors.EVENT_READ)
    for cell in job.cells:
        for descriptor in cell.readable:
            selector.register(descriptor, selectors.EVENT_READ, cell)
        if cell.writable is not None:
            selector.register(cell.writable, selectors.EVENT_WRITE, cell)
    rang = False
    for key, events in selector.select(TICK_SECONDS):
        if key.data is None:
            rang = True
        elif events & selectors.EVENT_WRITE:
            key.data.write()
        else:
            key.data.read(key.fd)
    return rang

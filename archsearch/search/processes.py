"""Processes: the workers that a coordinator starts on its own machine, and replaces.

They are forked from a nursery, one process that has imported everything and opened nothing: so many
workers start in the time of one, and a new one at once. Each process of the two generations holds
the reading end of a pipe from the one before it, which the kernel closes when that is gone, however
it ended; so no worker outlives its coordinator.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

from archsearch.errors import RunError

PATIENCE = 3
"""Deaths of each worker in a row, without a result of any, after which the run gives up."""
FAREWELL = 5.0
"""Seconds that workers have to end by themselves."""


class Processes:
    """So many workers of one run."""

    def __init__(self, count: int, run: str, *, unsafe: bool = False) -> None:
        """`run` is what `archsearch worker` is told; `unsafe` has them use no sandbox."""
        self._count, self._run, self._unsafe = count, run, unsafe
        self._nursery: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        """Since a worker brought something."""

    def start(self) -> None:
        """Starts all."""
        command = [sys.executable, "-m", "archsearch", "worker", self._run, "--nursery"]
        self._nursery = subprocess.Popen(  # noqa: S603 - ourselves
            [*command, *(["--unsafe-exec"] if self._unsafe else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is the coordinator's, which ends them
            bufsize=0,
        )
        _, told = _ends(self._nursery)
        os.set_blocking(told, False)
        self._order(self._count)

    def made_progress(self) -> None:
        """Some worker has brought something."""
        self._deaths = 0

    def replace_the_dead(self) -> bool:
        """Starts another for each that is gone; whether there was one. Raises `RunError` when they
        die one after another."""
        if self._nursery is None:
            return False
        if (status := self._nursery.poll()) is not None:
            self._count_deaths(self._count, status)
            _say(f"the workers ended with status {status}; others begin")
            self.stop()
            self.start()
            return True
        dead = list(_reports(_ends(self._nursery)[1]))
        for number, status in dead:
            self._count_deaths(1, status)
            _say(f"worker {number} ended with status {status}; another begins")
            self._order(1)
        return bool(dead)

    def stop(self) -> None:
        """Ends all."""
        if self._nursery is None:
            return
        nursery, self._nursery = self._nursery, None
        for stream in (nursery.stdin, nursery.stdout):
            if stream:
                stream.close()
        try:
            nursery.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            os.killpg(nursery.pid, signal.SIGKILL)
            nursery.wait()

    def _order(self, count: int) -> None:
        if self._nursery:
            try:
                os.write(_ends(self._nursery)[0], b"\n" * count)
            except BrokenPipeError:
                return  # it is gone, which the next look tells

    def _count_deaths(self, count: int, status: int) -> None:
        self._deaths += count
        if self._deaths > PATIENCE * self._count:
            raise RunError(
                f"workers must live to bring results; {self._deaths} in a row did not, the last "
                f"with status {status}; see what they said above, or search without --workers"
            )


def _ends(nursery: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Where it takes orders, and where it tells of deaths."""
    if nursery.stdin is None or nursery.stdout is None:
        raise RuntimeError("a nursery is started with both pipes")
    return nursery.stdin.fileno(), nursery.stdout.fileno()


def _reports(place: int) -> Iterator[tuple[int, int]]:
    """The processes that ended since the last look, and how. A line is written at once."""
    try:
        told = os.read(place, 65536)
    except BlockingIOError:
        return
    for line in told.splitlines():
        number, status = line.split()
        yield int(number), int(status)


def _say(line: str) -> None:
    sys.stderr.write(f"archsearch: {line}\n")
    sys.stderr.flush()


def nursery(work: Callable[[], int]) -> None:
    """Forks a process for each byte of standard input, which runs `work` and ends with its status;
    writes number and status of each that ends. At the end of its input it waits for them.

    The standard input of a process that was forked ends as soon as this one does, or its input.
    """
    life, held = os.pipe()
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    orders = 0
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            os.read(woken, 65536)
        _report_the_dead()
        if orders in ready:
            ordered = os.read(orders, 1024)
            if not ordered:
                break
            for _ in ordered:
                _fork(work, life, held)
    os.close(held)
    while _waited(0):
        pass


def _fork(work: Callable[[], int], life: int, held: int) -> None:
    if os.fork():
        return
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(held)
        os.dup2(life, 0)
        status = work()
    finally:
        sys.stderr.flush()
        os._exit(status)  # nothing of the nursery's is to be tidied up here


def _report_the_dead() -> None:
    while ended := _waited(os.WNOHANG):
        number, status = ended
        os.write(1, f"{number} {os.waitstatus_to_exitcode(status)}\n".encode())


def _waited(options: int) -> tuple[int, int] | None:
    try:
        number, status = os.waitpid(-1, options)
    except ChildProcessError:
        return None
    return (number, status) if number else None

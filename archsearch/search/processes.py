"""Processes: the workers that a coordinator starts on its own machine, and replaces.

Each holds the reading end of a pipe from the coordinator. The kernel closes it when that is gone,
however it ended, so no worker outlives it.
"""

from __future__ import annotations

import subprocess
import sys

from archsearch.errors import RunError

PATIENCE = 3
"""Deaths of each worker in a row, without a result of any, after which the run gives up."""
FAREWELL = 5.0
"""Seconds that workers have to end by themselves."""


class Processes:
    """So many workers of one run."""

    def __init__(self, count: int, run: str) -> None:
        """`run` is what `archsearch worker` is told."""
        self._count, self._run = count, run
        self._alive: list[subprocess.Popen[bytes]] = []
        self._deaths = 0
        """Since a worker brought something."""

    def start(self) -> None:
        """Starts all."""
        self._alive = [self._started() for _ in range(self._count)]

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "archsearch", "worker", self._run, "--attached"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is the coordinator's, which ends them
        )

    def made_progress(self) -> None:
        """Some worker has brought something."""
        self._deaths = 0

    def replace_the_dead(self) -> bool:
        """Starts another for each that is gone; whether there was one. Raises `RunError` when they
        die one after another."""
        dead = [process for process in self._alive if process.poll() is not None]
        for process in dead:
            self._deaths += 1
            if self._deaths > PATIENCE * self._count:
                raise RunError(
                    f"workers must live to bring results; {self._deaths} in a row did not, the "
                    f"last with status {process.returncode}; see what they said above, or search "
                    f"without --workers"
                )
            _close(process)
            self._alive.remove(process)
            self._alive.append(self._started())
            _say(f"worker {process.pid} ended with status {process.returncode}; another began")
        return bool(dead)

    def stop(self) -> None:
        """Ends all."""
        for process in self._alive:
            _close(process)
        for process in self._alive:
            try:
                process.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._alive = []


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()


def _say(line: str) -> None:
    sys.stderr.write(f"archsearch: {line}\n")
    sys.stderr.flush()

"""The near end of a warden: starts it, hands it one program at a time, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import archsearch
from archsearch.errors import SandboxFailed
from archsearch.program import Program
from archsearch.sandbox import plain, wire

CANARY = "ARCHSEARCH_CANARY"
"""The one variable in a warden's environment; no program may ever see it."""
CANARY_VALUE = "planted"
_START = """
import sys
sys.path.insert(0, sys.argv[2])
from archsearch.sandbox import warden
warden.main()
"""
_ROOT = str(Path(archsearch.__file__).parents[1])


class Keeper:
    """One warden, which is started when it is first needed, and again when it died."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def pid(self) -> int | None:
        """Of the warden, while there is one."""
        return self._process.pid if self._process else None

    async def ask(self, program: Program) -> dict[str, Any]:
        """What the warden saw of the program. Cancelled, it returns when no process of the program
        is left. Raises `SandboxFailed` where there is no warden."""
        message = wire.pack_program(program)
        try:
            if self._process is None:
                await self._start()
            return await self._exchange(message)
        except (OSError, EOFError) as error:
            await self.close()
            raise SandboxFailed(f"the process that watches programs died ({error!r})") from error

    async def _exchange(self, message: bytes) -> dict[str, Any]:
        self._writer.write(message)
        # Apart, so that whoever is cancelled in the middle of an answer still has all of it.
        answer = asyncio.ensure_future(self._receive())
        try:
            return dict(await asyncio.shield(answer))
        except asyncio.CancelledError:
            await self._take_back(answer)
            raise

    async def _take_back(self, answer: asyncio.Future[Any]) -> None:
        """The warden ends the program and answers; should that be cancelled too, it is ended."""
        try:
            self._writer.write(wire.pack(None))
            with contextlib.suppress(OSError, EOFError):  # it is gone, and its program with it
                await answer
        except BaseException:
            self._end()
            raise

    async def _start(self) -> None:
        near, far = socket.socketpair()
        with far:
            self._reader, self._writer = await asyncio.open_unix_connection(sock=near)
            environment = {CANARY: CANARY_VALUE} | {
                name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ
            }
            command = [sys.executable, "-I", "-S", "-c", _START, str(far.fileno()), _ROOT]
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 (it takes a millisecond)
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                env=environment,
                start_new_session=True,
            )
            self._started.append(self._process)
        self._writer.write(wire.pack(self.settings))

    async def _receive(self) -> Any:
        (size,) = wire.HEAD.unpack(await self._reader.readexactly(wire.HEAD.size))
        return plain.decode(await self._reader.readexactly(size))

    def _end(self) -> None:
        """Closes the connection, on which the warden ends its program and itself."""
        if self._process is not None:
            self._writer.close()
            self._process = None

    async def close(self) -> None:
        """Tells the warden to go, and waits until it has, and those before it."""
        if self._process is not None:
            with contextlib.suppress(ConnectionError):
                self._writer.write(wire.pack(wire.GO))
                await self._writer.drain()
        while self._started:
            await asyncio.to_thread(self._started.pop().wait)
        self._end()

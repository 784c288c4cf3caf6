"""Programs that try to get out, run in a sandbox when it opens. Where one gets anywhere the sandbox
is refused, for what it does to a real program would be seen too late."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from archsearch.errors import SandboxUnavailable
from archsearch.program import Call, Execution, Limits, Plain, Program, Runner, Status
from archsearch.sandbox import tree
from archsearch.sandbox.keeper import CANARY, CANARY_VALUE
from archsearch.sandbox.tiers.base import Tier

PROBES = Path(__file__).with_name("probes.py")
_SMALL = Limits(
    seconds=20, cpu_seconds=20, memory_bytes=64 << 20, output_bytes=1 << 16, processes=8
)
_HASTY = Limits(seconds=0.2)

ENDS: dict[str, tuple[str, Limits, Status]] = {
    "a program that takes too much memory": ("x = bytearray(1 << 30)", _SMALL, "memory"),
    "a program that never ends": ("while True: pass", _HASTY, "timeout"),
    "a program that prints without end": ("while True: print('x' * 999)", _SMALL, "output"),
    "a program that raises": ("1 / 0", _SMALL, "exception"),
}
"""How programs have to end: source, limits, status."""


@dataclass(frozen=True, slots=True)
class Bait:
    """What lies outside to be reached."""

    folder: Path
    """Open to all; holds a file `secret` that all may read."""
    tcp: socket.socket
    udp: socket.socket
    abstract: socket.socket
    sibling: int
    """A process of the user that programs run as."""

    def calls(self) -> tuple[Call, ...]:
        """One for each way out; each has to return an empty text."""
        home = Path.home()
        files = (self.folder / "secret", home / ".ssh/id_rsa", "/etc/shadow", "/etc/passwd")
        ways: dict[str, tuple[Plain, ...]] = {
            "environment": ((*Tier.variables("", ""), "LC_CTYPE", "PWD"),),
            "environments_of_others": (f"{CANARY}={CANARY_VALUE}",),
            "read": (tuple(map(str, files)),),
            "write": (str(self.folder),),
            "tcp": (self.tcp.getsockname()[1],),
            "udp": (self.udp.getsockname()[1],),
            "abstract": (self.abstract.getsockname()[1:].decode(),),
            "send_signal": (self.sibling,),
        }
        for name in ("become_root", "new_namespace", "unowned_memory", "trace", "mount"):
            ways[name] = ()
        return tuple(Call(function=name, args=args) for name, args in ways.items())

    def taken(self) -> str:
        """What was reached, as seen from here."""
        for name, one in (("udp", self.udp), ("abstract", self.abstract), ("tcp", self.tcp)):
            try:
                one.accept() if name == "tcp" else one.recv(16)
            except BlockingIOError:
                continue
            return f"{name}: something arrived"
        return "write: a file appeared" if (self.folder / "escaped").exists() else ""


async def check(sandbox: Runner, user: int | None, wardens: Iterator[int]) -> None:
    """Raises `SandboxUnavailable`, with what got out, unless every canary is held.

    `user`: what programs run as. `wardens`: the processes that nothing may be left below.
    """
    with _bait(user) as bait:
        source = PROBES.read_text("utf-8")
        ways = Program(source=source, calls=bait.calls(), limits=_SMALL)
        forks = Program(source=source, calls=(Call(function="processes"),), limits=_SMALL)
        leaves = Program(source=f"{source}\nsurvive()\n", limits=_SMALL)
        ends = [Program(source=text, limits=limits) for text, limits, _ in ENDS.values()]
        runs = await asyncio.gather(*map(sandbox.run, [ways, forks, leaves, *ends]))
        failed = [*_failures(ways, *runs), bait.taken()]
    left = [pid for warden in wardens for pid in tree.below(warden) if pid != warden]
    failed += ["survive: a process was left"] if left else []
    if any(failed):
        raise SandboxUnavailable(f"it does not hold here: {'; '.join(filter(None, failed))}")


def _failures(
    ways: Program, tried: Execution, forked: Execution, left: Execution, *ended: Execution
) -> Iterator[str]:
    """What went wrong, if anything: all are empty where nothing did."""
    for run in (tried, forked, left):
        if run.status != "ok":
            yield f"a canary ended with {run.status}: {run.error or run.stderr[-200:]}"
            return
    for call, reply in zip(ways.calls, tried.replies, strict=True):
        found = reply.value if reply.status == "ok" else reply.error
        yield f"{call.function}: {found}" if found else ""
    made = forked.replies[0].value
    yield f"processes: it had {made + 1}" if made + 1 > _SMALL.processes else ""
    for (name, (_, _, status)), run in zip(ENDS.items(), ended, strict=True):
        yield f"{name} ended with {run.status}, not {status}" if run.status != status else ""


@contextmanager
def _bait(user: int | None) -> Iterator[Bait]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="archsearch-bait-")))
        folder.chmod(0o777)
        (folder / "secret").write_text("secret", "ascii")
        tcp, udp, abstract = (
            stack.enter_context(socket.socket(family, kind))
            for family, kind in (
                (socket.AF_INET, socket.SOCK_STREAM),
                (socket.AF_INET, socket.SOCK_DGRAM),
                (socket.AF_UNIX, socket.SOCK_DGRAM),
            )
        )
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        abstract.bind(f"\0archsearch-{secrets.token_hex(8)}")
        for one in (tcp, udp, abstract):
            one.setblocking(False)
        sibling = subprocess.Popen(
            ["sleep", "60"],  # noqa: S607
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            env={"PATH": os.defpath},
        )
        stack.callback(sibling.wait)
        stack.callback(sibling.send_signal, signal.SIGKILL)
        yield Bait(folder, tcp, udp, abstract, sibling.pid)

"""Tasks: what a coordinator hands out to workers through the run's database, and gets back.

A task is one question of one architecture. A worker holds its tasks by a lease of its own, which it
renews while it lives; when it expires others may take them. The first result of a task counts,
whoever brings it and however late, so a worker that was only paused loses nothing.
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from archsearch.architecture import Architecture
from archsearch.database import Database
from archsearch.evaluate import Outcome
from archsearch.ledger import fact, read_outcome
from archsearch.types import Measured

LEASE = 30.0
"""Seconds, by the clock of the database, that tasks stay a worker's own without a sign of it."""

Key = tuple[str, str]
"""A task: the digest of its architecture, and the id of its question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a worker brings back."""

    outcome: Outcome
    charges: Mapping[str, Measured] = field(default_factory=dict)
    """What it drew or reused since it last brought something, by name; see `budget.Charges`."""
    meter: Mapping[str, float] = field(default_factory=dict)
    """How far its meter went on since then."""

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Finding:
        """What `dump` gave."""
        data = json.loads(text)
        return cls(
            outcome=read_outcome(data["outcome"]),
            charges={name: Measured(**cost) for name, cost in data["charges"].items()},
            meter=data["meter"],
        )


@dataclass(frozen=True, slots=True)
class Open:
    """A task without a result."""

    digest: str
    question: str
    holder: str | None
    """The worker that holds it, if that lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Where a worker runs."""

    place: str
    """The machine, and the processes that can be seen on it."""
    number: int

    @classmethod
    def seen(cls, number: int) -> Process:
        """The process of that number here."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = Path("/proc/self/ns/pid").readlink()
        return cls(place=f"{socket.gethostname()} {boot} {space}", number=number)

    @property
    def is_dead(self) -> bool:
        """Whether it is known to be; of other machines nothing is."""
        if self.place != Process.seen(self.number).place:
            return False
        try:
            status = Path(f"/proc/{self.number}/stat").read_text(encoding="utf-8")
        except OSError:
            return True
        return status.rpartition(")")[2].split()[0] in "XZ"


class Tasks:
    """The tasks and workers of one run."""

    def __init__(self, database: Database) -> None:
        """`database` holds the tables of a ledger, and belongs to the caller."""
        self._db = database
        self._live = f"SELECT name FROM workers WHERE deadline >= {database.now}"

    # -- the coordinator

    def begin(self) -> list[tuple[Architecture, str]]:
        """Forgets what an earlier coordinator handed out and nobody took, and workers that are
        gone; the architecture and question of each task that is still worked on."""
        with self._db.transaction():
            self.bury()
            self._db.execute("DELETE FROM workers WHERE complaint IS NOT NULL")
            self._db.execute(
                f"DELETE FROM tasks WHERE result IS NULL "
                f"AND (worker IS NULL OR worker NOT IN ({self._live}))"
            )
            rows = self._db.rows("SELECT layers, question FROM tasks WHERE result IS NULL")
        return [(Architecture.parse(json.loads(layers)), question) for layers, question in rows]

    def put(self, architecture: Architecture, question: str, *, number: int) -> None:
        """Hands out a task, unless it is already; those of the lowest `number` are taken first."""
        self._db.execute(
            "INSERT INTO tasks VALUES (:digest, :question, :number, :layers, NULL, NULL) "
            "ON CONFLICT DO NOTHING",
            {
                "digest": architecture.digest,
                "question": question,
                "number": number,
                "layers": json.dumps(architecture.dump()),
            },
        )

    def withdraw(self) -> None:
        """Takes back what nobody has begun."""
        self._db.execute("DELETE FROM tasks WHERE worker IS NULL")

    def take_back(self, key: Key) -> bool:
        """Takes back a task; False where a worker has begun it."""
        where = "digest = :digest AND question = :question"
        self._db.execute(f"DELETE FROM tasks WHERE {where} AND worker IS NULL", _of(key))
        return not self._db.rows(f"SELECT 1 FROM tasks WHERE {where}", _of(key))

    def findings(self) -> list[tuple[Key, Finding]]:
        """What was brought back and not yet struck off."""
        rows = self._db.rows("SELECT digest, question, result FROM tasks WHERE result IS NOT NULL")
        return [((digest, question), Finding.read(text)) for digest, question, text in rows]

    def strike_off(self, key: Key) -> None:
        """Forgets a task whose result is recorded."""
        self._db.execute(
            "DELETE FROM tasks WHERE digest = :digest AND question = :question", _of(key)
        )

    def complaint(self) -> str | None:
        """Why a worker could not go on, if one could not."""
        rows = self._db.rows("SELECT complaint FROM workers WHERE complaint IS NOT NULL")
        return str(rows[0][0]) if rows else None

    def bury(self) -> None:
        """Ends the leases of workers of this machine that are dead."""
        for name, place, number in self._db.rows("SELECT name, place, process FROM workers"):
            if Process(place=place, number=number).is_dead:
                self._db.execute("DELETE FROM workers WHERE name = :name", {"name": name})

    # -- a worker

    @property
    def over(self) -> bool:
        """Whether the run is."""
        return bool(fact(self._db, "over"))

    def renew(self, worker: str, process: Process) -> None:
        """Begins the lease of `worker`, or makes it last from now on."""
        self._db.execute(
            f"INSERT INTO workers VALUES (:name, :place, :process, {self._db.now} + :lease, NULL) "
            f"ON CONFLICT (name) DO UPDATE SET deadline = excluded.deadline",
            {"name": worker, "place": process.place, "process": process.number, "lease": LEASE},
        )

    def lease(self, worker: str, process: Process, *, room: int) -> list[tuple[Key, Architecture]]:
        """Takes up to `room` tasks for `worker`; see `share`."""
        if not self._share(worker, room):
            return []  # looked up without keeping anybody else from writing
        with self._db.transaction():
            self.renew(worker, process)
            return [(key, self._take(worker, key)) for key in self._share(worker, room)]

    def _share(self, worker: str, room: int) -> list[Key]:
        rows = self._db.rows(
            f"SELECT digest, question, "
            f"CASE WHEN worker IN ({self._live}) THEN worker END "
            f"FROM tasks WHERE result IS NULL ORDER BY number"
        )
        ((workers,),) = self._db.rows(f"SELECT COUNT(*) FROM ({self._live}) AS live")
        return list(share([Open(*row) for row in rows], worker, workers=workers, room=room))

    def _take(self, worker: str, key: Key) -> Architecture:
        where = "digest = :digest AND question = :question"
        self._db.execute(
            f"UPDATE tasks SET worker = :worker WHERE {where}",
            {"worker": worker, **_of(key)},
        )
        ((layers,),) = self._db.rows(f"SELECT layers FROM tasks WHERE {where}", _of(key))
        return Architecture.parse(json.loads(layers))

    def bring(self, key: Key, finding: Finding) -> bool:
        """Commits a result; False where another's was first, or nobody wants one any more."""
        return bool(
            self._db.execute(
                "UPDATE tasks SET result = :result WHERE digest = :digest "
                "AND question = :question AND result IS NULL",
                {"result": finding.dump(), **_of(key)},
            )
        )

    def complain(self, worker: str, process: Process, why: str) -> None:
        """Tells the coordinator why `worker` cannot go on."""
        self.renew(worker, process)
        self._db.execute(
            "UPDATE workers SET complaint = :why WHERE name = :name", {"why": why, "name": worker}
        )

    def leave(self, worker: str) -> None:
        """Ends the lease of `worker`."""
        self._db.execute(
            "DELETE FROM workers WHERE name = :name AND complaint IS NULL", {"name": worker}
        )


def share(tasks: Sequence[Open], me: str, *, workers: int, room: int) -> Iterator[Key]:
    """Which of the `tasks`, in their order, a worker takes.

    A question is worked on by one worker at a time: architectures that begin alike ask the same of
    it, and nearly no sample is wanted for two questions, so none is drawn twice. Whoever has a
    question takes all tasks of it, and of the others each of `workers` its equal part.
    """
    held = Counter(task.holder for task in tasks)
    holders = {task.question: task.holder for task in tasks if task.holder}
    free: dict[str, list[Key]] = {}
    for task in tasks:
        if task.holder is None and holders.get(task.question, me) == me:
            free.setdefault(task.question, []).append((task.digest, task.question))
    part = -(-len(tasks) // max(workers, 1)) - held[me]
    for question in sorted(free, key=lambda question: question not in holders):
        if question not in holders and part <= 0:
            return
        for key in free[question]:
            if room <= 0:
                return
            yield key
            part, room = part - 1, room - 1


def _of(key: Key) -> dict[str, Any]:
    return {"digest": key[0], "question": key[1]}

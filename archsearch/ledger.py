"""Ledger: what happened in a run. The durable truth; the Optuna study is a view of it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from archsearch.cost import Used
from archsearch.database import Database, Part, connect
from archsearch.errors import RunError
from archsearch.evaluate import Outcome
from archsearch.types import Failure, Fallback, Measured, Score, total

SCHEMA = 4

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) {keyed};
CREATE TABLE IF NOT EXISTS asked (number BIGINT PRIMARY KEY, proposal TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS told (number BIGINT PRIMARY KEY, result TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
    digest TEXT NOT NULL, question TEXT NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (digest, question)
) {keyed};
CREATE TABLE IF NOT EXISTS charges (
    name TEXT PRIMARY KEY, flops DOUBLE PRECISION NOT NULL, prompt_tokens DOUBLE PRECISION NOT NULL,
    completion_tokens DOUBLE PRECISION NOT NULL, calls DOUBLE PRECISION NOT NULL,
    dollars DOUBLE PRECISION NOT NULL, cpu_seconds DOUBLE PRECISION NOT NULL
) {keyed};
CREATE TABLE IF NOT EXISTS workers (
    name TEXT PRIMARY KEY, place TEXT NOT NULL, process BIGINT NOT NULL,
    deadline DOUBLE PRECISION NOT NULL, complaint TEXT
) {keyed};
CREATE TABLE IF NOT EXISTS tasks (
    digest TEXT NOT NULL, question TEXT NOT NULL, number BIGINT NOT NULL, layers TEXT NOT NULL,
    worker TEXT, result TEXT, PRIMARY KEY (digest, question)
) {keyed};
"""
PART = Part(
    name="ledger",
    noun="a ledger",
    schema=SCHEMA,
    tables=_TABLES,
    afresh=(
        "move the run folder away to start again (its samples.sqlite can still be named as `store`)"
    ),
    another="another --out",
    checked=True,
)
_CHARGE = (
    "INSERT INTO charges VALUES (:name, :flops, :prompt_tokens, :completion_tokens, :calls, "
    ":dollars, :cpu_seconds) ON CONFLICT DO NOTHING"
)
_BINDING = (
    "SELECT 1 FROM outcomes UNION ALL SELECT 1 FROM charges UNION ALL SELECT 1 FROM told "
    "UNION ALL SELECT 1 FROM tasks LIMIT 1"
)
_IS_CHARGED = "SELECT 1 FROM charges WHERE name = :name"
_CHARGED = (
    "SELECT COALESCE(SUM(flops), 0.0), COALESCE(SUM(prompt_tokens), 0.0), "
    "COALESCE(SUM(completion_tokens), 0.0), COALESCE(SUM(calls), 0.0), "
    "COALESCE(SUM(dollars), 0.0), COALESCE(SUM(cpu_seconds), 0.0) FROM charges"
)


class Ledger:
    """One run's record, in `ledger.sqlite` of its folder or on a server; held by one process at a
    time."""

    def __init__(self, folder: Path, *, server: str | None = None) -> None:
        """Opens or makes it; `server` is the address of a schema, see `database.Server`. Raises
        `RunError` when another process holds the run, or when the file is damaged."""
        self.folder = folder
        self._lock = _locked(folder)
        try:
            self.database = connect(server or folder / "ledger.sqlite", PART)
        except BaseException:
            self._lock.close()
            raise
        if not self.database.claim():
            self.close()
            raise _held(server or str(folder))

    def settle(self, name: str, value: Any) -> Any:
        """The recorded value of a fact about the whole run; `value` becomes it the first time."""
        self.database.execute(
            "INSERT INTO facts VALUES (:name, :value) ON CONFLICT DO NOTHING",
            {"name": name, "value": json.dumps(value)},
        )
        return fact(self.database, name)

    def note(self, name: str, value: Any) -> None:
        """Records a fact anew; the last one stands."""
        self.database.execute(
            "INSERT INTO facts VALUES (:name, :value) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            {"name": name, "value": json.dumps(value)},
        )

    def asked(self, number: int) -> Any | None:
        """What trial `number` was made of, if it was asked before."""
        rows = self.database.rows(
            "SELECT proposal FROM asked WHERE number = :number", {"number": number}
        )
        return _parsed(rows[0][0]) if rows else None

    def record_asked(self, number: int, proposal: Mapping[str, Any]) -> None:
        """Commits what trial `number` is made of, before its first question."""
        self.database.execute(
            "INSERT INTO asked VALUES (:number, :proposal)",
            {"number": number, "proposal": json.dumps(proposal)},
        )

    def settle_told(self, number: int, result: Mapping[str, Any]) -> Any:
        """What the sampler is told of trial `number`: `result`, unless it was told before. On disk
        before it is told, and all that was recorded so far with it."""
        inserted = self.database.execute(
            "INSERT INTO told VALUES (:number, :result) ON CONFLICT DO NOTHING",
            {"number": number, "result": json.dumps(result)},
        )
        if inserted:
            self.database.sync()
        ((text,),) = self.database.rows(
            "SELECT result FROM told WHERE number = :number", {"number": number}
        )
        return _parsed(text)

    def outcomes(self, digest: str) -> dict[str, Outcome]:
        """Scored outcomes of an architecture, by question id. Failures are to be tried again."""
        rows = self.database.rows(
            "SELECT outcome FROM outcomes WHERE digest = :digest", {"digest": digest}
        )
        found = (read_outcome(_parsed(text)) for (text,) in rows)
        return {o.question_id: o for o in found if isinstance(o.result, Score)}

    def forget_outcomes(self, digest: str) -> None:
        """Drops what became of an architecture's questions: they are to be asked again."""
        self.database.execute("DELETE FROM outcomes WHERE digest = :digest", {"digest": digest})

    def record_outcome(self, digest: str, outcome: Outcome) -> None:
        """Commits what became of a question; a later attempt replaces a failure."""
        self.database.execute(
            "INSERT INTO outcomes VALUES (:digest, :question, :outcome) "
            "ON CONFLICT (digest, question) DO UPDATE SET outcome = excluded.outcome",
            {
                "digest": digest,
                "question": outcome.question_id,
                "outcome": json.dumps(asdict(outcome)),
            },
        )

    def record_charges(self, costs: Mapping[str, Measured]) -> Measured:
        """Commits the charges whose names are new, and gives their sum; see `budget.Charges`."""
        with self.database.transaction():
            new = [cost for name, cost in costs.items() if self._charge(name, cost)]
        return total(Measured, new)

    def _charge(self, name: str, cost: Measured) -> bool:
        return bool(self.database.execute(_CHARGE, {"name": name, **asdict(cost)}))

    def unbind(self) -> bool:
        """Forgets what was settled where nothing has been scored or charged; whether that is so. A
        run that ended on a mistake before it began is bound to nothing."""
        if self.database.rows(_BINDING):
            return False
        with self.database.transaction():
            self.database.execute("DELETE FROM facts")
            self.database.execute("DELETE FROM asked")
        return True

    def has_all(self, names: Iterable[str]) -> bool:
        """See `budget.Charges`."""
        return all(self.database.rows(_IS_CHARGED, {"name": name}) for name in names)

    def charged(self) -> Measured:
        """Everything charged to the study; see `budget.Charges`."""
        (sums,) = self.database.rows(_CHARGED)
        names = [field.name for field in fields(Measured)]
        return Measured(**dict(zip(names, sums, strict=True)))

    def close(self) -> None:
        """Lets go of the run."""
        self.database.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def _locked(folder: Path) -> IO[str]:
    """The lock of a run folder, held. The kernel drops it when the process dies, so no lock is ever
    stale."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise RunError(
            f"a run needs a folder that it may write to; {error}; choose another with --out"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise _held(str(folder)) from None
    return lock


def _held(where: str) -> RunError:
    return RunError(
        f"a run is held by one process at a time; {where} is in use; wait for it, or choose "
        f"another folder with --out"
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RunError(
            f"a ledger must hold what was written to it; {error} in {text[:80]!r}; {PART.afresh}"
        ) from error


def fact(database: Database, name: str) -> Any | None:
    """The recorded value of a fact about a run; None without one."""
    rows = database.rows("SELECT value FROM facts WHERE name = :name", {"name": name})
    return _parsed(rows[0][0]) if rows else None


def read_outcome(data: dict[str, Any]) -> Outcome:
    """The outcome that `asdict` made into plain data."""
    result = data["result"]
    used = [
        {**call, "completion_tokens": tuple(call["completion_tokens"])} for call in data["used"]
    ]
    return Outcome(
        **{
            **data,
            "result": Failure(**result) if "kind" in result else Score(**result),
            "used": tuple(Used(**call) for call in used),
            "cost": Measured(**data["cost"]),
            "fallbacks": tuple(Fallback(**note) for note in data["fallbacks"]),
        }
    )

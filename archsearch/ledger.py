"""Ledger: what happened in a run. The durable truth; the Optuna study is a view of it."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from archsearch.cost import Used
from archsearch.errors import RunError
from archsearch.evaluate import Outcome
from archsearch.types import Failure, Fallback, Measured, Score, total

SCHEMA = 2

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (number INTEGER PRIMARY KEY, proposal TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
    digest TEXT NOT NULL, question TEXT NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (digest, question)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS charges (
    name TEXT PRIMARY KEY, flops REAL NOT NULL, prompt_tokens REAL NOT NULL,
    completion_tokens REAL NOT NULL, calls REAL NOT NULL, dollars REAL NOT NULL
) WITHOUT ROWID;
"""
_CHARGE = "INSERT OR IGNORE INTO charges VALUES (?, ?, ?, ?, ?, ?)"
_CHARGED = (
    "SELECT TOTAL(flops), TOTAL(prompt_tokens), TOTAL(completion_tokens), TOTAL(calls), "
    "TOTAL(dollars) FROM charges"
)


class Ledger:
    """One run's record, in `ledger.sqlite` of its folder; held by one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Opens or makes it. Raises `RunError` when another process holds the run, or when the
        file is damaged."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            # The kernel drops it when the process dies, so no lock is ever stale.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise RunError(
                f"a run is held by one process at a time; {folder} is in use; wait for it, or "
                f"choose another folder with --out"
            ) from None
        path = folder / "ledger.sqlite"
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._prepare(path)
        except BaseException:
            self.close()
            raise

    def _prepare(self, path: Path) -> None:
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            (verdict,) = self._db.execute("PRAGMA quick_check").fetchone()
            if version == 0:
                self._db.executescript(_TABLES)
                self._db.execute(f"PRAGMA user_version={SCHEMA}")
        except sqlite3.DatabaseError as error:
            version, verdict = SCHEMA, str(error)
        if verdict != "ok":
            raise RunError(
                f"a ledger must be a sound SQLite file; {path}: {verdict}; move the run folder "
                f"away to start again (its samples.sqlite can still be named as `store`)"
            )
        if version not in (0, SCHEMA):
            raise RunError(
                f"a ledger must be of schema {SCHEMA}; {path} is of schema {version}; use the "
                f"archsearch version that wrote it, or another --out"
            )

    def settle(self, name: str, value: Any) -> Any:
        """The recorded value of a fact about the whole run; `value` becomes it the first time."""
        self._db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, json.dumps(value)))
        (text,) = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return json.loads(text)

    def note(self, name: str, value: Any) -> None:
        """Records a fact anew; the last one stands."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def asked(self, number: int) -> Any | None:
        """What trial `number` was made of, if it was asked before."""
        row = self._db.execute("SELECT proposal FROM asked WHERE number = ?", (number,)).fetchone()
        return json.loads(row[0]) if row else None

    def record_asked(self, number: int, proposal: Mapping[str, Any]) -> None:
        """Commits what trial `number` is made of, before its first question."""
        self._db.execute("INSERT INTO asked VALUES (?, ?)", (number, json.dumps(proposal)))

    def outcomes(self, digest: str) -> dict[str, Outcome]:
        """Scored outcomes of an architecture, by question id. Failures are to be tried again."""
        rows = self._db.execute("SELECT outcome FROM outcomes WHERE digest = ?", (digest,))
        found = (_outcome(json.loads(text)) for (text,) in rows)
        return {o.question_id: o for o in found if isinstance(o.result, Score)}

    def record_outcome(self, digest: str, outcome: Outcome) -> None:
        """Commits what became of a question; a later attempt replaces a failure."""
        self._db.execute(
            "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)",
            (digest, outcome.question_id, json.dumps(asdict(outcome))),
        )

    def record_charges(self, costs: Mapping[str, Measured]) -> Measured:
        """Commits the charges whose names are new, and gives their sum; see `budget.Charges`."""
        with self._transaction():
            new = [cost for name, cost in costs.items() if self._charge(name, cost)]
        return total(Measured, new)

    def _charge(self, name: str, cost: Measured) -> bool:
        row = (name, *astuple(cost))
        return bool(self._db.execute(_CHARGE, row).rowcount)

    def charged(self) -> Measured:
        """Everything charged to the study; see `budget.Charges`."""
        (sums,) = self._db.execute(_CHARGED)
        names = [field.name for field in fields(Measured)]
        return Measured(**dict(zip(names, sums, strict=True)))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Lets go of the run."""
        self._db.close()
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


def _outcome(data: dict[str, Any]) -> Outcome:
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

"""Database: what runs and samples are kept in, an SQLite file or a schema on a PostgreSQL server.

Both take the same SQL: parameters are written `:name`, or `?` where every microsecond counts, and
`{bytes}` and `{keyed}` in the text of tables stand for what the two call differently.
"""

from __future__ import annotations

import re
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

from archsearch.errors import ConfigError, MissingExtra, RunError

TIMEOUT = 60.0
"""Seconds to wait for a file that others have locked."""
_LET_GO = 3.0
"""Seconds that a server may take to notice that the holder of a run has died."""

Parameters = Mapping[str, Any] | tuple[Any, ...]
"""By name, or in the order of the question marks."""
_NONE: Parameters = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Tables that belong together, and how messages speak of them."""

    name: str
    noun: str
    """Such as `a ledger`."""
    schema: int
    """Raised when a row's meaning changes."""
    tables: str
    afresh: str
    """What to do with a damaged one, such as `move it away to start a new one`."""
    another: str
    """What to use instead of one of another schema, such as `another store`."""
    checked: bool
    """Whether every page is looked at when it is opened."""


class Database(ABC):
    """One connection. Statements outside of a transaction are transactions of their own."""

    bytes_type: ClassVar[str]
    keyed: ClassVar[str]
    """What stands behind a table that is kept in the order of its key."""
    now: ClassVar[str]
    """SQL for seconds since the epoch, by the clock of the database."""

    @abstractmethod
    def execute(self, sql: str, parameters: Parameters = _NONE) -> int:
        """Runs a statement; the number of rows it changed."""

    @abstractmethod
    def rows(self, sql: str, parameters: Parameters = _NONE) -> list[Any]:
        """The rows of a query, as tuples."""

    @abstractmethod
    def prepare(self, part: Part) -> None:
        """Makes the tables, unless they are there. Raises `RunError` where they are damaged or of
        another schema."""

    @abstractmethod
    def claim(self) -> bool:
        """Takes hold of the database until it is closed; False where another connection has."""

    @abstractmethod
    def sync(self) -> None:
        """What was committed outlives the machine from here on, not only the process."""

    @abstractmethod
    def close(self) -> None:
        """Ends the connection; a second time does nothing."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of its statements happen or none, and no other `transaction` meanwhile."""
        self._begin()
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self.execute("COMMIT")

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _roll_back(self) -> None: ...

    def _tables(self, part: Part) -> list[str]:
        text = part.tables.format(bytes=self.bytes_type, keyed=self.keyed)
        return [statement for statement in text.split(";") if statement.strip()]

    def _require_schema(self, part: Part, version: int, where: str) -> None:
        if version != part.schema:
            raise RunError(
                f"{part.noun} must be of schema {part.schema}; {where} is of schema {version}; use "
                f"the archsearch version that wrote it, or {part.another}"
            )


def is_server(place: object) -> bool:
    """Whether `place` is the address of a server rather than a file."""
    return isinstance(place, str) and place.startswith(("postgresql://", "postgres://"))


class Embedded(Database):
    """An SQLite file in WAL mode, for the processes of one machine."""

    bytes_type = "BLOB"
    keyed = "WITHOUT ROWID"
    now = "((julianday('now') - 2440587.5) * 86400.0)"

    def __init__(self, path: Path | str, part: Part, *, only_read: bool = False) -> None:
        """Opens the file with the tables of `part`, and makes it unless it is `only_read`. Raises
        `RunError`."""
        self._path, self._part, self._only_read = path, part, only_read
        try:
            self._db = self._readable() if only_read else self._writable()
        except sqlite3.OperationalError as error:
            needed = "a file that exists" if only_read else "a file in a folder that exists"
            raise RunError(
                f"{part.noun} must be {needed}; {path}: {error}; correct the path"
                + ("" if only_read else " or make the folder")
            ) from error
        try:
            self.prepare(part)
        except BaseException:
            self._db.close()
            raise

    def _writable(self) -> sqlite3.Connection:
        return sqlite3.connect(str(self._path), isolation_level=None, timeout=TIMEOUT)

    def _readable(self) -> sqlite3.Connection:
        """A connection that only reads. SQLite makes two files beside one in WAL mode, so that
        others may write; where it cannot, a closed one is read as one that nobody writes to."""
        place = f"{Path(self._path).absolute().as_uri()}?mode=ro"
        db = sqlite3.connect(place, isolation_level=None, timeout=TIMEOUT, uri=True)
        try:
            db.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                return db  # `prepare` meets it again and says what it means
            db.close()
            if (log := Path(f"{self._path}-wal")).exists() and log.stat().st_size:
                raise RunError(
                    f"{self._part.noun} that was not closed must lie in a folder that may be "
                    f"written, as SQLite works beside it; {self._path}: {error}; copy it and "
                    f"{log.name} to such a folder"
                ) from error
            return sqlite3.connect(f"{place}&immutable=1", isolation_level=None, uri=True)
        return db

    def prepare(self, part: Part) -> None:
        """See `Database`. A file holds one part."""
        try:
            if not self._only_read:
                self._turn_to_wal()
            # NORMAL loses no committed row when the process dies, only when the machine does.
            self._db.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            verdict = "ok"
            if part.checked:
                (verdict,) = self._db.execute("PRAGMA quick_check").fetchone()
            if version == 0 and not self._only_read:
                for statement in self._tables(part):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={part.schema}")
                version = part.schema
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # its message may quote bytes
            raise self._unusable(error) from error
        if verdict != "ok":
            raise self._unusable(verdict)
        self._require_schema(part, version, str(self._path))

    def _turn_to_wal(self) -> None:
        """Where two do so at once to a new file, SQLite refuses one without waiting for `timeout`:
        about 1 in 500 openings when six processes share a new store."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def execute(self, sql: str, parameters: Parameters = _NONE) -> int:
        """See `Database`."""
        try:
            return self._db.execute(sql, parameters).rowcount
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from error

    def rows(self, sql: str, parameters: Parameters = _NONE) -> list[Any]:
        """See `Database`."""
        try:
            return self._db.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from error

    def _unusable(self, why: Exception | str) -> RunError:
        code = getattr(why, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return RunError(
                f"the disk must have room for what is finished; {self._path}: {why}; make room, "
                f"and the same command goes on from there"
            )
        return RunError(
            f"{self._part.noun} must be a sound SQLite file; {self._path}: {why}; "
            f"{self._part.afresh}"
        )

    def claim(self) -> bool:
        """Always: the file's folder is held by a lock of its own; see `Ledger`."""
        return True

    def sync(self) -> None:
        """See `Database`."""
        # In WAL mode a commit under FULL syncs the log, and with it all commits before.
        self.execute("PRAGMA synchronous=FULL")
        try:
            self.execute(f"PRAGMA user_version={self._part.schema}")
        finally:
            self.execute("PRAGMA synchronous=NORMAL")

    def _begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # a full disk may have ended it
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """See `Database`."""
        self._db.close()


class Server(Database):
    """A schema on a PostgreSQL server, for processes on any number of machines."""

    bytes_type = "BYTEA"
    keyed = ""
    now = "EXTRACT(EPOCH FROM clock_timestamp())::double precision"

    def __init__(self, address: str, part: Part) -> None:
        """Connects to `postgresql://USER@HOST/DATABASE#SCHEMA`, makes the schema and the tables of
        `part` unless they are there. Raises `RunError` or `ConfigError`."""
        try:
            import sqlalchemy
            import sqlalchemy.exc
            from sqlalchemy.pool import NullPool

            __import__("psycopg")
        except ImportError:
            raise MissingExtra("a PostgreSQL database", "postgres") from None
        self._text = sqlalchemy.text
        self._errors = sqlalchemy.exc.DBAPIError
        self._address, self._part = address, part
        url, _, schema = address.partition("#")
        self._schema = schema_name(schema or "archsearch")
        self._engine = sqlalchemy.create_engine(
            sqlalchemy.make_url(url).set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"options": f"-csearch_path={self._schema} {_OPTIONS}"},
        )
        self._statements: dict[str, Any] = {}
        try:
            self._connection = self._engine.connect()
        except self._errors as error:
            raise self._unusable(error) from error
        try:
            self.prepare(part)
        except BaseException:
            self.close()
            raise

    def prepare(self, part: Part) -> None:
        """See `Database`. A schema may hold several parts."""
        with self.transaction():
            self.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
            self.execute("CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, version BIGINT)")
            for statement in self._tables(part):
                self.execute(statement)
            self.execute(
                "INSERT INTO parts VALUES (:name, :version) ON CONFLICT DO NOTHING",
                {"name": part.name, "version": part.schema},
            )
            rows = self.rows("SELECT version FROM parts WHERE name = :name", {"name": part.name})
        self._require_schema(part, rows[0][0], self._address)

    def execute(self, sql: str, parameters: Parameters = _NONE) -> int:
        """See `Database`."""
        return int(self._run(sql, parameters).rowcount)

    def rows(self, sql: str, parameters: Parameters = _NONE) -> list[Any]:
        """See `Database`."""
        return [tuple(row) for row in self._run(sql, parameters)]

    def _run(self, sql: str, parameters: Parameters) -> Any:
        statement = self._statements.get(sql)
        if statement is None:
            numbers = count()
            named = re.sub(r"\?", lambda _: f":p{next(numbers)}", sql)
            statement = self._statements[sql] = self._text(named)
        if isinstance(parameters, tuple):
            parameters = {f"p{number}": value for number, value in enumerate(parameters)}
        try:
            return self._connection.execute(statement, parameters)
        except self._errors as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Any) -> RunError:
        first = str(error.orig).strip().partition("\n")[0]
        return RunError(
            f"{self._part.noun} on a server needs it within reach and with room; "
            f"{self._address}: {first}; once it answers, the same command goes on from there"
        )

    def claim(self) -> bool:
        """See `Database`."""
        deadline = time.monotonic() + _LET_GO
        while True:
            ((held,),) = self.rows("SELECT pg_try_advisory_lock(:one, :two)", self._lock(1))
            if held or time.monotonic() > deadline:
                return bool(held)
            time.sleep(0.1)

    def sync(self) -> None:
        """See `Database`."""
        with self.transaction():
            self.execute("SET LOCAL synchronous_commit = on")
            self.execute("UPDATE parts SET version = version")

    def _begin(self) -> None:
        self.execute("BEGIN")
        self.rows("SELECT pg_advisory_xact_lock(:one, :two)", self._lock(2))

    def _roll_back(self) -> None:
        # Where the connection is gone, so is the transaction.
        if not self._connection.invalidated:
            self.execute("ROLLBACK")

    def _lock(self, purpose: int) -> Parameters:
        """The name of a lock of this schema; servers know locks by two 32-bit numbers."""
        return {"one": purpose, "two": crc32(self._schema.encode()) - 2**31}

    def close(self) -> None:
        """See `Database`."""
        self._connection.close()
        self._engine.dispose()


_OPTIONS = (
    "-csynchronous_commit=off "
    "-ctcp_keepalives_idle=30 -ctcp_keepalives_interval=10 -ctcp_keepalives_count=3"
)
"""As with SQLite, a commit outlives its process, and from the next `sync` on the server as well. A
holder whose machine is gone is noticed within a minute."""


def schema_name(run: str) -> str:
    """The schema of a run of that name; names on servers are short and plain."""
    plain = re.sub(r"[^a-z0-9_]", "_", run.lower())
    return plain if plain == run and len(run) < 50 else f"{plain[:40]}_{crc32(run.encode()):08x}"


def require_no_password(address: str) -> str:
    """`address`, unless it holds a password: it is written into the files of a run."""
    if re.match(r"postgres(?:ql)?://[^/@]*:[^/@]*@", address):
        raise ConfigError(
            "a database's address must hold no password, as the files of a run show it; take it "
            "out and set PGPASSWORD, or write it to ~/.pgpass"
        )
    return address


def connect(place: Path | str, part: Part, *, only_read: bool = False) -> Database:
    """The database at a path, or at the address of a server. A file to be `only_read` must be there
    and cannot be written to; on a server that is a matter of the user's rights."""
    if is_server(place):
        return Server(str(place), part)
    return Embedded(place, part, only_read=only_read)

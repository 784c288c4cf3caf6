"""SampleStore: every completion ever drawn, under the identity of its sample. Durable.

The key says what was asked; the index says which sample. The first completion committed under
(key, index) is that sample for ever, on every host that shares the store.

Beside them stands what a replay must know of models that are no longer there: what each of them is,
and how many tokens its prompts have.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from archsearch.errors import RunError
from archsearch.seeds import digest
from archsearch.types import Completion, FinishReason, Logprobs, Message, Request, Usage

SCHEMA = 2
"""Part of every key: raised when the meaning of a sample changes, as those of old then miss."""
_LAYOUT = 3
"""Of the file. One of layout 2 only lacks tables; they are added when it is opened to be filled."""

_TIMEOUT = 60.0
"""Seconds to wait for a file that others have locked."""

_TABLES = """
CREATE TABLE IF NOT EXISTS samples (
    key BLOB NOT NULL, idx INTEGER NOT NULL,
    text BLOB NOT NULL, reasoning BLOB NOT NULL, finish TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, seed INTEGER NOT NULL, score REAL, logprobs TEXT,
    PRIMARY KEY (key, idx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prompts (key BLOB PRIMARY KEY, tokens INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (signature TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
"""
_COLUMNS = (
    "text, reasoning, finish, prompt_tokens, completion_tokens, cached_tokens, seed, score, "
    "logprobs"
)

_Row = tuple[bytes, bytes, FinishReason, int, int, int, int, float | None, str | None]


def prompt_key(identity: str, messages: Sequence[Message]) -> str:
    """Hex digest of a prompt on a model; `identity` is `Model.identity`."""
    return digest([SCHEMA, identity, [[message.role, message.content] for message in messages]])


def sample_key(prompt: str, request: Request, *, replicate: int = 0) -> str:
    """Hex digest of everything that decides what the samples of `request` may be.

    Neither `n` nor the seed is in it: sample i is one fixed thing, whoever asks for how many.
    `prompt` is its `prompt_key`; `replicate` tells repeats of a whole evaluation apart.
    """
    return digest(
        {
            "prompt": prompt,
            "max_tokens": request.max_tokens,
            "temperature": float(request.temperature),
            "top_p": float(request.top_p),
            "stop": list(request.stop),
            "logprobs": request.logprobs,
            "scoring": request.scoring,
            "replicate": replicate,
        }
    )


class SampleStore:
    """Completions by (key, sample index), in one SQLite file in WAL mode."""

    def __init__(self, path: Path | str = ":memory:", *, only_read: bool = False) -> None:
        """Opens the file, and makes it unless it is `only_read`. Raises `RunError` when it is
        damaged or of another schema, or to be read and not there."""
        place = f"{Path(path).absolute().as_uri()}?mode=ro" if only_read else str(path)
        try:
            self._db = sqlite3.connect(place, isolation_level=None, timeout=_TIMEOUT, uri=only_read)
        except sqlite3.OperationalError as error:
            needed = "a file that exists" if only_read else "a file in a folder that exists"
            raise RunError(
                f"a sample store must be {needed}; {path}: {error}; correct the path"
                + ("" if only_read else " or make the folder")
            ) from error
        try:
            self._prepare(path, only_read=only_read)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, path: Path | str, *, only_read: bool) -> None:
        try:
            if not only_read:
                self._turn_to_wal()
            # NORMAL loses no committed row when the process dies, only when the machine does.
            self._db.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version in (0, 2) and not only_read:
                self._db.executescript(_TABLES)
                self._db.execute(f"PRAGMA user_version={_LAYOUT}")
                version = _LAYOUT
        except sqlite3.DatabaseError as error:
            raise RunError(
                f"a sample store must be a sound SQLite file; {path}: {error}; "
                f"move it away to start a new one"
            ) from error
        if version != _LAYOUT:
            raise RunError(
                f"a sample store must be of layout {_LAYOUT}; {path} is of layout {version}; "
                f"use the archsearch version that wrote it, or another store"
            )

    def _turn_to_wal(self) -> None:
        """Where two do so at once to a new file, SQLite refuses one without waiting for `timeout`:
        about 1 in 500 openings when six processes share a new store."""
        deadline = time.monotonic() + _TIMEOUT
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

    def get(self, key: str, indices: Iterable[int]) -> dict[int, Completion]:
        """The stored ones among `indices`."""
        wanted = set(indices)
        if not wanted:
            return {}
        rows = self._db.execute(
            f"SELECT idx, {_COLUMNS} FROM samples WHERE key = ? AND idx BETWEEN ? AND ?",  # noqa: S608
            (bytes.fromhex(key), min(wanted), max(wanted)),
        )
        return {row[0]: _completion(row[1:]) for row in rows if row[0] in wanted}

    def put(self, key: str, index: int, completion: Completion) -> Completion:
        """Commits a completion; returns the one that is stored, which is the first ever put."""
        inserted = self._db.execute(
            "INSERT OR IGNORE INTO samples VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (bytes.fromhex(key), index, *_row(completion)),
        )
        return completion if inserted.rowcount else self.get(key, [index])[index]

    def tokens(self, prompt: str) -> int | None:
        """How many tokens the prompt of a `prompt_key` has, if they were ever counted."""
        row = self._db.execute(
            "SELECT tokens FROM prompts WHERE key = ?", (bytes.fromhex(prompt),)
        ).fetchone()
        return int(row[0]) if row else None

    def put_tokens(self, prompt: str, tokens: int) -> None:
        """Keeps how many tokens a prompt has."""
        self._db.execute(
            "INSERT OR IGNORE INTO prompts VALUES (?, ?)", (bytes.fromhex(prompt), tokens)
        )

    def models(self) -> dict[str, Any]:
        """What is known of each model that samples were drawn from, by its config's signature."""
        rows = self._db.execute("SELECT signature, facts FROM models")
        return {signature: json.loads(facts) for signature, facts in rows}

    def put_model(self, signature: str, facts: Any) -> None:
        """Keeps what is known of a model; what was known before is forgotten."""
        self._db.execute(
            "INSERT OR REPLACE INTO models VALUES (?, ?)", (signature, json.dumps(facts))
        )

    def count(self) -> int:
        """Stored completions."""
        (count,) = self._db.execute("SELECT COUNT(*) FROM samples").fetchone()
        return int(count)

    def close(self) -> None:
        """Ends the connection; everything put is already on disk."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def _row(completion: Completion) -> _Row:
    usage = completion.usage
    return (
        # A model may emit lone surrogates; SQLite text may not hold them, bytes may.
        completion.text.encode("utf-8", "surrogatepass"),
        completion.reasoning.encode("utf-8", "surrogatepass"),
        completion.finish_reason,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cached_tokens,
        completion.seed,
        completion.score,
        None if completion.logprobs is None else json.dumps(completion.logprobs),
    )


def _completion(row: _Row) -> Completion:
    text, reasoning, finish, prompt, completion, cached, seed, score, logprobs = row
    return Completion(
        text=text.decode("utf-8", "surrogatepass"),
        reasoning=reasoning.decode("utf-8", "surrogatepass"),
        finish_reason=finish,
        usage=Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached),
        seed=seed,
        score=score,
        logprobs=None if logprobs is None else _logprobs(logprobs),
    )


def _logprobs(stored: str) -> Logprobs:
    return tuple(
        tuple((token, value) for token, value in position) for position in json.loads(stored)
    )

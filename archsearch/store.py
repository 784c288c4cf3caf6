"""SampleStore: every completion ever drawn, under the identity of its sample. Durable.

The key says what was asked; the index says which sample. The first completion committed under
(key, index) is that sample for ever, on every host that shares the store.

Executions of programs stand there too, under the identity of the program and where it ran, and
refusals: which samples a model would not draw, and why. Who draws may ask it again, as a filter may
think otherwise and a server be set up anew; a replay has what is kept, a sample before a refusal.

Beside them stands what a replay must know of models that are no longer there: what each of them is,
and how many tokens its prompts have.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from archsearch.database import Part, connect, is_server
from archsearch.errors import RunError
from archsearch.program import Execution, Program, Reply
from archsearch.sandbox import plain
from archsearch.seeds import digest
from archsearch.types import Completion, FinishReason, Logprobs, Message, Request, Usage

SCHEMA = 2
"""Part of every key: raised when the meaning of a sample changes, as those of old then miss."""
_LAYOUT = 5
"""Of the tables."""

_TABLES = """
CREATE TABLE IF NOT EXISTS samples (
    key {bytes} NOT NULL, idx BIGINT NOT NULL,
    text {bytes} NOT NULL, reasoning {bytes} NOT NULL, finish TEXT NOT NULL,
    prompt_tokens BIGINT NOT NULL, completion_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL, seed BIGINT NOT NULL, score DOUBLE PRECISION, logprobs TEXT,
    PRIMARY KEY (key, idx)
) {keyed};
CREATE TABLE IF NOT EXISTS executions (
    key {bytes} PRIMARY KEY, execution {bytes} NOT NULL
) {keyed};
CREATE TABLE IF NOT EXISTS prompts (key {bytes} PRIMARY KEY, tokens BIGINT NOT NULL) {keyed};
CREATE TABLE IF NOT EXISTS models (signature TEXT PRIMARY KEY, facts TEXT NOT NULL) {keyed};
CREATE TABLE IF NOT EXISTS refusals (
    key {bytes} NOT NULL, idx BIGINT NOT NULL, why {bytes} NOT NULL, PRIMARY KEY (key, idx)
) {keyed}
"""
_PART = Part(
    name="samples",
    noun="a sample store",
    schema=_LAYOUT,
    tables=_TABLES,
    afresh="move it away to start a new one",
    another="another store",
    checked=False,  # it may hold many gigabytes
)
_LARGEST = 1 << 30
"""Bytes of a program or an execution; what a database takes at most."""
_GET = (
    "SELECT idx, text, reasoning, finish, prompt_tokens, completion_tokens, cached_tokens, seed, "
    "score, logprobs FROM samples WHERE key = ? AND idx BETWEEN ? AND ?"
)
_GET_REFUSALS = "SELECT idx, why FROM refusals WHERE key = ? AND idx BETWEEN ? AND ? ORDER BY idx"
_PUT = "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PUT_MODEL = (
    "INSERT INTO models VALUES (:signature, :facts) "
    "ON CONFLICT (signature) DO UPDATE SET facts = excluded.facts"
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


def execution_key(identity: str, program: Program) -> str:
    """Hex digest of everything that decides what becomes of a program; `identity` is that of its
    `Runner`."""
    return hashlib.sha256(plain.encode([SCHEMA, identity, asdict(program)], _LARGEST)).hexdigest()


class SampleStore:
    """Completions by (key, sample index), in an SQLite file or on a PostgreSQL server."""

    def __init__(self, place: Path | str = ":memory:", *, only_read: bool = False) -> None:
        """Opens or makes it: a path, or the address of a server; see `database.Server`. Raises
        `RunError` when it is damaged or of another schema, or a file to be `only_read` that is not
        there: of such a one, what becomes of programs is kept in memory."""
        _require_no_other(place)
        self._db = connect(place, _PART, only_read=only_read)
        self._apart: dict[str, Execution] | None = {} if only_read else None

    def get(self, key: str, indices: Iterable[int]) -> dict[int, Completion]:
        """The stored ones among `indices`."""
        wanted = set(indices)
        if not wanted:
            return {}
        rows = self._db.rows(_GET, (bytes.fromhex(key), min(wanted), max(wanted)))
        try:
            return {row[0]: _completion(row[1:]) for row in rows if row[0] in wanted}
        except (ValueError, TypeError, AttributeError) as error:
            raise _unreadable(key, error) from error

    def put(self, key: str, index: int, completion: Completion) -> Completion:
        """Commits a completion; returns the one that is stored, which is the first ever put."""
        inserted = self._db.execute(_PUT, (bytes.fromhex(key), index, *_row(completion)))
        return completion if inserted else self.get(key, [index])[index]

    def refusal(self, key: str, indices: Iterable[int]) -> str | None:
        """Why the first of `indices` that a model refused was refused, if any was."""
        wanted = set(indices)
        if not wanted:
            return None
        rows = self._db.rows(_GET_REFUSALS, (bytes.fromhex(key), min(wanted), max(wanted)))
        found = (why.decode("utf-8", "surrogatepass") for index, why in rows if index in wanted)
        return next(found, None)

    def put_refusal(self, key: str, indices: Iterable[int], why: str) -> None:
        """Keeps that samples were refused; of each the first reason stands."""
        for index in indices:
            self._db.execute(
                "INSERT INTO refusals VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (bytes.fromhex(key), index, why.encode("utf-8", "surrogatepass")),
            )

    def execution(self, key: str) -> Execution | None:
        """What became of the program of an `execution_key`, if it was ever run."""
        if self._apart and key in self._apart:
            return self._apart[key]
        rows = self._db.rows(
            "SELECT execution FROM executions WHERE key = :key", {"key": bytes.fromhex(key)}
        )
        try:
            return _execution(rows[0][0]) if rows else None
        except (ValueError, TypeError, KeyError) as error:
            raise _unreadable(key, error) from error

    def put_execution(self, key: str, execution: Execution) -> Execution:
        """Commits what became of a program; returns the first that was ever put."""
        if self._apart is not None:
            return self._apart.setdefault(key, execution)
        inserted = self._db.execute(
            "INSERT INTO executions VALUES (:key, :execution) ON CONFLICT DO NOTHING",
            {"key": bytes.fromhex(key), "execution": plain.encode(asdict(execution), _LARGEST)},
        )
        return execution if inserted else self.execution(key) or execution

    def tokens(self, prompt: str) -> int | None:
        """How many tokens the prompt of a `prompt_key` has, if they were ever counted."""
        key = {"key": bytes.fromhex(prompt)}
        rows = self._db.rows("SELECT tokens FROM prompts WHERE key = :key", key)
        return int(rows[0][0]) if rows else None

    def put_tokens(self, prompt: str, tokens: int) -> None:
        """Keeps how many tokens a prompt has; the first count stands."""
        self._db.execute(
            "INSERT INTO prompts VALUES (:key, :tokens) ON CONFLICT DO NOTHING",
            {"key": bytes.fromhex(prompt), "tokens": tokens},
        )

    def models(self) -> dict[str, Any]:
        """What is known of each model that samples were drawn from, by its config's signature."""
        rows = self._db.rows("SELECT signature, facts FROM models")
        return {signature: json.loads(facts) for signature, facts in rows}

    def put_model(self, signature: str, facts: Any) -> None:
        """Keeps what is known of a model; what was known before is forgotten."""
        self._db.execute(_PUT_MODEL, {"signature": signature, "facts": json.dumps(facts)})

    def count(self) -> int:
        """Stored completions."""
        ((count,),) = self._db.rows("SELECT COUNT(*) FROM samples")
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


def _unreadable(key: str, error: Exception) -> RunError:
    return RunError(
        f"a sample store must hold what was written to it; {error} in {key}; {_PART.afresh}"
    )


def _execution(stored: bytes) -> Execution:
    data = plain.decode(stored)
    return Execution(**{**data, "replies": tuple(Reply(**reply) for reply in data["replies"])})


def _row(completion: Completion) -> _Row:
    usage = completion.usage
    return (
        # A model may emit lone surrogates; text in a database may not hold them, bytes may.
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


def _require_no_other(place: Path | str) -> None:
    """Raises `RunError` for an SQLite file of something else, such as a run's ledger: it would be
    written into, or be called damaged."""
    if is_server(place) or not Path(place).is_file():
        return
    try:
        with closing(sqlite3.connect(f"{Path(place).absolute().as_uri()}?mode=ro", uri=True)) as db:
            names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except (sqlite3.Error, UnicodeDecodeError):
        return  # `connect` meets it again and says what it means
    tables = sorted(name for (name,) in names)
    if tables and "samples" not in tables:
        raise RunError(
            f"a sample store must be a file of its own; {place} holds {', '.join(tables[:3])}; "
            f"name another store"
        )

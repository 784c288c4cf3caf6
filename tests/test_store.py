"""Sample i of a prompt is one fixed thing: the first one committed, whoever asks, for ever."""

import os
import shutil
import sqlite3
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.errors import RunError
from archsearch.ledger import Ledger
from archsearch.program import Call, Execution, Limits, Program
from archsearch.store import SampleStore, execution_key, prompt_key, sample_key
from archsearch.testing.store_contract import KEY, OTHER, StoreContract, completion
from archsearch.types import Completion, Message, Request, Usage
from tests.strategies import raw_texts


@pytest.fixture
def place(tmp_path):
    return tmp_path / "samples.sqlite"


# -- keys

SYSTEM = Message(role="system", content="Be brief.")
ASKED = Message(role="user", content="2 + 2?")
REQUEST = Request(
    model="small",
    messages=(SYSTEM, ASKED),
    max_tokens=100,
    n=4,
    temperature=0.7,
    top_p=0.9,
    stop=("\n", "END"),
)
IDENTITY = "smollm2@abc:q8"


def key(request=REQUEST, *, identity=IDENTITY, replicate=0):
    return sample_key(prompt_key(identity, request.messages), request, replicate=replicate)


def saying(*messages):
    return {"messages": messages}


OF_THE_REQUEST = [
    saying(ASKED),
    saying(ASKED, SYSTEM),
    saying(SYSTEM, ASKED, ASKED),
    saying(SYSTEM),
    saying(),
    saying(SYSTEM, replace(ASKED, content="2 + 3?")),
    saying(SYSTEM, replace(ASKED, content="2 + 2? ")),
    saying(SYSTEM, replace(ASKED, content="2 + 2?\0")),
    saying(SYSTEM, replace(ASKED, content="2 + 2?\ud800")),
    saying(SYSTEM, replace(ASKED, content="2 + 2?\udc00")),
    saying(SYSTEM, replace(ASKED, content="2 + 2?\ufffd")),
    saying(SYSTEM, replace(ASKED, role="assistant")),
    saying(replace(SYSTEM, role="user"), ASKED),
    saying(replace(SYSTEM, content=""), ASKED),
    saying(replace(SYSTEM, content="Be brief.2"), replace(ASKED, content=" + 2?")),
    {"max_tokens": 101},
    {"max_tokens": 1},
    {"temperature": 0.0},
    {"temperature": 0.70001},
    {"temperature": 1.0},
    {"top_p": 1.0},
    {"top_p": 0.7},
    {"stop": ()},
    {"stop": ("\n",)},
    {"stop": ("END", "\n")},
    {"stop": ("\nEND",)},
    {"stop": ("\n", "END", "END")},
    {"logprobs": 5},
    {"scoring": True},
]
BESIDE_IT = [
    {"identity": "smollm2@abc:q4"},
    {"identity": "smollm2@abd:q8"},
    {"identity": ""},
    {"replicate": 1},
    {"replicate": 2},
]


def test_whatever_decides_a_sample_is_in_its_key():
    keys = [
        key(),
        *(key(replace(REQUEST, **change)) for change in OF_THE_REQUEST),
        *(key(**change) for change in BESIDE_IT),
    ]
    assert len(keys) >= 31
    assert len(set(keys)) == len(keys)
    assert all(len(bytes.fromhex(one)) == 32 for one in keys)


NOT_IN_THE_KEY = {"n": 16, "seed": 99, "role": "generator/plain", "model": "another-name"}


@pytest.mark.parametrize("field", NOT_IN_THE_KEY)
def test_neither_number_nor_seed_nor_the_studys_names_are_in_it(field):
    assert key(replace(REQUEST, **{field: NOT_IN_THE_KEY[field]})) == key()


def test_every_field_of_a_request_is_on_one_of_the_two_lists():
    """A new field has to be thought about here."""
    listed = {name for change in OF_THE_REQUEST for name in change} | set(NOT_IN_THE_KEY)
    assert listed == {field.name for field in fields(Request)}


def test_a_whole_number_is_spelled_like_any_other():
    whole, other = replace(REQUEST, temperature=1), replace(REQUEST, temperature=1.0)
    assert key(whole) == key(other)
    assert key(replace(REQUEST, top_p=1)) == key(replace(REQUEST, top_p=1.0))


# -- rows


class TestInAFile(StoreContract):
    @pytest.fixture
    def place(self, tmp_path):
        return tmp_path / "samples.sqlite"


class TestOnAServer(StoreContract):
    @pytest.fixture
    def place(self, server):
        return server


@given(st.sets(st.integers(0, 20)), st.lists(st.integers(0, 25)))
def test_what_is_there_is_found(stored, wanted):
    with SampleStore() as store:
        for index in stored:
            store.put(KEY, index, completion(str(index)))
            store.put(OTHER, index, completion("another"))
        found = store.get(KEY, iter(wanted))
        assert found == {index: completion(str(index)) for index in stored & set(wanted)}


@given(st.integers(0, 8), st.integers(0, 8))
def test_fewer_samples_are_a_prefix_of_more(few, more):
    """Whoever asks for n samples asks for indices 0 to n - 1 of a key that does not hold n."""
    few, more = sorted([few, more])
    with SampleStore() as store:
        for index in range(more):
            asked = key(replace(REQUEST, n=more))
            store.put(asked, index, completion(str(index)))
        prefix = store.get(key(replace(REQUEST, n=few)), range(few))
        assert [prefix[index].text for index in range(few)] == [str(i) for i in range(few)]


@given(
    st.builds(
        Completion,
        text=raw_texts,
        reasoning=raw_texts,
        finish_reason=st.sampled_from(["stop", "length"]),
        usage=st.builds(
            Usage,
            prompt_tokens=st.integers(0, 2**40),
            completion_tokens=st.integers(0, 2**40),
            cached_tokens=st.integers(0, 2**40),
        ),
        seed=st.integers(0, 2**31 + 1000),
    )
)
def test_a_completion_comes_back_as_it_was(drawn):
    with SampleStore() as store:
        assert store.put(KEY, 0, drawn) == drawn
        assert store.get(KEY, [0]) == {0: drawn}
        # The stored one is read back, not the one that was put.
        assert store.put(KEY, 0, completion("late")) == drawn


# -- files


def test_a_store_that_is_only_read_takes_nothing(place):
    with pytest.raises(RunError, match=r"must be a file that exists"):
        SampleStore(place, only_read=True)
    SampleStore(place).close()
    with SampleStore(place, only_read=True) as store:
        assert store.get(KEY, [0]) == {}
        with pytest.raises(RunError, match="readonly"):
            store.put(KEY, 0, completion())


@pytest.fixture
def sealed() -> Iterator[Callable[[Path], None]]:
    """Takes from this process the right to write into a folder."""
    user, folders = os.geteuid(), list[Path]()

    def seal(folder: Path) -> None:
        folder.chmod(0o555)
        folders.append(folder)
        if user == 0:  # who may write wherever it wants
            os.seteuid(65534)

    yield seal
    os.seteuid(user)
    for folder in folders:
        folder.chmod(0o755)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that every user may look into, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_closed_store_is_read_where_nothing_may_be_written(open_folder, sealed):
    place = open_folder / "samples.sqlite"
    with SampleStore(place) as store:
        store.put(KEY, 0, completion())
    sealed(open_folder)
    with SampleStore(place, only_read=True) as store:
        assert store.get(KEY, [0]) == {0: completion()}
        with pytest.raises(RunError, match="readonly"):
            store.put(KEY, 1, completion())
    assert [file.name for file in open_folder.iterdir()] == ["samples.sqlite"]


def test_a_store_that_was_not_closed_needs_a_folder_that_may_be_written(
    tmp_path, open_folder, sealed
):
    with SampleStore(tmp_path / "samples.sqlite") as store:
        store.put(KEY, 0, completion())
        for name in ("samples.sqlite", "samples.sqlite-wal"):
            shutil.copyfile(tmp_path / name, open_folder / name)
    sealed(open_folder)
    with pytest.raises(
        RunError, match=r"not closed must lie in a folder that may be written.*copy"
    ):
        SampleStore(open_folder / "samples.sqlite", only_read=True)


@pytest.mark.parametrize("only_read", [True, False])
def test_a_file_of_something_else_is_told_and_left_alone(tmp_path, only_read):
    """Such as the ledger, which lies beside a run's own store."""
    Ledger(tmp_path).close()
    place = tmp_path / "ledger.sqlite"
    before = place.read_bytes()
    with pytest.raises(RunError, match=r"a file of its own; .*ledger\.sqlite holds asked, charges"):
        SampleStore(place, only_read=only_read)
    assert place.read_bytes() == before


def test_a_file_of_another_schema_is_refused_and_left_alone(place):
    with SampleStore(place) as store:
        store.put(KEY, 0, completion())
    db = sqlite3.connect(place)
    db.execute("PRAGMA user_version=9")
    db.close()
    with pytest.raises(
        RunError,
        match=r"must be of schema 5; .*samples\.sqlite is of schema 9; "
        "use the archsearch version that wrote it, or another store",
    ):
        SampleStore(place)
    db = sqlite3.connect(place)
    assert db.execute("SELECT COUNT(*) FROM samples").fetchone() == (1,)
    db.close()


@pytest.mark.parametrize(
    "content", [b"not a database at all", b"SQLite format 3\0" + b"\xff" * 200]
)
def test_what_is_no_database_is_refused_and_left_alone(place, content):
    place.write_bytes(content)
    with pytest.raises(
        RunError,
        match=r"must be a sound SQLite file; .*samples\.sqlite: .*; move it away to start a new",
    ):
        SampleStore(place)
    assert place.read_bytes() == content


def test_a_damaged_database_is_refused(place):
    with SampleStore(place) as store:
        store.put(KEY, 0, completion())
    content = bytearray(place.read_bytes())
    struct.pack_into(">B", content, 100, 0xFF)  # the kind of its first page
    place.write_bytes(content)
    with pytest.raises(RunError, match="must be a sound SQLite file"):
        SampleStore(place)


def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path):
    for place in (tmp_path / "missing" / "samples.sqlite", tmp_path):
        with pytest.raises(RunError, match=r"must be a file in a folder that exists; .*; correct"):
            SampleStore(place)


@pytest.fixture
def locked(place):
    """A new file on which another connection has begun to write."""
    db = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    yield db
    db.close()


def test_a_new_file_that_another_is_about_to_use_is_waited_for(place, locked):
    """SQLite itself would not wait here, whatever its timeout."""
    timer = threading.Timer(0.1, locked.execute, ["ROLLBACK"])
    timer.start()
    with SampleStore(place) as store:
        assert store.count() == 0
    timer.join()


def test_a_file_that_stays_locked_is_given_up(place, locked, monkeypatch):
    monkeypatch.setattr("archsearch.database.TIMEOUT", 0.05)
    with pytest.raises(RunError, match="database is locked"):
        SampleStore(place)


# -- executions


def test_a_store_that_is_only_read_keeps_executions_apart(tmp_path):
    path = tmp_path / "samples.sqlite"
    first, second = (Execution(status=status, tier="bwrap") for status in ("ok", "timeout"))
    with SampleStore(path):
        pass
    before = path.read_bytes()
    with SampleStore(path, only_read=True) as store:
        assert store.put_execution(KEY, first) == first
        assert store.put_execution(KEY, second) == store.execution(KEY) == first
    assert path.read_bytes() == before
    with SampleStore(path) as store:
        assert store.execution(KEY) is None


def test_a_damaged_execution_is_told(place):
    with SampleStore(place) as store:
        store.put_execution(KEY, Execution(status="ok", tier="bwrap"))
        store._db.execute("UPDATE executions SET execution = :e", {"e": b"no value"})
        with pytest.raises(RunError, match="must hold what was written to it"):
            store.execution(KEY)


def test_what_decides_is_in_the_key():
    programs = [
        Program(source="x"),
        Program(source="y"),
        Program(source="x", stdin="y"),
        Program(source="x", test="y"),
        Program(source="x", test="y", functions=("f",)),
        Program(source="x", limits=Limits(seconds=1)),
        *(
            Program(source="x", calls=(Call(function="f", args=a),))
            for a in [(1,), (1.0,), (True,)]
        ),
        Program(source="x", calls=(Call(function="f", kwargs={"a": 1}),)),
    ]
    keys = [execution_key(place, program) for place in ("here", "there") for program in programs]
    assert len(set(keys)) == len(keys)
    assert keys == [execution_key(p, program) for p in ("here", "there") for program in programs]


def test_equal_sets_in_calls_are_one_program():
    # Of one slot in a small table, so that a set of them has the order in which they came.
    orders = [[0, 8, 16], [16, 8, 0]]
    assert list(set(orders[0])) != list(set(orders[1]))
    there = [
        execution_key("here", Program(source="", calls=(Call(function="f", args=(set(order),)),)))
        for order in orders
    ]
    assert there[0] == there[1]

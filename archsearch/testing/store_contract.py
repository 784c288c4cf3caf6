"""What every place for samples owes. A test file inherits the class and gives one fixture:

class TestInAFile(StoreContract):
    @pytest.fixture
    def place(self, tmp_path) -> Path | str: ...

Each test gets a place that holds nothing yet.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archsearch.program import Execution, Reply
from archsearch.store import SampleStore
from archsearch.types import Completion, Usage

KEY, OTHER = "00" * 32, "ff" * 32
KEYS = [f"{number:064x}" for number in range(25)]
SAMPLES = 4
WORKERS = 4


def completion(text: str = "yes", **changes: Any) -> Completion:
    """One that says `text`."""
    usage = Usage(prompt_tokens=12, completion_tokens=5, cached_tokens=3)
    return replace(Completion(text=text, finish_reason="stop", usage=usage, seed=7), **changes)


class StoreContract:
    """Sample i of a key is one fixed thing: the first one committed, whoever asks, for ever."""

    @pytest.fixture
    def place(self) -> Path | str:
        raise NotImplementedError

    def test_the_first_put_wins(self, place: Path | str) -> None:
        with SampleStore(place) as store:
            first = completion("first")
            second = completion("second", seed=8, finish_reason="length")
            assert store.put(KEY, 0, first) == first
            assert store.put(KEY, 0, second) == first
            assert store.put(KEY, 0, first) == first
            assert store.get(KEY, [0]) == {0: first}
            assert store.put(KEY, 1, second) == second
            assert store.put(OTHER, 0, second) == second
            assert store.get(KEY, [0, 1]) == {0: first, 1: second}
            assert store.get(KEY, [1, 7]) == {1: second}
            assert store.count() == 3

    def test_the_first_refusal_of_a_sample_stands(self, place: Path | str) -> None:
        with SampleStore(place) as store:
            assert store.refusal(KEY, range(4)) is None
            store.put_refusal(KEY, [2, 3], "first\0\ud800")
            store.put_refusal(KEY, [1, 2], "second")
            store.put_refusal(OTHER, [0], "another")
        with SampleStore(place) as store:
            assert store.refusal(KEY, range(4)) == store.refusal(KEY, [1]) == "second"
            assert store.refusal(KEY, [3, 2]) == "first\0\ud800"
            assert store.refusal(KEY, [0, 4]) is store.refusal(KEY, []) is None
            assert store.count() == 0

    def test_a_refusal_does_not_stand_in_the_way_of_a_sample(self, place: Path | str) -> None:
        with SampleStore(place) as store:
            store.put_refusal(KEY, [0], "no")
            assert store.get(KEY, [0]) == {}
            assert store.put(KEY, 0, completion()) == completion()
            assert store.get(KEY, [0]) == {0: completion()}

    def test_the_first_execution_stands(self, place: Path | str) -> None:
        value = {(1, 2): [None, b"\x00", "\ud800"], "set": {1.5, frozenset()}}
        first = Execution(
            status="exception",
            tier="bwrap",
            replies=(Reply(status="ok", value=value), Reply(status="exception", error="\0")),
            stdout="\ud800\x00",
            exit_code=-9,
            seconds=0.5,
        )
        with SampleStore(place) as store:
            assert store.execution(KEY) is None
            assert store.put_execution(KEY, first) == first
            assert store.put_execution(KEY, Execution(status="ok", tier="bwrap")) == first
        with SampleStore(place) as store:
            assert store.execution(KEY) == first
            assert store.execution(OTHER) is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "\0",
            "a\0b\0",
            "\ud800",
            "\udfff\ud83d",
            chr(0xD83D) + chr(0xDE00),
            "😀",
            "\ufeff\r\n",
            "x" * 10**7,
        ],
        ids=lambda text: ascii(text[:8]),
    )
    def test_hard_texts_outlive_the_connection(self, place: Path | str, text: str) -> None:
        drawn = completion(text, reasoning=text[::-1])
        with SampleStore(place) as store:
            store.put(KEY, 3, drawn)
        with SampleStore(place) as store:
            assert store.get(KEY, [3]) == {3: drawn}
            assert store.count() == 1

    def test_every_field_comes_back_as_it_was(self, place: Path | str) -> None:
        usage = Usage(prompt_tokens=2**40, completion_tokens=0, cached_tokens=2**40)
        logprobs = ((("a\0", -0.1), ("\ud800", -1e-300)), ())
        drawn = completion(usage=usage, seed=2**31 + 1000, score=-0.1 + 1e-16, logprobs=logprobs)
        with SampleStore(place) as store:
            store.put(KEY, 0, drawn)
        with SampleStore(place) as store:
            assert store.get(KEY, [0]) == {0: drawn}

    def test_what_is_put_is_seen_through_another_connection_at_once(
        self, place: Path | str
    ) -> None:
        with SampleStore(place) as one, SampleStore(place) as other:
            one.put(KEY, 0, completion("one"))
            assert other.get(KEY, [0])[0].text == "one"
            assert other.put(KEY, 0, completion("other")).text == "one"
            other.put(KEY, 1, completion("other"))
            assert one.put(KEY, 1, completion("one")).text == "other"
            assert one.count() == other.count() == 2

    def test_facts_of_prompts_and_models_are_kept(self, place: Path | str) -> None:
        with SampleStore(place) as store:
            assert store.tokens(KEY) is None
            store.put_tokens(KEY, 3)
            store.put_tokens(KEY, 4)
            store.put_model("a", {"context": 1})
            store.put_model("a", {"context": 2})
        with SampleStore(place) as store:
            assert store.tokens(KEY) == 3
            assert store.models() == {"a": {"context": 2}}

    def test_processes_that_put_the_same_keys_read_the_same_rows(self, place: Path | str) -> None:
        context = multiprocessing.get_context("spawn")
        barrier, results = context.Barrier(WORKERS), context.Queue()
        workers = [
            context.Process(target=contend, args=(place, worker, barrier, results))
            for worker in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        seen = dict(results.get(timeout=60) for _ in workers)
        for worker in workers:
            worker.join(timeout=60)
            assert worker.exitcode == 0
        with SampleStore(place) as store:
            rows = {
                (key, index): row.text
                for key in KEYS
                for index, row in store.get(key, range(SAMPLES)).items()
            }
            assert store.count() == len(rows) == len(KEYS) * SAMPLES
        assert all(mine == rows for mine in seen.values())
        assert all(text.split(":", 1)[1] == f"{key}:{index}" for (key, index), text in rows.items())

    def test_nothing_put_is_lost_when_the_process_dies(self, place: Path | str) -> None:
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=put_and_die, args=(place,))
        process.start()
        process.join(timeout=60)
        assert process.exitcode == 9
        with SampleStore(place) as store:
            assert sorted(store.get(KEY, range(99))) == list(range(50))


def contend(place: Path | str, worker: int, barrier: Any, results: Any) -> None:
    """Opens a place that may not be there yet and puts its own text under every key."""
    barrier.wait()
    with SampleStore(place) as store:
        wanted = [(key, index) for key in KEYS for index in range(SAMPLES)]
        random.Random(worker).shuffle(wanted)
        mine = {
            (key, index): store.put(key, index, completion(f"{worker}:{key}:{index}")).text
            for key, index in wanted
        }
        results.put((worker, mine))


def put_and_die(place: Path | str) -> None:
    """Puts fifty samples and ends on the spot."""
    store = SampleStore(place)
    for index in range(50):
        store.put(KEY, index, completion(str(index)))
    os._exit(9)

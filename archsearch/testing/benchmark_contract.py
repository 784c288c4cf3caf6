"""What every benchmark owes. A test file inherits the class and gives one fixture and three hooks,
and `execution` where its benchmark runs programs:

class TestGSM8K(BenchmarkContract):
    @pytest.fixture
    def benchmark(self) -> GSM8K: ...
    def gold_reply(self, item: Item) -> str: ...
    def wrong_reply(self, item: Item) -> str: ...
    def variants(self) -> list[tuple[Benchmark, Benchmark]]: ...
    def execution(self) -> AbstractAsyncContextManager[Execute]: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from archsearch.answers import EXTRACTORS, extract
from archsearch.benchmark import Benchmark, Item
from archsearch.program import Execute, Execution, Program
from archsearch.testing.malformed import BLANK, malformed
from archsearch.types import Score, Target


class BenchmarkContract:
    """The behaviour of a benchmark, checked without a model."""

    items: int = 20
    """Items to check; at least as many must be there."""
    wrong_at_most: float = 0.0
    """Highest score of a wrong answer; above 0 only where the benchmark's own scorer grades."""

    @pytest.fixture
    def benchmark(self) -> Benchmark:
        raise NotImplementedError

    def gold_reply(self, item: Item) -> str:
        """A reply whose final answer is right, as a model might word it."""
        raise NotImplementedError

    def wrong_reply(self, item: Item) -> str:
        """The same reply with its final answer changed to a wrong one."""
        raise NotImplementedError

    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        """For each field but `name`, two benchmarks that differ in it alone."""
        raise NotImplementedError

    def execution(self) -> AbstractAsyncContextManager[Execute]:
        """What runs the programs of the benchmark."""
        return _nothing_to_run()

    def judged(self, benchmark: Benchmark, pairs: Sequence[tuple[str, Target]]) -> list[Score]:
        """The scores of replies, in their order."""

        async def judge() -> list[Score]:
            async with self.execution() as execute:
                return await asyncio.gather(*(benchmark.judge(*pair, execute) for pair in pairs))

        return asyncio.run(judge())

    @pytest.fixture
    def loaded(self, benchmark: Benchmark) -> Sequence[Item]:
        loaded = benchmark.load(self.items)
        assert len(loaded) >= self.items
        return loaded

    def test_the_right_answer_scores_1(self, benchmark: Benchmark, loaded: Sequence[Item]) -> None:
        pairs = [(self.gold_reply(item), item.target) for item in loaded]
        for pair, score in zip(pairs, self.judged(benchmark, pairs), strict=True):
            assert score.value == 1.0, (pair, score)
            assert score.answer is not None
            assert not score.malformed

    def test_a_wrong_answer_scores_0(self, benchmark: Benchmark, loaded: Sequence[Item]) -> None:
        pairs = [(self.wrong_reply(item), item.target) for item in loaded]
        for pair, score in zip(pairs, self.judged(benchmark, pairs), strict=True):
            assert score.value <= self.wrong_at_most, (pair, score)

    def test_a_reply_without_an_answer_is_malformed(
        self, benchmark: Benchmark, loaded: Sequence[Item]
    ) -> None:
        pairs = [(reply, item.target) for item in loaded for reply in BLANK]
        for (reply, _), score in zip(pairs, self.judged(benchmark, pairs), strict=True):
            assert (score.value, score.answer, score.malformed) == (0.0, None, True), reply

    def test_any_text_gives_a_score(self, benchmark: Benchmark, loaded: Sequence[Item]) -> None:
        pairs = [(reply, loaded[0].target) for reply in malformed()]
        for score in self.judged(benchmark, pairs):
            assert isinstance(score, Score)
            assert 0.0 <= score.value <= 1.0
            assert score.malformed == (score.answer is None)
            assert score.value == 0.0 or not score.malformed

    def test_scores_are_the_same_in_any_thread_and_order(
        self, benchmark: Benchmark, loaded: Sequence[Item]
    ) -> None:
        # Off the main thread a scorer that sets a signal-based timeout raises.
        pairs = [
            (reply, item.target)
            for item in loaded
            for reply in (self.gold_reply(item), self.wrong_reply(item))
        ]
        here = self.judged(benchmark, pairs)
        with ThreadPoolExecutor(max_workers=2) as pool:
            halves = [pairs[::-2], pairs[-2::-2]]
            there = list(pool.map(lambda half: self.judged(benchmark, half), halves))
        assert [here[::-2], here[-2::-2]] == there

    def test_loading_again_gives_the_same(
        self, benchmark: Benchmark, loaded: Sequence[Item]
    ) -> None:
        twin = type(benchmark).model_validate(benchmark.model_dump(mode="json"))
        assert list(twin.load(self.items)) == list(loaded)
        assert twin.fingerprint == benchmark.fingerprint

    def test_a_smaller_count_is_a_prefix(
        self, benchmark: Benchmark, loaded: Sequence[Item]
    ) -> None:
        for count in (1, self.items // 2):
            assert list(benchmark.load(count))[:count] == list(loaded)[:count]

    def test_questions_are_distinct(self, loaded: Sequence[Item]) -> None:
        assert len({item.question.id for item in loaded}) == len(loaded)
        assert len({item.question.messages for item in loaded}) == len(loaded)

    def test_questions_can_be_asked(self, loaded: Sequence[Item]) -> None:
        for item in loaded:
            assert item.question.id.strip()
            assert item.target.question_id == item.question.id
            assert item.question.messages[-1].role == "user"
            assert item.question.messages[-1].content.strip()

    def test_equal_answers_are_equal_votes(self, loaded: Sequence[Item]) -> None:
        for item in loaded:
            assert item.question.answer_kind in EXTRACTORS
            right = extract(item.question.answer_kind, self.gold_reply(item))
            assert right is not None
            assert right != extract(item.question.answer_kind, self.wrong_reply(item))

    def test_a_question_does_not_hold_its_target(self, loaded: Sequence[Item]) -> None:
        for item in loaded:
            secrets = [item.target, item.target.reference, self.gold_reply(item)]
            for value in _values(item.question.metadata):
                assert not isinstance(value, Target)
                assert value not in secrets, (item.question.metadata, value)

    def test_every_field_counts_in_the_fingerprint(self) -> None:
        fields = set()
        for one, other in self.variants():
            before, after = one.model_dump(), other.model_dump()
            changed = {field for field in before if before[field] != after[field]}
            assert len(changed) == 1, changed
            assert one.fingerprint != other.fingerprint, changed
            fields |= changed
        assert fields == set(type(one).model_fields) - {"name"}


def _values(metadata: Any) -> Iterator[Any]:
    """`metadata` and everything inside it."""
    yield metadata
    if isinstance(metadata, Mapping):
        for key, value in metadata.items():
            yield key
            yield from _values(value)
    elif isinstance(metadata, Sequence) and not isinstance(metadata, str):
        for value in metadata:
            yield from _values(value)


@asynccontextmanager
async def _nothing_to_run() -> AsyncIterator[Execute]:
    yield _refuse


async def _refuse(program: Program) -> Execution:
    raise AssertionError("a benchmark that runs programs overrides `execution` in its tests")

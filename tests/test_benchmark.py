"""Splits: disjoint, fixed by seed and ids, and stable while the search split grows."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from archsearch.benchmark import Item, Splits, SplitSizes, split
from archsearch.errors import ConfigError
from archsearch.types import Message, Question, Target

SIZES = st.builds(
    SplitSizes, search=st.integers(1, 12), select=st.integers(0, 12), test=st.integers(1, 12)
)


def items(count: int) -> list[Item]:
    return [
        Item(
            question=Question(id=f"q/{i}", messages=(Message(role="user", content=f"{i}?"),)),
            target=Target(question_id=f"q/{i}", reference=i),
        )
        for i in range(count)
    ]


def ids(part: Sequence[Item]) -> list[str]:
    return [item.question.id for item in part]


def everything(splits: Splits) -> list[str]:
    return [*ids(splits.search), *ids(splits.select), *ids(splits.test)]


@settings(deadline=None)
@given(SIZES, st.integers(0, 20), st.integers(0, 2**31))
def test_splits_are_disjoint_and_of_the_sizes_asked_for(
    sizes: SplitSizes, spare: int, seed: int
) -> None:
    splits = split(items(sizes.total + spare), sizes, seed=seed)
    assert (len(splits.search), len(splits.select), len(splits.test)) == (
        sizes.search,
        sizes.select,
        sizes.test,
    )
    assert len(set(everything(splits))) == sizes.total


@settings(deadline=None)
@given(SIZES, st.integers(0, 20), st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(
    sizes: SplitSizes, spare: int, shuffler: random.Random
) -> None:
    given_items = items(sizes.total + spare)
    shuffled = given_items.copy()
    shuffler.shuffle(shuffled)
    assert split(shuffled, sizes, seed=1) == split(given_items, sizes, seed=1)


@settings(deadline=None)
@given(SIZES, st.integers(1, 20))
def test_a_larger_search_split_moves_nothing(sizes: SplitSizes, more: int) -> None:
    larger = sizes.model_copy(update={"search": sizes.search + more})
    pool = items(larger.total)
    before, after = split(pool, sizes, seed=3), split(pool, larger, seed=3)
    assert (after.select, after.test) == (before.select, before.test)
    assert after.search[: sizes.search] == before.search


@settings(deadline=None)
@given(SIZES, st.integers(0, 12))
def test_a_larger_select_split_leaves_test_alone(sizes: SplitSizes, more: int) -> None:
    larger = sizes.model_copy(update={"select": sizes.select + more})
    pool = items(larger.total)
    before, after = split(pool, sizes, seed=3), split(pool, larger, seed=3)
    assert after.test == before.test
    assert after.select[: sizes.select] == before.select


def test_each_item_keeps_its_own_target() -> None:
    splits = split(items(30), SplitSizes(search=10, select=10, test=10), seed=0)
    for item in (*splits.search, *splits.select, *splits.test):
        assert item.question.id == item.target.question_id == f"q/{item.target.reference}"


def test_another_seed_deals_anew() -> None:
    sizes = SplitSizes(search=20, select=20, test=20)
    one, other = split(items(60), sizes, seed=0), split(items(60), sizes, seed=1)
    assert set(ids(one.test)) != set(ids(other.test))
    assert ids(one.test) != sorted(ids(one.test)), "shuffled, not in the order of the file"


def test_chance_is_even() -> None:
    sizes = SplitSizes(search=1, select=0, test=50)
    drawn = [name for seed in range(200) for name in ids(split(items(100), sizes, seed=seed).test)]
    counts = [drawn.count(f"q/{i}") for i in range(100)]
    # Binomial(200, 1/2): a standard deviation of 7; the farthest of 100 stays within five.
    assert 65 <= min(counts) <= max(counts) <= 135


def test_too_few_items_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"ask for 6 questions and the benchmark has 5; lower"):
        split(items(5), SplitSizes(search=2, select=2, test=2), seed=0)


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="ids must be unique; 2 are repeated, the first of them 'q/0'"
    ):
        split([*items(9), *items(2)], SplitSizes(search=1, select=1, test=1), seed=0)


@pytest.mark.parametrize("sizes", [{"search": 0}, {"test": 0}, {"select": -1}])
def test_a_study_needs_search_and_test_questions(sizes: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to"):
        SplitSizes(**sizes)

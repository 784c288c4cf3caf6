"""Several judges side by side, and what is the same for every layer that ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.layer import Calls, Facet, Outline
from archsearch.layers.generator import Generator
from archsearch.layers.ranker import Ranker
from archsearch.ranking import (
    ALL,
    Judgement,
    RankingLayer,
    Shown,
    best_first,
    borda_counts,
)
from archsearch.testing.layer_contract import run, run_row
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Candidate, Fallback, Question, Request, Slate


class Fixed(RankingLayer):
    """Scores texts as it is told."""

    type: Literal["fixed"] = "fixed"
    scores: dict[str, float]

    async def judge(self, shown: Sequence[Shown], question: Question, calls: Calls) -> Judgement:
        note = Fallback(path=calls.path, reason=f"{len(shown)} texts")
        return [self.scores[one.text] for one in shown], [note]


def silent(request: Request, seed: int) -> str:
    raise AssertionError("its scores are fixed")


def spelled(slate: Slate) -> str:
    return "".join(candidate.text for candidate in slate.candidates)


tables = st.fixed_dictionaries({text: st.integers(0, 5) for text in "abcd"})
slates = st.lists(st.sampled_from("abcd"), min_size=1, max_size=8).map(slate_of)


@given(slates, tables, st.integers(1, 9))
def test_the_best_are_kept_and_equal_texts_stay_together(slate, table, keep) -> None:
    left = run(Fixed(scores=table, keep=keep), slate, silent).slate
    scores = [candidate.score for candidate in left.candidates]
    assert len(scores) == min(keep, len(slate.candidates))
    assert scores == sorted(scores, reverse=True)
    assert scores == sorted((table[c.text] for c in slate.candidates), reverse=True)[:keep]
    changes = sum(a != b for a, b in zip(spelled(left), spelled(left)[1:], strict=False))
    assert changes == len(set(spelled(left))) - 1


@given(slates, tables)
def test_ranking_twice_is_ranking_once(slate, table) -> None:
    once = run(Fixed(scores=table, keep=9), slate, silent).slate
    twice = run(Fixed(scores=table, keep=9), once, silent).slate
    assert twice.candidates == once.candidates


def test_all_else_stays_with_the_candidates() -> None:
    given = slate_of("ab", facets=frozenset(Facet))
    left = run(Fixed(scores={"a": 0, "b": 1}, keep=2), given, silent).slate
    assert left.candidates == tuple(
        replace(given.candidates[at], score=score) for at, score in ((1, 1), (0, 0))
    )


# -- Borda counts


def scored(texts: str, scores: Sequence[float]) -> list[Candidate]:
    pairs = zip(slate_of(texts).candidates, scores, strict=True)
    return [replace(candidate, score=score) for candidate, score in pairs]


@pytest.mark.parametrize(
    ("texts", "scores", "counts"),
    [
        ("a", [7], [1]),
        ("abcd", [4, 3, 2, 1], [1, 0.75, 0.5, 0.25]),
        ("abcd", [-1, 0.5, 99, 0], [0.25, 0.75, 1, 0.5]),
        ("abcd", [1, 1, 0, 0], [0.875, 0.875, 0.375, 0.375]),
        ("abcd", [3, 3, 3, 3], [0.625] * 4),
        ("aab", [2, 2, 1], [1, 1, 0.5]),
        ("aa", [2, 1], [1, 0.5]),
    ],
)
def test_borda_counts(texts: str, scores: list[float], counts: list[float]) -> None:
    assert borda_counts(scored(texts, scores)) == counts


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=6, unique=True))
def test_borda_counts_are_the_rankers_own_scores(scores) -> None:
    """Judges who agree leave what one of them leaves."""
    n = len(scores)
    counts = borda_counts(scored("abcdef"[:n], scores))
    assert sorted(counts, reverse=True) == [1 - place / n for place in range(n)]
    assert [c.score for c in best_first(scored("abcdef"[:n], scores))] == sorted(scores)[::-1]


# -- side by side


def test_scales_do_not_matter_side_by_side() -> None:
    """A generous judge with large numbers does not outvote a strict one."""
    row = [
        Fixed(scores={"a": 900, "b": 800, "c": 100}, keep=1),
        Fixed(scores={"a": 0.2, "b": 0.3, "c": 0.1}, keep=1),
        Fixed(scores={"a": -5, "b": -4, "c": -6}, keep=2),
    ]
    left = run_row(row, slate_of("abc"), silent).slate
    assert [(c.text, c.score) for c in left.candidates] == [
        ("b", pytest.approx(8 / 9)),
        ("a", pytest.approx(7 / 9)),
    ]
    assert [note.reason for note in left.fallbacks] == ["3 texts"] * 3


@given(slates, st.lists(st.tuples(tables, st.integers(1, 9)), min_size=2, max_size=3))
def test_a_row_keeps_the_largest_keep_by_the_mean_count(slate, judges) -> None:
    row = [Fixed(scores=table, keep=keep) for table, keep in judges]
    left = run_row(row, slate, silent).slate
    keep = max(keep for _, keep in judges)
    assert len(left.candidates) == min(keep, len(slate.candidates))
    scores = [candidate.score for candidate in left.candidates]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    outline = Fixed.join_outlines(
        row, outline_of(slate), [m.leaves(outline_of(slate)) for m in row]
    )
    assert outline.candidates == len(left.candidates)
    assert outline.holds(Facet.SCORES)


@given(slates, tables)
def test_judges_who_agree_leave_the_order_of_one(slate, table) -> None:
    one = Fixed(scores=table, keep=9)
    other = Fixed(scores={text: 100 + 3 * score for text, score in table.items()}, keep=9)
    joint, alone = run_row([one, other], slate, silent).slate, run(one, slate, silent).slate
    assert spelled(joint) == spelled(alone)


def test_critiques_tell_equal_texts_apart_side_by_side() -> None:
    given = slate_of("aba", facets=frozenset({Facet.CRITIQUES}))
    row = [Ranker(model=model, keep=3, critiques=True) for model in "mn"]
    left = run_row(row, given, lambda request, seed: "[3] > [2] > [1]").slate
    assert [c.origin.index for c in left.candidates] == [2, 1, 0]
    assert [c.score for c in left.candidates] == pytest.approx([1, 2 / 3, 1 / 3])


def test_a_row_is_one_layer_of_an_architecture() -> None:
    generator = Generator(model="m", samples=6)
    row = [Ranker(model="a", keep=2), Ranker(model="b", keep=4)]
    architecture = Architecture.of(generator, row)
    assert architecture.outlines[-1].candidates == 4
    assert [call.model for call in architecture.plan] == ["m", "a", "b"]


def test_judges_that_say_the_same_are_one() -> None:
    generator = Generator(model="m", samples=6)
    cold, warm = Ranker(model="m", keep=2), Ranker(model="m", keep=2, temperature=0.5)
    rows = {
        (cold, cold.model_copy(update={"keep": 3})): (Ranker(model="m", keep=3),),
        (warm, warm): (warm, warm),
        (cold, warm): (cold, warm),
    }
    for row, canonical in rows.items():
        assert Architecture.of(generator, row).rows[-1] == canonical


def test_a_member_keeps_all_and_none_keeps_more_than_there_are() -> None:
    assert Ranker(model="m", keep=2).as_member().keep == ALL
    assert Ranker(model="m").as_member().leaves(Outline(candidates=7)).candidates == 7
    assert Ranker(model="m", keep=9).canonical(Outline(candidates=7)).keep == 7

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.asking import CLIPPED
from archsearch.errors import ConfigError
from archsearch.layers.generator import Generator
from archsearch.layers.pointwise_ranker import (
    UNREADABLE,
    UNWEIGHTED,
    PointwiseRanker,
    expected_rating,
)
from archsearch.ranking import Shown
from archsearch.replies import WINDOW, rating
from archsearch.testing.layer_contract import PATH, LayerContract, Script, run
from archsearch.testing.malformed import malformed
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Completion, Logprobs, Message, Request, Slate, Usage


def shown(request: Request) -> str:
    return request.messages[-1].content.split("<answer>\n")[1].split("\n</answer>")[0]


def rates(said: dict[str, str]) -> Script:
    return lambda request, seed: said[shown(request)]


class TestPointwiseRanker(LayerContract):
    layer = PointwiseRanker(model="small", keep=2)
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return f"It is short. Rating: {1 + len(request.messages[-1].content) % 10}"


class TestExpected(LayerContract):
    layer = PointwiseRanker(model="small", scale=5, expected=True, critiques=True)
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return str(1 + len(request.messages[-1].content) % 5)


# -- the reader


@pytest.mark.parametrize(
    "reply",
    [
        "7",
        "7.",
        "**7**",
        "[7]",
        "7/10",
        "7 / 10",
        "**7**/10",
        "7 out of 10",
        "\u200f7",
        "Rating: 7",
        "Rating: [7]",
        "**Rating:** 7/10",
        "Rating (1-10): 7",
        "rating = 7",
        "I rate this answer 7.",
        "I would give it a 7.",
        "It deserves a 7 out of 10.",
        "Score: 7",
        "On a scale from 1 to 10, my rating is 7.",
        "2 + 2 is 4. Rating: 7",
        "Rating: 3? No. Rating: 7",
        "It has 2 steps, so 7/10",
        "Style 3/10.\n\nRating: 7",
        "The sum is right.\n\n7",
        "7, since it is right.",
        "7 - it is right.",
        "7\nThe sum is right.",
        "Rating: 70\nRating: 7",
        "x" * WINDOW + "\nRating: 7",
    ],
)
def test_reads_a_rating_wherever_it_stands(reply: str) -> None:
    assert rating(reply, 10) == 7


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Rating: [number]",
        "Good.",
        "Rating: 0",
        "Rating: 11",
        "Rating: -3",
        "Rating: 85/100",
        "Rating: 4/5",
        "Rating: 70%",
        "From 1 to 10",
        "The answer is 7, which is right.",
        "1. The sum is right.\n2. The form is not.",
        "9" * 10_000,
    ],
)
def test_says_nothing_where_the_reply_has_no_rating(reply: str) -> None:
    assert rating(reply, 10) is None


def test_ratings_may_have_decimals() -> None:
    assert rating("Rating: 7.5", 10) == 7.5
    assert rating("Rating: 10.5", 10) is None


@pytest.mark.parametrize("expected", [False, True])
def test_the_form_that_the_prompt_shows_is_no_rating(expected: bool) -> None:
    layer = PointwiseRanker(model="m", scale=9, expected=expected)
    frame = layer.plan(outline_of(slate_of("ab")))[0].frame
    assert rating(frame.splitlines()[-1], 9) is None


def test_any_text_is_read_in_linear_time() -> None:
    started = time.monotonic()
    for text in [*malformed(), "Rating 7 " * 20_000, "7 / " * 20_000, "rate " * 20_000]:
        found = rating(text, 10)
        assert found is None or 1 <= found <= 10
    assert time.monotonic() - started < 20


# -- the layer


def test_scores_are_ratings_put_on_a_scale_from_0_to_1() -> None:
    said = {"a": "Rating: 1", "b": "Rating: 10", "c": "Rating: 5.5"}
    ran = run(PointwiseRanker(model="m", keep=9), slate_of("abc"), rates(said))
    assert [(c.text, c.score) for c in ran.slate.candidates] == [("b", 1), ("c", 0.5), ("a", 0)]


def test_equal_ratings_keep_the_order_and_equal_texts_stay_together() -> None:
    said = {"a": "3", "b": "8", "c": "8"}
    ran = run(PointwiseRanker(model="m", keep=9), slate_of("abcbab"), rates(said))
    assert "".join(c.text for c in ran.slate.candidates) == "bbbcaa"
    assert [c.origin.index for c in ran.slate.candidates] == [1, 3, 5, 2, 0, 4]
    assert len(ran.asked) == 3


def test_an_unreadable_rating_scores_the_mean_of_the_others_which_is_recorded() -> None:
    said = {"a": "Hm.", "b": "3", "c": "9"}
    ran = run(PointwiseRanker(model="m", keep=9), slate_of("abc"), rates(said))
    scores = {c.text: c.score for c in ran.slate.candidates}
    assert scores == {
        "a": pytest.approx(5 / 9),
        "b": pytest.approx(2 / 9),
        "c": pytest.approx(8 / 9),
    }
    assert [note.reason for note in ran.slate.fallbacks] == [UNREADABLE]


def test_where_no_rating_can_be_read_the_order_stays_and_all_score_one_half() -> None:
    ran = run(PointwiseRanker(model="m", keep=9), slate_of("ab"), lambda request, seed: "Hm.")
    assert [(c.text, c.score) for c in ran.slate.candidates] == [("a", 0.5), ("b", 0.5)]
    assert [note.reason for note in ran.slate.fallbacks] == [UNREADABLE, UNREADABLE]


def test_a_lone_candidate_is_rated_too() -> None:
    """Its score means something by itself."""
    ran = run(PointwiseRanker(model="m"), slate_of("a"), rates({"a": "1"}))
    assert [c.score for c in ran.slate.candidates] == [0]


def test_asks_for_the_number_only_where_probabilities_are_read() -> None:
    plain, expected = (
        run(PointwiseRanker(model="m", scale=5, expected=e), slate_of("a"), rates({"a": "4"}))
        for e in (False, True)
    )
    assert (plain.asked[0].logprobs, plain.asked[0].max_tokens) == (0, 256)
    assert (expected.asked[0].logprobs, expected.asked[0].max_tokens) == (20, 8)
    assert "number only" not in plain.asked[0].messages[-1].content
    assert "number only" in expected.asked[0].messages[-1].content
    assert "from 1 (wrong or of no use) to 5 (right" in expected.asked[0].messages[-1].content


def test_clipping_cuts_texts_and_never_the_instruction() -> None:
    layer = PointwiseRanker(model="m", max_prompt_tokens=200)
    ran = run(layer, slate_of(["long " * 3_000]), lambda request, seed: "Rating: 3")
    assert ran.asked[0].messages[-1].content.endswith('"Rating: [number]".')
    assert [note.reason for note in ran.slate.fallbacks] == [CLIPPED]


def test_a_scale_of_two_digits_cannot_be_read_off_one_token() -> None:
    with pytest.raises(ConfigError, match=r"scale must be at most 9.*received 10; lower scale"):
        Architecture.parse(
            [
                {"type": "generator", "model": "m", "samples": 2},
                {"type": "pointwise_ranker", "model": "m", "expected": True},
            ]
        )


def test_plans_one_prompt_for_each_candidate() -> None:
    (planned,) = PointwiseRanker(model="m").plan(outline_of(slate_of("abc")))
    assert (planned.prompts, planned.samples, planned.max_tokens) == (3, 1, 256)
    assert [count for _, count in planned.quotes] == [1]


def test_judges_that_differ_in_keep_alone_are_one() -> None:
    row = [PointwiseRanker(model="m", keep=keep) for keep in (1, 3, 2)]
    architecture = Architecture.of(Generator(model="m", samples=4), row)
    assert architecture.rows[-1] == (PointwiseRanker(model="m", keep=3),)


# -- the expected rating


class Door:
    """Calls that answer every request with one completion, after a fashion."""

    path = PATH

    def __init__(self, text: str, logprobs: Logprobs | None) -> None:
        usage = Usage(prompt_tokens=1, completion_tokens=1)
        self._said = Completion(
            text=text, finish_reason="stop", usage=usage, seed=0, logprobs=logprobs
        )

    async def complete(self, request: Request) -> tuple[Completion, ...]:
        return (self._said,)

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        return True

    async def each(
        self, items: Sequence[Shown], step: Callable[[Shown, Door], Awaitable[object]]
    ) -> list[object]:
        return [await step(item, self) for item in items]


def rated(text: str, logprobs: Logprobs | None) -> Slate:
    layer = PointwiseRanker(model="m", scale=5, expected=True)
    return asyncio.run(layer(slate_of("a"), Door(text, logprobs)))  # type: ignore[arg-type]


def test_the_expected_rating_weighs_ratings_by_their_probabilities() -> None:
    likeliest = ((" 4", log(0.5)), (" 5", log(0.3)), ("5", log(0.1)), ("6", log(0.1)))
    for before in ((), ((("Rating", 0.0),), ((":", 0.0),)), ((("5", 0.0),), (("7", 0.0),))):
        slate = rated("Rating: 4", (*before, likeliest))
        assert slate.candidates[0].score == pytest.approx(((4 * 5 + 5 * 4) / 9 - 1) / 4)
        assert not slate.fallbacks


@pytest.mark.parametrize(
    ("text", "logprobs", "score", "reasons"),
    [
        ("four", ((("four", 0.0),),), 0.5, [UNREADABLE]),
        ("It is 4.", ((("It is", 0.0),), ((" 4", 0.0),), ((".", 0.0),)), 0.5, [UNREADABLE]),
        ("4", None, 0.75, [UNWEIGHTED]),
        ("4", (), 0.75, [UNWEIGHTED]),
        ("Rating:4/5", ((("Rating:4", 0.0),), (("/", 0.0),), (("5", 0.0),)), 0.75, [UNWEIGHTED]),
        ("10", ((("1", 0.0), ("5", -9.0)), (("0", 0.0),)), 0.5, [UNREADABLE]),
        ("10", ((("10", 0.0), ("5", -9.0)),), 0.5, [UNREADABLE]),
    ],
)
def test_without_a_rating_token_the_reply_is_read_which_is_recorded(
    text: str, logprobs: Logprobs | None, score: float, reasons: list[str]
) -> None:
    slate = rated(text, logprobs)
    assert slate.candidates[0].score == score
    assert [note.reason for note in slate.fallbacks] == reasons


weights = st.lists(st.floats(1e-6, 1.0), min_size=5, max_size=5)


@given(weights)
def test_the_expected_rating_is_the_mean_under_the_probabilities(drawn: list[float]) -> None:
    total = sum(drawn)
    likeliest = tuple((str(at + 1), log(weight / total)) for at, weight in enumerate(drawn))
    mean = sum((at + 1) * weight for at, weight in enumerate(drawn)) / total
    found = expected_rating((likeliest,), 1, 5)
    assert found == pytest.approx(mean)
    assert 1 - 1e-9 <= found <= 5 + 1e-9

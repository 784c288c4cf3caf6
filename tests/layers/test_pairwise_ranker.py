from __future__ import annotations

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.asking import CLIPPED
from archsearch.layer import Facet
from archsearch.layers.generator import Generator
from archsearch.layers.pairwise_ranker import DRAWN, UNREADABLE, PairwiseRanker
from archsearch.replies import WINDOW, preference
from archsearch.testing.layer_contract import LayerContract, Run, Script, run
from archsearch.testing.malformed import malformed
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Request

ANSWER = re.compile(r"<answer (\d)>\n(.*?)\n</answer", re.DOTALL)


def shown(request: Request) -> list[str]:
    return [text for _, text in ANSWER.findall(request.messages[-1].content)]


def judge(order: Sequence[str]) -> Script:
    """Prefers whichever stands earlier in `order`, wherever the prompt shows it."""

    def reply(request: Request, seed: int) -> str:
        one, other = shown(request)
        return f"Better answer: [{1 if order.index(one) < order.index(other) else 2}]"

    return reply


def says(text: str) -> Script:
    return lambda request, seed: text


class TestRoundRobin(LayerContract):
    layer = PairwiseRanker(model="small", keep=2)
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        one, other = request.messages[-1].content.rsplit("<answer 2>", 1)
        return f"Better answer: [{1 if len(one) > len(other) else 2}]"


class TestTournament(TestRoundRobin):
    layer = PairwiseRanker(model="small", keep=9, schedule="tournament")


class TestWithCritiques(TestRoundRobin):
    layer = PairwiseRanker(model="small", critiques=True)


# -- the reader

SECOND = [
    "2",
    "2.",
    "[2]",
    "[[2]]",
    "(2)",
    "**2**",
    "Answer 2",
    "**Answer 2**",
    "Answer #2.",
    "<answer 2>",
    "answer [2]",
    "【2】",
    "\u200f[2]",
    "The second one.",
    "Second answer",
    "the latter",
    "Better answer: [2]",
    "Better: 2",
    "Better answer:\n[2]",
    "**Better answer:** Answer 2",
    "Better answer: 2 (it is right)",
    "Better answer: the second one",
    "Which one is better? Answer 2",
    "Winner: Answer 2, since it is right.",
    "The better answer is [2].",
    "The best response is the second one.",
    "My choice is answer 2.",
    "Verdict: Answer 2 is better.",
    "Verdict: Answer 1 is worse than Answer 2.",
    "Conclusion: Answer 1 is weaker.",
    "2 > 1",
    "[2] > [1]",
    "[1] < [2]",
    "Answer 2 > Answer 1",
    "Answer 2 is better.",
    "Answer 2 is better than Answer 1.",
    "Answer 1 is worse than Answer 2.",
    "Answer 1 is less accurate than answer 2",
    "Answer 1 is not as good as Answer 2.",
    "Answer 1 isn't quite as clear as Answer 2.",
    "The second answer is more accurate.",
    "The second is better.",
    "The first one is worse",
    "Answer 2's explanation is clearer.",
    "While Answer 1 is clear, Answer 2 is better.",
    "Both are correct, but Answer 2 wins.",
    "Answer 2 beats Answer 1.",
    "I prefer Answer 2 over Answer 1.",
    "I prefer the second one",
    "I would choose answer 2 because it is right.",
    "Answer 1 is better at first sight. On reflection Answer 2 is better.",
    "Better answer: 1? No. Better answer: 2",
    "Answer 1 is better structured.\n\nBetter answer: 2",
    "Answer 2. It gives the right sum.",
    "Answer 2 because it is right.",
    "Answer 2 - it is right. Answer 1 has a mistake.",
    "I was asked for Answer 1 or Answer 2. I take this: Answer 2 is better.",
    "x" * WINDOW + "\nBetter answer: [2]",
]

UNDECIDED = [
    "",
    "I cannot say.",
    "Better answer: [number]",
    "Better answer: 1 or 2",
    "Answer 1 or Answer 2",
    "1/2",
    "[1] and [2]",
    "Answer 1 and Answer 2 are better than nothing.",
    "Both answers are equally good.",
    "Answer 1 is as good as Answer 2.",
    "Answer 1 is not better than Answer 2.",
    "Neither Answer 1 nor Answer 2 is better.",
    "I cannot say whether Answer 1 is better.",
    "If Answer 1 is better, say 1.",
    "Answer 1 could be better.",
    "Answer 1 needs more detail.",
    "Answer 1:\nIt is clear.\nAnswer 2:\nIt is short.",
    "[1]\ngood\n[2]\nbad",
    "1. The sum is right.\n2. The rest is better.",
    "The total of 2 is better known.",
    "The first step is better explained.",
    "3",
    "[3] > [4]",
    "12",
    "2.5",
    "Rating: 2/10",
]
SECOND += [
    "The better answer is Answer 2, although it is less detailed.",
    "I prefer Answer 2, although it is less detailed.",
    "Better: 2, it is not as long and easier to read.",
    "Verdict: Answer 1 is not as good as Answer 2.",
]
"""What is said of the one that is chosen, beside the choice."""


@pytest.mark.parametrize("reply", SECOND)
def test_reads_a_preference_wherever_it_stands(reply: str) -> None:
    assert preference(reply) == 2


@pytest.mark.parametrize("reply", [text for text in SECOND if "?" not in text])
def test_reads_the_opposite_of_the_mirrored_reply(reply: str) -> None:
    swapped = {"1": "2", "2": "1", "first": "second", "second": "first", "latter": "former"}
    mirrored = re.sub(
        r"\b(1|2|first|second|latter)\b(?! sight)",
        lambda match: swapped[match[0].lower()],
        reply,
        flags=re.IGNORECASE,
    )
    assert preference(mirrored) == 1


@pytest.mark.parametrize("reply", UNDECIDED)
def test_says_nothing_where_the_reply_leaves_it_open(reply: str) -> None:
    assert preference(reply) is None


def test_the_form_that_the_prompt_shows_is_no_preference() -> None:
    frame = PairwiseRanker(model="m").plan(outline_of(slate_of("ab")))[0].frame
    assert preference(frame.splitlines()[-1]) is None


def test_any_text_is_read_in_linear_time() -> None:
    started = time.monotonic()
    for text in [*malformed(), "Answer 1 is " * 10_000, "[1] > " * 20_000, "1 " * 50_000]:
        assert preference(text) in (1, 2, None)
    assert time.monotonic() - started < 20


# -- games


def order_of(ran: Run) -> str:
    return "".join(candidate.text for candidate in ran.slate.candidates)


players = st.lists(st.sampled_from("abcdefg"), unique=True, min_size=2, max_size=7)


@settings(max_examples=25, deadline=None)
@given(players, st.randoms())
def test_a_round_robin_finds_a_consistent_judges_order(texts, random) -> None:
    order = random.sample(texts, len(texts))
    ran = run(PairwiseRanker(model="m", keep=9), slate_of(texts), judge(order))
    last = len(texts) - 1
    assert order_of(ran) == "".join(order)
    assert [c.score for c in ran.slate.candidates] == [(last - at) / last for at in range(last + 1)]
    assert len(ran.asked) == len(texts) * last
    assert not ran.slate.fallbacks


@settings(max_examples=25, deadline=None)
@given(players, st.randoms())
def test_a_tournament_is_won_by_the_judges_best(texts, random) -> None:
    order = random.sample(texts, len(texts))
    layer = PairwiseRanker(model="m", keep=9, schedule="tournament")
    ran = run(layer, slate_of(texts), judge(order))
    scores = [candidate.score for candidate in ran.slate.candidates]
    assert order_of(ran)[0] == order[0]
    assert scores[0] == 1
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == 0
    assert len(ran.asked) == 2 * (len(texts) - 1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=5),
    st.sampled_from(["round_robin", "tournament"]),
    st.randoms(),
)
def test_scores_are_from_0_to_1_whatever_the_judge_says(texts, schedule, random) -> None:
    replies = ["Better answer: [1]", "Better answer: [2]", "Hm."]
    layer = PairwiseRanker(model="m", keep=9, schedule=schedule)
    ran = run(layer, slate_of(texts), lambda request, seed: random.choice(replies))
    scores = [candidate.score for candidate in ran.slate.candidates]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_losers_of_a_tournament_stand_by_the_round_they_left() -> None:
    layer = PairwiseRanker(model="m", keep=9, schedule="tournament")
    ran = run(layer, slate_of("abcde"), judge("edcba"))
    # b beats a, d beats c, e has no game; d beats b, e has none; e beats d.
    assert order_of(ran) == "edbac"
    assert [c.score for c in ran.slate.candidates] == [1, 2 / 3, 1 / 3, 0, 0]


def test_a_judge_who_favours_a_place_has_said_nothing() -> None:
    """Zheng et al. 2023: whoever is preferred in one order only has not won."""
    ran = run(PairwiseRanker(model="m", keep=9), slate_of("abc"), says("Better answer: [1]"))
    assert order_of(ran) == "abc"
    assert [c.score for c in ran.slate.candidates] == [0.5, 0.5, 0.5]
    assert not ran.slate.fallbacks


def test_a_drawn_game_of_a_tournament_goes_to_the_earlier_which_is_recorded() -> None:
    layer = PairwiseRanker(model="m", keep=9, schedule="tournament")
    ran = run(layer, slate_of("abc"), says("Better answer: [2]"))
    assert order_of(ran) == "acb"
    assert [note.reason for note in ran.slate.fallbacks] == [DRAWN, DRAWN]


def test_an_unreadable_reply_makes_a_draw_which_is_recorded() -> None:
    def reply(request: Request, seed: int) -> str:
        return "Hm." if shown(request)[0] == "b" else "[1]"

    ran = run(PairwiseRanker(model="m", keep=9), slate_of("ab"), reply)
    assert [c.score for c in ran.slate.candidates] == [0.5, 0.5]
    assert [note.reason for note in ran.slate.fallbacks] == [UNREADABLE]


def test_equal_texts_are_compared_once_and_stay_together() -> None:
    ran = run(PairwiseRanker(model="m", keep=9), slate_of("abaab"), judge("ba"))
    assert [c.origin.index for c in ran.slate.candidates] == [1, 4, 0, 2, 3]
    assert [c.score for c in ran.slate.candidates] == [1, 1, 0, 0, 0]
    assert len(ran.asked) == 2


@pytest.mark.parametrize("schedule", ["round_robin", "tournament"])
def test_makes_no_call_where_there_is_nothing_to_compare(schedule) -> None:
    layer = PairwiseRanker(model="m", keep=9, schedule=schedule)
    ran = run(layer, slate_of("aaa"), says("[1]"))
    assert not ran.asked
    assert [c.score for c in ran.slate.candidates] == [1, 1, 1]


@pytest.mark.parametrize(("schedule", "calls"), [("round_robin", 42), ("tournament", 12)])
def test_plans_as_many_prompts_as_distinct_texts_take(schedule, calls) -> None:
    given = slate_of("abcdefg")
    layer = PairwiseRanker(model="m", schedule=schedule)
    (planned,) = layer.plan(outline_of(given))
    assert planned.prompts == calls == len(run(layer, given, judge("abcdefg")).asked)
    assert sum(count for _, count in planned.quotes) == 2


def test_shows_critiques_only_when_asked_to() -> None:
    given = slate_of("abc", facets=frozenset({Facet.CRITIQUES}))
    for critiques in (False, True):
        ran = run(PairwiseRanker(model="m", critiques=critiques), given, judge("abc"))
        prompts = [request.messages[-1].content for request in ran.asked]
        assert any("number 2 is short" in prompt for prompt in prompts) is critiques
        assert ran.slate.candidates[0].critique == "number 0 is short"


def test_clipping_cuts_texts_and_never_the_instruction() -> None:
    given = slate_of(["long " * 3_000, "short"])
    ran = run(PairwiseRanker(model="m", max_prompt_tokens=200), given, says("[2]"))
    for request in ran.asked:
        assert request.messages[-1].content.endswith("Better answer: [number]")
    assert [note.reason for note in ran.slate.fallbacks] == [CLIPPED, CLIPPED]


def test_several_judges_side_by_side_are_one_layer() -> None:
    row = [PairwiseRanker(model=model, keep=keep) for model, keep in (("a", 1), ("b", 2))]
    architecture = Architecture.of(Generator(model="m", samples=4), row)
    assert architecture.outlines[-1].candidates == 2
    assert len(architecture.plan) == 3

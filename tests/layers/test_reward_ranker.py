from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.asking import CLIPPED
from archsearch.errors import ConfigError
from archsearch.layer import Calls, Facet
from archsearch.layers.generator import Generator
from archsearch.layers.reward_ranker import RewardRanker
from archsearch.testing.layer_contract import PATH, LayerContract, run
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Completion, Message, Request, Usage

Score = Callable[[Request], float]


class TestRewardRanker(LayerContract):
    layer = RewardRanker(model="small", keep=2)


def silent(request: Request, seed: int) -> str:
    raise AssertionError("a reward model writes nothing")


def says(scores: dict[str, float]) -> Score:
    return lambda request: scores[request.messages[-1].content]


def test_the_highest_score_comes_first_and_is_the_models_own() -> None:
    score = says({"a": -3.5, "b": 2.25, "c": -0.5})
    ran = run(RewardRanker(model="m", keep=2), slate_of("abc"), silent, score=score)
    assert [(c.text, c.score) for c in ran.slate.candidates] == [("b", 2.25), ("c", -0.5)]


def test_each_distinct_text_is_scored_once_as_the_reply_to_the_conversation() -> None:
    given = slate_of("abab", facets=frozenset({Facet.CRITIQUES}))
    ran = run(RewardRanker(model="m", keep=9), given, silent, score=says({"a": 1.0, "b": 1.0}))
    order = (0, 2, 1, 3)
    assert ran.slate.candidates == tuple(replace(given.candidates[at], score=1.0) for at in order)
    assert sorted(request.messages[-1].content for request in ran.asked) == ["a", "b"]
    for request in ran.asked:
        assert request.messages[:-1] == given.question.messages
        assert request.messages[-1].role == "assistant"
        assert request.scoring
        assert (request.temperature, request.max_tokens) == (0, 0)
    assert all(sum(call.completion_tokens) == 0 for call in ran.used)


def test_the_longer_one_of_question_and_answer_is_clipped_which_is_recorded() -> None:
    layer = RewardRanker(model="m", max_prompt_tokens=100)
    ran = run(layer, slate_of(["long " * 3_000]), silent)
    assert [note.reason for note in ran.slate.fallbacks] == [CLIPPED]
    assert ran.used[0].prompt_tokens <= 100
    spoken = [message.content for message in ran.asked[0].messages[:2]]
    assert spoken == ["You are careful.", "What is 3 + 4?"]


def test_plans_one_score_for_each_candidate() -> None:
    (planned,) = RewardRanker(model="m").plan(outline_of(slate_of("abc")))
    assert (planned.prompts, planned.max_tokens, planned.scoring) == (3, 0, True)


def test_a_model_that_gives_no_score_is_refused_with_the_remedy() -> None:
    class Door:
        path = PATH

        async def complete(self, request: Request) -> tuple[Completion, ...]:
            usage = Usage(prompt_tokens=1, completion_tokens=1)
            return (Completion(text="7", finish_reason="stop", usage=usage, seed=0),)

        async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
            return True

        async def each(self, items: Sequence[Any], step: Callable[..., Any]) -> list[Any]:
            return [await step(item, self) for item in items]

    layer = RewardRanker(model="m")
    with pytest.raises(ConfigError, match=r"must be one that scores; 'm' gave no score; name a"):
        asyncio.run(layer(slate_of("ab"), cast("Calls", Door())))


def test_it_has_no_fields_of_a_model_that_writes() -> None:
    with pytest.raises(ConfigError, match="temperature"):
        Architecture.parse(
            [
                {"type": "generator", "model": "m", "samples": 2},
                {"type": "reward_ranker", "model": "r", "temperature": 0.5},
            ]
        )


def test_equal_judges_are_one_and_others_stand_side_by_side() -> None:
    generator = Generator(model="m", samples=4)
    same = [RewardRanker(model="r", keep=2), RewardRanker(model="r", keep=3)]
    assert Architecture.of(generator, same).rows[-1] == (RewardRanker(model="r", keep=3),)
    row = [RewardRanker(model="r", keep=2), RewardRanker(model="q", keep=3)]
    assert Architecture.of(generator, row).outlines[-1].candidates == 3


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(-9, 9), min_size=1))
def test_the_order_is_that_of_the_scores(scores: dict[str, float]) -> None:
    layer = RewardRanker(model="m", keep=9)
    ran = run(layer, slate_of(list(scores)), silent, score=says(scores))
    assert [c.text for c in ran.slate.candidates] == sorted(scores, key=lambda text: -scores[text])

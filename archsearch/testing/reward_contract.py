"""What every reward model owes. Inherit `RewardModelContract` and say how the model is opened, as
in `model_contract`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from typing import Any, ClassVar

import pytest

from archsearch.errors import ModelError, RequestRejected
from archsearch.models.base import Model
from archsearch.testing.model_contract import HOSTILE, OpenedContract, Opener, ask, draw
from archsearch.types import Message, Request


def judge(answer: str = "Four.", question: str = "What is 2 + 2?", **changes: Any) -> Request:
    """A request to score an answer to a question."""
    request = Request(
        model="model",
        messages=(
            Message(role="user", content=question),
            Message(role="assistant", content=answer),
        ),
        max_tokens=0,
        scoring=True,
    )
    return replace(request, **changes)


async def score(model: Model, request: Request) -> float:
    """The score that a request for one is given."""
    [completion] = await draw(model, request)
    assert completion.score is not None
    return completion.score


class RewardModelContract(OpenedContract):
    """The tests."""

    tolerance: ClassVar[float] = 1e-4
    """How far scores of one conversation may lie apart, alone or beside others: absolute, and as a
    part of the score. What is in a batch moves sums in their last bits."""

    def test_says_that_it_scores(self, model: Model) -> None:
        assert model.scores

    def test_gives_a_number_and_no_text(self, model: Model, runner: asyncio.Runner) -> None:
        [completion] = runner.run(draw(model, judge()))
        assert isinstance(completion.score, float)
        assert isfinite(completion.score)
        assert completion.text == completion.reasoning == ""
        assert completion.logprobs is None
        assert completion.usage.completion_tokens == 0

    def test_usage_agrees_with_the_count(self, model: Model, runner: asyncio.Runner) -> None:
        for request in (judge(), judge("naïve 日本\n\n", "Well?")):
            [completion] = runner.run(draw(model, request))
            counted = runner.run(model.count_tokens(request.messages))
            assert 0 < completion.usage.prompt_tokens == counted

    def test_a_longer_conversation_is_read_whole(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        short = judge()
        turns = (Message(role="user", content="Hi."), Message(role="assistant", content="Hello."))
        long = replace(short, messages=(*turns, *short.messages))
        first, second = (runner.run(draw(model, request))[0] for request in (short, long))
        assert first.usage.prompt_tokens < second.usage.prompt_tokens
        assert first.score != second.score

    def test_other_answers_and_questions_have_other_scores(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        requests = [judge(), judge("Five."), judge(question="What is 3 + 1?"), judge("four")]
        assert len({runner.run(score(model, request)) for request in requests}) == 4

    def test_the_score_is_the_same_alone_or_beside_others(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        requests = [judge("Well, " * (i % 7) + f"{i}.", f"What is {i}?") for i in range(24)]

        async def together() -> list[float]:
            return await asyncio.gather(*(score(model, request) for request in requests))

        alone = [runner.run(score(model, request)) for request in requests]
        expected = pytest.approx(alone, rel=self.tolerance, abs=self.tolerance)
        assert runner.run(together()) == expected
        assert alone == pytest.approx(
            [runner.run(score(model, request)) for request in requests], rel=1e-6, abs=1e-6
        )

    def test_every_sample_is_the_score(self, model: Model, runner: asyncio.Runner) -> None:
        completions = runner.run(draw(model, judge(n=3, seed=5)))
        assert [completion.seed for completion in completions] == [5, 6, 7]
        assert len({completion.score for completion in completions}) == 1

    def test_a_request_for_a_text_is_rejected(self, model: Model, runner: asyncio.Runner) -> None:
        with pytest.raises(RequestRejected, match="a reward model scores"):
            runner.run(draw(model, ask()))

    def test_only_answers_are_scored(self, model: Model, runner: asyncio.Runner) -> None:
        with pytest.raises(RequestRejected, match="must end with the assistant's answer"):
            runner.run(draw(model, judge(messages=ask().messages)))

    def test_no_conversation_is_rejected(self, model: Model, runner: asyncio.Runner) -> None:
        with pytest.raises(RequestRejected, match="must have messages"):
            runner.run(draw(model, judge(messages=())))

    def test_what_is_too_long_is_rejected(self, model: Model, runner: asyncio.Runner) -> None:
        with pytest.raises(RequestRejected):
            runner.run(draw(model, judge("word " * (model.context + 1))))
        runner.run(score(model, judge()))

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_survives_any_text(self, model: Model, runner: asyncio.Runner, text: str) -> None:
        assert isfinite(runner.run(score(model, judge(text, text))))

    def test_cancelling_frees_the_model(self, model: Model, runner: asyncio.Runner) -> None:
        async def abandon_and_ask_again() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(score(model, judge()), 0.001)
            await asyncio.wait_for(score(model, judge()), self.patience)

        runner.run(abandon_and_ask_again())

    def test_close_ends_what_is_in_flight_and_may_be_repeated(
        self, model: Model, opener: Opener, runner: asyncio.Runner
    ) -> None:
        async def close_amid_calls() -> None:
            other = await opener()
            assert other.identity == model.identity
            calls = [asyncio.create_task(score(other, judge(f"{i}"))) for i in range(64)]
            await asyncio.sleep(0)
            async with asyncio.timeout(self.patience):
                await other.close()
                await other.close()
                for outcome in await asyncio.gather(*calls, return_exceptions=True):
                    assert isinstance(outcome, float | ModelError), repr(outcome)
                with pytest.raises(ModelError):
                    await draw(other, judge())

        runner.run(close_amid_calls())

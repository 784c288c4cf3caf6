"""The scripted back-end: contract, script, faults, tokens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.errors import ConfigError, RequestRejected, TransientModelError
from archsearch.models.base import ModelConfig
from archsearch.models.scripted import Scripted, ScriptedConfig
from archsearch.registry import Registry
from archsearch.testing.model_contract import ModelContract, Opener, ask, draw, texts
from archsearch.types import Message, Request

ANYTHING = [{"match": "", "texts": ["one", "two", "three", "four"]}]


def say(request: Request, seed: int) -> str:
    return f"{seed} says of {request.messages[-1].content}: " + "well, " * 20


def configured(**fields: Any) -> ScriptedConfig:
    registry = Registry(
        kind="model back-end", shelf="archsearch.models", base=ModelConfig, key="backend"
    )
    config = registry.parse({"backend": "scripted", **fields}, where="models.small")
    assert isinstance(config, ScriptedConfig)
    return config


def answers(config: ScriptedConfig, *requests: Request) -> list[list[str]]:
    async def ask_all() -> list[list[str]]:
        model = await config.open()
        return [texts(await draw(model, request)) for request in requests]

    return asyncio.run(ask_all())


class TestFunctions(ModelContract):
    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls) -> Opener:
        async def opened() -> Scripted:
            return Scripted(say, latency=lambda _, seed: 0.01 * (seed % 3), capacity=8)

        return opened


class TestConfigured(ModelContract):
    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls) -> Opener:
        reply = {"match": "", "texts": [f"{i} birds sit on a branch and sing" for i in range(9)]}
        return configured(replies=[reply], latency=0.01, context=512).open


def test_the_first_reply_that_matches_the_last_user_message_is_given() -> None:
    config = configured(
        replies=[
            {"match": r"capital of (\w+)", "texts": [r"The city of \1."]},
            {"match": r"(?P<a>\d+)\+", "texts": [r"\g<a> and more"]},
            {"match": "", "texts": ["Pardon?"]},
        ]
    )
    continued = (
        Message(role="user", content="1+1"),
        Message(role="assistant", content="The capital of"),
    )
    requests = [ask("The capital of Peru?"), ask("Hm."), ask(messages=continued)]
    assert answers(config, *requests) == [["The city of Peru."], ["Pardon?"], ["1 and more"]]


def test_seeds_choose_texts_and_temperature_zero_ignores_them() -> None:
    config = configured(replies=ANYTHING)
    warm, cold = answers(config, ask(n=200), ask(n=200, temperature=0.0))
    assert {warm.count(text) > 25 for text in ANYTHING[0]["texts"]} == {True}
    assert len(set(cold)) == 1


def test_an_unmatched_message_is_rejected_with_the_remedy() -> None:
    config = configured(replies=[{"match": "yes", "texts": ["no"]}])
    with pytest.raises(RequestRejected, match=r"reply to every message.*'maybe'; add"):
        answers(config, ask("maybe"))


@pytest.mark.parametrize(
    "reply", [{"match": "(", "texts": ["a"]}, {"match": "a", "texts": [r"\1"]}], ids=str
)
def test_a_broken_reply_is_refused_when_read(reply: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"models\.small: replies\.0.*regular expression"):
        configured(replies=[reply])


def test_identity_is_the_script() -> None:
    async def identities() -> list[str]:
        other = [{"match": "", "texts": ["five"]}]
        configs = [
            configured(replies=ANYTHING),
            configured(replies=ANYTHING, latency=1.0),
            configured(replies=other),
        ]
        return [(await config.open()).identity for config in configs]

    first, slower, other = asyncio.run(identities())
    assert first == slower != other


def test_samples_come_in_the_order_of_their_latencies() -> None:
    async def order() -> list[int]:
        model = Scripted(say, latency=lambda _, seed: 0.05 * (103 - seed))
        return [index async for index, _ in model.stream(ask(n=4))]

    assert asyncio.run(order()) == [3, 2, 1, 0]


def test_transient_faults_strike_a_sample_once() -> None:
    config = configured(replies=ANYTHING, faults={"rate": 1.0})

    async def twice() -> None:
        model = await config.open()
        with pytest.raises(TransientModelError, match="as scripted"):
            await draw(model, ask())
        await draw(model, ask())

    asyncio.run(twice())


def test_rejections_come_again() -> None:
    config = configured(replies=ANYTHING, faults={"rate": 1.0, "kinds": ["rejected"]})

    async def twice() -> None:
        model = await config.open()
        for _ in range(2):
            with pytest.raises(RequestRejected, match="as scripted"):
                await draw(model, ask())

    asyncio.run(twice())


def test_a_hang_lasts_until_cancelled_or_closed() -> None:
    async def hang() -> None:
        model = Scripted(say, fault=lambda _, seed: "hang")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(draw(model, ask()), 0.05)
        call = asyncio.create_task(draw(model, ask()))
        await asyncio.sleep(0.01)
        await model.close()
        with pytest.raises(TransientModelError, match="closed"):
            await call

    asyncio.run(hang())


def test_the_fault_rate_is_a_share_of_samples() -> None:
    config = configured(replies=ANYTHING, faults={"rate": 0.2})

    async def failures() -> int:
        model = await config.open()
        requests = [ask(seed=seed) for seed in range(500)]
        outcomes = await asyncio.gather(
            *(draw(model, request) for request in requests), return_exceptions=True
        )
        return sum(isinstance(outcome, TransientModelError) for outcome in outcomes)

    assert 60 <= asyncio.run(failures()) <= 140


def test_a_fault_leaves_earlier_samples_valid() -> None:
    async def partial() -> list[int]:
        model = Scripted(
            say,
            latency=lambda _, seed: 0.01 * (seed - 100),
            fault=lambda _, seed: "transient" if seed == 102 else None,
        )
        samples = model.stream(ask(n=4))
        seen = [(await anext(samples))[0], (await anext(samples))[0]]
        with pytest.raises(TransientModelError):
            await anext(samples)
        return seen

    assert asyncio.run(partial()) == [0, 1]


def test_a_script_is_sure_of_every_token_it_says() -> None:
    async def sure() -> tuple[str, object]:
        model = Scripted(lambda *_: "a b c d")
        [completion] = await draw(model, ask(logprobs=3, stop=(" c",)))
        return completion.text, completion.logprobs

    assert asyncio.run(sure()) == ("a b", ((("a", 0.0),), ((" b", 0.0),), ((" c", 0.0),)))


def test_completions_end_at_the_end_of_the_context() -> None:
    async def tail() -> tuple[str, int]:
        model = Scripted(lambda *_: "a b c d e f", context=6)
        [completion] = await draw(model, ask("x y", max_tokens=50))
        return completion.finish_reason, completion.usage.completion_tokens

    assert asyncio.run(tail()) == ("length", 3)


@given(
    text=st.text(alphabet=" \n\tabc.é", max_size=40),
    max_tokens=st.integers(1, 12),
    stop=st.lists(st.text(alphabet="ab \n", min_size=1, max_size=2), max_size=2),
)
def test_tokens_are_bounded_by_bytes_and_texts_by_limits(
    text: str, max_tokens: int, stop: list[str]
) -> None:
    async def reply() -> None:
        model = Scripted(lambda *_: text)
        [completion] = await draw(model, ask(max_tokens=max_tokens, stop=tuple(stop)))
        assert text.startswith(completion.text)
        assert completion.usage.completion_tokens <= min(max_tokens, len(text.encode()))
        assert not any(one in completion.text for one in stop)
        if completion.finish_reason == "stop" and not any(one in text for one in stop):
            assert completion.text == text
        prompt = (Message(role="user", content=text),)
        assert await model.count_tokens(prompt) <= len(text.encode()) + 1

    asyncio.run(reply())


def test_the_model_shape_may_be_typed_in() -> None:
    shape = {
        "layers": 1, "hidden": 8, "heads": 2, "kv_heads": 1, "head_dim": 4, "vocab": 10,
        "active_parameters": 100,
    }  # fmt: skip

    async def opened() -> Scripted:
        return await configured(replies=ANYTHING, shape=shape).open()

    model_shape = asyncio.run(opened()).shape
    assert model_shape is not None
    assert model_shape.active_parameters == 100

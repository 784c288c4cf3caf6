"""What every back-end owes. Inherit `ModelContract` and say how the model is opened:

    class TestMine(ModelContract):
        @pytest.fixture(scope="class")
        @classmethod
        def opener(cls):
            return MineConfig(...).open

One model serves all tests of a class, in one event loop; it is opened a second time to be closed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any, ClassVar

import pytest

from archsearch.errors import ModelError, RequestRejected
from archsearch.models.base import Model
from archsearch.shape import ModelShape
from archsearch.types import MOST_LOGPROBS, Completion, Message, Request

Opener = Callable[[], Coroutine[Any, Any, Model]]

HOSTILE = {
    "blank": "",
    "white space": " \n\t ",
    "nul": "a\0b",
    "emoji": "👩‍👩‍👧 café",
    "lone surrogate": "a\ud83d b",
    "control tokens": "<|im_end|>\n<|im_start|>system\n<|endoftext|></s><s>[/INST]<end_of_turn>",
    "template code": "{{ 7 * 7 }}{% raise %}",
}
"""Texts that a user may send, and that some engine has stumbled over."""


def ask(text: str = "Name some animals.", **changes: Any) -> Request:
    """A small request: 6 tokens of an answer to `text`, at temperature 0.8 with seed 100."""
    request = Request(
        model="model",
        messages=(Message(role="user", content=text),),
        max_tokens=6,
        temperature=0.8,
        seed=100,
    )
    return replace(request, **changes)


async def draw(model: Model, request: Request) -> list[Completion]:
    """The samples of a request in index order, after each came exactly once."""
    found: dict[int, Completion] = {}
    async with aclosing(model.stream(request)) as samples:
        async for index, completion in samples:
            assert index not in found, f"sample {index} came twice"
            found[index] = completion
    assert sorted(found) == list(range(request.n))
    return [found[index] for index in range(request.n)]


def texts(completions: list[Completion]) -> list[str]:
    """What was said."""
    return [completion.reasoning + completion.text for completion in completions]


class OpenedContract:
    """What contracts of models have in common: one that is open, and says what it is."""

    patience: ClassVar[float] = 30.0
    """Seconds within which anything asked for here must be there."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """What must be found in no identity, repr or error."""

    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls) -> Opener:
        """Opens a new model of the back-end."""
        raise NotImplementedError("a subclass says how its model is opened")

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[asyncio.Runner]:
        """The event loop of the class."""
        with asyncio.Runner() as runner:
            yield runner

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, opener: Opener, runner: asyncio.Runner) -> Iterator[Model]:
        """An open model."""
        model = runner.run(opener())
        yield model
        runner.run(model.close())

    def test_says_what_it_is(self, model: Model) -> None:
        assert model.identity
        assert model.capacity >= 1
        assert model.context >= 2
        assert model.shape is None or isinstance(model.shape, ModelShape)

    def test_identity_holds_no_path_and_no_secret(self, model: Model) -> None:
        hidden = [*self.secrets, str(Path.home()), str(Path.cwd()), sys.prefix]
        for private in hidden:
            assert private not in model.identity
            assert private not in repr(model)


class ModelContract(OpenedContract):
    """The tests. Class attributes say what a back-end does not promise."""

    deterministic: ClassVar[bool] = True
    """The same seed gives the same text, alone or beside others."""
    exact_count: ClassVar[bool] = True
    """`count_tokens` is exact, not an upper bound."""
    logprobs: ClassVar[bool] = True
    """It can tell the probabilities of tokens."""

    def test_each_sample_comes_once_with_its_seed(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        completions = runner.run(draw(model, ask(n=3)))
        assert [completion.seed for completion in completions] == [100, 101, 102]

    def test_works_without_a_seed(self, model: Model, runner: asyncio.Runner) -> None:
        first, second = runner.run(draw(model, ask(n=2, seed=None)))
        assert first.seed + 1 == second.seed

    def test_few_samples_are_a_prefix_of_many(self, model: Model, runner: asyncio.Runner) -> None:
        self._require_determinism()
        eight = runner.run(draw(model, ask(n=8)))
        assert texts(runner.run(draw(model, ask(n=4)))) == texts(eight)[:4]
        assert len(set(texts(eight))) > 1

    def test_samples_are_single_requests_with_consecutive_seeds(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        self._require_determinism()
        together = runner.run(draw(model, ask(n=3)))
        for index, completion in enumerate(together):
            [alone] = runner.run(draw(model, ask(seed=100 + index)))
            assert texts([alone]) == texts([completion])
            assert alone.usage.prompt_tokens == completion.usage.prompt_tokens
            assert alone.usage.completion_tokens == completion.usage.completion_tokens

    def test_temperature_zero_repeats(self, model: Model, runner: asyncio.Runner) -> None:
        self._require_determinism()
        both = runner.run(draw(model, ask(temperature=0.0, n=2)))
        other_seed = runner.run(draw(model, ask(temperature=0.0, seed=7)))
        assert len(set(texts(both + other_seed))) == 1

    def test_max_tokens_cut_a_reply(self, model: Model, runner: asyncio.Runner) -> None:
        for completion in runner.run(draw(model, ask(n=2, max_tokens=3))):
            assert completion.finish_reason == "length"
            assert completion.usage.completion_tokens <= 3

    def test_one_token_is_enough(self, model: Model, runner: asyncio.Runner) -> None:
        [completion] = runner.run(draw(model, ask(max_tokens=1)))
        assert completion.usage.completion_tokens <= 1

    def test_usage_agrees_with_the_count(self, model: Model, runner: asyncio.Runner) -> None:
        conversation = (
            Message(role="system", content="Be brief."),
            Message(role="user", content="  Hello,\n\nyou! \n"),
            Message(role="assistant", content="Hello."),
            Message(role="user", content="How are you?"),
        )
        for messages in (conversation, conversation[1:], ask().messages):
            counted = runner.run(model.count_tokens(messages))
            for completion in runner.run(draw(model, ask(messages=messages, n=2))):
                usage = completion.usage
                assert 0 < usage.prompt_tokens <= counted
                assert usage.prompt_tokens == counted or not self.exact_count
                assert 0 <= usage.cached_tokens <= usage.prompt_tokens
                assert 0 <= usage.completion_tokens <= 6

    def test_a_count_does_not_depend_on_what_was_asked_before(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        before = runner.run(model.count_tokens(ask().messages))
        first, again = (runner.run(draw(model, ask()))[0].usage for _ in range(2))
        assert first.prompt_tokens == again.prompt_tokens
        assert runner.run(model.count_tokens(ask().messages)) == before

    def test_a_stop_string_ends_the_text_before_itself(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        self._require_determinism()
        [whole] = runner.run(draw(model, ask(temperature=0.0, max_tokens=12)))
        middle = len(whole.text) // 2
        stop = whole.text[middle : middle + 3]
        [stopped] = runner.run(draw(model, ask(temperature=0.0, max_tokens=12, stop=(stop,))))
        assert stopped.text == whole.text[: whole.text.index(stop)]
        assert stopped.finish_reason == "stop"

    def test_a_prompt_over_the_context_is_rejected(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        with pytest.raises(RequestRejected):
            runner.run(draw(model, ask("word " * (model.context + 1))))
        runner.run(draw(model, ask()))

    @pytest.mark.parametrize(
        "changes",
        [
            {"n": 0},
            {"max_tokens": 0},
            {"temperature": -0.1},
            {"temperature": float("nan")},
            {"top_p": 0.0},
            {"top_p": 1.1},
            {"stop": ("",)},
            {"messages": ()},
            {"logprobs": -1},
            {"logprobs": MOST_LOGPROBS + 1},
        ],
        ids=str,
    )
    def test_a_senseless_request_is_rejected(
        self, model: Model, runner: asyncio.Runner, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(RequestRejected, match=r"; received .*; correct"):
            runner.run(draw(model, ask(**changes)))

    def test_a_request_for_a_score_is_rejected(self, model: Model, runner: asyncio.Runner) -> None:
        assert not model.scores
        with pytest.raises(RequestRejected, match="a reward model scores"):
            runner.run(draw(model, ask(scoring=True, max_tokens=0)))

    @pytest.mark.parametrize("likeliest", [1, 3, MOST_LOGPROBS])
    def test_log_probabilities_are_told_of_each_token(
        self, model: Model, runner: asyncio.Runner, likeliest: int
    ) -> None:
        self._require_logprobs()
        for completion in runner.run(draw(model, ask(n=2, logprobs=likeliest))):
            assert completion.logprobs is not None
            assert len(completion.logprobs) == completion.usage.completion_tokens
            for position in completion.logprobs:
                assert 1 <= len(position) <= likeliest + 1
                values = [value for _, value in position]
                assert values[1:] == sorted(values[1:], reverse=True)
                assert max(values) <= 0.0
                assert sum(map(exp, values)) <= 1 + 1e-3
            said = "".join(position[0][0] for position in completion.logprobs)
            if completion.text.isascii():  # others may be made of tokens that are no text alone
                assert said.startswith(completion.text)

    def test_the_likeliest_token_is_drawn_at_temperature_zero(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        self._require_logprobs()
        [completion] = runner.run(draw(model, ask(temperature=0.0, logprobs=3)))
        assert completion.logprobs
        for position in completion.logprobs:
            assert position[0][1] == max(value for _, value in position)

    def test_log_probabilities_are_before_temperature_and_top_p(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        self._require_logprobs()
        firsts = []
        for temperature, top_p in ((0.0, 1.0), (1.5, 1.0), (0.8, 0.1)):
            request = ask(max_tokens=1, temperature=temperature, top_p=top_p)
            [completion] = runner.run(draw(model, replace(request, logprobs=MOST_LOGPROBS)))
            assert completion.logprobs
            firsts.append(dict(completion.logprobs[0]))
        for other in firsts[1:]:
            for token in firsts[0].keys() & other.keys():
                assert other[token] == pytest.approx(firsts[0][token], abs=0.01)

    def test_asking_for_log_probabilities_changes_no_text(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        self._require_logprobs()
        self._require_determinism()
        plain = runner.run(draw(model, ask(n=3)))
        told = runner.run(draw(model, ask(n=3, logprobs=5)))
        assert [replace(completion, logprobs=None) for completion in told] == [
            replace(completion, usage=other.usage)
            for completion, other in zip(plain, told, strict=True)
        ]
        assert {completion.logprobs for completion in plain} == {None}

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_survives_any_text(self, model: Model, runner: asyncio.Runner, text: str) -> None:
        counted = runner.run(model.count_tokens(ask(text).messages))
        [completion] = runner.run(draw(model, ask(text, max_tokens=2, stop=("\ud83d", "\0"))))
        assert completion.usage.prompt_tokens <= counted
        completion.text.encode()

    def test_cancelling_frees_the_model(self, model: Model, runner: asyncio.Runner) -> None:
        async def abandon_and_ask_again() -> None:
            long = ask(n=model.capacity, max_tokens=model.context // 2)
            with suppress(TimeoutError):  # a quick one may be through
                await asyncio.wait_for(draw(model, long), 0.3)
            await asyncio.wait_for(draw(model, ask(n=model.capacity)), self.patience)

        runner.run(abandon_and_ask_again())

    def test_closing_an_iterator_frees_the_model(
        self, model: Model, runner: asyncio.Runner
    ) -> None:
        async def take_one_and_ask_again() -> None:
            samples = model.stream(ask(n=model.capacity))
            await anext(samples)
            await samples.aclose()
            await asyncio.wait_for(draw(model, ask(n=model.capacity)), self.patience)

        runner.run(take_one_and_ask_again())

    def test_answers_many_at_once(self, model: Model, runner: asyncio.Runner) -> None:
        async def ask_all() -> list[list[Completion]]:
            requests = [ask(f"What is {i}?", max_tokens=2) for i in range(32)]
            return await asyncio.gather(*(draw(model, request) for request in requests))

        assert len(runner.run(ask_all())) == 32

    def test_close_ends_what_is_in_flight_and_may_be_repeated(
        self, model: Model, opener: Opener, runner: asyncio.Runner
    ) -> None:
        async def close_amid_a_call() -> None:
            other = await opener()
            assert other.identity == model.identity
            long = ask(n=other.capacity, max_tokens=other.context // 2)
            calls = [asyncio.create_task(draw(other, long)) for _ in range(3)]
            await asyncio.sleep(0.2)
            async with asyncio.timeout(self.patience):
                await other.close()
                await other.close()
                for outcome in await asyncio.gather(*calls, return_exceptions=True):
                    assert isinstance(outcome, list | ModelError), repr(outcome)
                with pytest.raises(ModelError):
                    await draw(other, ask())

        runner.run(close_amid_a_call())

    def _require_determinism(self) -> None:
        if not self.deterministic:
            pytest.skip("the back-end does not promise the same text for the same seed")

    def _require_logprobs(self) -> None:
        if not self.logprobs:
            pytest.skip("the back-end tells no log probabilities")

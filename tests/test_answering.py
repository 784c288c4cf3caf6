"""How the question is put and what of a sample goes on: the same for every layer that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from archsearch.answering import CLIPPED, STYLES
from archsearch.architecture import Architecture
from archsearch.errors import InvalidArchitecture
from archsearch.layer import Calls, Facet
from archsearch.layers.adaptive_vote import AdaptiveVote
from archsearch.layers.generator import Generator
from archsearch.testing.layer_contract import PATH, run
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Completion, Message, Request, Usage

QUESTION = slate_of([])
TESTED = slate_of("ab", facets=frozenset({Facet.UNIT_TESTS}))
LAYERS = (Generator, AdaptiveVote)


def one(request: Request, seed: int) -> str:
    return "1"


def prompt(layer: Generator | AdaptiveVote, slate=QUESTION) -> str:
    return run(layer, slate, one).asked[0].messages[-1].content


def test_styles_are_the_files_of_a_folder() -> None:
    assert {"plain", "direct", "step_by_step"} <= set(STYLES)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("style", sorted(STYLES))
def test_by_default_a_prompt_holds_the_question_and_nothing_of_the_slate(kind, style) -> None:
    layer = kind(model="m", style=style)
    assert prompt(layer, TESTED) == prompt(layer)
    assert prompt(layer).startswith("What is 3 + 4?")


@pytest.mark.parametrize("kind", LAYERS)
def test_unit_tests_follow_the_question(kind) -> None:
    listed = "\n".join(f"- {test.text}" for test in TESTED.unit_tests)
    block = f"What is 3 + 4?\n\nA good answer meets all of these:\n{listed}"
    assert prompt(kind(model="m", unit_tests=True), TESTED) == block
    style = prompt(kind(model="m", unit_tests=True, style="direct"), TESTED)
    assert style == f"{block}\n\nReply with the final answer only, nothing else."
    own = kind(model="m", unit_tests=True, prompt="Q: {{ question }}\nA:")
    assert prompt(own, TESTED) == f"Q: {block}\nA:"


@pytest.mark.parametrize("kind", LAYERS)
def test_unit_tests_must_be_there_to_be_shown_and_stay(kind) -> None:
    with pytest.raises(InvalidArchitecture, match="put a unit_test_generator before it"):
        Architecture.of(kind(model="m", unit_tests=True))
    given = outline_of(TESTED)
    assert kind(model="m").leaves(given).unit_tests == given.unit_tests
    (call,) = kind(model="m", unit_tests=True).plan(given)
    assert call.quotes == tuple((tests.call, 1.0) for tests in given.unit_tests)
    assert not kind(model="m").plan(given)[0].quotes


def test_showing_unit_tests_or_not_are_two_architectures() -> None:
    plain, shown = (Generator(model="m", unit_tests=shown) for shown in (False, True))
    assert len(plain.prompt_texts()) == 1
    assert len(shown.prompt_texts()) == 2


def test_a_long_question_is_clipped_which_is_recorded() -> None:
    layer = Generator(model="m", max_prompt_tokens=50, unit_tests=True)
    message = Message(role="user", content="What is " + "3 + " * 100 + "4?")
    question = replace(TESTED.question, messages=(message,))
    ran = run(layer, replace(TESTED, question=question), one)
    assert [note.reason for note in ran.slate.fallbacks] == [CLIPPED]
    assert ran.used[0].prompt_tokens <= 50
    assert f"- {TESTED.unit_tests[0].text}" in ran.asked[0].messages[-1].content


class Thinks:
    """A model that thinks before it answers."""

    path = PATH

    async def complete(self, request: Request) -> tuple[Completion, ...]:
        usage = Usage(prompt_tokens=1, completion_tokens=2)
        said = Completion(text="7", finish_reason="stop", usage=usage, seed=0, reasoning="3 + 4")
        return (said,) * request.n

    async def fits(self, model: str, messages: Sequence[Message], cap: int) -> bool:
        return True


@pytest.mark.parametrize(
    ("forward", "text"), [(False, "7"), (True, "<think>\n3 + 4\n</think>\n\n7")]
)
def test_thinking_goes_on_only_when_asked_to(forward: bool, text: str) -> None:
    layer = Generator(model="m", samples=2, forward_thinking=forward)
    slate = asyncio.run(layer(QUESTION, cast("Calls", Thinks())))
    assert [candidate.text for candidate in slate.candidates] == [text, text]

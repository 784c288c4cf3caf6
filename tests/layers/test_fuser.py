from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from archsearch.architecture import Architecture
from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import InvalidArchitecture
from archsearch.layer import Facet
from archsearch.layers.critic import Critic
from archsearch.layers.fuser import BLANK, Fuser
from archsearch.layers.generator import Generator
from archsearch.layers.unit_test_generator import UnitTestGenerator
from archsearch.models.drawing import Samples
from archsearch.models.scripted import Scripted
from archsearch.store import SampleStore
from archsearch.testing.layer_contract import PATH, LayerContract, Script, run
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Candidate, Origin, Request

CRITIQUED = slate_of("ab", facets=frozenset({Facet.CRITIQUES}))
LENGTH = "Do not write more than the longest answer above."


class TestFuser(LayerContract):
    layer = Fuser(model="small", samples=3, length_control=True)
    parses_replies = True


class TestFuserWithCritiques(TestFuser):
    layer = Fuser(model="small", critiques=True)


class TestFuserWithUnitTests(TestFuser):
    layer = Fuser(model="small", critiques=True, unit_tests=True)


def says(*texts: str) -> Script:
    """The texts, by the seeds of one request's samples."""
    first: list[int] = []

    def reply(request: object, seed: int) -> str:
        first.append(seed)
        return texts[(seed - first[0]) % len(texts)]

    return reply


def test_makes_new_candidates_that_carry_nothing_of_the_old() -> None:
    ran = run(Fuser(model="m", samples=2), CRITIQUED, says("c", "d"))
    assert ran.slate.candidates == (
        Candidate(text="c", origin=Origin(model="m", path=PATH, index=0)),
        Candidate(text="d", origin=Origin(model="m", path=PATH, index=1)),
    )


@pytest.mark.parametrize("critiques", [False, True])
@pytest.mark.parametrize("length_control", [False, True])
def test_archon_forgot_length_control_without_critiques(
    critiques: bool, length_control: bool
) -> None:
    layer = Fuser(model="m", critiques=critiques, length_control=length_control)
    prompt = run(layer, CRITIQUED, says("c")).asked[0].messages[-1].content
    assert (LENGTH in prompt) is length_control
    assert ("number 1 is short" in prompt) is critiques


def test_a_blank_reply_lets_the_first_candidate_stand_in() -> None:
    ran = run(Fuser(model="m", samples=2), CRITIQUED, says("c", " \u200b\n"))
    made, stand_in = ran.slate.candidates
    assert made.text == "c"
    assert stand_in == Candidate(text="a", origin=CRITIQUED.candidates[0].origin)
    assert [note.reason for note in ran.slate.fallbacks] == [BLANK]


def test_equal_candidates_are_all_shown() -> None:
    """How often an answer came up is evidence."""
    prompt = run(Fuser(model="m"), slate_of("aaa"), says("a")).asked[0].messages[-1].content
    assert prompt.count("\na\n") == 3


def test_one_candidate_can_be_fused() -> None:
    ran = run(Fuser(model="m"), slate_of("a"), says("b"))
    assert [c.text for c in ran.slate.candidates] == ["b"]


def test_equal_fusers_side_by_side_are_one() -> None:
    generator = Generator(model="m", samples=3)
    fuser = Fuser(model="m", samples=2)
    assert Architecture.of(generator, [fuser, fuser]).rows[-1] == (Fuser(model="m", samples=4),)
    others = [fuser, Fuser(model="m", length_control=True)]
    assert Architecture.of(generator, others).rows[-1] == tuple(others)


def test_at_temperature_0_one_sample_is_drawn_and_nothing_merges() -> None:
    greedy = Fuser(model="m", temperature=0, samples=4)
    assert greedy.canonical(outline_of(slate_of("ab"))).samples == 1
    assert greedy.merged(greedy) is None


def test_archon_stumbled_over_critiques_left_by_an_earlier_layer() -> None:
    with pytest.raises(InvalidArchitecture, match="put a critic before it"):
        Architecture.of(
            Generator(model="m", samples=3),
            Critic(model="m"),
            Fuser(model="m", samples=2, critiques=True),
            Fuser(model="m", critiques=True),
        )


def test_shows_the_unit_tests_only_when_asked_to() -> None:
    given = slate_of("ab", facets=frozenset({Facet.UNIT_TESTS}))
    for shown in (False, True):
        ran = run(Fuser(model="m", unit_tests=shown), given, says("c"))
        prompt = ran.asked[0].messages[-1].content
        assert ("- The answer names one number." in prompt) is shown
        assert ran.slate.unit_tests == given.unit_tests
    with pytest.raises(InvalidArchitecture, match="put a unit_test_generator before it"):
        Architecture.of(Generator(model="m"), Fuser(model="m", unit_tests=True))


def test_says_nothing_of_unit_tests_where_there_are_none() -> None:
    prompts = [
        run(Fuser(model="m", unit_tests=shown), slate_of("ab"), says("c")).asked[0].messages
        for shown in (False, True)
    ]
    assert prompts[0] == prompts[1]


def test_hands_the_unit_tests_through() -> None:
    first, *_, last = Architecture.of(
        UnitTestGenerator(model="m"), Generator(model="m"), Fuser(model="m", unit_tests=True)
    ).outlines
    assert last.unit_tests == first.unit_tests != ()


def test_a_prompt_of_ones_own() -> None:
    given = slate_of("ab", facets=frozenset({Facet.UNIT_TESTS, Facet.CRITIQUES}))
    prompt = "{{ answers | length }} {{ critiques | length }} {{ unit_tests | length }}"
    layer = Fuser(model="m", critiques=True, unit_tests=True, prompt=prompt)
    assert run(layer, given, says("c")).asked[0].messages[-1].content == "2 2 2"


# -- thinking


class Thinks(Scripted):
    """Adds a thought to whatever it says."""

    async def stream(self, request: Request) -> Samples:
        async for offset, completion in super().stream(request):
            yield offset, replace(completion, reasoning="Let me see.")


def texts_of(layer: Fuser, reply: str) -> list[str]:
    async def walk() -> list[str]:
        with SampleStore() as store:
            door = Walk(Dispatcher({"m": Thinks(lambda request, seed: reply)}, store))
            return [c.text for c in (await layer(slate_of("ab"), door)).candidates]

    return asyncio.run(walk())


def test_thinking_goes_on_only_when_asked_to() -> None:
    assert texts_of(Fuser(model="m"), "c") == ["c"]
    forwards = Fuser(model="m", forward_thinking=True)
    assert texts_of(forwards, "c") == ["<think>\nLet me see.\n</think>\n\nc"]


def test_thinking_alone_is_no_answer() -> None:
    assert texts_of(Fuser(model="m", forward_thinking=True), " ") == ["a"]

from __future__ import annotations

import pytest

from archsearch.answering import STYLES
from archsearch.architecture import Architecture
from archsearch.errors import ConfigError
from archsearch.layers.generator import Generator
from archsearch.testing.layer_contract import PATH, LayerContract, run
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Candidate, Origin, Request

QUESTION = slate_of([])


class TestGenerator(LayerContract):
    layer = Generator(model="small", samples=3)


class TestGeneratorWithStyle(LayerContract):
    layer = Generator(model="small", temperature=0, style="step_by_step")


def by_seed(request: Request, seed: int) -> str:
    return f"{seed}"


def test_candidates_come_in_sample_order() -> None:
    candidates = run(Generator(model="m", samples=3), QUESTION, by_seed).slate.candidates
    first = int(candidates[0].text)
    assert candidates == tuple(
        Candidate(text=str(first + i), origin=Origin(model="m", path=PATH, index=i))
        for i in range(3)
    )


def test_plain_leaves_the_conversation_as_it_is() -> None:
    ran = run(Generator(model="m"), QUESTION, by_seed)
    assert ran.asked[0].messages == QUESTION.question.messages


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_holds_the_question(style: str) -> None:
    message = run(Generator(model="m", style=style), QUESTION, by_seed).asked[0].messages[-1]
    assert message.content.startswith("What is 3 + 4?")


def test_an_unknown_style_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'plain'"):
        Architecture.parse([{"type": "generator", "model": "m", "style": "plane"}])


def test_a_prompt_of_ones_own_may_use_the_question_only() -> None:
    layer = Generator(model="m", prompt="Q: {{ question }} A:")
    ran = run(layer, QUESTION, by_seed)
    assert ran.asked[0].messages[-1].content == "Q: What is 3 + 4? A:"
    with pytest.raises(ConfigError, match=r"\(question\); 'answers' is undefined"):
        Generator(model="m", prompt="{{ answers }}").plan(outline_of(QUESTION))


def test_lists_stand_for_a_row_models_outermost() -> None:
    architecture = Architecture.parse(
        [{"type": "generator", "model": ["a", "b"], "temperature": [0.5, 1.0]}]
    )
    row = [(g.model, g.temperature) for g in architecture.rows[0] if isinstance(g, Generator)]
    assert row == [("a", 0.5), ("a", 1.0), ("b", 0.5), ("b", 1.0)]


def test_equal_generators_side_by_side_are_one() -> None:
    one, two = Generator(model="m"), Generator(model="m", samples=2)
    assert Architecture.of([one, two]).rows == ((Generator(model="m", samples=3),),)


def test_at_temperature_0_one_sample_is_drawn() -> None:
    greedy = Generator(model="m", temperature=0, samples=5)
    assert Architecture.of(greedy).outlines[-1].candidates == 1
    assert greedy.merged(greedy) is None


def test_a_style_that_is_overridden_is_no_difference() -> None:
    architectures = [
        Architecture.of(Generator(model="m", prompt="{{ question }}", style=style))
        for style in ("plain", "direct")
    ]
    assert architectures[0].digest == architectures[1].digest

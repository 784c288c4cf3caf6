from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.asking import CLIPPED
from archsearch.errors import InvalidArchitecture
from archsearch.layer import Facet
from archsearch.layers.generator import Generator
from archsearch.layers.reviser import BLANK, Reviser
from archsearch.testing.layer_contract import PATH, LayerContract, run
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Candidate, Origin, Request

ANSWER = re.compile(r"<answer \d>\n(.*?)\n</answer", re.DOTALL)


def shown(request: Request) -> list[str]:
    return ANSWER.findall(request.messages[-1].content)


def next_one(request: Request, seed: int) -> str:
    """`a` is revised to `a1`, that to `a2`, and so on."""
    last = shown(request)[-1]
    return f"{last[0]}{int(last[1:] or 0) + 1}"


class TestReviser(LayerContract):
    layer = Reviser(model="small", rounds=3)
    parses_replies = True


class TestLast(TestReviser):
    layer = Reviser(model="small", rounds=3, window=2, leave="last", temperature=0)


class TestWithCritiques(TestReviser):
    layer = Reviser(model="small", rounds=2, window=1, critiques=True)


def test_a_chain_is_the_candidate_and_its_revisions_chain_after_chain() -> None:
    given = slate_of("ab", facets=frozenset({Facet.CRITIQUES, Facet.SCORES}))
    ran = run(Reviser(model="m", rounds=2), given, next_one)
    made = [
        Candidate(text=text, origin=Origin(model="m", path=PATH, index=index))
        for index, text in enumerate(["a1", "a2", "b1", "b2"])
    ]
    a, b = (Candidate(text=c.text, origin=c.origin) for c in given.candidates)
    assert ran.slate.candidates == (a, *made[:2], b, *made[2:])


def test_last_leaves_the_last_of_each_chain() -> None:
    ran = run(Reviser(model="m", rounds=3, leave="last"), slate_of("ab"), next_one)
    assert [c.text for c in ran.slate.candidates] == ["a3", "b3"]
    assert [c.origin.index for c in ran.slate.candidates] == [2, 5]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))
def test_a_revision_sees_the_last_of_its_own_chain(rounds, window, chains) -> None:
    ran = run(Reviser(model="m", rounds=rounds, window=window), slate_of("abc"[:chains]), next_one)
    whole = [[f"{text}{at or ''}" for at in range(rounds)] for text in "abc"[:chains]]
    expected = [chain[max(0, at - window) : at] for chain in whole for at in range(1, rounds + 1)]
    assert sorted(map(shown, ran.asked)) == sorted(expected)


def test_by_default_four_answers_are_seen() -> None:
    """As in Snell et al. 2024."""
    ran = run(Reviser(model="m", rounds=6), slate_of("a"), next_one)
    assert [len(shown(request)) for request in ran.asked] == [1, 2, 3, 4, 4, 4]


def test_a_blank_revision_lets_the_answer_before_it_stand() -> None:
    def reply(request: Request, seed: int) -> str:
        return " \u200b\n" if len(shown(request)) == 2 else next_one(request, seed)

    ran = run(Reviser(model="m", rounds=3), slate_of("a"), reply)
    assert [c.text for c in ran.slate.candidates] == ["a", "a1", "a1", "a2"]
    assert [c.origin.index for c in ran.slate.candidates[1:]] == [0, 0, 2]
    assert [note.reason for note in ran.slate.fallbacks] == [BLANK]


def test_the_critique_of_the_given_answer_is_shown_while_it_is_in_view() -> None:
    given = slate_of("a", facets=frozenset({Facet.CRITIQUES}))
    for critiques, seen in ((False, [0, 0, 0]), (True, [1, 1, 0])):
        layer = Reviser(model="m", rounds=3, window=2, critiques=critiques)
        prompts = [request.messages[-1].content for request in run(layer, given, next_one).asked]
        assert [prompt.count("number 0 is short") for prompt in prompts] == seen
        assert [prompt.count("<critique") for prompt in prompts] == seen


def test_equal_candidates_are_revised_apart() -> None:
    ran = run(Reviser(model="m"), slate_of("aa"), lambda request, seed: f"sample {seed}")
    revisions = [c.text for c in ran.slate.candidates[1::2]]
    assert len(set(revisions)) == 2


def test_plans_each_round_with_what_it_sees() -> None:
    given = outline_of(slate_of("ab"))
    plan = Reviser(model="m", rounds=4, window=2).plan(given)
    assert [call.role for call in plan] == [f"reviser/plain/{at}" for at in (1, 2, 3, 4)]
    assert [call.prompts for call in plan] == [2, 2, 2, 2]
    quoted = [[(call.role, count) for call, count in planned.quotes] for planned in plan]
    assert quoted == [
        [("source", 1)],
        [("source", 1), ("reviser/plain/1", 1)],
        [("reviser/plain/1", 1), ("reviser/plain/2", 1)],
        [("reviser/plain/2", 1), ("reviser/plain/3", 1)],
    ]


def test_what_it_leaves_is_known_beforehand() -> None:
    given = outline_of(slate_of("ab"))
    every, last = (Reviser(model="m", rounds=3, leave=leave) for leave in ("all", "last"))
    assert every.leaves(given).candidates == 8
    assert len(every.leaves(given).sources) == 4
    assert last.leaves(given).candidates == 2
    assert [call.role for call in last.leaves(given).sources] == ["reviser/plain/3"]


def test_clipping_cuts_texts_and_never_the_instruction() -> None:
    layer = Reviser(model="m", max_prompt_tokens=200)
    ran = run(layer, slate_of(["long " * 3_000]), lambda request, seed: "b")
    assert ran.asked[0].messages[-1].content.endswith("Keep what was right.")
    assert [note.reason for note in ran.slate.fallbacks] == [CLIPPED]


def test_a_wider_window_than_the_chain_is_no_difference() -> None:
    generator = Generator(model="m")
    digests = {
        Architecture.of(generator, Reviser(model="m", rounds=2, window=window)).digest
        for window in (2, 4)
    }
    assert len(digests) == 1


def test_needs_critiques_where_it_shows_them() -> None:
    with pytest.raises(InvalidArchitecture, match="put a critic before it"):
        Architecture.of(Generator(model="m"), Reviser(model="m", critiques=True))

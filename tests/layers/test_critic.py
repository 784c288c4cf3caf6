from __future__ import annotations

import pytest

from archsearch.architecture import Architecture
from archsearch.layer import Facet
from archsearch.layers.critic import MISSING, Critic
from archsearch.layers.generator import Generator
from archsearch.replies import critiques
from archsearch.testing.layer_contract import PATH, LayerContract, Script, run, run_row
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Request


class TestCritic(LayerContract):
    layer = Critic(model="small")
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return "\n".join(f"Answer {n}:\nStrengths: {n}\nWeaknesses: none" for n in (2, 1, 4, 3))


class TestPointwiseCritic(LayerContract):
    layer = Critic(model="small", form="pointwise")
    parses_replies = True


def says(text: str) -> Script:
    return lambda request, seed: text


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Answer 1:\nStrengths: a\nFaults: b\n\nAnswer 2:\nc", ("Strengths: a\nFaults: b", "c")),
        ("Here you go.\n\n**Answer 1:**\na\n\n### Answer 2\nb", ("a", "b")),
        ("[2] bad\n[1] good", ("good", "bad")),
        ("**[1]**\na\n**[2]**\nb", ("a", "b")),
        ("[1]: a\n[2]: b", ("a", "b")),
        ("<answer 1>\na\n<answer 2>\nb", ("a", "b")),
        ("Critique of answer 1: a\nCritique of answer 2: b", ("a", "b")),
        ("- Candidate 1 - a\n- Candidate 2 - b", ("a", "b")),
        ("Answer 1: good. Answer 2: bad.", ("good.", "bad.")),
        ("Answer 1 is good. Answer 2 is bad.", ("is good.", "is bad.")),
        ("The answer 1 is good.\nThe answer 2 is bad.", ("is good.", "is bad.")),
        ("Answer 1: good\nAnswer 2: bad\nAnswer 1: and short", ("good\nand short", "bad")),
        ("Answer 1: good\nAnswer 9: odd\nAnswer 2: bad", ("good", "bad")),
        ("Answer 2: bad", ("", "bad")),
        ("Answer 1:\nAnswer 2: bad", ("", "bad")),
        ("1. Strengths: a\n2. Weaknesses: b", ("", "")),
        ("Both are fine.", ("", "")),
        ("Answer " + "9" * 10_000 + ": a", ("", "")),
        ("", ("", "")),
    ],
)
def test_reads_critiques_by_their_headings(reply: str, found: tuple[str, str]) -> None:
    assert critiques(reply, 2) == found


@pytest.mark.parametrize("reply", ["It is fine.", "Answer 1:\nIt is fine.", "[1] It is fine."])
def test_a_sole_answer_needs_no_heading(reply: str) -> None:
    assert critiques(reply, 1) == ("It is fine.",)


def test_archon_deleted_indices_and_citations_from_critiques() -> None:
    one = "It reads a[1] and a[2], see [2].\n[2] is out of range."
    two = "**Strengths**: cites [1].\n[1] agrees."
    assert critiques(f"Answer 1:\n{one}\n\nAnswer 2:\n{two}", 2) == (one, two)


def test_archon_refused_headings_in_bold() -> None:
    both = "**Strengths**: clear\n**Weaknesses**: wrong"
    assert critiques(f"[2]\n{both} too\n[1]\n{both}", 2) == (both, f"{both} too")


def test_a_critique_is_never_anothers() -> None:
    """Archon kept critiques in a list beside the candidates, which fell out of step."""
    reply = "Answer 3:\nabout c\nAnswer 1:\nabout a\nAnswer 4:\nabout nobody"
    ran = run(Critic(model="m"), slate_of("abc"), says(reply))
    assert [(c.text, c.critique) for c in ran.slate.candidates] == [
        ("a", "about a"),
        ("b", ""),
        ("c", "about c"),
    ]
    assert [note.reason for note in ran.slate.fallbacks] == [MISSING]


def test_archon_ended_the_run_on_an_unreadable_reply() -> None:
    ran = run(Critic(model="m"), slate_of("abc"), says("They are all much the same."))
    assert [c.critique for c in ran.slate.candidates] == ["", "", ""]
    assert [note.reason for note in ran.slate.fallbacks] == [MISSING]


def test_equal_texts_are_shown_once_and_share_a_critique() -> None:
    ran = run(Critic(model="m"), slate_of("abaab"), says("Answer 1: A\nAnswer 2: B"))
    assert [c.critique for c in ran.slate.candidates] == ["A", "B", "A", "A", "B"]
    assert "<answer 3>" not in ran.asked[0].messages[-1].content


def test_replaces_an_earlier_critique_and_keeps_the_rest() -> None:
    given = slate_of("ab", facets=frozenset(Facet))
    ran = run(Critic(model="m"), given, says("Answer 1: A\nAnswer 2: B"))
    for before, after in zip(given.candidates, ran.slate.candidates, strict=True):
        assert after.critique == before.text.upper()
        assert (after.score, after.verdict) == (before.score, before.verdict)


def test_its_critics_are_its_own_calls() -> None:
    given = outline_of(slate_of("ab"))
    layer = Critic(model="m")
    assert layer.leaves(given).critics == layer.plan(given)
    assert layer.leaves(given).candidates == 2


# -- pointwise


def shown(request: Request) -> str:
    return request.messages[-1].content.split("<answer>\n")[1].split("\n</answer>")[0]


def test_pointwise_each_distinct_text_has_a_prompt_of_its_own() -> None:
    layer = Critic(model="m", form="pointwise")
    ran = run(layer, slate_of("abaab"), lambda request, seed: f"about {shown(request)}")
    assert [c.critique for c in ran.slate.candidates] == [f"about {text}" for text in "abaab"]
    assert [call.role for call in ran.used] == ["critic/pointwise"] * 2
    (planned,) = layer.plan(outline_of(slate_of("abaab")))
    assert (planned.prompts, sum(count for _, count in planned.quotes)) == (5, 1.0)


def test_pointwise_the_whole_reply_is_the_critique() -> None:
    """Whatever headings it has: there is no other answer that a part of it could be about."""
    reply = "Answer 2 would be better.\n\nAnswer 1:\n**Strengths**: cites [2].\n"
    ran = run(Critic(model="m", form="pointwise"), slate_of("a"), says(reply))
    assert ran.slate.candidates[0].critique == reply.strip()


def test_pointwise_a_blank_reply_is_a_missing_critique() -> None:
    layer = Critic(model="m", form="pointwise")
    ran = run(layer, slate_of("ab"), lambda r, s: " \u200b" if shown(r) == "a" else "fine")
    assert [c.critique for c in ran.slate.candidates] == ["", "fine"]
    assert [(n.path, n.reason) for n in ran.slate.fallbacks] == [(PATH, MISSING)]


@pytest.mark.parametrize("form", ["listwise", "pointwise"])
def test_both_forms_ask_for_strengths_and_weaknesses(form: str) -> None:
    ran = run(Critic(model="m", form=form), slate_of("a"), says("fine"))
    assert "strengths and weaknesses" in ran.asked[0].messages[-1].content


def test_a_prompt_of_ones_own() -> None:
    for form, prompt, role in (
        ("listwise", "{{ question }} {{ answers | join('|') }}", "critic/own"),
        ("pointwise", "{{ question }} {{ answer }}", "critic/pointwise/own"),
    ):
        ran = run(Critic(model="m", form=form, prompt=prompt), slate_of("a"), says("fine"))
        assert ran.asked[0].messages[-1].content == "What is 3 + 4? a"
        assert ran.used[0].role == role


# -- side by side


def test_side_by_side_all_critiques_are_told_apart_and_blank_ones_left_out() -> None:
    said = {
        "m": "Answer 1: A\nAnswer 2: B",
        "n": "Answer 2: worse B",
        "o": "Answer 1: better A",
    }
    row = [Critic(model=name) for name in said]
    ran = run_row(row, slate_of("abc"), lambda request, seed: said[request.model])
    assert [c.critique for c in ran.slate.candidates] == [
        "Critic 1: A\n\nCritic 3: better A",
        "Critic 1: B\n\nCritic 2: worse B",
        "",
    ]
    assert {note.reason for note in ran.slate.fallbacks} == {MISSING}


def test_side_by_side_all_calls_are_critics() -> None:
    row = [Critic(model="m"), Critic(model="n", form="pointwise")]
    outline = Architecture.of(Generator(model="m", samples=3), row).outlines[-1]
    assert outline.candidates == 3
    assert [(call.model, call.prompts) for call in outline.critics] == [("m", 1), ("n", 3)]

from __future__ import annotations

from dataclasses import replace

import pytest

from archsearch.architecture import Architecture
from archsearch.asking import CLIPPED
from archsearch.errors import ConfigError, InvalidArchitecture
from archsearch.layer import Facet
from archsearch.layers.critic import Critic
from archsearch.layers.generator import Generator
from archsearch.layers.ranker import Ranker
from archsearch.replies import BY_MENTION, INCOMPLETE, UNREAD, WINDOW, ranking
from archsearch.testing.layer_contract import LayerContract, Script, run
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Request


class TestRanker(LayerContract):
    layer = Ranker(model="small", keep=2)
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return "[2] > [4] > [1] > [3]"


class TestRankerWithCritiques(TestRanker):
    layer = Ranker(model="small", keep=9, critiques=True)


def says(text: str) -> Script:
    return lambda request, seed: text


OUTRIGHT = [
    "[3] > [1] > [2]",
    "3 > 1 > 2",
    "3>1>2",
    "[3] -> [1] -> [2]",
    "[3] ≥ [1] >= [2]",
    "Answer 3 > Answer 1 > Answer 2",
    "**Answer #3** > **Answer #1** > **Answer #2**",
    "<answer 3> > <answer 1> > <answer 2>",
    "[2] < [1] < [3]",
    "3, 1, 2",
    "3\n1\n2",
    "312\n3 1 2",
    "- [3]\n- [1]\n- [2]",
    "Ranking: 3 1 2",
    "My ranking is 3, 1, and then 2.",
    "Answers 3, 1 and 2, in this order.",
    "[3, 1, 2]",
    '{"ranking": ["3", "1", "2"]}',
    '```json\n{"ranking": [3, 1, 2]}\n```',
    "1. [3]\n2. [1]\n3. [2]",
    "1) 3\n2) 1\n3) 2",
    "1: 3\n2: 1\n3: 2",
    "**1.** [3]\n**2.** [1]\n**3.** [2]",
    "1. **[3]** - better than 1 and 2\n2. **[1]** - 2 errors\n3. **[2]**",
    "1. Answer 3 is best, with 0 errors\n2. Answer 1: 2 errors\n3. Answer 2",
    "| Rank | Answer |\n|---|---|\n| 1 | Answer 3 |\n| 2 | Answer 1 |\n| 3 | Answer 2 |",
    "| **1** | [3] | 2 errors |\n| **2** | [1] | 3 errors |\n| **3** | [2] | |",
    "| Rank | Answer |\n|---|---|\n| 1 | 3 |\n| 2 | 1 |\n| 3 | 2 |",
    "| Answer | Why |\n|---|---|\n| 3 | right |\n| 1 | vague |\n| 2 | wrong |",
    "| Answer | Rank |\n|---|---|\n| 1 | 2 |\n| 2 | 3 |\n| 3 | 1 |\n\nSo 3 > 1 > 2.",
    "3. It is right.\n1. It is vague.\n2. It is wrong.",
    "1. [3] > [1] > [2]",
    "1. Good\n2. Bad\n3. Best\n\nFinal ranking: [3] > [1] > [2]",
    "1. Answer 1 is fine\n2. Answer 2 is bad\n3. Answer 3 is best\nFinal: 3, 1, 2",
    "1. Answer 1 is fine\n2. Answer 2 is bad\n3. Answer 3 is best\n\n1. [3]\n2. [1]\n3. [2]",
    "I compared answers 1, 2 and 3.\n[3] > [1] > [2]\nThat is because [1] > [2].",
    "[3] > [1] = [2]",
    "[3] = [1] > [2]",
    "[3] ≈ [1] > [2]",
    "[3] ~ [1] > [2]",
    "[3] and [1] > [2]",
    "[2] < [1] = [3]",
    "3 = 1 > 2",
    "3 is the best, then 1, and 2 is worst. [1], [2]",
    "Answer 3 is best, then answer 1, and answer 2 is worst.",
    "1. Answer 1 is vague\n2. Answer 2 is wrong\n3. Answer 3 is fine\nThe best is [3].",
    "[1] > [2] > [3]? No. On reflection: [3] > [1] > [2]",
    "[7] > [3] > [0] > [1] > [2] > [-1]",
    "[٣] > [١] > [٢]",
    "【3】 > 【1】 > 【2】",
    "\u200f[3] > \u200f[1] > \u200f[2]",
    "x" * WINDOW + "\n[3] > [1] > [2]",
]


@pytest.mark.parametrize("reply", OUTRIGHT)
def test_reads_a_ranking_wherever_it_stands(reply: str) -> None:
    assert ranking(reply, 3).order == (3, 1, 2)
    assert ranking(reply, 3).note is None


@pytest.mark.parametrize(
    ("reply", "order", "note"),
    [
        ("[3] > [1", (3, 1, 2), INCOMPLETE),
        ("There are 3 answers. Top 2: [3] > [1]", (3, 1, 2), INCOMPLETE),
        ("[" + "9" * 10_000 + "] > [3] > [2]", (3, 2, 1), INCOMPLETE),
        ("Answer 3 is the best one.", (3, 1, 2), INCOMPLETE),
        ("3", (3, 1, 2), INCOMPLETE),
        ("**Best: 3.**", (3, 1, 2), INCOMPLETE),
        ("Best: [3]. Then comes [1]; the worst is [2].", (3, 1, 2), BY_MENTION),
        ("[3] = [1]", (3, 1, 2), INCOMPLETE),
        ("3 = 1 = 2", (1, 2, 3), UNREAD),
        ("Answer 2 = 3, Answer 3 = 5 > 2", (2, 3, 1), INCOMPLETE),
        ("| Answer | Rank |\n|---|---|\n| 1 | 2 |\n| 2 | 3 |\n| 3 | 1 |", (1, 2, 3), UNREAD),
        ("Answer 3 is the best. Answer 1 and Answer 2 are wrong.", (3, 1, 2), BY_MENTION),
        ("Answer 1 and Answer 2 are wrong. Answer 3 is the best.", (3, 1, 2), BY_MENTION),
        ("The best is [3]. [1] and [2] are both wrong.", (3, 1, 2), BY_MENTION),
        ("[1] and [2] are both wrong. The best one is [3].", (3, 1, 2), BY_MENTION),
        ("Best answer: [3]\nReason: 2 > 1 in the text.", (3, 2, 1), None),
        ("[1] > [3] > [2], though Answer 3 is the best of them.", (1, 3, 2), None),
        ("[2], [1]. The second best answer is [1].", (2, 1, 3), INCOMPLETE),
        ("[2], [1]. Answer 1 is not the best.", (2, 1, 3), INCOMPLETE),
        ("[2], [1]. Answer 1 is best in style.", (2, 1, 3), INCOMPLETE),
        ("Answer 1 is the best. No: the best is answer 2.", (1, 2, 3), INCOMPLETE),
        ("", (1, 2, 3), UNREAD),
        ("I cannot rank these 3 answers.", (1, 2, 3), UNREAD),
        ("1. Paris\n2. London\n3. Rome", (1, 2, 3), UNREAD),
        ("Scores: 8/10, 3/10, 1.5, 50%", (1, 2, 3), UNREAD),
        ("[4] > [5] > [6]", (1, 2, 3), UNREAD),
        ("9" * 10_000, (1, 2, 3), UNREAD),
    ],
)
def test_says_what_a_reply_leaves_open(reply: str, order: tuple[int, ...], note: str) -> None:
    assert ranking(reply, 3).order == order
    assert ranking(reply, 3).note == note


def test_the_form_that_the_prompt_shows_is_no_ranking() -> None:
    """A small model repeats it; repeated numbers would have passed for a ranking."""
    frame = Ranker(model="small").plan(outline_of(slate_of(["a", "b", "c"])))[0].frame
    assert ranking(frame.splitlines()[-1], 3).note == UNREAD


def test_archon_read_only_the_first_line() -> None:
    ran = run(Ranker(model="m"), slate_of("abc"), says("Sure, here you go:\n\n[3] > [1] > [2]"))
    assert [c.text for c in ran.slate.candidates] == ["c"]
    assert not ran.slate.fallbacks


def test_archon_let_one_candidate_take_two_places() -> None:
    ran = run(Ranker(model="m", keep=3), slate_of("abc"), says("[3] > [3] > [1] > [2] > [1]"))
    assert [c.text for c in ran.slate.candidates] == ["c", "a", "b"]


def test_critiques_travel_with_their_candidates() -> None:
    """Archon's evaluator reordered candidates and left their critiques behind."""
    given = slate_of("abc", facets=frozenset({Facet.CRITIQUES}))
    ran = run(Ranker(model="m", keep=3, critiques=True), given, says("[3] > [1] > [2]"))
    critique = {c.text: c.critique for c in given.candidates}
    assert [c.text for c in ran.slate.candidates] == ["c", "a", "b"]
    assert all(c.critique == critique[c.text] for c in ran.slate.candidates)


def test_scores_fall_from_one_by_equal_steps() -> None:
    ran = run(Ranker(model="m", keep=4), slate_of("abcd"), says("[3] > [1] > [2] > [4]"))
    assert [c.score for c in ran.slate.candidates] == [1, 0.75, 0.5, 0.25]


def test_equal_texts_are_shown_once_and_stay_together() -> None:
    ran = run(Ranker(model="m", keep=9), slate_of("abaab"), says("[2] > [1]"))
    assert [c.origin.index for c in ran.slate.candidates] == [1, 4, 0, 2, 3]
    assert [c.score for c in ran.slate.candidates] == [1, 1, 0.5, 0.5, 0.5]
    assert "<answer 3>" not in ran.asked[0].messages[-1].content


def test_makes_no_call_where_there_is_nothing_to_rank() -> None:
    ran = run(Ranker(model="m", keep=9), slate_of("aaa"), says("[1]"))
    assert not ran.asked
    assert not ran.slate.fallbacks
    assert [c.score for c in ran.slate.candidates] == [1, 1, 1]


def test_an_unreadable_reply_keeps_the_order_and_is_recorded() -> None:
    ran = run(Ranker(model="m", keep=2), slate_of("abc"), says("I would rather not."))
    assert [c.text for c in ran.slate.candidates] == ["a", "b"]
    assert [note.reason for note in ran.slate.fallbacks] == [UNREAD]


def test_shows_critiques_only_when_asked_to() -> None:
    given = slate_of("abc", facets=frozenset({Facet.CRITIQUES}))
    for shown in (False, True):
        ran = run(Ranker(model="m", critiques=shown), given, says("[1]"))
        assert ("number 2 is short" in ran.asked[0].messages[-1].content) is shown


def test_keeps_the_system_message_and_puts_the_question_in_a_block() -> None:
    messages = run(Ranker(model="m"), slate_of("abc"), says("")).asked[0].messages
    assert [message.role for message in messages] == ["system", "user"]
    assert messages[0].content == "You are careful."
    assert "<question>\nWhat is 3 + 4?\n</question>" in messages[1].content


def test_clipping_cuts_texts_and_never_the_instruction() -> None:
    given = slate_of(["long " * 3_000, "short"])
    ran = run(Ranker(model="m", max_prompt_tokens=200), given, says("[2] > [1]"))
    prompt = ran.asked[0].messages[-1].content
    assert prompt.endswith("[best] > [second best] > ... > [worst]")
    assert "<answer 2>\nshort\n</answer 2>" in prompt
    assert [note.reason for note in ran.slate.fallbacks] == [CLIPPED]
    assert ran.slate.candidates[0] == replace(given.candidates[1], score=1.0)


def test_a_prompt_of_ones_own_is_used_and_has_its_own_role() -> None:
    layer = Ranker(model="m", prompt="{{ question }} {{ answers | join('|') }} {{ critiques }}")
    ran = run(layer, slate_of("abc"), says("3 > 1"))
    assert ran.asked[0].messages[-1].content == "What is 3 + 4? a|b|c []"
    assert ran.used[0].role == "ranker/own"
    with pytest.raises(ConfigError, match=r"answers, critiques, question.*'candidates' is undef"):
        Ranker(model="m", prompt="{{ candidates }}").plan(outline_of(slate_of("abc")))


def test_needs_several_candidates_and_critiques_where_it_shows_them() -> None:
    with pytest.raises(InvalidArchitecture, match="at least two candidates"):
        Architecture.of(Generator(model="m"), Ranker(model="m"))
    with pytest.raises(InvalidArchitecture, match="put a critic before it"):
        Architecture.of(Generator(model="m", samples=2), Ranker(model="m", critiques=True))
    architecture = Architecture.of(
        Generator(model="m", samples=2),
        Critic(model="m"),
        Ranker(model="m", keep=5, critiques=True),
    )
    assert architecture.rows[-1][0] == Ranker(model="m", keep=2, critiques=True)
    assert not architecture.warnings()

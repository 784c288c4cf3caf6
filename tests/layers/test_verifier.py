from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from archsearch.architecture import Architecture
from archsearch.asking import CLIPPED
from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import InvalidArchitecture
from archsearch.layers.generator import Generator
from archsearch.layers.verifier import NONE_CORRECT, UNREADABLE, Verifier
from archsearch.models.scripted import Scripted
from archsearch.replies import verdict
from archsearch.store import SampleStore
from archsearch.testing.layer_contract import PATH, LayerContract, Script, run, run_row
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Request


def judges(said: dict[str, str]) -> Script:
    """Says of each candidate, by its text, what `said` holds."""

    def reply(request: Request, seed: int) -> str:
        prompt = request.messages[-1].content
        text = prompt.split("<answer>\n")[1].split("\n</answer>")[0]
        return said[text] if "<examination>" in prompt else f"Let me look at {text}."

    return reply


class TestVerifier(LayerContract):
    layer = Verifier(model="small")
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        prompt = request.messages[-1].content
        if "<examination>" not in prompt:
            return "Let me check it. Three and four are seven."
        return "Correct" if "answer is 7" in prompt else "Incorrect"


class TestVerifierThatStopsEarly(TestVerifier):
    layer = Verifier(model="small", first_k=2)


@pytest.mark.parametrize(
    "reply",
    [
        "Correct",
        "correct.",
        "**Correct**",
        "`Correct`",
        "\u200fCorrect",
        "Verdict: Correct.",
        "**Verdict:** Correct",
        "## Verdict\n\nCorrect",
        "Answer: Correct",
        "Yes",
        "Yes, it matches.",
        "True",
        '{"verdict": "correct"}',
        '{"correct": true}',
        "Is the answer correct? Yes",
        "The answer is correct.",
        "The answer seems right",
        "This is the correct answer.",
        "The answer is not incorrect.",
        "The answer is correct; there is nothing wrong with it.",
        "The result is correct, and none of the steps is wrong.",
        "There are no incorrect steps.",
        "It is no doubt correct.",
        "The answer passes.",
        "Correct, since 2 + 2 = 4. No errors.",
        "Correct. The first try was wrong, though.",
        "Verdict: Incorrect. On reflection I change it. Verdict: Correct",
    ],
)
def test_reads_that_an_answer_is_correct(reply: str) -> None:
    assert verdict(reply) is True


@pytest.mark.parametrize(
    "reply",
    [
        "Incorrect",
        "INCORRECT!",
        "Not correct.",
        "Verdict: Incorrect",
        "Verdict: not correct",
        "**Verdict**: *Incorrect*",
        "The answer is: Incorrect",
        "No.",
        "Wrong!",
        "False",
        '{"verdict": "incorrect"}',
        '{"correct": false}',
        "Is the answer correct? No.",
        "The answer is not correct.",
        "None of this is correct.",
        "Without a doubt the answer is wrong.",
        "The answer isn't correct.",
        "The answer isn’t entirely correct.",
        "It cannot be correct.",
        "The steps are correct. However the result is wrong.",
        "Incorrect. The correct answer is 5.",
        "The answer is incorrect because the correct answer is 5.",
        "Judgment: The answer is incorrect.",
        "The answer is incorrect, the correct answer is 5.",
        "The provided answer is wrong, the correct product is 42.",
        "The answer 54 is incorrect (the correct answer is 56).",
        "The answer is wrong—the right one is 56.",
    ],
)
def test_reads_that_an_answer_is_not_correct(reply: str) -> None:
    assert verdict(reply) is False


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I do not know.",
        "The answer is 4.",
        "Correct or Incorrect",
        "Correct/Incorrect",
        "Verdict: Correct or Incorrect.",
        "I cannot say whether it is correct.",
        "It would be correct if x were 2.",
        "No one knows.",
        "The answer is 54, the correct answer is 56.",
        "Right, so let us see.",
        "Verdict:",
        "correctness " * 10,
    ],
)
def test_reads_no_verdict_where_there_is_none(reply: str) -> None:
    assert verdict(reply) is None


@pytest.mark.parametrize("reply", ["[Failed] It does not pass.", "It does not pass the check."])
def test_archon_took_failed_for_passed(reply: str) -> None:
    assert verdict(reply) is False


def test_keeps_those_judged_correct_in_their_order() -> None:
    said = {"a": "Correct", "b": "Incorrect", "c": "Verdict: correct"}
    ran = run(Verifier(model="m"), slate_of("abc"), judges(said))
    assert [(c.text, c.verdict) for c in ran.slate.candidates] == [("a", True), ("c", True)]
    assert not ran.slate.fallbacks


def test_keeps_all_where_none_is_judged_correct() -> None:
    said = {"a": "Incorrect", "b": "No."}
    ran = run(Verifier(model="m"), slate_of("ab"), judges(said))
    assert [(c.text, c.verdict) for c in ran.slate.candidates] == [("a", False), ("b", False)]
    assert [note.reason for note in ran.slate.fallbacks] == [NONE_CORRECT]


def test_an_unreadable_verdict_has_not_said_correct() -> None:
    """Archon gave one candidate's verdict to another when a reply could not be read."""
    said = {"a": "Hmm.", "b": "Correct", "c": "Incorrect"}
    ran = run(Verifier(model="m"), slate_of("abc"), judges(said))
    assert [(c.text, c.verdict) for c in ran.slate.candidates] == [("b", True)]
    assert [(n.path, n.reason) for n in ran.slate.fallbacks] == [(f"{PATH}/0", UNREADABLE)]


def test_equal_texts_are_examined_once() -> None:
    ran = run(Verifier(model="m"), slate_of("abaab"), judges({"a": "Correct", "b": "Incorrect"}))
    assert [c.origin.index for c in ran.slate.candidates] == [0, 2, 3]
    assert len(ran.used) == 4


def test_the_judge_sees_the_examination() -> None:
    ran = run(Verifier(model="m"), slate_of("ab"), judges({"a": "Yes", "b": "No"}))
    assert [call.role for call in ran.used] == ["verifier/reason", "verifier/judge"] * 2
    judged = [r.messages[-1].content for r in ran.asked if r.role == "verifier/judge"]
    assert any("<examination>\nLet me look at a.\n</examination>" in text for text in judged)


def test_no_candidate_waits_for_another() -> None:
    """The first candidate's examination hangs until the second one's judgement is asked for."""

    async def walk() -> list[str]:
        order: list[str] = []

        def reply(request: Request, seed: int) -> str:
            order.append(f"{request.role.partition('/')[2]} {'slow' in _prompt(request)}")
            return "Correct"

        def latency(request: Request, seed: int) -> float:
            return 0.2 if "slow" in _prompt(request) else 0.0

        with SampleStore() as store:
            model = Scripted(reply, latency=latency)
            door = Walk(Dispatcher({"m": model}, store))
            await Verifier(model="m")(slate_of(["slow", "fast"]), door)
        return order

    assert asyncio.run(walk()) == ["reason False", "judge False", "reason True", "judge True"]


def _prompt(request: Request) -> str:
    return request.messages[-1].content


def test_a_long_examination_is_clipped_for_the_judge() -> None:
    def reply(request: Request, seed: int) -> str:
        return "Correct" if "<examination>" in _prompt(request) else "so " * 900

    ran = run(Verifier(model="m", max_prompt_tokens=200), slate_of("ab"), reply)
    assert {note.reason for note in ran.slate.fallbacks} == {CLIPPED}
    assert all(call.prompt_tokens <= 200 for call in ran.used)


def test_plans_two_calls_for_each_candidate() -> None:
    reason, judge = Verifier(model="m").plan(outline_of(slate_of("abc")))
    assert (reason.prompts, judge.prompts) == (3, 3)
    assert judge.quotes[-1] == (reason, 1.0)


def test_prompts_of_ones_own() -> None:
    layer = Verifier(
        model="m",
        reason_prompt="Check {{ answer }} to {{ question }}",
        judge_prompt="{{ question }} {{ answer }} {{ reasoning }}: yes or no?",
    )
    ran = run(layer, slate_of("ab"), lambda request, seed: "yes")
    assert {call.role for call in ran.used} == {"verifier/reason/own", "verifier/judge/own"}
    assert "What is 3 + 4? a yes: yes or no?" in {_prompt(request) for request in ran.asked}


def test_needs_several_candidates() -> None:
    with pytest.raises(InvalidArchitecture, match="at least two candidates"):
        Architecture.of(Generator(model="m"), Verifier(model="m"))


# -- stopping early


SAID = {"a": "No.", "b": "Correct", "c": "Correct", "d": "Hm.", "e": "Correct"}


def first(k: int, texts: Sequence[str], slow: str = "") -> tuple[str, int]:
    """The texts that go on, and how many examinations count as used; `slow` answers late."""

    async def walk() -> tuple[str, int]:
        def latency(request: Request, seed: int) -> float:
            return 0.03 if any(f"<answer>\n{text}\n" in _prompt(request) for text in slow) else 0.0

        with SampleStore() as store:
            door = Walk(Dispatcher({"m": Scripted(judges(SAID), latency=latency)}, store))
            slate = await Verifier(model="m", first_k=k)(slate_of(texts), door)
            reasons = [call for call in door.used if call.role.startswith("verifier/reason")]
            assert 2 * len(reasons) == len(door.used)
            return "".join(candidate.text for candidate in slate.candidates), len(reasons)

    return asyncio.run(walk())


@pytest.mark.parametrize(
    ("k", "texts", "left", "examined"),
    [
        (1, "abcde", "b", 2),
        (2, "abcde", "bc", 3),
        (3, "abcde", "bce", 5),
        (4, "abcde", "bce", 5),  # only three are correct, and these go on
        (2, "bbac", "bb", 1),  # equal ones count each
        (1, "bbac", "b", 1),
        (3, "babce", "bbc", 3),
        (1, "ad", "ad", 2),  # none is
    ],
)
def test_ends_once_enough_are_correct(k: int, texts: str, left: str, examined: int) -> None:
    assert first(k, texts) == (left, examined)


@pytest.mark.parametrize("slow", ["b", "bc", "ab", "cde"])
def test_who_answers_first_decides_nothing(slow: str) -> None:
    assert first(2, "abcde", slow) == ("bc", 3)


def test_stopping_early_has_its_own_role_and_one_spelling() -> None:
    given = outline_of(slate_of("abc"))
    early = Verifier(model="m", first_k=2, judge_prompt="yes or no?")
    assert [call.role for call in early.plan(given)] == [
        "verifier/reason/first_2",
        "verifier/judge/own/first_2",
    ]
    assert early.canonical(given) == early
    assert Verifier(model="m", first_k=3).canonical(given) == Verifier(model="m")


# -- side by side


def panel(said: dict[str, dict[str, str]], texts: Sequence[str], **fields: int) -> list[object]:
    """The candidates that verifiers, each with its own model, leave together, and the notes."""

    def reply(request: Request, seed: int) -> str:
        return judges(said[request.model])(request, seed)

    slate = run_row([Verifier(model=m, **fields) for m in said], slate_of(texts), reply).slate
    return [
        *((candidate.text, candidate.verdict) for candidate in slate.candidates),
        *(note.reason for note in slate.fallbacks),
    ]


PANEL = {
    "m": {"a": "Yes", "b": "No", "c": "Yes", "d": "No"},
    "n": {"a": "Yes", "b": "Yes", "c": "No", "d": "No"},
    "o": {"a": "No", "b": "No", "c": "Yes", "d": "No"},
}


def test_side_by_side_more_than_half_decide() -> None:
    assert panel(PANEL, "abcd") == [("a", True), ("c", True)]
    assert panel(PANEL, "abcd", first_k=1) == [("a", True)]


def test_side_by_side_half_are_not_enough() -> None:
    two = {name: PANEL[name] for name in "mn"}
    assert panel(two, "abc") == [("a", True)]


def test_side_by_side_all_are_kept_where_none_is_correct() -> None:
    each_another = {"m": {"a": "Yes", "b": "No"}, "n": {"a": "No", "b": "Yes"}}
    assert panel(each_another, "ab") == [("a", False), ("b", False), NONE_CORRECT]


def test_side_by_side_one_that_finds_none_correct_votes_against_all() -> None:
    """Alone it would have kept all of them; in a row that is no vote for any."""
    said = {name: {"a": "Yes", "b": "No"} for name in "mn"} | {"o": {"a": "No", "b": "No"}}
    assert panel(said, "ab") == [("a", True)]

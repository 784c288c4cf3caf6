from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError, InvalidArchitecture
from archsearch.layer import Facet
from archsearch.layers.generator import Generator
from archsearch.layers.unit_test_evaluator import (
    NO_PROGRAM,
    NO_TESTS,
    SET_ASIDE,
    STOPPED,
    UNREADABLE,
    UnitTestEvaluator,
)
from archsearch.layers.unit_test_generator import UnitTestGenerator
from archsearch.models.scripted import Scripted
from archsearch.results import results
from archsearch.store import SampleStore
from archsearch.testing.layer_contract import PATH, LayerContract, Script, run, run_row
from archsearch.testing.malformed import malformed
from archsearch.testing.runners import Recorder, shared_sandbox
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Request, Slate, UnitTest

TESTED = frozenset({Facet.UNIT_TESTS})
T, F, N = True, False, None


class TestUnitTestEvaluator(LayerContract):
    layer = UnitTestEvaluator(model="small")
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        said = "Passed" if "answer is 7" in _prompt(request) else "Failed"
        return f"Test 1: it names one. Passed.\nTest 2: it counts. {said}."


class TestUnitTestEvaluatorThatStopsEarly(TestUnitTestEvaluator):
    layer = UnitTestEvaluator(model="small", first_k=1)


def solving(body: str) -> str:
    """An answer whose program is `f` with this body."""
    return f"Here it is.\n```python\ndef f(x):\n    {body}\n```"


SQUARE, AGAIN, POWER = (solving(f"return {x}") for x in ("x * x", "x ** 2", "pow(x, 2)"))
DOUBLE, FOUR, LOOP = (solving(b) for b in ("return x + x", "return 4", "while True: pass"))
RAISES = solving("raise ValueError(x)")
PROSE = "It is the square."


class TestUnitTestEvaluatorThatRuns(LayerContract):
    layer = UnitTestEvaluator()
    texts = (DOUBLE, PROSE, SQUARE, RAISES)


class TestUnitTestEvaluatorThatRunsUntilOnePasses(TestUnitTestEvaluatorThatRuns):
    layer = UnitTestEvaluator(first_k=1)


class TestUnitTestEvaluatorThatRunsAndJudgesAndKeepsTwo(TestUnitTestEvaluator):
    layer = UnitTestEvaluator(model="small", keep=2)
    texts = TestUnitTestEvaluatorThatRuns.texts

    def slate(self, texts: Sequence[str] | None = None) -> Slate:
        return with_both(*(self.texts if texts is None else texts))


def _prompt(request: Request) -> str:
    return request.messages[-1].content


def _answer(request: Request) -> str:
    return _prompt(request).split("<answer>\n")[1].split("\n</answer>")[0]


def with_tests(*texts: str) -> Slate:
    return slate_of(texts, facets=TESTED)


def with_both(*texts: str) -> Slate:
    return slate_of(texts, facets=frozenset({Facet.PROGRAM_TESTS}))


def with_programs(*texts: str, tests: Sequence[str] = ("f(2) == 4", "f(3) == 9")) -> Slate:
    programs = tuple(UnitTest(text=f"assert {test}", kind="program") for test in tests)
    return replace(slate_of(texts), unit_tests=programs)


def silent(request: Request, seed: int) -> str:
    raise AssertionError("what is run asks no model")


def judges(said: Mapping[str, str]) -> Script:
    """Says of each candidate, by its text, a letter for each test: Passed, Failed or nothing."""
    words = {"P": "Passed", "F": "Failed", "-": "Hm"}

    def reply(request: Request, seed: int) -> str:
        letters = said[_answer(request)]
        return "\n".join(f"Test {n}: {words[one]}" for n, one in enumerate(letters, start=1))

    return reply


def order(slate: Slate) -> str:
    return "".join(candidate.text for candidate in slate.candidates)


# -- the reader


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        # Numbers with results right behind them.
        ("1. Pass\n2. Fail", (T, F)),
        ("1) passed\n2) failed", (T, F)),
        ("1. Pass. 2. Fail", (T, F)),
        ("1. Pass, 2. Fail", (T, F)),
        ("[1] Passed\n[2] Failed", (T, F)),
        ("1: Passes\n2: Does not pass", (T, F)),
        ("1. **Passed**\n2. **Failed**", (T, F)),
        ("1. [Passed] It is 7.\n2. [Failed] It does not pass.", (T, F)),
        ("| Test | Result |\n|---|---|\n| 1 | Pass |\n| 2 | Fail |", (T, F)),
        ('{"1": "pass", "2": "fail"}', (T, F)),
        # Named tests.
        ("[Test 2]: Failed\nTest 1 - passed", (T, F)),
        ("Test 1: Passed Test 2: Failed", (T, F)),
        ("**Test 1:** Passed\n**Test 2:** Failed", (T, F)),
        ("Test #1: Passed\nTest #2: Failed", (T, F)),
        ("Unit test 1: Passed\nUnit test 2: Failed", (T, F)),
        ("Test 1 passes. Test 2 fails.", (T, F)),
        ("Test 1 is passed, but test 2 isn't passed.", (T, F)),
        ("It passes test 1 and fails test 2.", (T, F)),
        ("The answer passes test 1. However, it does not pass test 2.", (T, F)),
        ("Test 1 passes, and the answer fails test 2.", (T, F)),
        ("Passed: test 1\nFailed: test 2", (T, F)),
        ("[Passed] test 1\n[Failed] test 2", (T, F)),
        ("✅ Test 1\n❌ Test 2", (T, F)),
        ("Test 1: ✓\nTest 2: ✗", (T, F)),
        ("Test 1: Yes\nTest 2: No", (T, F)),
        ("Test 1: Passed: Yes\nTest 2: Passed: No", (T, F)),
        ('[{"test": 1, "result": "passed"}, {"test": 2, "result": "failed"}]', (T, F)),
        ('[{"test": 1, "passed": true}, {"test": 2, "passed": false}]', (T, F)),
        ("\u200fTest 1: Passed\n\u200fTest 2: Failed", (T, F)),
        # Reasons between the mention and the result.
        ("Test 1: it says 7. Passed.\nTest 2: it has no unit. Failed.", (T, F)),
        ("Test 1 (It is 7.): Passed\nTest 2 (It has a unit.): Failed", (T, F)),
        ("### Test 1\nIt is so.\n**Passed**\n### Test 2\nIt is not.\n**Failed**", (T, F)),
        ("Test 1: It is 7.\nResult: Passed\n\nTest 2: It is correct.\nResult: Failed", (T, F)),
        ("1. It names the correct one - passed\n2. The unit is correct: failed", (T, F)),
        ("1. It is 7.\n   Passed\n2. It has a unit.\n   Failed", (T, F)),
        ("Test 1: Passed. Test 2: Failed. Overall, it passes 1 of 2 tests.", (T, F)),
        ("Test 1: Passed\nTest 2: Failed\n\nOverall, the answer passes half of them.", (T, F)),
        # What is said later about the same test.
        ("Test 1: Passed\nTest 2: Passed\nOn reflection, test 2: Failed", (T, F)),
        ("Test 1: Failed\nTest 2: Failed\nCorrection: it passes test 1.", (T, F)),
        # Results without any mention.
        ("Passed\nFailed", (T, F)),
        ("- Pass\n- Not passed", (T, F)),
        ('["pass", "fail"]', (T, F)),
        # What does not say.
        ("[Failed] test 2 does not pass", (N, F)),
        ("Test 2: Passed", (N, T)),
        ("Test 9: Passed\nTest 0: Failed\nTest 1: Passed", (T, N)),
        ("Test 1: Passed or Failed\nTest 2: Pass/Fail", (N, N)),
        ("Test NUMBER: REASON. Passed or Failed.", (N, N)),
        ("To pass test 1 it must say 7. Let me see whether it passes test 2.", (N, N)),
        ("Test 1: it would pass if it said 7.", (N, N)),
        ("Passed\nFailed\nPassed", (N, N)),
        ("The answer is good.", (N, N)),
        ("Test " + "9" * 10_000 + ": Passed", (N, N)),
        ("", (N, N)),
    ],
)
def test_reads_results_by_their_tests(reply: str, found: tuple[bool | None, ...]) -> None:
    assert results(reply, 2) == found


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Tests 1, 2 and 3 pass; test 4 fails.", (T, T, T, F)),
        ("Tests 1, 2, and 3 pass, but test 4 does not pass.", (T, T, T, F)),
        ("It passes test 1, test 2 and test 3 and fails test 4.", (T, T, T, F)),
        ("Passed tests: 1, 2, 3\nFailed tests: 4", (T, T, T, F)),
        (
            "1. a: passed\n2. b: passed\n3. c: passed\n4. d: failed\n3 passed, 1 failed",
            (T, T, T, F),
        ),
    ],
)
def test_reads_results_of_several_tests_at_once(reply: str, found: tuple[bool, ...]) -> None:
    assert results(reply, 4) == found


@pytest.mark.parametrize("reply", ["It passes.", "Passed", "Test 1: Passed", "Yes, it does."])
def test_a_sole_test_needs_no_mention(reply: str) -> None:
    assert results(reply, 1) == (True,)


@pytest.mark.parametrize("reply", ["[Failed] The answer does not pass the test.", "[Failed] 1"])
def test_archon_took_failed_for_passed(reply: str) -> None:
    assert results(reply, 1) == (False,)


def test_the_form_that_the_prompt_shows_is_no_result() -> None:
    """A small model repeats it."""
    frame = UnitTestEvaluator(model="m").plan(outline_of(with_tests("a")))[0].frame
    assert results(frame, 2) == (None, None)


@given(st.text(st.characters(exclude_categories=()), max_size=200), st.integers(1, 9))
def test_any_text_gives_a_result_for_each_test(reply: str, count: int) -> None:
    found = results(reply, count)
    assert len(found) == count
    assert set(found) <= {True, False, None}
    assert results(reply, count) == found


FORMS = ["Test {}: {}", "{}. {}", "[{}] {}", "Test {}: a reason. {}.", "{}. It says so. {}"]


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.sampled_from(FORMS), st.randoms())
def test_results_come_back_as_written_in_any_order(
    passed: list[bool], form: str, random: object
) -> None:
    lines = [form.format(n, "Passed" if one else "Failed") for n, one in enumerate(passed, 1)]
    random.shuffle(lines)  # type: ignore[attr-defined]
    assert results("\n".join(lines), len(passed)) == tuple(passed)


PARTS = [
    "Test 1: ", "Test 1, 2 and ", "passed test 1 ", "1. ", "1.\n", "[1] ", "1,", "not ", "to pass ",
    "passed ", "passed\n", "fails to pass ", "Passed: yes", ". ", "✓", "result:\n", "1 - ",
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_ten_megabytes_take_seconds_at_most(part: str) -> None:
    reply = part * (10_000_000 // len(part))
    start = time.process_time()
    results(reply, 5)
    assert time.process_time() - start < 3


def test_malformed_replies_are_survived() -> None:
    assert all(len(results(reply, 3)) == 3 for reply in malformed())


# -- the layer


def test_orders_by_the_share_of_tests_passed() -> None:
    said = {"a": "FF", "b": "PF", "c": "PP", "d": "FP"}
    ran = run(UnitTestEvaluator(model="m"), with_tests(*"abcd"), judges(said))
    assert [(c.text, c.score, c.passed) for c in ran.slate.candidates] == [
        ("c", 1.0, (True, True)),
        ("b", 0.5, (True, False)),
        ("d", 0.5, (False, True)),
        ("a", 0.0, (False, False)),
    ]
    assert not ran.slate.fallbacks


def test_archon_broke_ties_by_the_text_backwards() -> None:
    said = {"c": "PF", "a": "FP", "b": "PF"}
    assert order(run(UnitTestEvaluator(model="m"), with_tests(*"cab"), judges(said)).slate) == "cab"


def test_archon_gave_an_answer_the_results_of_another() -> None:
    """One reply that could not be read shifted all those behind it."""
    said = {"a": "--", "b": "PP", "c": "FF"}
    ran = run(UnitTestEvaluator(model="m"), with_tests(*"abc"), judges(said))
    assert {c.text: c.passed for c in ran.slate.candidates} == {
        "a": (None, None),
        "b": (True, True),
        "c": (False, False),
    }
    assert order(ran.slate) == "bac"
    assert [(n.path, n.reason) for n in ran.slate.fallbacks] == [(f"{PATH}/0", UNREADABLE)]


def test_a_result_that_cannot_be_read_is_not_passed() -> None:
    ran = run(UnitTestEvaluator(model="m"), with_tests(*"ab"), judges({"a": "P-", "b": "PP"}))
    assert [(c.text, c.score) for c in ran.slate.candidates] == [("b", 1.0), ("a", 0.5)]
    assert [note.reason for note in ran.slate.fallbacks] == [UNREADABLE]


def test_keeps_the_best() -> None:
    said = {"a": "FF", "b": "PF", "c": "PP", "d": "PF"}
    ran = run(UnitTestEvaluator(model="m", keep=2), with_tests(*"abcd"), judges(said))
    assert order(ran.slate) == "cb"
    assert (
        UnitTestEvaluator(model="m", keep=2).leaves(outline_of(with_tests(*"abcd"))).candidates == 2
    )


def test_equal_texts_are_judged_once() -> None:
    ran = run(UnitTestEvaluator(model="m"), with_tests(*"abaab"), judges({"a": "PF", "b": "PP"}))
    assert [c.origin.index for c in ran.slate.candidates] == [1, 4, 0, 2, 3]
    assert len(ran.used) == 2


def test_shows_one_answer_and_every_test() -> None:
    ran = run(UnitTestEvaluator(model="m"), with_tests("a"), judges({"a": "PP"}))
    assert "<answer>\na\n</answer>" in _prompt(ran.asked[0])
    assert "Test 1. The answer names one number.\nTest 2. The answer says" in _prompt(ran.asked[0])


@pytest.mark.parametrize(
    ("fields", "left"), [({}, "ab"), ({"keep": 1}, "a"), ({"first_k": 1}, "a")]
)
def test_without_tests_the_order_stays_and_no_call_is_made(
    fields: dict[str, int], left: str
) -> None:
    ran = run(UnitTestEvaluator(model="m", **fields), slate_of("ab"), judges({}))
    assert order(ran.slate) == left
    assert not ran.asked
    assert {(c.score, c.passed) for c in ran.slate.candidates} == {(1.0, ())}
    assert [(n.path, n.reason) for n in ran.slate.fallbacks] == [(PATH, NO_TESTS)]


# -- stopping early


def first(k: int, said: Mapping[str, str], texts: Sequence[str], slow: str = "") -> tuple[str, int]:
    """The order that is left, and how many judgements count as used; `slow` answers late."""

    async def walk() -> tuple[str, int]:
        def latency(request: Request, seed: int) -> float:
            return 0.05 if _answer(request) in slow else 0.0

        with SampleStore() as store:
            model = Scripted(judges(said), latency=latency)
            door = Walk(Dispatcher({"m": model}, store))
            slate = await UnitTestEvaluator(model="m", first_k=k)(with_tests(*texts), door)
            return order(slate), len(door.used)

    return asyncio.run(walk())


SAID = {"a": "PF", "b": "PP", "c": "PP", "d": "PP", "e": "FF"}


@pytest.mark.parametrize(
    ("k", "texts", "left", "used"),
    [
        (1, "abcde", "b", 2),
        (2, "abcde", "bc", 3),
        (3, "abcde", "bcd", 4),
        (4, "abcde", "bcdae", 5),  # only three pass: all go on, ranked
        (2, "bbac", "bb", 1),  # equal ones count each
        (1, "bbac", "b", 1),
        (3, "babc", "bbc", 3),
        (1, "ae", "ae", 2),
    ],
)
def test_ends_once_enough_pass(k: int, texts: str, left: str, used: int) -> None:
    assert first(k, SAID, texts) == (left, used)


@pytest.mark.parametrize("slow", ["b", "bc", "ab", "cde"])
def test_who_answers_first_decides_nothing(slow: str) -> None:
    assert first(2, SAID, "abcde", slow) == ("bc", 3)


def test_stopping_early_is_learned_apart() -> None:
    """Otherwise the share of calls it makes would pass for that of one that judges all."""
    given = outline_of(with_tests(*"abc"))
    roles = [UnitTestEvaluator(model="m", first_k=k).plan(given)[0].role for k in (None, 1, 2)]
    assert len(set(roles)) == 3
    assert all(re.match("unit_test_evaluator/plain", role) for role in roles)


def test_to_wait_for_as_many_as_there_are_is_to_take_all() -> None:
    given = outline_of(with_tests(*"abc"))
    plain = UnitTestEvaluator(model="m")
    assert UnitTestEvaluator(model="m", first_k=3).canonical(given) == plain
    assert UnitTestEvaluator(model="m", keep=4).canonical(given) == plain
    assert UnitTestEvaluator(model="m", keep=2).canonical(given).keep == 2


def test_keep_and_first_k_exclude_each_other() -> None:
    with pytest.raises(
        ConfigError, match="exclude each other; received keep=2 and first_k=1; drop"
    ):
        Architecture.parse([{"type": "unit_test_evaluator", "model": "m", "keep": 2, "first_k": 1}])


# -- programs


def test_runs_what_is_a_program_and_asks_nobody() -> None:
    ran = run(UnitTestEvaluator(), with_programs(PROSE, RAISES, DOUBLE, SQUARE), silent)
    assert [(c.text, c.passed, c.score) for c in ran.slate.candidates] == [
        (SQUARE, (True, True), 1.0),
        (DOUBLE, (True, False), 0.5),
        (PROSE, (False, False), 0.0),
        (RAISES, (False, False), 0.0),
    ]
    assert [note.reason for note in ran.slate.fallbacks] == [NO_PROGRAM]


def test_a_program_that_does_not_end_does_not_pass_which_is_recorded() -> None:
    layer = UnitTestEvaluator(seconds=0.3, keep=1)
    ran = run(layer, with_programs(LOOP, SQUARE), silent)
    assert [c.text for c in ran.slate.candidates] == [SQUARE]
    assert [n.reason for n in ran.slate.fallbacks] == [STOPPED.format(status="timeout")]


def test_runs_programs_and_has_statements_judged_on_one_slate() -> None:
    given = with_both(SQUARE, DOUBLE)
    tests = (given.unit_tests[2], given.unit_tests[0], given.unit_tests[3], given.unit_tests[1])
    given = replace(given, unit_tests=tests)
    ran = run(UnitTestEvaluator(model="m"), given, lambda request, seed: "1. Passed\n2. Failed")
    assert [(c.text, c.passed, c.score) for c in ran.slate.candidates] == [
        (SQUARE, (True, True, True, False), 0.75),
        (DOUBLE, (True, True, False, False), 0.5),
    ]
    assert [_prompt(asked).count("assert f(") for asked in ran.asked] == [0, 0]


def test_reads_a_program_as_the_benchmark_would() -> None:
    """A reply may go on from the prompt."""
    metadata = {"entry_point": "f", "prompt": "import math\n\ndef f(x):\n"}
    given = with_programs("    return math.prod([x, x])\n")
    given = replace(given, question=replace(given.question, metadata=metadata))
    assert run(UnitTestEvaluator(), given, silent).slate.candidates[0].score == 1.0


def test_runs_methods() -> None:
    answer = "```python\nclass Solution:\n    def f(self, x):\n        return x * x\n```"
    given = with_programs(answer, SQUARE)
    metadata = {"entry_point": "Solution", "method": "f"}
    given = replace(given, question=replace(given.question, metadata=metadata))
    ran = run(UnitTestEvaluator(), given, silent)
    assert [c.score for c in ran.slate.candidates] == [1.0, 0.0]


def test_runs_what_reads_and_writes() -> None:
    adds, one = (
        f"```python\na, b = map(int, input().split())\n{line}\n```"
        for line in ("print(a + b, ' ')", "print(a)")
    )
    crash = "```python\nprint(input())\nraise SystemExit(1)\n```"
    tests = ("program('1 2\\n') == '3\\n'", "program('4 0') == '4'", "len(program('7 7')) == 2")
    given = with_programs(one, crash, adds, tests=tests)
    given = replace(given, question=replace(given.question, answer_kind="code"))
    ran = run(UnitTestEvaluator(), given, silent)
    assert [(c.text, c.passed) for c in ran.slate.candidates] == [
        (adds, (True, True, True)),
        (one, (False, True, False)),
        (crash, (False, False, False)),
    ]


@pytest.mark.parametrize(("k", "left", "count"), [(1, [SQUARE], 2), (2, [SQUARE, AGAIN], 4)])
def test_ends_once_enough_programs_pass(k: int, left: list[str], count: int) -> None:
    recorder = Recorder(shared_sandbox())
    given = with_programs(DOUBLE, SQUARE, RAISES, AGAIN, FOUR, POWER)
    ran = run(UnitTestEvaluator(first_k=k), given, silent, runner=recorder)
    assert [c.text for c in ran.slate.candidates] == left
    assert count <= len(recorder.sources) <= count + k - 1


BROKEN = ("f(2) == 4", "f(3) == 6", "f(4) == 16")


def test_a_test_that_the_programs_agree_against_does_not_rule() -> None:
    """It would put a wrong program beside the right ones."""
    few = with_programs(DOUBLE, SQUARE, AGAIN, POWER, tests=BROKEN)
    ran = run(UnitTestEvaluator(), few, silent)
    assert ran.slate.unit_tests == few.unit_tests
    assert {c.score for c in ran.slate.candidates} == {2 / 3}
    six = (DOUBLE, SQUARE, AGAIN, POWER, solving("return x*x"), solving("return  x * x"))
    ran = run(UnitTestEvaluator(), with_programs(*six, tests=BROKEN), silent)
    assert [test.text for test in ran.slate.unit_tests] == ["assert f(2) == 4", "assert f(4) == 16"]
    assert [(c.passed, c.score) for c in ran.slate.candidates] == [
        *[((True, True), 1.0)] * 5,
        ((True, False), 0.5),
    ]
    assert [n.reason for n in ran.slate.fallbacks] == [f"{SET_ASIDE}: assert f(3) == 6"]


def test_copies_of_one_program_do_not_agree_with_each_other() -> None:
    other = SQUARE.replace("Here", "There")
    given = with_programs(SQUARE, SQUARE, other, tests=BROKEN)
    assert run(UnitTestEvaluator(), given, silent).slate.unit_tests == given.unit_tests
    given = with_programs(SQUARE, SQUARE, AGAIN, tests=BROKEN)
    assert len(run(UnitTestEvaluator(), given, silent).slate.unit_tests) == 2


def test_who_passes_the_tests_that_the_question_shows_is_heard_alone() -> None:
    """Three programs that do not outvote the two that do."""
    wrong = [solving(f"return {x}") for x in ("x + x", "2 * x", "x * 2")]
    given = with_programs(*wrong, SQUARE, AGAIN, tests=("f(3) == 6", "f(4) == 16"))
    shown = replace(given.question, metadata={"tests": ("assert f(5) == 25",)})
    for question, kept in ((given.question, 2), (shown, 1)):
        ran = run(UnitTestEvaluator(), replace(given, question=question), silent)
        assert len(ran.slate.unit_tests) == kept
    assert ran.slate.candidates[0].text == SQUARE


def test_where_no_test_is_left_the_order_stays() -> None:
    ran = run(UnitTestEvaluator(), with_programs(DOUBLE, FOUR, tests=("f(2) == 5",)), silent)
    assert ran.slate.unit_tests == ()
    assert [(c.text, c.passed, c.score) for c in ran.slate.candidates] == [
        (DOUBLE, (), 1.0),
        (FOUR, (), 1.0),
    ]


def test_side_by_side_a_test_is_set_aside_for_all() -> None:
    row = [UnitTestEvaluator(model=name, seconds=n) for n, name in enumerate("mn", start=4)]
    given = with_both(SQUARE, AGAIN)
    bad = UnitTest(text="assert f(1) == 5", kind="program")
    given = replace(given, unit_tests=(bad, *given.unit_tests))
    ran = run_row(row, given, lambda request, seed: "1. Passed\n2. Passed")
    assert ran.slate.unit_tests == given.unit_tests[1:]
    assert [c.passed for c in ran.slate.candidates] == [(True,) * 4] * 2


def test_equal_ones_that_only_run_are_one() -> None:
    given = outline_of(with_programs(SQUARE, AGAIN, DOUBLE))
    plain = UnitTestEvaluator(keep=2)
    named = UnitTestEvaluator(model="m", temperature=1, max_tokens=9, keep=2, prompt="{{ answer }}")
    assert named.canonical(given) == plain
    assert plain.merged(plain) == plain
    assert named.merged(named) is None
    assert named.canonical(outline_of(with_both(SQUARE, AGAIN, DOUBLE))) == named
    timed = UnitTestEvaluator(model="m", seconds=1)
    assert timed.canonical(outline_of(with_tests("a"))) == UnitTestEvaluator(model="m")


def test_only_statements_are_planned_to_be_judged() -> None:
    outline = outline_of(with_both(SQUARE, AGAIN))
    (call,) = UnitTestEvaluator(model="m").plan(outline)
    assert [quoted.role for quoted, _ in call.quotes] == ["source", "tester/statement"]
    assert UnitTestEvaluator(model="m").plan(outline_of(with_programs(SQUARE))) == ()


# -- side by side


def panel(said: Mapping[str, Mapping[str, str]], texts: Sequence[str], **fields: int) -> Slate:
    """What judges, each with its own model, leave together."""
    row = [UnitTestEvaluator(model=name, **fields) for name in said]

    def reply(request: Request, seed: int) -> str:
        return judges(said[request.model])(request, seed)

    return run_row(row, with_tests(*texts), reply).slate


PANEL = {
    "m": {"a": "PF", "b": "PP", "c": "F-"},
    "n": {"a": "PP", "b": "FP", "c": "F-"},
    "o": {"a": "FF", "b": "-P", "c": "P-"},
}


def test_side_by_side_more_than_half_decide_each_test() -> None:
    left = panel(PANEL, "cab")
    assert [(c.text, c.passed, c.score) for c in left.candidates] == [
        ("a", (True, False), 0.5),
        ("b", (False, True), 0.5),
        ("c", (False, None), 0.0),
    ]


def test_two_judges_must_agree() -> None:
    two = {name: PANEL[name] for name in ("m", "n")}
    assert [c.passed for c in panel(two, "ab").candidates] == [(True, False), (False, True)]


def test_side_by_side_the_smallest_keep_and_first_k_hold() -> None:
    assert order(panel(PANEL, "cab", keep=2)) == "ab"
    said = {name: {"a": "PF", "b": "PP", "c": "PP"} for name in "mn"}
    assert order(panel(said, "abc", first_k=1)) == "b"
    row = [UnitTestEvaluator(model="m", keep=2), UnitTestEvaluator(model="n", keep=3)]
    architecture = Architecture.of(
        UnitTestGenerator(model="m"), Generator(model="m", samples=4), row
    )
    assert architecture.outlines[-1].candidates == 2


# -- in an architecture


def test_needs_candidates_and_unit_tests() -> None:
    evaluator = UnitTestEvaluator(model="m")
    with pytest.raises(InvalidArchitecture, match="put a unit_test_generator before it"):
        Architecture.of(Generator(model="m"), evaluator)
    with pytest.raises(InvalidArchitecture, match="put a generator before it"):
        Architecture.of(UnitTestGenerator(model="m"), evaluator)
    for start in ([UnitTestGenerator, Generator], [Generator, UnitTestGenerator]):
        architecture = Architecture.of(*(layer(model="m") for layer in start), evaluator)
        assert architecture.outlines[-1].holds(Facet.TEST_RESULTS)


def test_needs_a_model_for_statements() -> None:
    program, statement = (UnitTestGenerator(model="m", kind=k) for k in ("program", "statement"))
    for tests in ([statement], [program, statement]):
        with pytest.raises(InvalidArchitecture, match="give it a `model` that judges statements"):
            Architecture.of(Generator(model="m"), tests, UnitTestEvaluator())
    architecture = Architecture.of(Generator(model="g"), program, UnitTestEvaluator(model="n"))
    assert architecture.models == {"g", "m"}
    assert not architecture.warnings()


def test_a_prompt_of_ones_own() -> None:
    layer = UnitTestEvaluator(model="m", prompt="{{ question }} {{ answer }} {{ tests | length }}")
    ran = run(layer, with_tests("a"), lambda request, seed: "1. Passed")
    assert _prompt(ran.asked[0]) == "What is 3 + 4? a 2"
    assert ran.used[0].role == "unit_test_evaluator/own"

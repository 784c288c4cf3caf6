from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.code.suites import suite
from archsearch.errors import InvalidArchitecture
from archsearch.layer import Facet, Outline
from archsearch.layers.generator import Generator
from archsearch.layers.unit_test_generator import BROKEN, UNREAD, UnitTestGenerator
from archsearch.statements import statements
from archsearch.testing.layer_contract import PATH, LayerContract, Script, run, run_row
from archsearch.testing.malformed import malformed
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Request, Slate, UnitTest


class TestUnitTestGenerator(LayerContract):
    layer = UnitTestGenerator(model="small", tests=3)
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return f"1. It is a number.\n2. It is positive.\n3. It is {request.model}."


def says(text: str) -> Script:
    return lambda request, seed: text


def texts(tests: tuple[UnitTest, ...]) -> list[str]:
    return [test.text for test in tests]


# -- the reader


@pytest.mark.parametrize(
    "reply",
    [
        "1. It is 7.\n2. It has a unit.",
        "1) It is 7.\n2) It has a unit.",
        "(1) It is 7.\n(2) It has a unit.",
        "1: It is 7.\n2: It has a unit.",
        "**1.** It is 7.\n**2.** It has a unit.",
        "Here are 2 tests:\n\n1. It is 7.\n2. It has a unit.\n\nI hope they help!",
        "1. It is 7.\n\n2. It has\n   a unit.",
        "1. **It is 7.**\n2. `It has a unit.`",
        '1. "It is 7."\n2. "It has a unit."',
        "Test 1: It is 7.\nTest 2: It has a unit.",
        "**Test 1:** It is 7.\n**Test 2:** It has a unit.",
        "- It is 7.\n- It has a unit.",
        "* It is 7.\r\n* It has a unit.\r\n",
        "• It is 7.\n• It has a unit.",
        "- [ ] It is 7.\n- [x] It has a unit.",
        '["It is 7.", "It has a unit."]',
        "['It is 7.', 'It has a unit.']",
        '```json\n["It is 7.",\n "It has a unit."]\n```',
        'Sure!\n```python\ntests = [\n    "It is 7.",\n    "It has a unit.",\n]\n```\nDone.',
        '["Draft"]\nOn reflection: ["It is 7.", "It has a unit."]',
        '{"tests": ["It is 7.", "It has a unit."]}',
        '{"test 1": "It is 7.", "test 2": "It has a unit."}',
        '[{"test": "It is 7."}, {"test": "It has a unit."}]',
        "“Tests”:\n[“It is 7.”, “It has a unit.”]",
        "It is 7.\nIt has a unit.",
        "Tests:\nIt is 7.\n\nIt has a unit.",
        "```\nIt is 7.\nIt has a unit.\n```",
        "1. It is 7.\n2. it  is 7.\n3. It has a unit.\n4. IT HAS A UNIT.",
        "\u200f1. It is 7.\n\u200f2. It has a unit.",
    ],
)
def test_reads_statements_however_they_are_listed(reply: str) -> None:
    assert statements(reply, 5) == ("It is 7.", "It has a unit.")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("['The answer's unit is m.', 'It's 7.']", ("The answer's unit is m.", "It's 7.")),
        (r'["It says \"7\".", "x/y"]', ('It says "7".', "x/y")),
        ('["It is 7.", "It has', ("It is 7.",)),
        ("1. It uses a[0] and b[1].\n2. It is [7].", ("It uses a[0] and b[1].", "It is [7].")),
        ("1. It keeps 2**3 and 4**5.", ("It keeps 2**3 and 4**5.",)),
        ("1. **Unit**: it is m\n   - or km\n2. It is 7", ("Unit: it is m or km", "It is 7")),
        ("2.5 is in it.\n1.5 is not.", ("2.5 is in it.", "1.5 is not.")),
        ("1.\n2.\n3. It is 7.", ("It is 7.",)),
        ("Here they are:", ()),
        ("", ()),
        ("...", ()),
        ("1.\n2.\n", ()),
        ("1. 1.\n2. 2.\n3. 12 * 4 = 48", ()),
        ("<test>\nIt is 7.\n</test>", ("It is 7.",)),
        ("回答为7。\n回答有单位。", ("回答为7。", "回答有单位。")),
        ("```\n```", ()),
    ],
)
def test_reads_what_there_is(reply: str, found: tuple[str, ...]) -> None:
    assert statements(reply, 5) == found


@given(st.text(st.characters(exclude_categories=()), max_size=200), st.integers(1, 9))
def test_any_text_gives_distinct_statements_of_one_line(reply: str, most: int) -> None:
    found = statements(reply, most)
    assert len(found) <= most
    assert len({statement.casefold() for statement in found}) == len(found)
    assert all(statement.split() and "\n" not in statement for statement in found)
    assert statements(reply, most) == found
    assert statements(reply, 1) == found[:1]


LINES = st.text(st.characters(categories=["L"]), min_size=1).map(lambda word: f"It says {word}.")


@given(st.lists(LINES, min_size=1, unique_by=str.casefold), st.sampled_from(["{}.", "-", "({})"]))
def test_a_list_comes_back_as_it_was_written(lines: list[str], mark: str) -> None:
    reply = "\n".join(f"{mark.format(at)} {line}" for at, line in enumerate(lines, start=1))
    assert list(statements(reply, len(lines))) == lines


PARTS = ["['", '["', "[“", "[", '"a": "', "1. ", "1.\n", "- a\n", "a\n", "**", "'", '\\"', "\n"]


@pytest.mark.parametrize("part", PARTS)
def test_ten_megabytes_take_seconds_at_most(part: str) -> None:
    reply = part * (10_000_000 // len(part))
    start = time.process_time()
    statements(reply, 5)
    assert time.process_time() - start < 3


def test_malformed_replies_are_survived() -> None:
    assert all(len(statements(reply, 5)) <= 5 for reply in malformed())


# -- the layer


def test_leaves_the_tests_and_the_candidates() -> None:
    given = slate_of("ab", facets=frozenset({Facet.SCORES}))
    ran = run(UnitTestGenerator(model="m"), given, says("1. It is 7.\n2. It is odd."))
    assert ran.slate.unit_tests == (UnitTest(text="It is 7."), UnitTest(text="It is odd."))
    assert ran.slate.candidates == given.candidates
    assert not ran.slate.fallbacks


def test_keeps_no_more_than_it_asks_for() -> None:
    ran = run(UnitTestGenerator(model="m", tests=2), slate_of("a"), says("- a\n- b\n- c"))
    assert texts(ran.slate.unit_tests) == ["a", "b"]
    assert "Write 2 short statements" in ran.asked[0].messages[-1].content


def test_half_a_statement_at_the_end_of_a_cut_reply_does_not_count() -> None:
    layer = UnitTestGenerator(model="m", max_tokens=7)
    ran = run(layer, slate_of("a"), says("1. It is 7.\n2. It is not below five."))
    assert texts(ran.slate.unit_tests) == ["It is 7."]
    ran = run(layer, slate_of("a"), says("1. It is a number that is below five."))
    assert texts(ran.slate.unit_tests) == ["It is a number that is"]


def test_new_tests_replace_the_earlier_ones_and_their_results() -> None:
    given = slate_of("ab", facets=frozenset({Facet.TEST_RESULTS, Facet.VERDICTS}))
    ran = run(UnitTestGenerator(model="m"), given, says("1. It is new."))
    assert texts(ran.slate.unit_tests) == ["It is new."]
    assert [(c.passed, c.verdict) for c in ran.slate.candidates] == [(None, True)] * 2
    outline = UnitTestGenerator(model="m", tests=9).leaves(outline_of(given))
    assert outline.facets == {Facet.VERDICTS}
    assert outline.tests() == 9


def test_an_unreadable_reply_leaves_no_tests_and_is_recorded() -> None:
    given = slate_of("a", facets=frozenset({Facet.UNIT_TESTS}))
    ran = run(UnitTestGenerator(model="m"), given, says("Tests:"))
    assert ran.slate.unit_tests == ()
    assert [(n.path, n.reason) for n in ran.slate.fallbacks] == [(PATH, UNREAD)]


def test_archon_let_later_layers_see_the_tests_in_the_question() -> None:
    given = slate_of("a")
    ran = run(UnitTestGenerator(model="m"), given, says("1. It is 7."))
    assert ran.slate.question is given.question


def test_stands_first_and_needs_nothing() -> None:
    architecture = Architecture.of(
        UnitTestGenerator(model="m", tests=3), Generator(model="m", samples=2)
    )
    first, last = architecture.outlines
    assert (first.candidates, first.tests()) == (0, 3)
    assert (last.candidates, last.unit_tests) == (2, first.unit_tests)
    with pytest.raises(InvalidArchitecture):
        Architecture.of(UnitTestGenerator(model="m"))


def test_side_by_side_all_tests_count_once() -> None:
    said = {"m": "1. It is 7.\n2. It is odd.", "n": "1. it is  7.\n2. It is prime."}
    row = [UnitTestGenerator(model=name) for name in said]
    given = slate_of("ab", facets=frozenset({Facet.TEST_RESULTS}))
    ran = run_row(row, given, lambda request, seed: said[request.model])
    assert texts(ran.slate.unit_tests) == ["It is 7.", "It is odd.", "It is prime."]
    assert [c.passed for c in ran.slate.candidates] == [None, None]
    outline = Architecture.of(row, Generator(model="m")).outlines[0]
    assert outline.tests() == 10
    assert [tests.call.model for tests in outline.unit_tests] == ["m", "n"]


def test_equal_ones_are_one_with_the_samples_of_both() -> None:
    greedy, warm = (UnitTestGenerator(model="m", temperature=t) for t in (0.0, 1.0))
    assert greedy.merged(greedy) == greedy
    assert greedy.merged(UnitTestGenerator(model="n")) is None
    assert warm.merged(warm) == warm.model_copy(update={"samples": 2})
    assert UnitTestGenerator(model="m", samples=3).canonical(Outline()) == greedy


# -- several samples


def numbered(request: Request, seed: int) -> str:
    return f"1. It is 7.\n2. It is not {seed}."


def test_samples_add_the_tests_of_each_reply_in_order() -> None:
    layer = UnitTestGenerator(model="m", temperature=1.0, samples=3, tests=2)
    ran = run(layer, slate_of("a"), numbered)
    (used,) = ran.used
    assert len(used.completion_tokens) == 3
    first, *others = texts(ran.slate.unit_tests)
    assert first == "It is 7."
    assert len(set(others)) == 3
    assert layer.leaves(Outline()).tests() == 6


def test_side_by_side_or_as_samples_the_same_tests_are_written() -> None:
    one = UnitTestGenerator(model="m", temperature=1.0)
    apart = run_row([one, one], slate_of("a"), numbered).slate.unit_tests
    together = run(one.model_copy(update={"samples": 2}), slate_of("a"), numbered).slate.unit_tests
    assert apart == together
    assert len(together) == 3


# -- programs


class TestProgramTests(LayerContract):
    layer = UnitTestGenerator(model="small", kind="program", tests=3, samples=2, temperature=0.8)
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return f"```python\nassert f(1) == {seed % 5}\nassert f(2) == '{request.model}'\n```"


ASSERTS = """Here are the tests.
```python
assert double(2) == 4
assert double(2)==4, "the same, with a word on it"
assert double(3 == 6
assert double([]) == []
assert True
```"""


def about(entry_point: str) -> Slate:
    given = slate_of("a")
    return replace(given, question=replace(given.question, metadata={"entry_point": entry_point}))


def test_writes_tests_of_the_function_that_the_question_names() -> None:
    layer = UnitTestGenerator(model="m", kind="program")
    ran = run(layer, about("double"), says(ASSERTS))
    assert ran.slate.unit_tests == (
        UnitTest(text="assert double(2) == 4", kind="program"),
        UnitTest(text="assert double([]) == []", kind="program"),
    )
    assert [note.reason for note in ran.slate.fallbacks] == [BROKEN]
    prompt = ran.asked[0].messages[-1].content
    assert "5 tests of `double`" in prompt
    assert prompt.endswith("assert double(<arguments>) == <value>")
    assert ran.used[0].role == "unit_test_generator/program/5"


def test_tests_of_another_function_are_none() -> None:
    ran = run(UnitTestGenerator(model="m", kind="program"), about("triple"), says(ASSERTS))
    assert ran.slate.unit_tests == ()
    assert [note.reason for note in ran.slate.fallbacks] == [BROKEN, UNREAD]


def test_where_no_function_is_named_any_may_be_meant() -> None:
    ran = run(UnitTestGenerator(model="m", kind="program"), slate_of("a"), says(ASSERTS))
    assert len(ran.slate.unit_tests) == 2
    assert "5 tests of the function that is asked for" in ran.asked[0].messages[-1].content


def test_the_form_that_the_prompt_shows_is_no_test() -> None:
    """A small model repeats it."""
    layer = UnitTestGenerator(model="m", kind="program")
    prompt = run(layer, about("f"), says("")).asked[0].messages[-1].content
    assert suite(prompt, 5, "f").tests == suite("assert f(...) == ...", 5, "f").tests == ()


def test_writes_tests_of_a_program_that_reads_and_writes() -> None:
    given = slate_of("a")
    given = replace(given, question=replace(given.question, answer_kind="code"))
    reply = "assert program('1 2\\n') == '3\\n'\nassert add(1, 2) == 3"
    ran = run(UnitTestGenerator(model="m", kind="program"), given, says(reply))
    assert texts(ran.slate.unit_tests) == ["assert program('1 2\\n') == '3\\n'"]
    prompt = ran.asked[0].messages[-1].content
    assert "`program` takes all that a solution reads" in prompt
    assert prompt.endswith("assert program(<arguments>) == <value>")


def test_programs_differ_by_case_and_statements_do_not() -> None:
    for kind, count in (("statement", 1), ("program", 2)):
        layer = UnitTestGenerator.model_validate({"model": "m", "kind": kind})
        ran = run(layer, slate_of("a"), says("assert f('a') == 1\nassert F('A') == 1"))
        assert len(ran.slate.unit_tests) == count


def test_both_kinds_stand_side_by_side() -> None:
    row = [UnitTestGenerator(model="m"), UnitTestGenerator(model="m", kind="program")]
    ran = run_row(row, slate_of("a"), says("1. assert f(1) == 2"))
    assert [test.kind for test in ran.slate.unit_tests] == ["statement", "program"]
    outline = Architecture.of(row, Generator(model="m")).outlines[0]
    assert (outline.tests("statement"), outline.tests("program"), outline.tests()) == (5, 5, 10)
    assert outline.holds(Facet.PROGRAM_TESTS)
    assert not outline.holds(Facet.ONLY_PROGRAM_TESTS)


def test_a_prompt_of_ones_own() -> None:
    layer = UnitTestGenerator(model="m", tests=4, prompt="{{ tests }} tests of {{ question }}")
    ran = run(layer, slate_of("a"), says("- a"))
    assert ran.asked[0].messages[-1].content == "4 tests of What is 3 + 4?"
    assert ran.used[0].role == "unit_test_generator/own/4"
    assert layer.plan(Outline())[0].frame == "4 tests of "

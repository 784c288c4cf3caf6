from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from archsearch.architecture import Architecture
from archsearch.errors import InvalidArchitecture
from archsearch.layers.code_vote import NO_INPUTS, NO_OUTPUTS, CodeVote
from archsearch.layers.generator import Generator
from archsearch.layers.unit_test_generator import UnitTestGenerator
from archsearch.testing.layer_contract import LayerContract, run
from archsearch.testing.runners import Recorder, shared_sandbox
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Candidate, Request, Slate, UnitTest


def solving(body: str) -> str:
    """An answer whose program is `f` with this body."""
    return f"Here it is.\n```python\ndef f(x):\n    {body}\n```"


SQUARE, AGAIN, POWER = (solving(f"return {x}") for x in ("x * x", "x ** 2", "pow(x, 2)"))
DOUBLE, TWICE, FOUR = (solving(f"return {x}") for x in ("x + x", "2 * x", "4"))
RAISES, RAISES_TOO = (solving(f"raise ValueError({x})") for x in ("x", "'no'"))
PROSE, MORE_PROSE, BROKEN = "It is x squared.", "I do not know.", "```python\ndef f(x:\n```"


class TestCodeVote(LayerContract):
    layer = CodeVote()
    texts = (DOUBLE, SQUARE, PROSE, AGAIN)


class TestCodeVoteThatKeepsTwo(TestCodeVote):
    layer = CodeVote(keep=2)


def silent(request: Request, seed: int) -> str:
    raise AssertionError("a vote asks no model")


def with_tests(*texts: str, tests: Sequence[str] = ("f(2) == 4", "f(3) == 9")) -> Slate:
    programs = tuple(UnitTest(text=f"assert {test}", kind="program") for test in tests)
    return replace(slate_of(texts), unit_tests=programs)


def vote(given: Slate, keep: int = 1) -> tuple[Candidate, ...]:
    ran = run(CodeVote(keep=keep), given, silent)
    assert not ran.slate.fallbacks
    return ran.slate.candidates


@pytest.mark.parametrize(
    ("texts", "index", "share"),
    [
        ([DOUBLE, SQUARE, AGAIN], 1, 2 / 3),
        ([DOUBLE, SQUARE, AGAIN, TWICE], 0, 1 / 2),  # a tie
        ([FOUR, SQUARE, SQUARE], 1, 2 / 3),  # copies count
        ([PROSE, MORE_PROSE, BROKEN, FOUR], 3, 1 / 4),  # these give nothing
        ([RAISES, RAISES_TOO, FOUR], 2, 1 / 3),
        ([SQUARE], 0, 1.0),
    ],
)
def test_the_largest_cluster_wins_and_its_first_candidate_stands_for_it(
    texts: list[str], index: int, share: float
) -> None:
    (left,) = vote(with_tests(*texts))
    assert (left.origin.index, left.score) == (index, share)


def test_what_is_expected_does_not_count() -> None:
    (left,) = vote(with_tests(DOUBLE, SQUARE, AGAIN, tests=("f(2) == 4", "f(3) == 6", "f(4) == 8")))
    assert left.text == SQUARE


def test_to_raise_is_an_output_where_something_else_is_given_too() -> None:
    careful, other = (
        solving(f"if x < 0:\n        raise {error}\n    return x * x")
        for error in ("ValueError('below 0')", "ValueError(x)")
    )
    given = with_tests(SQUARE, careful, other, tests=("f(2) == 4", "f(-1) == 1"))
    (left,) = vote(given)
    assert (left.text, left.score) == (careful, 2 / 3)


def test_the_first_of_each_cluster_goes_on() -> None:
    texts = (FOUR, DOUBLE, SQUARE, TWICE, AGAIN, POWER, PROSE)
    left = vote(with_tests(*texts), keep=2)
    assert [(c.text, c.score) for c in left] == [(SQUARE, 3 / 7), (DOUBLE, 2 / 7)]
    assert len(vote(with_tests(*texts), keep=7)) == 3


def test_one_program_is_run_once_on_all_inputs() -> None:
    recorder = Recorder(shared_sandbox())
    other = SQUARE.replace("Here", "There")
    given = with_tests(SQUARE, other, DOUBLE, PROSE, tests=("f(2) == 4", "f(3) + f(4) == 5"))
    (left,) = run(CodeVote(), given, silent, runner=recorder).slate.candidates
    assert left.score == 1 / 2
    assert len(recorder.executions) == len(recorder.sources) == 2


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (with_tests(SQUARE, DOUBLE, tests=()), NO_INPUTS),
        (slate_of([SQUARE, DOUBLE]), NO_INPUTS),
        (with_tests(SQUARE, DOUBLE, tests=("True", "[f(n) for n in range(3)] == 5")), NO_INPUTS),
        (with_tests(PROSE, RAISES, BROKEN), NO_OUTPUTS),
    ],
)
def test_where_nothing_can_be_compared_the_first_stays_which_is_recorded(
    given: Slate, reason: str
) -> None:
    ran = run(CodeVote(), given, silent)
    assert [(c.text, c.score) for c in ran.slate.candidates] == [(given.candidates[0].text, 0.0)]
    assert [note.reason for note in ran.slate.fallbacks] == [reason]


def test_a_program_that_does_not_end_gives_what_it_gave_before() -> None:
    body = "while x == 3:\n        pass\n    return x * x"
    given = with_tests(solving(body), SQUARE, AGAIN)
    ran = run(CodeVote(seconds=0.3), given, silent)
    assert [(c.text, c.score) for c in ran.slate.candidates] == [(SQUARE, 2 / 3)]


def test_what_reads_and_writes_is_run_on_each_input() -> None:
    texts = [
        f"```python\nn = int(input())\n{line}\n```"
        for line in ("print(n + n)", "print(n * n)", "print(n ** 2, end='')", "print(2 * m)")
    ]
    given = with_tests(*texts, tests=("program('2') == '4'", "program('3\\n') == '6'"))
    given = replace(given, question=replace(given.question, answer_kind="code"))
    (left,) = vote(given)
    assert (left.origin.index, left.score) == (1, 1 / 2)


def test_needs_several_programs_and_tests_that_are_programs() -> None:
    tests = UnitTestGenerator(model="m", kind="program")
    with pytest.raises(InvalidArchitecture, match="raise `samples`"):
        Architecture.of(tests, Generator(model="m"), CodeVote())
    for before in ([], [UnitTestGenerator(model="m")]):
        with pytest.raises(InvalidArchitecture, match="unit_test_generator with `kind: program`"):
            Architecture.of(*before, Generator(model="m", samples=2), CodeVote())
    architecture = Architecture.of(tests, Generator(model="m", samples=4), CodeVote(keep=9))
    assert architecture.outlines[-1].candidates == 4
    assert architecture.models == {"m"}
    assert not architecture.warnings()


def test_no_more_clusters_than_candidates() -> None:
    given = outline_of(with_tests(SQUARE, DOUBLE))
    assert CodeVote(keep=9).canonical(given) == CodeVote(keep=2)
    assert CodeVote().plan(given) == ()

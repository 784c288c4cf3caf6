"""How answers are read: each rule by example, then what holds for any text."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.answers import EXTRACTORS, MAX_NUMBER, WINDOW, extract, statement
from archsearch.errors import UnknownName
from archsearch.testing.malformed import BLANK, malformed


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The answer is 12.", "12"),
        ("It is 12", "12"),
        ("12.0", "12"),
        ("$12", "12"),
        ("12%", "12"),
        ("0012", "12"),
        ("#### 1,234", "1234"),
        ("1,234,567.50", "1234567.5"),
        ("(1, 2)", "2"),
        (r"so \boxed{42}", "42"),
        (r"\boxed{\frac{3}{4}}", "0.75"),
        (r"\boxed{1\frac{1}{2}}", "1.5"),
        (r"\boxed{-\dfrac{1}{3}}", "-1/3"),
        (r"\boxed{1{,}000 \text{ m}}", "1000"),
        (r"$2 \times 3 = \$6$", "6"),
        ("2/6", "1/3"),
        ("1 1/2 cups", "1.5"),
        ("10/2", "5"),
        ("1/0", "0"),
        (".5", "0.5"),
        ("so...5", "5"),
        ("-7", "-7"),
        ("−7", "-7"),
        ("-$7", "-7"),
        ("$-7", "-7"),
        ("10-7", "7"),
        ("(3)-7", "7"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1e-3", "0.001"),
        ("2.5E3", "2500"),
        ("3 eggs", "3"),
        ("The answer is 5. I used 3 steps.", "5"),
        ("The answer is 5.\nWait. The answer is 6.", "6"),
        ("**Answer:** 18 dollars (16 eggs less 7)", "18"),
        ("Answer:\n\n**72**\n\nThat took 3 steps", "72"),
        ("Final Answer: The final answer is $7$. I hope it is correct.", "7"),
        ("The answer to question 3 is 8", "8"),
        ("The answer is 3 * 4 = 12, for 2 of them", "12"),
        ("The answer is 5 ÷ 2 = 2.5", "2.5"),
        ("The answer is x = 5, and y = 6", "5"),
        ("The answer is = 5", "5"),
        ("The answer is 1.5e-2.", "0.015"),
        ("The answer is 5 = x, with 7 to spare", "5"),
        ("The answer is unclear. Perhaps 9", "9"),
        ("<answer>\n42\n</answer> in 3 steps", "42"),
        (r"\boxed{1} is wrong. The answer is 2.", "2"),
        (r"The answer is 1. No: \boxed{2}, in 3 steps", "2"),
        ("#### Step 3: add\n2 + 5 = 7", "7"),
        ("9" * MAX_NUMBER, "9" * MAX_NUMBER),
    ],
)
def test_number(reply: str, answer: str) -> None:
    assert extract("number", reply) == answer


@pytest.mark.parametrize("reply", ["none at all", "٣", "²", "9" * (MAX_NUMBER + 1), "twelve"])
def test_no_number(reply: str) -> None:
    assert extract("number", reply) is None


@settings(deadline=None)
@given(st.fractions(max_denominator=10**6), st.sampled_from(["The answer is {}.", "#### {}", "{}"]))
def test_any_fraction_reads_back(value: Fraction, wording: str) -> None:
    said = extract("number", wording.format(value))
    assert said is not None
    assert Fraction(said) == value
    assert extract("number", said) == said


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
def test_equal_numbers_are_equal_strings(value: int, zeros: int) -> None:
    sign, size = "-" if value < 0 else "", abs(value)
    spellings = [
        f"{value}",
        f"{value:,}",
        f"{sign}${size:,}",
        f"{value}.{'0' * zeros}",
        f"{value}%",
        f"{2 * value}/2",
        rf"\boxed{{{value}}}",
        f"**{value}**",
    ]
    assert {extract("number", spelling) for spelling in spellings} == {str(value)}


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-999, max_value=999))
def test_decimals_have_no_needless_zeros(value: object) -> None:
    said = extract("number", f"{value}")
    assert said is not None
    assert float(said) == float(f"{value}")
    assert "." not in said or not said.endswith(("0", "."))


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"\boxed{x^2 + 1}", "x^2+1"),
        (r"\boxed{\frac{a}{\sqrt{b}}}", r"\frac{a}{\sqrt{b}}"),
        (r"\boxed{\dfrac{a}{b}}", r"\frac{a}{b}"),
        (r"\boxed{\left\{1, 2\right\}}", r"\{1,2\}"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{a + \boxed{b}}", r"a+\boxed{b}"),
        (r"\boxed{closed} and \boxed{open", "closed"),
        (r"\fbox{7.0}", "7"),
        (r"\boxed{\text{east}}", "east"),
    ],
)
def test_boxed(reply: str, answer: str) -> None:
    assert extract("boxed", reply) == answer


@pytest.mark.parametrize(
    "reply",
    # An escaped brace closes nothing.
    ["12", "The answer is 12", r"\boxed{", r"\boxed{}", "boxed{1}", r"\boxed{\{1\}"],
)
def test_nothing_boxed(reply: str) -> None:
    assert extract("boxed", reply) is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"\boxed{x + 1}", "x+1"),
        ("The answer is $x + 1$. That is it.", "x+1"),
        ("The answer is $12.0$.", "12"),
        ("after all 12", "12"),
    ],
)
def test_math(reply: str, answer: str) -> None:
    assert extract("math", reply) == answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The answer is (B)", "B"),
        ("The answer is (b).", "B"),
        ("the answer is b", "B"),
        ("B.", "B"),
        ("B", "B"),
        ("**C**", "C"),
        ("D) because", "D"),
        ("Answer: C) Paris", "C"),
        ("The answer is B because A is wrong", "B"),
        ("The correct answer is option **E**.", "E"),
        (r"\boxed{\text{D}}", "D"),
        (r"$\boxed{(J)}$", "J"),
        ("Answer: I", "I"),
        ("The answer is A.", "A"),
        ("(A) is wrong, so (C)", "C"),
        ("The answer is unclear\n(F)", "F"),
    ],
)
def test_choice(reply: str, answer: str) -> None:
    assert extract("choice", reply) == answer


@pytest.mark.parametrize(
    "reply",
    [
        "A man went home",
        "I think so",
        "The answer is I do not know",
        "Bananas",
        "(K)",
        "answer: a b",
    ],
)
def test_no_choice(reply: str) -> None:
    assert extract("choice", reply) is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The answer is Paris.", "paris"),
        ("Answer: **New   York**", "new york"),
        ("ANSWER: 'Rome'!", "rome"),
        ("Let me think.\n\n> `Oslo`\n\n", "oslo"),
        ("The answer is Lima\nBecause it is.", "lima"),
        ("Answer:\n\nBern", "bern"),
        ("<answer>Two\nlines</answer> and so on", "two lines"),
        (r"It is \boxed{\text{Kyiv}}.", "kyiv"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Answer:", "answer:"),
    ],
)
def test_text(reply: str, answer: str) -> None:
    assert extract("text", reply) == answer


def test_a_statement_keeps_case_and_line_breaks() -> None:
    assert statement("The answer is **Craig-James**.") == "Craig-James."
    assert statement("<answer>\n_ 0\n0 _\n</answer>") == "_ 0\n0 _"
    assert statement("first\n_last_") == "last"


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown answer kind 'numbr'; did you mean 'number'"):
        extract("numbr", "1")


@pytest.mark.parametrize("kind", EXTRACTORS)
@pytest.mark.parametrize("reply", BLANK)
def test_a_blank_reply_holds_no_answer(kind: str, reply: str) -> None:
    assert extract(kind, reply) is None


@pytest.mark.parametrize("kind", EXTRACTORS)
def test_malformed_replies_give_an_answer_or_none(kind: str) -> None:
    answers = [extract(kind, reply) for reply in malformed()]
    assert "" not in answers
    assert any(answers)
    assert None in answers


@pytest.mark.parametrize("kind", EXTRACTORS)
@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_gives_an_answer_or_none(kind: str, reply: str) -> None:
    said = extract(kind, reply)
    assert said is None or said.strip()
    assert extract(kind, reply) == said


PARTS = [
    "answer is ", "The answer is 12. ", r"\boxed{", r"\frac{1}{", r"\frac{", "{", "}", "1,234,",
    "1/", "1/0", "1 0000/", "9e9", "-", "=1", "#### ", "<answer>", "i hope it is ", "A\n", "(A)",
    "\0", "\ud800", "\n",
]  # fmt: skip


@pytest.mark.parametrize("kind", EXTRACTORS)
def test_ten_megabytes_take_less_than_a_second(kind: str) -> None:
    for part in PARTS:
        reply = part * (10_000_000 // len(part))
        start = time.process_time()
        extract(kind, reply)
        assert time.process_time() - start < 1.0, part


def test_only_the_end_of_a_long_reply_is_read() -> None:
    assert extract("number", "The answer is 7. " + " " * WINDOW + "so 8") == "8"
    assert extract("number", "The answer is 7. " + " " * (WINDOW // 2) + "so 8") == "7"

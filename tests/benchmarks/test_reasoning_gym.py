"""Reasoning Gym: the contract on a numeric and on a worded family, then what is peculiar to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch.benchmark import Benchmark, Item, SplitSizes, split
from archsearch.benchmarks import reasoning_gym
from archsearch.benchmarks.reasoning_gym import EVALUATED, HASH_ORDERED, SYMBOLIC, ReasoningGym
from archsearch.errors import ConfigError, MissingExtra, UnknownName
from archsearch.testing.benchmark_contract import BenchmarkContract
from archsearch.types import Score

ONE_DIGIT = {"min_digits": 1, "max_digits": 1}


class Contract(BenchmarkContract):
    def variants(self) -> Sequence[tuple[Benchmark, Benchmark]]:
        plain = ReasoningGym(family="products")
        return [
            (plain, ReasoningGym(family="chain_sum")),
            (plain, ReasoningGym(family="products", config=ONE_DIGIT)),
            (plain, ReasoningGym(family="products", seed=1)),
        ]


class TestProducts(Contract):
    @pytest.fixture
    def benchmark(self) -> ReasoningGym:
        return ReasoningGym(family="products", config=ONE_DIGIT, seed=3)

    def gold_reply(self, item: Item) -> str:
        return f"In 2 steps: the answer is **{item.target.reference['answer']}.0**."

    def wrong_reply(self, item: Item) -> str:
        # It holds the right digits, for which the library gives part of the score.
        return f"The answer is 1{item.target.reference['answer']}"


class TestSyllogism(Contract):
    @pytest.fixture
    def benchmark(self) -> ReasoningGym:
        return ReasoningGym(family="syllogism", seed=3)

    def gold_reply(self, item: Item) -> str:
        return f"Let me think.\n\nThe answer is **{item.target.reference['answer'].lower()}**."

    def wrong_reply(self, item: Item) -> str:
        return "The answer is No." if item.target.reference["answer"] == "Yes" else "Answer: yes"


def gold(item: Item) -> str:
    return str(item.target.reference["answer"])


def scored(family: str, wording: str, **config: Any) -> Score:
    """The score of the first question's own answer, worded as `wording` says."""
    benchmark = ReasoningGym(family=family, config=config)
    (item,) = benchmark.load(1)
    return benchmark.score(wording.replace("{}", gold(item)), item.target)


# One family of each kind: numbers, names, lists, grids, expressions, letters.
FAMILIES = [
    *("chain_sum", "gsm_symbolic", "letter_counting", "power_function", "decimal_arithmetic"),
    *("needle_haystack", "family_relationships", "calendar_arithmetic", "knights_knaves"),
    *("number_sorting", "group_anagrams", "word_sorting", "bitwise_arithmetic"),
    *("rotate_matrix", "n_queens", "mini_sudoku", "binary_matrix", "spiral_matrix"),
    *("countdown", "puzzle24", "simple_integration", "fraction_simplification", "dice"),
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("wording", ["{}", "Sure!\n\n<answer>\n{}\n</answer>", "Answer:\n\n{}"])
def test_the_right_answer_scores_1_in_each_wording(family: str, wording: str) -> None:
    assert scored(family, wording).value == 1.0


def test_a_right_name_among_words_is_found() -> None:
    assert scored("needle_haystack", "After much reading: the answer is **{}**.").value == 1.0


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("products", "number"),
        ("gsm_symbolic", "number"),
        ("base_conversion", "text"),  # only some of its answers are numbers
        ("fraction_simplification", "text"),  # a number would reduce the fraction for the model
        ("graph_color", "text"),  # it publishes no answer
    ],
)
def test_the_kind_of_answer_is_one_for_the_family(family: str, kind: str) -> None:
    loaded = ReasoningGym(family=family).load(20)
    assert {item.question.answer_kind for item in loaded} == {kind}


def test_part_of_the_score_is_kept_for_words_only() -> None:
    half = scored("rotate_matrix", "{} 1")
    assert 0 < half.value < 1
    assert scored("products", "{}1").value == 0.0


def test_a_verifier_that_raises_has_not_accepted() -> None:
    score = scored("prime_factorization", "two times three")
    assert (score.value, score.answer, score.malformed) == (0.0, "two times three", False)


# -- questions


def test_a_small_family_gives_what_there_is() -> None:
    loaded = ReasoningGym(family="products", config=ONE_DIGIT).load(500)
    asked = {item.question.messages[0].content for item in loaded}
    assert len(asked) == len(loaded) == 100


def test_splits_share_no_question() -> None:
    loaded = ReasoningGym(family="products", config=ONE_DIGIT).load(100)
    splits = split(loaded, SplitSizes(search=40, select=20, test=40), seed=0)
    asked = [
        {item.question.messages for item in part}
        for part in (splits.search, splits.select, splits.test)
    ]
    assert len(set.union(*asked)) == sum(map(len, asked)) == 100


@pytest.mark.parametrize("family", ["acre", "gsm_symbolic", "chain_sum"])
def test_a_larger_count_only_adds(family: str) -> None:
    benchmark = ReasoningGym(family=family)
    assert list(benchmark.load(40))[:7] == list(benchmark.load(7))


def test_neighbouring_seeds_share_no_questions() -> None:
    # Handed to the library as they are, seeds 1 and 2 would share 49 of 50.
    one, two = (ReasoningGym(family="products", seed=seed).load(50) for seed in (1, 2))
    assert not {item.question.messages for item in one} & {item.question.messages for item in two}


def test_ids_name_family_config_seed_and_place() -> None:
    plain, eased = (
        ReasoningGym(family="products"),
        ReasoningGym(family="products", config=ONE_DIGIT),
    )
    assert plain.load(2)[1].question.id == "products/44136fa3/0/1"
    assert eased.load(1)[0].question.id != plain.load(1)[0].question.id


def test_the_question_is_asked_word_for_word() -> None:
    (item,) = ReasoningGym(family="countdown").load(1)
    assert [message.role for message in item.question.messages] == ["user"]
    assert item.question.messages[0].content == item.target.reference["question"]
    assert item.question.metadata == {"family": "countdown"}


def test_items_are_the_same_in_every_process() -> None:
    script = (
        "from archsearch.benchmarks.reasoning_gym import ReasoningGym as R\n"
        "from archsearch.seeds import digest\n"
        "for family in ('products', 'needle_haystack', 'syllogism', 'rotate_matrix'):\n"
        "    for item in R(family=family).load(30):\n"
        "        entry = item.target.reference\n"
        "        print(digest([item.question.id, entry['question'], entry['answer']]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    (output,) = outputs
    assert len(output.split()) == 120


# -- what is refused


@pytest.mark.skipif(not sys.flags.hash_randomization, reason="the hash seed is settled")
@pytest.mark.parametrize("family", sorted(HASH_ORDERED))
def test_a_family_that_hangs_on_the_hash_seed_is_refused(family: str) -> None:
    with pytest.raises(ConfigError, match=f"'{family}' depend on the hash seed; .*HASHSEED=0"):
        ReasoningGym(family=family).load(1)


def test_an_unknown_family_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="family 'prodcuts'; did you mean 'products'"):
        ReasoningGym(family="prodcuts").load(1)


@pytest.mark.parametrize(
    "config", [{"min_digitz": 1}, {"min_digits": "a"}, {"min_digits": 3, "max_digits": 2}]
)
def test_options_that_do_not_suit_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"config must suit reasoning_gym's 'products'; received"):
        ReasoningGym(family="products", config=config).load(1)


@pytest.mark.parametrize("option", ["seed", "size"])
def test_seed_and_size_are_not_options(option: str) -> None:
    with pytest.raises(ConfigError, match="must leave out `seed` and `size`; set `seed` beside"):
        ReasoningGym(family="products", config={option: 3}).load(1)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", None)
    reasoning_gym._source.cache_clear()
    with pytest.raises(MissingExtra, match=r"pip install 'archsearch\[benchmarks\]'"):
        ReasoningGym(family="products", seed=99).load(1)


# -- replies that would be run as code

ATTACKS = [
    "__import__('os').mkdir('{}')",
    "[__import__('os').mkdir('{}')]",
    "exec('import os; os.mkdir(\\'{}\\')')",
    "(lambda: __import__('os').mkdir('{}'))()",
    "[__import__('os').mkdir('{}') for _ in 'a']",
    "sqrt(__import__('os').mkdir('{}') or 4)",
]


@pytest.mark.parametrize("family", sorted((EVALUATED | SYMBOLIC) - HASH_ORDERED))
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_reply_is_never_run(family: str, attack: str, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    reply = attack.replace("{}", str(trap))
    score = scored(family, f"The answer is {reply}")
    assert not trap.exists()
    assert (score.value, score.malformed) == (0.0, True)


def test_the_attacks_are_real(tmp_path: Path) -> None:
    for place, attack in enumerate(ATTACKS):
        trap = tmp_path / str(place)
        eval(attack.replace("{}", str(trap)), {"sqrt": abs})  # noqa: S307 - as a verifier would
        assert trap.exists()


@pytest.mark.parametrize(
    "bomb",
    [
        "9**9**9**9",
        "(9**99)**99**99",
        "((9**99)**99)**99",
        "9**(99*99*99)",
        "9**9999999",
        "99999999!",
        "'a'*99999999",
        "1<<99999999",
        "factorial(99999999)",
        "(" * 900 + ")" * 900,
        "+".join("1" * 2000),
        "2**x.__class__",
    ],
)
def test_a_bomb_is_not_handed_to_sympy(bomb: str) -> None:
    assert not reasoning_gym._is_arithmetic(bomb)


@pytest.mark.parametrize(
    "expression",
    [
        "40*(94 - 90) + 83 - 74",
        "-x**9 + 7*x**7 + 9*x**4/2 + C",
        "x*asin(3*x) + sqrt(1 - 9*x**2)/3 + C",
        "(x**2 + 1)**(3/2)/3",
        "exp(-2*x)*log(x)**2",
        "2.5*x",
    ],
)
def test_mathematics_is_handed_on(expression: str) -> None:
    assert reasoning_gym._is_arithmetic(expression)


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
@pytest.mark.parametrize("family", ["countdown", "n_queens", "prime_factorization", "pool_matrix"])
def test_any_text_gives_a_score(family: str, reply: str) -> None:
    score = scored(family, reply.replace("{}", ""))
    assert 0.0 <= score.value < 1.0
    assert score.malformed == (score.answer is None)


WITHOUT_PYCOSAT = """
import sys
from importlib.machinery import PathFinder

class Hidden(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "pycosat" else PathFinder.find_spec(name, path, target)

sys.meta_path = [Hidden if finder is PathFinder else finder for finder in sys.meta_path]
from archsearch.benchmark import BENCHMARKS
from archsearch.errors import UnknownName

for _ in range(2):
    assert BENCHMARKS.parse({"name": "reasoning_gym", "family": "products"}, where="").load(3)
    try:
        BENCHMARKS.parse({"name": "reasoning_gym", "family": "zebra_puzzles"}, where="").load(3)
    except (UnknownName, ValueError) as error:
        assert "zebra_puzzles" in str(error)
    else:
        raise AssertionError("zebra_puzzles cannot work here")
"""


def test_all_families_but_one_do_without_what_must_be_compiled():
    subprocess.run([sys.executable, "-c", WITHOUT_PYCOSAT], check=True)


ONE_AFTER_ANOTHER = """
import sys
from archsearch.benchmark import BENCHMARKS
from archsearch.errors import UnknownName

def load(family):
    return BENCHMARKS.parse({"name": "reasoning_gym", "family": family}, where="").load(2)

assert load("products")
for module in list(sys.modules.values()):
    hasattr(module, "__file__")  # as whoever lists all modules does; that must not load one
assert not {"sympy", "matplotlib"} & sys.modules.keys()
for family in ("simple_equations", "figlet_font", "mini_sudoku", "advanced_geometry"):
    assert len(load(family)) == 2, family
try:
    load("mini_sudokku")
except UnknownName as error:
    assert "mini_sudoku" in str(error)
"""


def test_a_family_loads_no_more_of_the_library_than_it_needs():
    subprocess.run([sys.executable, "-c", ONE_AFTER_ANOTHER], check=True)

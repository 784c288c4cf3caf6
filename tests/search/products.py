"""One-digit products as a third party's benchmark, quick to import in every worker."""

import re
import sys
from contextlib import contextmanager
from itertools import islice, product
from pathlib import Path
from typing import Literal

from archsearch.benchmark import BENCHMARKS, Benchmark, Item
from archsearch.types import Message, Question, Score, Target

ROOT = Path(__file__).parents[2]


class Products(Benchmark):
    """`3 * 4`."""

    name: Literal["products"] = "products"

    def load(self, count):
        return [item(a, b) for a, b in islice(product(range(1, 10), repeat=2), count)]

    def score(self, text, target):
        numbers = re.findall(r"\d+", text)
        return Score(value=float(bool(numbers) and numbers[-1] == target.reference))


def item(a, b):
    message = Message(role="user", content=f"How much is {a} * {b}?")
    return Item(
        question=Question(id=f"{a}{b}", messages=(message,), answer_kind="number"),
        target=Target(question_id=f"{a}{b}", reference=str(a * b)),
    )


@contextmanager
def installed(folder, patch):
    """The benchmark can be named, here and in the processes that are started."""
    told = folder / "products-0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: products\nVersion: 0\n")
    (told / "entry_points.txt").write_text(
        "[archsearch.benchmarks]\nproducts = tests.search.products:Products\n"
    )
    patch.setenv("PYTHONPATH", ":".join([str(folder), str(ROOT), *sys.path[1:]]))
    patch.syspath_prepend(folder)
    BENCHMARKS.forget()
    yield
    BENCHMARKS.forget()

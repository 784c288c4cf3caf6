"""Small studies for tests: one-digit products, and a model that knows them more or less."""

import re
from typing import Any, Literal

from pydantic import Field

from archsearch.models.base import ModelConfig
from archsearch.models.scripted import Scripted
from archsearch.registry import validate
from archsearch.search.config import StudyConfig
from archsearch.seeds import seed_of

PRODUCTS = {
    "name": "reasoning_gym",
    "family": "products",
    "config": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1},
}
CAPS = {"max_tokens": 16, "max_prompt_tokens": 400}
SPACE = {
    "name": "small",
    "rules": ["ends_with_one"],
    "layers": [
        {
            "choose": {
                "one": [
                    {
                        "type": "generator",
                        "model": "m",
                        "temperature": {"choose": [0.0, 0.5, 1.0]},
                        "style": {"choose": ["plain", "direct"]},
                        **CAPS,
                    }
                ],
                "several": [
                    {
                        "type": "generator",
                        "model": "m",
                        "temperature": {"choose": [0.5, 1.0]},
                        "style": {"choose": ["plain", "direct"]},
                        "samples": {"choose": [2, 4, 8]},
                        **CAPS,
                    },
                    {
                        "choose": {
                            "vote": [{"type": "vote"}],
                            "rank": [{"type": "ranker", "model": "m", **CAPS}],
                            "fuse": [{"type": "fuser", "model": "m", **CAPS}],
                        },
                        "name": "join",
                    },
                ],
            },
            "name": "shape",
        }
    ],
}


def multiply(request: Any, seed: int) -> str:
    """Right on two thirds of the samples when warm, always wrong on a fifth of the questions."""
    asked = re.search(r"(\d) \* (\d)", request.messages[-1].content)
    if not asked:
        return "I see no product."
    a, b = map(int, asked.groups())
    hard = seed_of([a, b]) % 5 == 0
    lucky = seed_of([a, b, seed]) % 3 > 0
    return f"The answer is {a * b if lucky and not hard else a + b + seed % 7}."


class Multiplier(ModelConfig):
    """A back-end of the tests' own; `fault` may be put on the class."""

    backend: Literal["multiplier"] = "multiplier"
    latency: Any = Field(default=0.0, exclude=True)

    fault: Any = Field(default=None, exclude=True)

    async def open(self) -> Scripted:
        return Scripted(multiply, latency=self.latency, fault=self.fault, identity="multiplier")


class Marker(ModelConfig):
    """A reward model, which is right about products."""

    backend: Literal["marker"] = "marker"

    @property
    def writes(self) -> bool:
        return False

    async def open(self) -> Scripted:
        return Scripted(multiply, score=_mark, identity="marker")


def _mark(request: Any) -> float:
    a, b = map(int, re.search(r"(\d) \* (\d)", request.messages[-2].content).groups())
    return float(f"is {a * b}." in request.messages[-1].content)


def study(**changes: Any) -> StudyConfig:
    """The small study, with top-level entries replaced."""
    data: dict[str, Any] = {
        "name": "small",
        "space": SPACE,
        "models": {"m": Multiplier()},
        "benchmark": PRODUCTS,
        "splits": {"search": 20, "select": 10, "test": 30},
        "budget": {"per_question": {"flops": 3.9e7}},
        "search": {"trials": 12, "in_flight": 3},
        "baselines": {"styles": ["direct"], "max_samples": 16, **CAPS},
    }
    return validate(StudyConfig, {**data, **changes}, where="test study")

"""Costs are compared in one unit throughout a study, which is known of all its models."""

import asyncio

import pytest

from archsearch.budget import Limits
from archsearch.cost import Tariff
from archsearch.meter import Meter
from archsearch.models.base import Price
from archsearch.models.scripted import SHAPE, Scripted
from archsearch.search.config import Budget
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.search.unit import Unit
from archsearch.types import Measured
from tests.search.studies import Multiplier, multiply, study

SHAPED, PRICED = Tariff(shape=SHAPE), Tariff(price=Price(prompt=1, completion=1))
BOTH = Tariff(shape=SHAPE, price=Price(prompt=1, completion=1))


@pytest.mark.parametrize(
    ("per_question", "whole", "tariffs", "unit"),
    [
        ({}, {}, [SHAPED, BOTH], "FLOPs"),
        ({}, {}, [SHAPED, PRICED], "tokens"),
        ({}, {}, [BOTH, PRICED], "dollars"),
        ({"dollars": 1}, {}, [BOTH], "dollars"),
        ({}, {"dollars": 1}, [BOTH], "dollars"),
        ({"dollars": 1}, {"flops": 1}, [BOTH], "FLOPs"),
        ({"tokens": 1}, {}, [SHAPED], "FLOPs"),
        ({"tokens": 1}, {}, [Tariff()], "tokens"),
    ],
)
def test_it_is_what_is_capped_or_else_known_of_all(per_question, whole, tariffs, unit):
    budget = Budget(per_question=Limits(**per_question), study=Limits(**whole))
    assert Unit.common(budget, tariffs) == unit


@pytest.mark.parametrize("unit", Unit)
def test_a_cap_at_an_amount_is_passed_by_more(unit):
    amounts = {"flops": 30.0, "dollars": 2.0, "prompt_tokens": 5, "completion_tokens": 4}
    cost = Measured(**amounts)
    assert unit.of(cost) == {"FLOPs": 30.0, "dollars": 2.0, "tokens": 9}[unit]
    assert unit.cap(unit.of(cost)).over(cost) == 0
    assert unit.cap(0.99 * unit.of(cost)).over(cost) > 0
    assert unit.cap(0.0).over(Measured()) <= 0 < unit.cap(0.0).over(cost)


class Unshaped(Multiplier):
    """Of which only tokens, and a price, are known."""

    async def open(self):
        return Scripted(multiply, identity="unshaped", shape=None)


def run(tmp_path, **changes):
    return asyncio.run(search(study(**changes), tmp_path, Progress(), Meter()))


@pytest.mark.parametrize(
    ("price", "caps", "unit"),
    [
        (None, {"tokens": 200}, "tokens"),
        (Price(prompt=10, completion=30), {"dollars": 0.005}, "dollars"),
    ],
)
def test_the_front_is_one_of_score_and_cost_where_flops_are_unknown(tmp_path, price, caps, unit):
    report = run(
        tmp_path,
        models={"m": Unshaped(price=price)},
        budget={"per_question": caps},
        search={"trials": 12, "in_flight": 3, "objective": "pareto", "racing": {"risk": 0}},
    )
    by_number = {trial["number"]: trial for trial in report["trials"]}
    front = [by_number[number] for number in report["front"]]
    assert len(front) > 1
    costs = [trial["cost_per_question"] for trial in front]
    assert costs == sorted(costs)
    assert min(costs) == min(
        t["cost_per_question"] for t in report["trials"] if t["state"] == "complete"
    )
    assert report["cost_unit"] == unit
    assert report["baselines"][1]["name"] == f"self-consistency at equal {unit}"

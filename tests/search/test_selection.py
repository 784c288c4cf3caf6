"""The decisions of selection, apart from the search around them."""

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.benchmark import Splits
from archsearch.budget import Account
from archsearch.cost import Tariff
from archsearch.errors import BudgetExhausted
from archsearch.evaluate import Evaluation, Outcome
from archsearch.ledger import Ledger
from archsearch.search.progress import Progress
from archsearch.search.racing import RISK, overtaking
from archsearch.search.reserve import Reserve
from archsearch.search.selection import remaining, select
from archsearch.search.unit import Unit
from archsearch.types import Measured, Score
from tests.search.studies import study
from tests.search.test_racing import incumbent

ROWS = st.integers(1, 20).flatmap(
    lambda n: st.lists(
        st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=n, max_size=n), min_size=1
    )
)


def by_id(row):
    return {str(at): float(score) for at, score in enumerate(row)}


@given(ROWS, st.integers(0, 100))
def test_the_leader_stays_and_those_who_stay_may_overtake(rows, more):
    scores = [by_id(row) for row in rows]
    questions = len(rows[0]) + more
    stay = remaining(scores, questions=questions)
    sums = [sum(row) for row in rows]
    assert sums[stay[0]] == max(sums)
    assert [sums[at] for at in stay] == sorted((sums[at] for at in stay), reverse=True)
    for at in range(len(rows)):
        chance = overtaking(scores[at], scores[stay[0]], questions=questions)
        assert (at in stay) == (at == stay[0] or chance >= RISK)


def test_of_equals_the_first_leads():
    assert remaining([by_id([1, 0]), by_id([0, 1])], questions=100)[0] == 0


def test_only_the_leader_stays_at_the_end():
    rows = [by_id([1, 1, 0]), by_id([1, 1, 1]), by_id([1, 1, 1])]
    assert remaining(rows, questions=3) == [1]


def test_questions_without_a_score_are_left_out_of_the_comparison():
    """The leader's question that failed for the other, and the other way round."""
    leader, other = by_id([1] * 10) | {"x": 1.0}, by_id([1] * 9 + [0]) | {"y": 1.0}
    assert remaining([leader, other], questions=30) == [0, 1]
    assert remaining([leader, by_id([0] * 10) | {"y": 1.0}], questions=30) == [0]


def test_more_questions_to_come_keep_more_in_the_race():
    rng = np.random.default_rng(0)
    scores = [by_id(rng.random(50) < share) for share in (0.7, 0.65, 0.6, 0.5, 0.4)]
    stay = [len(remaining(scores, questions=questions)) for questions in (50, 60, 100, 1000)]
    assert stay == sorted(stay)
    assert stay[0] == 1 < stay[-1]


# -- a whole selection

SIZE = {"search": 20, "select": 40, "test": 20}


class Scripted:
    """A study whose trials have these scores on search and select questions, and whose budget pays
    for so many select questions."""

    def __init__(self, rows, affordable, *, cap=None, ledger=None):
        self.rows, self.affordable, self.ledger = rows, affordable, ledger
        budget = {"study": {"flops": cap}} if cap else {}
        self.config, self.progress = study(splits=SIZE, budget=budget), Progress()
        self.account = Account(self.config.budget.study)
        self.unit = Unit.FLOPS
        self.reserve = Reserve(config=self.config, tariffs={"m": Tariff()}, unit=self.unit)
        self.splits = Splits(search=tuple(range(20)), select=tuple(range(40)), test=())
        self.trials = [self._trial(number, row) for number, row in enumerate(rows)]

    def _trial(self, number, row):
        trial = incumbent(row[: SIZE["search"]], number)
        layer = {"type": "generator", "model": "m", "max_tokens": number + 1}
        trial.architecture = Architecture.parse([layer])
        return trial

    async def verdict_on(self, architecture, items):
        if self.affordable < len(items):
            raise BudgetExhausted("the cap is reached")
        self.affordable -= len(items)
        number = [trial.architecture for trial in self.trials].index(architecture)
        scores = self.rows[number][SIZE["search"] :]
        return Evaluation(
            outcomes=tuple(
                Outcome(question_id=f"s{item}", result=Score(value=scores[item])) for item in items
            )
        )


def selected(rows, affordable):
    scripted = Scripted(rows, affordable)
    return asyncio.run(select(scripted.trials, scripted))


def test_the_best_of_both_splits_wins_whoever_led_the_search():
    rows = [[1.0] * 16 + [0.0] * 24 + [1.0] * 20, [1.0] * 15 + [0.0] * 5 + [1.0] * 40]
    finalists = selected(rows, affordable=80)
    assert [finalist.trial.number for finalist in finalists] == [1, 0]
    assert len(finalists[0].select.outcomes) == len(finalists[1].select.outcomes) < 40


def test_who_falls_behind_leaves_and_the_others_go_on():
    level = [1.0, 0.0] * 30
    finalists = selected([level, [1.0] * 11 + [0.0] * 49, level[::-1]], affordable=1000)
    assert [finalist.trial.number for finalist in finalists] == [0, 2, 1]
    asked = [len(finalist.select.outcomes) for finalist in finalists]
    assert asked[0] == asked[1] == 40 > asked[2]


def test_the_hopeless_are_not_asked_again():
    rows = [[1.0] * 60, [0.0] * 20 + [1.0] * 40]
    (finalist,) = selected(rows, affordable=0)
    assert not finalist.select.outcomes


def test_where_the_budget_ends_the_leader_of_the_last_whole_block_is_named():
    """One more block would have turned it round."""
    level = [1.0, 0.0] * 10
    rows = [level + [1.0] + [0.0] * 39, level[::-1] + [0.0] * 10 + [1.0] * 30]
    ends = {affordable: selected(rows, affordable) for affordable in (80, 39, 20, 19)}
    named = {affordable: found[0].trial.number for affordable, found in ends.items()}
    assert named == {80: 1, 39: 0, 20: 0, 19: 0}
    asked = {affordable: len(found[0].select.outcomes) for affordable, found in ends.items()}
    assert asked[39] == asked[20] == 10
    assert asked[19] == 0


def test_one_that_the_budget_cannot_test_gives_way_for_good(tmp_path):
    """Also in a resumed run, which has paid for more; unless none can be tested."""
    rows = [[1.0] * 60, [1.0] * 18 + [0.0] * 42]
    with Ledger(tmp_path) as ledger:
        for spent in (0, 300):
            scripted = Scripted(rows, 0, cap=1000, ledger=ledger)
            scripted.trials[0].evaluation = incumbent(rows[0][:20], flops=100.0).scored
            scripted.account.charge({"test": Measured(flops=spent)})
            (named,) = asyncio.run(select(scripted.trials, scripted))
            assert named.trial.number == 1
            assert "no room for its test" in scripted.trials[0].reason
        larger = Scripted(rows, 0, cap=1, ledger=ledger)
        (named,) = asyncio.run(select(larger.trials, larger))
        assert named.trial.number == 0

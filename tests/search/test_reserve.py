"""What a search keeps for its end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.cost import Tariff, Used, measured
from archsearch.evaluate import Evaluation, Outcome
from archsearch.search.baselines import Baseline
from archsearch.search.reserve import MARGIN, SHARE, Reserve, planned_questions
from archsearch.search.trial import State, Trial
from archsearch.search.unit import Unit
from archsearch.types import Score, UpperBound
from tests.search.studies import study

SEARCH, TEST = 20, 30
PROMPT, LENGTH = 5, 3
TARIFFS = {"m": Tariff()}
CONFIG = study(budget={"study": {"tokens": 1e6}})
RESERVE = Reserve(config=CONFIG, tariffs=TARIFFS, unit=Unit.TOKENS)


def call(role, samples, prompt="p"):
    return Used(
        role=role,
        model="m",
        prompt=prompt,
        prompt_tokens=PROMPT,
        completion_tokens=(LENGTH,) * samples,
    )


def trial(number, *used, right=SEARCH, kind=None):
    """One that answered the first `right` questions, and used the same on each."""
    outcomes = [
        Outcome(
            question_id=str(at),
            result=Score(value=float(at < right)),
            used=used,
            cost=measured(used, TARIFFS),
        )
        for at in range(SEARCH)
    ]
    return Trial(
        number=number,
        origin="baseline" if kind else "sampler",
        baseline=Baseline(kind=kind, model="m", style="direct") if kind else None,
        params=None,
        architecture=None,
        state=State.COMPLETE,
        evaluation=Evaluation(outcomes=tuple(outcomes)),
        upper=UpperBound(completion_tokens=100),
    )


SINGLE = trial(0, call("greedy", 1), right=5, kind="single call")
VOTE = trial(1, call("warm", 8), right=10, kind="self-consistency")


def tokens(cost):
    return cost.prompt_tokens + cost.completion_tokens


def per_question(winner, *trials):
    found = RESERVE.for_test(winner, [winner, *trials])
    return (tokens(found) - 100) / MARGIN / TEST


def test_samples_that_the_winner_and_its_rivals_share_are_kept_for_once():
    alone = tokens(SINGLE.scored.cost) + tokens(VOTE.scored.cost)
    # One prompt is prefilled once, whatever is sampled after it.
    assert per_question(VOTE, SINGLE) == pytest.approx(alone - PROMPT)
    longer = trial(2, call("warm", 12))
    assert per_question(longer, SINGLE, VOTE) == pytest.approx(alone - PROMPT + 4 * LENGTH)
    other = trial(2, call("warmer", 8, prompt="q"))
    together = alone - PROMPT + tokens(other.scored.cost)
    assert per_question(other, SINGLE, VOTE) == pytest.approx(together)


def test_a_rival_is_tested_at_the_cost_of_the_winner():
    cheap = trial(2, call("own", 1, prompt="q"))
    assert per_question(cheap, VOTE, SINGLE) < per_question(cheap, SINGLE) + 4 * LENGTH


def test_a_baseline_that_nobody_scored_is_kept_for_like_the_winner():
    own = trial(2, call("own", 4))
    assert per_question(own) == pytest.approx(3 * tokens(own.scored.cost))


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 5), st.sampled_from("pq")),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 9),
)
def test_what_is_kept_is_no_less_than_each_and_no_more_than_all(calls, samples):
    """A prompt asked twice on one walk is answered by other samples each time."""
    winner = trial(2, *(call(*one) for one in calls))
    baselines = [trial(0, call("a", 1), kind="single call")]
    baselines.append(trial(1, call("b", samples), kind="self-consistency"))
    costs = [tokens(one.scored.cost) for one in (winner, *baselines)]
    kept = per_question(winner, *baselines)
    assert costs[0] - 1e-9 <= kept <= sum(costs) + 1e-9


def test_the_costliest_of_those_that_may_win_decides():
    good = trial(2, call("own", 4), right=15)
    close = trial(3, call("own", 6), right=15)
    hopeless = trial(4, call("own", 40), right=2)
    trials = [SINGLE, VOTE, good, close, hopeless]
    again = planned_questions(CONFIG, passes=1, tested=0)
    selection = close.scored.cost.scaled(MARGIN * again)
    expected = RESERVE.for_test(close, trials).beside(selection)
    assert RESERVE.kept(trials, passes=1) == expected


def test_a_share_is_kept_while_nothing_is_complete():
    paused = replace(VOTE, state=State.PAUSED)
    for trials in ([], [paused]):
        kept = RESERVE.kept(trials, passes=2)
        assert tokens(kept) == pytest.approx(SHARE * 1e6)
    cap = study(budget={"per_question": {"tokens": 100}, "study": {"tokens": 1e6}})
    assert tokens(replace(RESERVE, config=cap).kept([], passes=0)) == 100 * planned_questions(
        cap, passes=0
    )

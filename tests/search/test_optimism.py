"""How much a search score flatters the winner, in studies whose truth is known."""

import numpy as np
import pytest
from scipy.stats import norm

from archsearch.search.optimism import optimism, table_of
from tests.search.test_racing import incumbent

TRIALS, SEARCH, SELECT = 40, 80, 40


def estimates(accuracies, *, studies=120, common=0.6, raced=0):
    """What is estimated and what is true, in points, where the best of five pooled means wins."""
    rng = np.random.default_rng(0)
    told, true = [], []
    for _ in range(studies):
        truth = accuracies(rng)
        luck = np.sqrt(common) * rng.standard_normal(SEARCH + SELECT)
        luck = luck + np.sqrt(1 - common) * rng.standard_normal((TRIALS, SEARCH + SELECT))
        scores = (luck < norm.ppf(truth)[:, None]).astype(float)
        means = scores[:, :SEARCH].mean(axis=1)
        five = np.argsort(-means)[:5]
        winner = five[scores[five].mean(axis=1).argmax()]
        table = scores[:, :SEARCH].copy()
        table[np.argsort(means)[:raced], SEARCH // 2 :] = np.nan
        worths = np.where(np.isnan(table).any(axis=1), np.nanmean(table, axis=1), means)
        told.append(
            optimism(
                table,
                worths,
                winner=winner,
                pooled=float(scores[winner].mean()),
                questions=SEARCH + SELECT,
            )
        )
        true.append(means[winner] - truth[winner])
    return 100 * np.mean(told), 100 * np.mean(true)


@pytest.mark.parametrize("raced", [0, 20])
@pytest.mark.parametrize(
    ("accuracies", "least"),
    [
        (lambda rng: 0.6 + 0.08 * rng.standard_normal(TRIALS), 1),
        (lambda rng: 0.95 - 0.06 * rng.exponential(size=TRIALS).clip(0, 8), 1),
        (lambda rng: np.full(TRIALS, 0.6), 5),
    ],
    ids=["spread", "near one", "all alike"],
)
def test_the_estimate_is_near_the_truth(accuracies, least, raced):
    told, true = estimates(accuracies, raced=raced)
    # All alike is what no estimate sees whole: it would have to rule out any true difference.
    assert true > least
    assert told == pytest.approx(true, abs=max(1.2, 0.35 * true))


def test_a_single_architecture_was_not_chosen():
    table = np.random.default_rng(0).integers(0, 2, (1, 50)).astype(float)
    mean = table.mean()
    assert optimism(table, np.array([mean]), winner=0, pooled=mean, questions=50) == pytest.approx(
        0
    )


def test_a_winner_that_holds_on_fresh_questions_is_flattered_less():
    rng = np.random.default_rng(1)
    table = (rng.random((30, 60)) < 0.5).astype(float)
    means = table.mean(axis=1)
    winner = int(means.argmax())
    confirmed, refuted = (
        optimism(table, means, winner=winner, pooled=pooled, questions=120)
        for pooled in (means[winner], means[winner] - 0.1)
    )
    assert confirmed < refuted


def test_the_table_has_a_row_for_each_trial_and_no_score_where_none_was_asked():
    whole, part = incumbent([1.0, 0.0, 0.5]), incumbent([1.0], number=1)
    table = table_of([whole, part], ["0", "1", "2"])
    assert np.array_equal(table, [[1, 0, 0.5], [1, np.nan, np.nan]], equal_nan=True)

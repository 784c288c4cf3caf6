"""Intervals against published values, laws, scipy, and their own coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from archsearch import stats
from archsearch.errors import ConfigError
from archsearch.stats import Floats, Interval, mcnemar_exact, mean_interval, paired_difference

BINARY = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=60)
GRADED = st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=1, max_size=40)
PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1)
Z = NormalDist().inv_cdf(0.975)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def share(successes: int, n: int, confidence: float = 0.95) -> Interval:
    scores = [1.0] * successes + [0.0] * (n - successes)
    return mean_interval(scores, rng=rng(), confidence=confidence)


def paired(wins: int, losses: int, n: int, confidence: float = 0.95) -> Interval:
    ties = n - wins - losses
    a = [1.0] * wins + [0.0] * losses + [1.0] * ties
    b = [0.0] * wins + [1.0] * losses + [1.0] * ties
    return paired_difference(a, b, rng=rng(), confidence=confidence)


# -- a standard error


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=40))
def test_a_standard_error_tells_how_far_off_a_mean_is(scores: list[float]) -> None:
    """It is the usual one but for two further scores, and never 0."""
    n = len(scores)
    usual = float(np.var(scores)) / n
    assert stats.standard_error(scores) ** 2 == pytest.approx(
        (usual * n + 2 * 0.25 / n) / (n + 2), abs=1e-12
    )
    assert stats.standard_error(scores * 4) < stats.standard_error(scores)


# -- a mean of 0/1 scores


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", Statistics in
    # Medicine 17:857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published(successes: int, n: int, low: float, high: float) -> None:
    interval = share(successes, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)
    assert interval.value == successes / n


@settings(deadline=None)
@given(BINARY, st.floats(0.5, 0.999))
def test_wilson_is_scipys(scores: list[float], confidence: float) -> None:
    interval = mean_interval(scores, rng=rng(), confidence=confidence)
    test = reference.binomtest(int(sum(scores)), len(scores))
    expected = test.proportion_ci(confidence, method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("p", [0.01, 0.05, 0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [20, 50, 200])
def test_wilson_covers(p: float, n: int) -> None:
    covered = sum(
        reference.binom.pmf(k, n, p)
        for k in range(n + 1)
        if share(k, n).low <= p <= share(k, n).high
    )
    # It has dips near 0 and 1, the price of not being conservative (Brown, Cai & DasGupta 2001).
    assert covered >= (0.92 if 0.05 <= p <= 0.95 else 0.86)


# -- a difference of 0/1 scores


@pytest.mark.parametrize(
    ("wins", "losses", "n", "low", "high", "places"),
    [
        # Fagerland, Lydersen & Laake 2014, "Recommended tests and confidence intervals for paired
        # binomial proportions", Statistics in Medicine 33:2850: airway hyper-responsiveness before
        # and after transplantation (Bentur et al. 2009).
        (1, 7, 21, -0.517, -0.026, 3),
        # Their second example, complete response (Cavo et al. 2012), as printed by their R package
        # contingencytables.
        (6, 16, 161, -0.1240, -0.0054, 4),
    ],
)
def test_tango_published(
    wins: int, losses: int, n: int, low: float, high: float, places: int
) -> None:
    interval = paired(wins, losses, n)
    assert (round(interval.low, places), round(interval.high, places)) == (low, high)
    assert interval.value == (wins - losses) / n


def test_tango_without_a_difference_is_wilsons_end() -> None:
    interval = paired(0, 0, 50)
    assert interval.high == pytest.approx(share(0, 50).high)
    assert interval.low == pytest.approx(-interval.high)


def test_tango_at_the_ends() -> None:
    assert paired(20, 0, 20).high == 1.0
    assert paired(0, 20, 20).low == -1.0
    assert 0.6 < paired(20, 0, 20).low < 0.8


COUNTS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40))


@settings(deadline=None)
@given(COUNTS)
def test_tango_mirrors_when_the_sides_change(counts: tuple[int, int, int]) -> None:
    wins, losses, _ = counts
    one, other = paired(wins, losses, sum(counts)), paired(losses, wins, sum(counts))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-12)


@settings(deadline=None)
@given(COUNTS)
def test_tango_excludes_0_where_mcnemars_test_rejects(counts: tuple[int, int, int]) -> None:
    wins, losses, _ = counts
    interval = paired(wins, losses, sum(counts))
    rejected = (wins - losses) ** 2 > Z**2 * (wins + losses)
    assert rejected == (not interval.low <= 0 <= interval.high)


SHARES = (
    0,
    0.0025,
    0.005,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
)
SCENARIOS = [(x, y) for x in SHARES for y in SHARES if x >= y and x > 0]


def bonett_price(wins: int, losses: int, n: int) -> Interval:
    """Adjusted Wald: one win and one loss are added (Bonett & Price 2012)."""
    x, y = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    half = Z * ((x + y - (x - y) ** 2) / (n + 2)) ** 0.5
    return Interval((wins - losses) / n, max(-1.0, x - y - half), min(1.0, x - y + half))


def coverage(interval: Callable[[int, int, int], Interval], n: int) -> Floats:
    """Exact coverage in each scenario: summed over all outcomes, nothing is drawn."""
    outcomes = [(w, k) for w in range(n + 1) for k in range(n + 1 - w)]
    counts = np.array([(w, k, n - w - k) for w, k in outcomes])
    ends = np.array([(i.low, i.high) for i in (interval(w, k, n) for w, k in outcomes)])
    covered = []
    for x, y in SCENARIOS:
        chance = reference.multinomial.pmf(counts, n, [x, y, 1 - x - y])
        inside = (ends[:, 0] <= x - y + 1e-12) & (x - y - 1e-12 <= ends[:, 1])
        covered.append(chance[inside].sum())
    return np.array(covered)


@pytest.mark.parametrize(
    ("n", "tango", "rival"),
    [(20, 0.944, 0.928), (50, 0.935, 0.935), (100, 0.933, 0.938)],
)
def test_coverage_of_paired_differences(n: int, tango: float, rival: float) -> None:
    ours, theirs = coverage(paired, n), coverage(bonett_price, n)
    assert (round(ours.min(), 3), round(theirs.min(), 3)) == (tango, rival)
    assert abs(ours - 0.95).mean() < abs(theirs - 0.95).mean()


@pytest.mark.parametrize(("x", "y"), [(0.02, 0.0), (0.05, 0.01), (0.03, 0.03)])
def test_coverage_of_small_differences_at_200(x: float, y: float) -> None:
    most = 40  # of either kind; more have a chance below 1e-12
    covered = 0.0
    for wins in range(most):
        for losses in range(most):
            interval = paired(wins, losses, 200)
            if interval.low <= x - y <= interval.high:
                counts = [wins, losses, 200 - wins - losses]
                covered += reference.multinomial.pmf(counts, 200, [x, y, 1 - x - y])
    assert 0.93 <= covered <= 0.975


# -- graded scores


@pytest.mark.parametrize("scores", [rng(3).beta(1, 4, 60), [0.0] * 8 + [0.05, 0.1, 0.6, 0.9]])
def test_bca_is_scipys(scores: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "FEW", 0)
    monkeypatch.setattr(stats, "RESAMPLES", 200_000)
    ours = mean_interval(scores, rng=rng(1))
    theirs = reference.bootstrap(
        (scores,), np.mean, n_resamples=200_000, method="BCa", rng=rng(2), batch=20_000
    ).confidence_interval
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006 * width)
    lower, upper = ours.value - ours.low, ours.high - ours.value
    assert upper > 1.05 * lower, "skewed to the right, so the upper arm is the longer one"


def test_bca_takes_more_scores_than_fit_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = rng(3).beta(2, 2, 50)
    whole = mean_interval(scores, rng=rng(1))
    monkeypatch.setattr(stats, "_BLOCK", 777)
    assert mean_interval(scores, rng=rng(1)) == whole


def thirds(source: np.random.Generator, n: int) -> Floats:
    return source.choice([0.0, 1 / 3, 1.0], n, p=[0.5, 0.3, 0.2])


def skewed(source: np.random.Generator, n: int) -> Floats:
    return source.beta(1, 4, n)


def rare(source: np.random.Generator, n: int) -> Floats:
    return source.choice([0.0, 0.05, 1.0], n, p=[0.85, 0.1, 0.05])


def rarer(source: np.random.Generator, n: int) -> Floats:
    """A high one among ten, the others low and never 0: not one of a handful is alike."""
    return np.where(source.random(n) < 0.1, 1.0, 0.01 * source.random(n))


def even(source: np.random.Generator, n: int) -> Floats:
    return source.random(n)


def extreme(source: np.random.Generator, n: int) -> Floats:
    return source.beta(0.3, 0.3, n)


def alike(source: np.random.Generator, n: int) -> Floats:
    return 0.6 + 0.02 * (source.random(n) - 0.5)


def repeated(source: np.random.Generator, n: int) -> Floats:
    scores, _ = replicated(source, n, 0.9)
    return scores.reshape(n, 4).mean(axis=1)


@pytest.mark.parametrize(
    ("draw", "mean", "n", "least", "most"),
    [
        (thirds, 0.3, 20, 0.93, 0.99),
        (thirds, 0.3, 100, 0.93, 0.98),
        (skewed, 0.2, 20, 0.93, 1.0),
        (skewed, 0.2, 100, 0.93, 0.97),
        (rare, 0.055, 20, 0.93, 1.0),
        (rare, 0.055, 100, 0.92, 0.98),
        *(
            (draw, mean, n, 0.93, 1.0)
            for draw, mean in [
                (even, 0.5),
                (extreme, 0.5),
                (rarer, 0.1045),
                (alike, 0.6),
                (repeated, 0.9),
            ]
            for n in (2, 3, 5, 10, 40)
        ),
    ],
)
def test_coverage_of_graded_means(
    draw: Callable[[np.random.Generator, int], Floats],
    mean: float,
    n: int,
    least: float,
    most: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stats, "RESAMPLES", 1000)
    source, trials = rng(5), 1000
    intervals = [mean_interval(draw(source, n), rng=source) for _ in range(trials)]
    covered = sum(i.low <= mean <= i.high for i in intervals) / trials
    assert least <= covered <= most


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20, 40])
def test_coverage_of_few_graded_differences(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "RESAMPLES", 1000)
    source, trials, draws = rng(6), 1000, (even, extreme, rare)
    for draw in draws:
        intervals = [
            paired_difference(draw(source, n), draw(source, n), rng=source) for _ in range(trials)
        ]
        assert sum(i.low <= 0 <= i.high for i in intervals) / trials >= 0.93


@settings(deadline=None)
@given(COUNTS)
def test_few_differences_with_the_bounds_are_bonett_and_prices(
    counts: tuple[int, int, int],
) -> None:
    wins, losses, ties = counts
    n = sum(counts)
    difference = np.repeat([1.0, -1.0, 0.0], [wins, losses, ties])
    ours = stats._with_the_bounds(difference, np.ones(n), Z, (-1.0, 1.0))
    theirs = bonett_price(wins, losses, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_few_scores_are_never_surer_than_a_bootstrap_and_no_wider_than_nothing_else_seen() -> None:
    scores = rng(3).random(10)
    few = mean_interval(scores, rng=rng(1))
    alone = stats._bootstrap(scores, np.ones(10), Z, rng(1))
    assert few.low <= alone.low < alone.high <= few.high
    nearly = mean_interval([0.5, *[0.501] * 9], rng=rng())
    equal = mean_interval([0.5] * 10, rng=rng())
    assert nearly.high - nearly.low < equal.high - equal.low


def test_equal_graded_scores_have_an_interval_with_width() -> None:
    interval = mean_interval([0.4] * 30, rng=rng())
    unseen = share(0, 30).high
    assert (interval.value, interval.low, interval.high) == pytest.approx(
        (0.4, 0.4 - 0.4 * unseen, 0.4 + 0.6 * unseen)
    )


def test_equal_graded_differences_have_one_too() -> None:
    same = [0.25, 0.5, 0.75] * 10
    interval, tango = paired_difference(same, same, rng=rng()), paired(0, 0, 30)
    assert (interval.low, interval.high) == pytest.approx((tango.low, tango.high))
    # 0.3 - 0.2 and 0.4 - 0.3 differ in the last bit only.
    shifted = paired_difference([0.3, 0.4], [0.2, 0.3], rng=rng())
    assert shifted.low < 0.1 < shifted.high


def test_a_graded_difference_is_the_mean_of_differences() -> None:
    a, b = rng(1).random(80), rng(2).random(80)
    both = paired_difference(a, b, rng=rng(3))
    assert both.value == pytest.approx(float((a - b).mean()))
    swapped = paired_difference(b, a, rng=rng(3))
    assert (both.low, both.high) == pytest.approx((-swapped.high, -swapped.low), abs=0.02)
    assert both.low < 0 < both.high


# -- scores in clusters


def replicated(
    source: np.random.Generator, questions: int, mean: float, each: int = 4
) -> tuple[Floats, list[int]]:
    """Questions whose own chances vary widely about a mean, asked `each` times."""
    chances = source.beta(2 * mean, 2 * (1 - mean), questions)
    scores = source.random((questions, each)) < chances[:, None]
    return scores.ravel().astype(float), np.repeat(np.arange(questions), each).tolist()


@pytest.mark.parametrize(
    ("questions", "mean", "least", "alone"),
    [(20, 0.5, 0.92, 0.90), (100, 0.5, 0.93, 0.88), (50, 0.1, 0.92, 0.90), (20, 0.95, 0.90, 0.95)],
)
def test_coverage_of_clustered_shares(
    questions: int, mean: float, least: float, alone: float
) -> None:
    source, covered, naive, studies = rng(7), 0, 0, 1500
    for _ in range(studies):
        scores, clusters = replicated(source, questions, mean)
        interval = mean_interval(scores, rng=source, clusters=clusters)
        covered += interval.low <= mean <= interval.high
        interval = mean_interval(scores, rng=source)
        naive += interval.low <= mean <= interval.high
    assert covered / studies >= least
    assert naive / studies < min(alone, covered / studies)


def test_coverage_of_clustered_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "RESAMPLES", 1000)
    source, covered, naive, studies = rng(8), 0, 0, 600
    for _ in range(studies):
        lead = source.choice([-0.4, 0.0, 0.6], 60)  # by question, 0.0667 on average
        difference = [np.clip(0.4 + lead / 2, 0, 1), np.clip(0.4 - lead / 2, 0, 1)]
        a, b = ((source.random((60, 4)) < p[:, None]).astype(float).ravel() for p in difference)
        clusters = np.repeat(np.arange(60), 4).tolist()
        interval = paired_difference(a, b, rng=source, clusters=clusters)
        covered += interval.low <= 0.2 / 3 <= interval.high
        interval = paired_difference(a, b, rng=source)
        naive += interval.low <= 0.2 / 3 <= interval.high
    assert 0.92 <= covered / studies <= 0.98
    assert naive < covered


@settings(max_examples=50, deadline=None)
@given(st.one_of(BINARY, GRADED))
def test_clusters_of_one_change_nothing(scores: list[float]) -> None:
    names = [f"q{at}" for at in range(len(scores))]
    assert mean_interval(scores, rng=rng(), clusters=names) == mean_interval(scores, rng=rng())
    other = scores[::-1]
    assert paired_difference(scores, other, rng=rng(), clusters=names) == paired_difference(
        scores, other, rng=rng()
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.integers(0, 5)), min_size=1, max_size=40))
def test_a_clustered_interval_holds_its_estimate_within_bounds(
    pairs: list[tuple[float, int]],
) -> None:
    scores, clusters = zip(*pairs, strict=True)
    for interval in (
        mean_interval(scores, rng=rng(), clusters=clusters),
        mean_interval([score / 2 for score in scores], rng=rng(), clusters=clusters),
    ):
        assert 0 <= interval.low <= interval.value + 1e-9
        assert interval.value <= interval.high + 1e-9 <= 1 + 2e-9
        assert interval.low < interval.high


def test_repeating_every_score_tells_nothing_new() -> None:
    scores = rng(9).integers(0, 2, 80).astype(float)
    once = mean_interval(scores, rng=rng())
    twice = mean_interval(np.repeat(scores, 2), rng=rng(), clusters=np.repeat(range(80), 2))
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=0.001)
    graded = rng(9).random(80)
    once = mean_interval(graded, rng=rng(1))
    twice = mean_interval(np.repeat(graded, 2), rng=rng(1), clusters=np.repeat(range(80), 2))
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))


def test_clusters_all_right_are_as_many_scores_as_clusters() -> None:
    interval = mean_interval([1.0] * 40, rng=rng(), clusters=[at // 4 for at in range(40)])
    assert interval == mean_interval([1.0] * 10, rng=rng())


def test_each_score_belongs_to_a_cluster() -> None:
    with pytest.raises(ConfigError, match="each score belongs to a cluster; received 2 and 1"):
        mean_interval([1, 0], rng=rng(), clusters=["a"])


# -- what holds for all


@settings(max_examples=50, deadline=None)
@given(st.one_of(BINARY, GRADED))
def test_an_interval_holds_its_estimate_within_bounds(scores: list[float]) -> None:
    interval = mean_interval(scores, rng=rng())
    assert interval.value == pytest.approx(sum(scores) / len(scores))
    assert 0 <= interval.low <= interval.value + 1e-9
    assert interval.value <= interval.high + 1e-9 <= 1 + 2e-9
    assert interval.low < interval.high


@settings(max_examples=50, deadline=None)
@given(PAIRS)
def test_a_difference_holds_its_estimate_within_bounds(pairs: list[tuple[float, float]]) -> None:
    interval = paired_difference([a for a, _ in pairs], [b for _, b in pairs], rng=rng())
    assert -1 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.low < interval.high


@pytest.mark.parametrize("scores", [[0.0, 1.0, 1.0, 0.0], [0.2, 0.5, 0.9, 0.1]])
def test_more_confidence_is_wider(scores: Sequence[float]) -> None:
    intervals = [mean_interval(scores, rng=rng(), confidence=c) for c in (0.5, 0.8, 0.95, 0.99)]
    for narrow, wide in pairwise(intervals):
        assert wide.low < narrow.low
        assert narrow.high < wide.high


def test_the_same_rng_gives_the_same_interval() -> None:
    scores = rng(4).random(stats.FEW)
    assert mean_interval(scores, rng=rng(1)) == mean_interval(scores, rng=rng(1))
    assert mean_interval(scores, rng=rng(1)) != mean_interval(scores, rng=rng(2))


# -- McNemar's test


def test_mcnemar_published() -> None:
    # Fagerland, Lydersen & Laake 2013, "The McNemar test for binary matched-pairs data", BMC
    # Medical Research Methodology 13:91: 1 and 7 pairs that differ. By hand 2 (1 + 8) / 2**8.
    assert mcnemar_exact(1, 7) == 18 / 256


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_sign_test(wins: int, losses: int) -> None:
    p = mcnemar_exact(wins, losses)
    expected = reference.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert p == pytest.approx(expected, rel=1e-9)
    assert p == mcnemar_exact(losses, wins)


def test_mcnemar_takes_counts_beyond_floats() -> None:
    assert mcnemar_exact(20_000, 20_000) == 1.0
    assert mcnemar_exact(0, 20_000) == 0.0


# -- what is refused


@pytest.mark.parametrize("scores", [[], [0.5, 1.1], [-0.1], [float("nan")], [[1.0, 0.0]]])
def test_scores_outside_the_range_are_refused(scores: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"scores must be a row of numbers in \[0, 1\]"):
        mean_interval(scores, rng=rng())
    with pytest.raises(ConfigError, match=r"scores must be a row of numbers in \[0, 1\]"):
        paired_difference(scores, scores, rng=rng())


def test_unpaired_scores_are_refused() -> None:
    with pytest.raises(ConfigError, match="of the same questions; received 2 and 1"):
        paired_difference([1, 0], [1], rng=rng())


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1; received"):
        mean_interval([1, 0], rng=rng(), confidence=confidence)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ConfigError, match="must be counts; received -1 and 2"):
        mcnemar_exact(-1, 2)

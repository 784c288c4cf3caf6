"""Estimates from a pool of samples, against every order of small pools and the layer `vote`."""

import asyncio
from dataclasses import replace
from itertools import permutations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsearch import pool
from archsearch.errors import ConfigError
from archsearch.layers.vote import Vote
from archsearch.pool import best_of_n, majority_vote, pass_at_k
from archsearch.testing.slates import slate_of

SCORE = st.sampled_from([0.0, 0.25, 1.0])
SAMPLES = st.lists(st.tuples(st.sampled_from(["1", "2", "3", None]), SCORE), min_size=1, max_size=6)
RANKED = st.lists(st.tuples(SCORE, st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=6)


def rng(seed=0):
    return np.random.default_rng(seed)


def over_every_order(samples, outcome):
    """Mean of `outcome` over the first n of every order of the pool, for each n."""
    orders = list(permutations(samples))
    return [
        sum(outcome(order[: n + 1]) for order in orders) / len(orders) for n in range(len(samples))
    ]


def first_best(samples):
    return max(samples, key=lambda sample: sample[1])[0]


def voted(samples, weights=None):
    """The score of the sample that our own layer leaves."""
    slate = slate_of([answer or "none" for answer, _ in samples])
    if weights:
        pairs = zip(slate.candidates, weights, strict=True)
        slate = slate.with_candidates(tuple(replace(c, score=weight) for c, weight in pairs))
    layer = Vote(answer="number", weighted=weights is not None)
    (left,) = asyncio.run(layer(slate, Calls())).candidates
    return samples[left.origin.index][1]


class Calls:
    """A vote makes none."""

    path = "1"


# -- equal to the mean over all subsets


@settings(max_examples=60, deadline=None)
@given(RANKED)
def test_best_of_n_is_the_mean_over_every_order(samples):
    scores, keys = zip(*samples, strict=True)
    assert best_of_n(scores, by=keys) == pytest.approx(over_every_order(samples, first_best))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["1", "2", "3", None]), SCORE), min_size=1, max_size=4))
def test_a_vote_is_the_mean_of_the_layer_over_every_order(samples):
    answers, scores = zip(*samples, strict=True)
    expected = over_every_order(samples, voted)
    assert majority_vote(answers, scores, rng=rng()) == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40))
def test_pass_at_k_is_chens(passes):
    size, right = len(passes), int(sum(passes))
    expected = [1 - comb(size - right, k) / comb(size, k) for k in range(1, size + 1)]
    assert pass_at_k(passes) == pytest.approx(expected)


@given(SAMPLES)
def test_all_of_the_pool_is_the_plain_score(samples):
    answers, scores = zip(*samples, strict=True)
    assert pass_at_k(scores)[-1] == max(scores)
    assert majority_vote(answers, scores, rng=rng())[0] == pytest.approx(np.mean(scores))
    said = [answer for answer in answers if answer]
    leaders = [a for a in set(said) if said.count(a) == max(map(said.count, said))] or [None]
    plain = np.mean([np.mean([s for a, s in samples if a == leader]) for leader in leaders])
    assert majority_vote(answers, scores, rng=rng())[-1] == pytest.approx(plain)


def test_random_orders_come_near_the_exact_vote(monkeypatch):
    answers = [*"aaaaabbbbccd", None, None]
    scores = [1.0] * 5 + [0.0] * 4 + [0.5] * 5
    exact = majority_vote(answers, scores, rng=rng())
    monkeypatch.setattr(pool, "EXACT", 0)
    assert majority_vote(answers, scores, rng=rng()) == pytest.approx(exact, abs=0.04)
    with pytest.raises(ConfigError, match=r"less than nothing; got a weight of -1\.0"):
        majority_vote(answers, scores, rng=rng(), weights=[-1.0] * len(answers))
    same = majority_vote(answers, scores, rng=rng(), weights=[2.0] * len(answers))
    assert same == pytest.approx(majority_vote(answers, scores, rng=rng()))


def test_a_weighted_vote_is_the_layers():
    samples, weights = [("1", 1.0), ("2", 0.0), ("2", 0.25), (None, 0.5)], [0.9, 0.3, 0.4, 1.0]
    paired = list(zip(samples, weights, strict=True))
    expected = over_every_order(
        paired, lambda order: voted([s for s, _ in order], [w for _, w in order])
    )
    answers, scores = zip(*samples, strict=True)
    found = majority_vote(answers, scores, rng=rng(), weights=weights)
    assert found == pytest.approx(expected, abs=0.04)


def test_a_large_pool_keeps_its_precision():
    labels = rng().integers(0, 40, pool.EXACT)
    curve = majority_vote(labels.tolist(), (labels == 0).astype(float), rng=rng())
    assert curve[0] == pytest.approx((labels == 0).mean())
    assert ((curve >= 0) & (curve <= 1)).all()


# -- unbiased, and less noisy than the first n


def test_they_are_unbiased_and_vary_less_than_the_first_n():
    """Three answers of chances .45, .35, .2; the vote of 8 from pools of 32."""
    source, n, size, studies = rng(1), 8, 32, 300
    truth = _chance_of_first([0.45, 0.35, 0.2], n)
    whole, prefix = [], []
    for _ in range(studies):
        drawn = source.choice(3, size=size, p=[0.45, 0.35, 0.2])
        right = (drawn == 0).astype(float)
        whole.append(majority_vote(drawn.tolist(), right, rng=source)[n - 1])
        prefix.append(majority_vote(drawn[:n].tolist(), right[:n], rng=source)[-1])
    error = np.std(whole) / studies**0.5
    assert np.mean(whole) == pytest.approx(truth, abs=3.5 * error)
    assert np.var(whole) < 0.3 * np.var(prefix)


def _chance_of_first(shares, n):
    """That the first answer wins n votes, ties by lot: summed over all counts."""
    chance = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            counts = (a, b, n - a - b)
            ways = comb(n, a) * comb(n - a, b)
            if a == max(counts):
                chance += ways * np.prod(np.power(shares, counts)) / counts.count(a)
    return chance


# -- what is refused


@pytest.mark.parametrize("empty", [[], [float("nan")], [[1.0]]])
def test_a_pool_is_a_row_of_numbers(empty):
    with pytest.raises(ConfigError, match="a pool must be a row of numbers, at least one; got"):
        pass_at_k(empty)


def test_each_sample_has_all_its_parts():
    with pytest.raises(ConfigError, match="a score and a rank; got 2 and 1"):
        best_of_n([1, 0], by=[1])
    with pytest.raises(ConfigError, match="each answer has a score; got 1 and 2"):
        majority_vote(["a"], [1, 0], rng=rng())
    with pytest.raises(ConfigError, match="each sample has a weight; got 1 and 2"):
        majority_vote(["a", "b"], [1, 0], rng=rng(), weights=[1])


@pytest.mark.parametrize("size", [1, 10, 20, 49, 64, 128, 200])
def test_no_expected_score_lies_outside_of_the_scores(size):
    """Roundings add up: the interval of a mean refuses what is just above 1."""
    right, labels = [1.0] * size, [at % 7 for at in range(size)]
    for curve in (pass_at_k(right), majority_vote(labels, right, rng=rng())):
        assert curve.min() == curve.max() == 1.0
    curve = pass_at_k([1.0] * (size // 2) + [0.0] * (size - size // 2))
    assert 0 <= curve.min() <= curve.max() <= 1

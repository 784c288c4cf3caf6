"""Pool: what n samples of a question would score, from all N >= n that were drawn of it.

The first n samples of a question are one draw out of many. Where they are exchangeable (drawn alike
and independently) and the layer over them sees no more than their answers and scores, the mean over
all subsets of n is an unbiased estimate too, and of all such estimates the one of least variance
(the U-statistic of Hoeffding 1948). Every function takes the pool of one question in any order and
returns an array of N numbers: the expected score at n = 1, 2, ..., N.

For baselines, curves and analysis; what a search compares are the samples that a user would get.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from archsearch.errors import ConfigError
from archsearch.stats import Floats

EXACT = 128
"""Samples in a pool up to which votes are counted over all subsets, in a fraction of a second."""
ORDERS = 2_000
"""Random orders of the pool that are walked where not all subsets are counted."""


def pass_at_k(passes: Sequence[float] | Floats) -> Floats:
    """The highest of k scores; with scores of 0 and 1 the chance that any of k samples passes.

    For these it is 1 - C(N - c, k) / C(N, k) with c passes (Chen et al. 2021, arXiv 2107.03374,
    equation 1).

    >>> pass_at_k([1, 0, 0, 0]).tolist()
    [0.25, 0.5, 0.75, 1.0]
    """
    return best_of_n(passes, by=passes)


def best_of_n(scores: Sequence[float] | Floats, *, by: Sequence[float] | Floats) -> Floats:
    """The score of the sample that stands highest in `by`; among equals the first drawn.

    The sample with b above it is the best of a subset when it is in and none of these is; among
    equals each is as likely as another to be drawn first.

    >>> best_of_n([0.0, 1.0, 0.5], by=[3.0, 2.0, 2.0]).tolist()
    [0.5, 0.25, 0.0]
    """
    values, keys = _row(scores), _row(by)
    if len(values) != len(keys):
        raise ConfigError(f"each sample has a score and a rank; got {len(values)} and {len(keys)}")
    places = np.unique(-keys, return_inverse=True)[1]
    means = np.bincount(places, values) / np.bincount(places)
    missed = _chance_of_none(len(values))
    return _within(values, (missed[:-1] - missed[1:]).T @ means[np.sort(places)])


def majority_vote(
    answers: Sequence[Hashable | None],
    scores: Sequence[float] | Floats,
    *,
    rng: np.random.Generator,
    weights: Sequence[float] | Floats | None = None,
) -> Floats:
    """The score of the first sample of the most supported answer, as the layer `vote` has it.

    A sample whose answer is None has no vote; where none has one, the first drawn stands. Answers
    of equal support are decided by which is drawn first, so each is as likely as another. All
    subsets are counted where there are at most `EXACT` samples and each has one vote; else, or with
    `weights` >= 0 for votes, `ORDERS` random orders of the pool are walked, which `rng` shuffles.

    >>> rng = np.random.default_rng(0)
    >>> majority_vote(["a", "a", "b"], [1, 1, 0], rng=rng).round(3).tolist()
    [0.667, 0.667, 1.0]
    """
    values = _row(scores)
    if len(values) != len(answers):
        raise ConfigError(f"each answer has a score; got {len(answers)} and {len(values)}")
    numbers: dict[Hashable | None, int] = {None: -1}
    for answer in answers:
        numbers.setdefault(answer, len(numbers) - 1)
    labels = np.array([numbers[answer] for answer in answers])
    if weights is None and len(values) <= EXACT:
        return _over_all_subsets(labels, values)
    votes = np.ones(len(values)) if weights is None else _row(weights)
    if len(votes) != len(values):
        raise ConfigError(f"each sample has a weight; got {len(votes)} and {len(values)}")
    if votes.min() < 0:
        raise ConfigError(f"no vote may count less than nothing; got a weight of {votes.min()}")
    return _over_random_orders(labels, values, votes, rng)


def _row(numbers: Sequence[float] | Floats) -> Floats:
    array = np.asarray(numbers, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ConfigError(f"a pool must be a row of numbers, at least one; got {numbers}")
    return array


def _within(values: Floats, expected: Floats) -> Floats:
    """Expected scores are means of `values`; roundings may leave one just outside of them."""
    return np.asarray(np.clip(expected, values.min(), values.max()))


def _chance_of_none(size: int) -> Floats:
    """C(size - b, n) / C(size, n): that n of `size` samples are none of b given ones; a row for
    each b from 0 to `size`, a column for each n from 1."""
    given, drawn = np.arange(size + 1)[:, None], np.arange(size)
    return np.cumprod(np.maximum(0, size - given - drawn) / (size - drawn), axis=1)


def _over_all_subsets(labels: NDArray[np.int64], values: Floats) -> Floats:
    """Counts, for each number k of votes that may win, the subsets in which k is the most: a
    product of one polynomial for each answer, whose power is the size of the subset."""
    size, silent = len(labels), labels < 0
    counts = np.bincount(labels[~silent])
    means = np.bincount(labels[~silent], values[~silent]) / counts
    total = np.zeros(size + 1)
    if silent.any():
        total += _choices(int(silent.sum()), size) * values[silent].mean()
    for most in range(1, counts.max(initial=0) + 1):
        able = counts >= most
        others = size - int(counts[able].sum())
        total += _wins(counts[able], means[able], most, _choices(others, size))
    # Nothing is subtracted above, so the quotient is exact to a few roundings.
    return _within(values, total[1:] / _choices(size, size)[1:])


def _choices(of: int, size: int) -> Floats:
    """C(of, j) for j from 0 to `size`."""
    return np.array([float(math.comb(of, j)) for j in range(size + 1)])


def _wins(counts: NDArray[np.int64], means: Floats, most: int, rest: Floats) -> Floats:
    """Sum, over subsets in which `most` is the highest count, of the mean score of the answers that
    have it; by size of the subset. `rest` counts the choices among samples that cannot reach it."""
    size, tied = len(rest) - 1, int(min(len(counts), (len(rest) - 1) // most))
    ways, worth = np.zeros((2, size + 1, tied + 1))
    ways[:, 0] = rest
    # A column for each number of answers that have `most`; `worth` adds up their scores.
    for count, mean in zip(counts, means, strict=True):
        choices = _choices(int(count), most)
        fewer = _times(choices[:most], size)
        reached = np.zeros((2, size + 1, tied + 1))
        reached[0, most:, 1:] = choices[most] * ways[:-most, :-1]
        reached[1, most:, 1:] = choices[most] * (worth + mean * ways)[:-most, :-1]
        ways, worth = fewer @ ways + reached[0], fewer @ worth + reached[1]
    return np.asarray(worth[:, 1:] @ (1 / np.arange(1, tied + 1)))


def _times(polynomial: Floats, size: int) -> Floats:
    """The matrix that multiplies coefficients up to `size` by a polynomial."""
    shift = np.subtract.outer(np.arange(size + 1), np.arange(size + 1))
    padded = np.zeros(2 * size + 1)
    padded[: len(polynomial)] = polynomial
    return padded[shift]  # negative shifts take the zeros at the end


def _over_random_orders(
    labels: NDArray[np.int64], values: Floats, votes: Floats, rng: np.random.Generator
) -> Floats:
    size, classes = len(labels), max(int(labels.max()) + 1, 1)
    total, rows = np.zeros(size), np.arange(ORDERS)
    orders = rng.permuted(np.tile(np.arange(size), (ORDERS, 1)), axis=1)
    support = np.full((ORDERS, classes), -np.inf)
    came = np.full((ORDERS, classes), size)
    first = orders[:, :1].repeat(classes, axis=1)
    for at, drawn in enumerate(orders.T):
        spoke = labels[drawn] >= 0
        row, label = rows[spoke], labels[drawn][spoke]
        fresh = came[row, label] == size
        came[row[fresh], label[fresh]] = at
        first[row[fresh], label[fresh]] = drawn[spoke][fresh]
        support[row[fresh], label[fresh]] = 0.0
        support[row, label] += votes[drawn][spoke]
        leads = support == support.max(axis=1, keepdims=True)
        winner = np.where(leads, came, size + 1).argmin(axis=1)
        total[at] = values[first[rows, winner]].mean()
    return total

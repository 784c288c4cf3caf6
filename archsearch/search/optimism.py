"""Optimism: how much the search score of the winner flatters it.

The best of many noisy scores is higher than what it stands for. How much, is told by the study's
own scores, test questions untouched: the true means of all architectures tried are given the
distribution that makes their scores most likely, and the winner is expected where its own scores
on search and select questions then place it (`shrinkage`).

Rivals, in a simulation of whole studies (docs/design/selection.md): the bootstrap of the selection
(Efron's optimism) and bootstrap-bias-corrected cross-validation (Tsamardinos et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archsearch.search.trial import Trial
from archsearch.shrinkage import Prior
from archsearch.stats import Floats


def optimism(table: Floats, worths: Floats, *, winner: int, pooled: float, questions: int) -> float:
    """Score of the winner on the search questions, minus what it would get on fresh ones.

    `table` holds search scores, a row for each architecture and a column for each question, nan
    where one was not scored, being raced out or paused before; `worths` their means, or what stands
    for it (`Trial.worth`).
    `winner` is a row without nan, `pooled` its mean over all its `questions`, select ones included.
    """
    absent = np.isnan(table)
    whole = table[~absent.any(axis=1)]
    # A hard question is hard for all, so it makes nobody the best: only what is left is luck.
    luck = np.nanvar(table - whole.mean(axis=0), axis=1) * len(whole) / max(1, len(whole) - 1)
    # Where no score stands out, the next question still may.
    variances = np.maximum(luck, 0.25 / table.shape[1])
    prior = Prior.fitted(worths, np.sqrt(variances / (~absent).sum(axis=1)))
    expected = prior.posterior_mean(pooled, float(np.sqrt(variances[winner] / questions)))
    return float(worths[winner]) - expected


def table_of(trials: Sequence[Trial], questions: Sequence[str]) -> Floats:
    """The search scores of trials that have an evaluation: rows as given, columns by question id,
    nan where a question was not scored."""
    rows = [trial.scored.scores for trial in trials]
    return np.array([[row.get(question, np.nan) for question in questions] for row in rows])

"""Studies without models: what trials would score on questions, drawn from a law or from a table.

Assumptions of the law: an architecture is right on a question where a normal number stays below a
threshold, which its true accuracy sets; of that number the share `COMMON` of the variance belongs
to the question and is the same for all architectures, the rest is its own. Two architectures that
are equally good at .6 then differ on a quarter of the questions. Questions are independent, every
architecture is tried in random order, and what it costs has nothing to do with how good it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from archsearch.search.racing import deviations_ahead, deviations_foreseen
from archsearch.stats import Floats

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
Stops: TypeAlias = Callable[[Floats, Floats, Floats], Bools]
"""Whether to stop, from a trial's scores on the questions seen (the last axis), the incumbent's on
all, and those of all complete trials (an axis before it) on all."""

COMMON = 0.6
IN_FLIGHT = 4

_SHARES = np.linspace(0.001, 0.999, 999)
_THRESHOLDS = np.array([NormalDist().inv_cdf(share) for share in _SHARES])


@dataclass(frozen=True, slots=True)
class Studies:
    """Many studies at once, a row each."""

    truth: Floats
    """True score of each trial [studies, trials]."""
    costs: Floats
    """Per question [studies, trials]."""
    draw: Callable[[int], Floats]
    """Scores on so many fresh questions [studies, trials, questions]."""


Accuracies: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], Floats]


def from_law(
    rng: np.random.Generator, studies: int, trials: int, accuracies: Accuracies, *, spread: float
) -> Studies:
    """Studies by the law above. The logarithm of a cost has the standard deviation `spread`."""
    truth = accuracies(rng, (studies, trials))
    thresholds = np.interp(truth, _SHARES, _THRESHOLDS)[:, :, None]

    def draw(questions: int) -> Floats:
        common = rng.standard_normal((studies, 1, questions))
        own = rng.standard_normal((studies, trials, questions))
        right = np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own < thresholds
        return np.asarray(right, dtype=np.float64)

    return Studies(truth, np.exp(spread * rng.standard_normal(truth.shape)), draw)


def from_table(
    scores: Floats, costs: Floats, rng: np.random.Generator, studies: int, trials: int
) -> Studies:
    """Studies on a real table, taken for the whole population: `scores` [architectures, questions]
    and `costs` [architectures].

    Each study tries `trials` of its architectures in random order (all, where it has fewer), on
    questions drawn with replacement, so that the true score is the mean over the table.
    """
    rows = rng.permuted(np.tile(np.arange(len(scores)), (studies, 1)), axis=1)[:, :trials]

    def draw(questions: int) -> Floats:
        columns = rng.integers(scores.shape[1], size=(studies, 1, questions))
        return np.asarray(scores[rows[:, :, None], columns])

    return Studies(scores.mean(axis=1)[rows], costs[rows], draw)


def by_predictive_probability(risk: float) -> Stops:
    """The rule of the search."""
    threshold = NormalDist().inv_cdf(risk)
    return lambda ours, theirs, known: deviations_foreseen(ours, theirs, known) < threshold


def by_paired_probability(risk: float) -> Stops:
    """That of `overtaking`, which knows nothing of the questions that are left."""
    threshold = NormalDist().inv_cdf(risk)

    def stops(ours: Floats, theirs: Floats, known: Floats) -> Bools:
        gained = ours - theirs[:, : ours.shape[1]]
        return np.asarray(deviations_ahead(gained, theirs.shape[1]) < threshold)

    return stops


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the trials of many studies [studies, trials]."""

    asked: Ints
    """Questions that each had been asked when it ended."""
    worths: Floats
    """`Trial.worth`."""


def raced(scores: Floats, costs: Floats, stops: Stops, *, block: int) -> Outcome:
    """Trials in number order, as `racing.Race` runs them; the first are stopped by nobody, as none
    is known that early."""
    studies, trials, questions = scores.shape
    asked = np.full((studies, trials), questions)
    means, everyone = scores.mean(axis=2), np.arange(studies)
    worths = means.copy()
    for trial in range(IN_FLIGHT, trials):
        known = slice(0, trial - IN_FLIGHT + 1)
        complete = asked[:, known] == questions
        able = complete & (costs[:, known] <= costs[:, trial, None])
        rival = ranked_first(means[:, known], costs[:, known], able)
        running = everyone[able.any(axis=1)]
        ours, theirs = scores[:, trial], scores[everyone, rival]
        others = scores[:, known]
        # One that was stopped says nothing: it stands for the mean of the rest.
        ease = others.mean(axis=1, where=complete[:, :, None], keepdims=True)
        others = np.where(complete[:, :, None], others, ease)
        for seen in range(block, questions, block):
            stopped = stops(ours[running, :seen], theirs[running], others[running])
            out, running = running[stopped], running[~stopped]
            asked[out, trial] = seen
            gained = ours[out, :seen] - theirs[out, :seen]
            worths[out, trial] = means[out, rival[out]] + gained.mean(axis=1)
    return Outcome(asked, worths)


def ranked_first(means: Floats, costs: Floats, able: Bools) -> Ints:
    """The trial of each study that `study.ranking` puts first among those that are able to win: the
    best mean, of equals the cheaper, then the earlier."""
    best = np.where(able, means, -1.0)
    level = able & (best == best.max(axis=1, keepdims=True))
    return np.asarray(np.where(level, costs, np.inf).argmin(axis=1))


def take(values: NDArray[Any], trial: Ints) -> NDArray[Any]:
    """The value of one trial in each study."""
    return np.asarray(values[np.arange(len(values)), trial])

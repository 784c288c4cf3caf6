"""Racing: a trial that will hardly overtake a better and no dearer one is stopped.

After each block of questions, scored in one order by all trials, a trial is compared with an
incumbent whose scores are all known. It is stopped when the predictive probability that its mean
over *all* search questions comes out above the incumbent's is below `risk`. Futility by predictive
probability is Spiegelhalter, Freedman and Blackburn 1986 (Controlled Clinical Trials 7:8); here the
horizon is the search split itself, so the looks repeat without any correction: near its end little
can change, and what is asked is what the study will in fact compare.

Complete trials have answered the questions that are left, so two things are known about these: what
the incumbent scores there, and what trials score that went alike so far. A Bayesian linear
regression on the others' scores predicts the trial's own; covariates make an estimate sharper
(Cochran 1957, Biometrics 13:261).

Finalists race on questions that nobody has answered. Their differences are win, loss or tie with a
Dirichlet(1/2, 1/2, 1/2) prior; what is left follows the Dirichlet-multinomial, taken as normal with
its mean and variance. Graded scores use the same two moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erf, sqrt
from statistics import fmean

import numpy as np

from archsearch.evaluate import Evaluation
from archsearch.search.config import Racing
from archsearch.search.trial import Trial
from archsearch.search.unit import Unit
from archsearch.stats import Floats

_PRIOR = 0.5
"""Of a win, a loss and a tie each (Jeffreys)."""
_LEVEL = 1.5
"""How many questions the regression's prior counts for: its level is the incumbent's mean."""
_RESIDUAL = 0.2
"""Prior of the variance around the regression, for as many questions."""
_SLOPE, _SLOPE_PRECISION = 0.8, 2.0
"""Prior of the slope on ease, the mean score of the others; precision in residual variances."""
_OTHER_PRECISION = 5.0
"""Of the slope on each other's deviation from ease, which is 0 beforehand."""

RISK = 0.1
"""Probability of overtaking the leader below which a finalist leaves. Here a wrong step costs
little, as both are about as good; half of it buys little for twice the questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One trial against those that were known when it was proposed."""

    settings: Racing
    incumbents: Sequence[Trial]
    """Complete trials that may win, best first."""
    unit: Unit
    """In which costs are compared."""
    questions: int
    """Of the whole search split."""
    pause: int
    """Of these, after how many the trial pauses."""

    def next_look(self, seen: int) -> int:
        """Up to how many questions a trial goes on that has answered `seen`."""
        end = self.pause if seen < self.pause else self.questions
        return min(seen + self.settings.block, end)

    def pauses(self, evaluation: Evaluation) -> bool:
        """Whether a trial with these outcomes pauses; one with failures goes on, so that it is
        known what is to be repeated."""
        return len(evaluation.outcomes) >= self.pause and not evaluation.failures

    def yardstick(self) -> dict[str, float]:
        """What a paused trial's scores are compared with, by question: the mean of the incumbents,
        of which there are some, or it would not pause."""
        known = [trial.scored.scores for trial in self.incumbents]
        return {question: fmean(scores[question] for scores in known) for question in known[0]}

    def lost_to(self, evaluation: Evaluation) -> Trial | None:
        """The incumbent that stops a trial with these outcomes; None to go on.

        It is the best of those that cost no more on the questions that the trial has seen; one
        comparison a look, since each further one would add its own risk.
        """
        if not self.settings.risk or evaluation.failures or not evaluation.scores:
            return None
        cost, seen = self.unit.of(evaluation.cost), evaluation.scores.keys()
        cheaper = (t for t in self.incumbents if self.unit.of(t.scored.cost_on(seen)) <= cost)
        rival = next(cheaper, None)
        if rival is None:
            return None
        chance = self._chance(evaluation, rival)
        return rival if chance < self.settings.risk else None

    def _chance(self, evaluation: Evaluation, rival: Trial) -> float:
        """Of overtaking `rival`."""
        seen = evaluation.scores
        order = [*seen, *(question for question in rival.scored.scores if question not in seen)]
        known = [trial.scored.scores for trial in self.incumbents]
        table = np.array([[scores[question] for question in order] for scores in known])
        place = self.incumbents.index(rival)
        ours = np.array(list(seen.values()))
        return _probability(deviations_foreseen(ours, table[place], table))


def _probability(deviations: Floats) -> float:
    return 0.5 * (1 + erf(deviations / sqrt(2)))


def deviations_foreseen(scores: Floats, incumbent: Floats, known: Floats) -> Floats:
    """By how many standard deviations the sum of scores over all questions is predicted to be above
    the incumbent's.

    The last axis is questions: in `scores` those seen so far, at least one and not all; in
    `incumbent` and `known` all of them, those seen first. `known` has an axis of trials before it,
    the incumbent among them. The result lacks both axes.
    """
    seen, left = scores.shape[-1], incumbent.shape[-1] - scores.shape[-1]
    ease = known.mean(axis=-2, keepdims=True)
    slope = ease - ease.mean(axis=-1, keepdims=True)
    design = np.concatenate([np.ones_like(ease), slope, known - ease], axis=-2)
    expected = incumbent.mean(axis=-1, keepdims=True) + _SLOPE * slope[..., 0, :]
    here, ahead = design[..., :seen], design[..., seen:].sum(axis=-1)
    rest = scores - expected[..., :seen]
    prior = np.diag([_LEVEL, _SLOPE_PRECISION, *[_OTHER_PRECISION] * known.shape[-2]])
    moments = (here @ rest[..., None])[..., 0]
    solved = np.linalg.solve(
        here @ np.swapaxes(here, -1, -2) + prior, np.stack([moments, ahead], axis=-1)
    )
    slopes, unsure = solved[..., 0], (solved[..., 1] * ahead).sum(axis=-1)
    unexplained = (rest * rest).sum(axis=-1) - (slopes * moments).sum(axis=-1)
    variance = (unexplained + _LEVEL * _RESIDUAL) / (seen + _LEVEL)
    future = expected[..., seen:].sum(axis=-1) + (slopes * ahead).sum(axis=-1)
    lead = scores.sum(axis=-1) + future - incumbent.sum(axis=-1)
    # Whole steps: to pass is to be ahead by one, and half of it is the normal's due.
    whole = (scores == np.rint(scores)).all(-1) & (incumbent == np.rint(incumbent)).all(-1)
    return np.asarray((lead - np.where(whole, 0.5, 0.0)) / np.sqrt(variance * (left + unsure)))


def overtaking(
    scores: Mapping[str, float], incumbent: Mapping[str, float], *, questions: int
) -> float:
    """Predictive probability that the sum of `scores` passes the incumbent's over all `questions`.

    Both by question id; `scores` hold the questions seen so far, at least one.

    >>> ten = [str(number) for number in range(10)]
    >>> round(overtaking(dict.fromkeys(ten, 0.0), dict.fromkeys(ten, 1.0), questions=100), 6)
    0.0
    >>> round(overtaking(dict.fromkeys(ten, 1.0), dict.fromkeys(ten, 1.0), questions=100), 2)
    0.47
    """
    gained = np.array([scores[question] - incumbent[question] for question in scores])
    return _probability(deviations_ahead(gained, questions))


def may_overtake(
    scores: Mapping[str, float], leader: Mapping[str, float], *, questions: int
) -> bool:
    """Whether a finalist stays; compared on the questions that both were scored on, which a failed
    one is not."""
    shared = {question: score for question, score in scores.items() if question in leader}
    return overtaking(shared, leader, questions=questions) >= RISK


def deviations_ahead(gained: Floats, questions: int) -> Floats:
    """By how many standard deviations the sum over all `questions` is predicted to be above 0.

    `gained` holds differences on the questions seen along its last axis, at least one, which the
    result lacks; at the end, where nothing is left to chance, it is infinite.
    """
    seen = gained.shape[-1]
    lead, left = gained.sum(axis=-1), questions - seen
    weight = seen + 3 * _PRIOR
    mean = lead / weight
    square = ((gained * gained).sum(axis=-1) + 2 * _PRIOR) / weight
    # Draws that share an unknown distribution vary more than ones from a known one would.
    variance = left * (square - mean * mean) * (weight + left) / (weight + 1)
    # Whole steps: to pass is to be ahead by one, and half of it is the normal's due.
    step = np.where((gained == np.rint(gained)).all(axis=-1), 0.5, 0.0)
    ahead = lead + left * mean - step
    certain = np.where(ahead > 0, np.inf, -np.inf)
    known = variance <= 0
    return np.asarray(np.where(known, certain, ahead / np.sqrt(np.where(known, 1.0, variance))))

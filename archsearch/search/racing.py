"""Racing: a trial that will hardly overtake a better and no dearer one is stopped.

After each block of questions, scored in one order by all trials, a trial is compared question by
question with an incumbent whose scores are all known. It is stopped when the predictive probability
that its mean over *all* search questions comes out above the incumbent's is below `risk`. Futility
by predictive probability is Spiegelhalter, Freedman and Blackburn 1986 (Controlled Clinical Trials
7:8); here the horizon is the search split itself, so the looks repeat without any correction: near
its end little can change, and what is asked is what the study will in fact compare.

The differences of 0/1 scores are win, loss or tie with a Dirichlet(1/2, 1/2, 1/2) prior; what is
left follows the Dirichlet-multinomial, taken as normal with its mean and variance. Graded scores
use the same two moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from archsearch.evaluate import Evaluation
from archsearch.search.config import Racing
from archsearch.search.trial import Trial
from archsearch.stats import Floats

_PRIOR = 0.5
"""Of a win, a loss and a tie each (Jeffreys)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One trial against those that were known when it was proposed."""

    settings: Racing
    incumbents: Sequence[Trial]
    """Complete trials that may win, best first."""
    questions: int
    """Of the whole search split."""

    def lost_to(self, evaluation: Evaluation) -> Trial | None:
        """The incumbent that stops a trial with these outcomes; None to go on.

        It is the best of those that cost no more per question, as far as the trial's own cost is
        known; one comparison a look, since each further one would add its own risk.
        """
        if not self.settings.risk or evaluation.failures or not evaluation.scores:
            return None
        cheaper = (t for t in self.incumbents if t.scored.cost.size <= evaluation.cost.size)
        rival = next(cheaper, None)
        if rival is None:
            return None
        chance = overtaking(evaluation.scores, rival.scored.scores, questions=self.questions)
        return rival if chance < self.settings.risk else None


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
    return 0.5 * (1 + erf(deviations_ahead(gained, questions) / sqrt(2)))


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

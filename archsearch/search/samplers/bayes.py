"""Bayesian optimisation over the points of a space themselves, made for noisy scores.

A Gaussian process (Rasmussen and Williams 2006, chapter 2) over whole points: its kernel is a sum
of main effects, one for each label, and of interactions that fade with the number of choices in
which two points differ. The noise of a score is its standard error (it may differ from point to
point: section 2.2), so that of a trial stopped early says less; the scale is the one that makes the
scores most likely. Proposed is the point of the highest expected improvement (Jones et al. 1998)
over the best *predicted* value, as the best measured one is flattered (Picheny et al. 2013), times
the probability that constraints are kept (Gardner et al. 2014). A trial that runs counts as if it
came out as predicted (Ginsbourger et al. 2010).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as pairs
from math import erf, log, log1p, sqrt
from random import Random
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from archsearch.search.sampler import SamplerConfig
from archsearch.search.seen import Seen
from archsearch.search.space import Label, Params, SearchSpace
from archsearch.search.weighing import Weighing
from archsearch.stats import Floats

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

NOISE = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Variances of the noise that are weighed, in that of the process."""
MAIN = (0.35, 0.65, 0.9)
"""Shares of main effects in it."""
FADING = 0.4
"""Interactions fade by e to the minus this with each choice in which two points differ."""
PRIOR_SCALE = 0.01
"""Sum of squares that the scale has before any value; it counts for one value."""
ABSENT = -1.0
FIRST_LOOK = 10
"""Questions of a first look at most: five and twenty were no better (docs/benchmarks.md)."""


class Bayes(SamplerConfig):
    """Weighs whole architectures, with the noise of their scores; needs no extra.

    A constraint that no trial has violated is not modelled.
    """

    name: Literal["bayes"] = "bayes"
    startup_trials: int = Field(default=20, ge=1)
    """Distinct points told before it models anything; random till then. Baselines in the space
    count."""

    first_look: int | None = Field(default=None, ge=1)
    """Questions after which a new trial pauses; one that goes on is scored on twice as many as it
    was. What is not worth that stays where it is. By default ten, or a fifth of all where that is
    less."""

    @property
    def weighs_several(self) -> bool:
        """It follows one objective."""
        return False

    def pauses_after(self, seen: int, questions: int) -> int:
        """`first_look` questions, then twice as many each time."""
        first = self.first_look or max(1, min(FIRST_LOOK, questions // 5))
        return min(2 * seen or first, questions)

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A sampler of points of `space`."""
        from archsearch.search.own_sampler import OwnSampler

        return OwnSampler(Improvement(self.startup_trials, space), seed, space.choices())


@dataclass(frozen=True, slots=True)
class Improvement(Weighing):
    """The strategy."""

    name = "bayes"
    around = 5

    def worth(
        self,
        points: Sequence[Params],
        *,
        known: Sequence[Seen],
        running: Sequence[Params],
        choices: Mapping[str, Sequence[Label]],
        rng: Random,
    ) -> Floats:
        """Expected improvement, times the probability that constraints are kept."""
        code = Code(choices)
        there, kept = code.of(points), [trial for trial in known if trial.kept]
        model = Process.fitted(
            code,
            code.of([t.params for t in kept]),
            [t.score for t in kept],
            [t.error for t in kept],
        )
        worth = model.improvement(there, code.of(running))
        for excess in _violated(known):
            worth = worth * Process.fitted(code, code.of([t.params for t in known]), excess).below(
                there
            )
        return worth


def _violated(known: Sequence[Seen]) -> Iterator[list[float]]:
    """Of each constraint that some trial violates, by how much each does: a share of a cap as its
    logarithm, since costs multiply."""
    for name in {name: None for trial in known for name in trial.constraints}:
        excess = [trial.constraints.get(name, -1.0) for trial in known]
        if max(excess) > 0:
            yield [log1p(value) if value > -1 else -1.0 for value in excess]


@dataclass(frozen=True, slots=True)
class Code:
    """Points as rows of numbers: the rank of a number in [0, 1], the place of a name."""

    choices: Mapping[str, Sequence[Label]]

    def of(self, points: Sequence[Params]) -> Floats:
        """[points, choices]"""
        places = [self._places(labels) for labels in self.choices.values()]
        return np.array(
            [
                [
                    place[point[name]] if name in point else ABSENT
                    for name, place in zip(self.choices, places, strict=True)
                ]
                for point in points
            ],
            dtype=np.float64,
        ).reshape(len(points), len(self.choices))

    def kernels(self, ours: Floats, theirs: Floats) -> tuple[Floats, Floats]:
        """Main effects (how many labels two points share) and interactions [ours, theirs]."""
        shared, apart = np.zeros((len(ours), len(theirs))), np.zeros((len(ours), len(theirs)))
        for at, labels in enumerate(self.choices.values()):
            one, other = ours[:, at, None], theirs[None, :, at]
            both = (one != ABSENT) & (other != ABSENT)
            same = one == other
            shared += both & same
            graded = np.where(both, np.abs(one - other), ~same) if _numeric(labels) else ~same
            apart += graded
        return shared, np.exp(-FADING * apart)

    @staticmethod
    def _places(labels: Sequence[Label]) -> dict[Label, float]:
        if not _numeric(labels):
            return {label: float(at) for at, label in enumerate(labels)}
        ranks = sorted(labels, key=lambda label: float(label or 0))
        return {label: at / max(1, len(ranks) - 1) for at, label in enumerate(ranks)}


def _numeric(labels: Sequence[Label]) -> bool:
    return all(isinstance(label, int | float) and not isinstance(label, bool) for label in labels)


@dataclass(frozen=True, slots=True)
class Process:
    """A Gaussian process, given values at points."""

    code: Code
    points: Floats
    rest: Floats
    """Values less their mean."""
    unsure: Floats
    """Variance of the noise of each value, in that of the surest."""
    mean: float
    main: float
    """Share of main effects in the process's variance."""
    noise: float
    """Variance of the noise of the surest, in that of the process."""
    scale: float
    """Variance of the process."""

    @classmethod
    def fitted(
        cls,
        code: Code,
        points: Floats,
        values: Sequence[float],
        errors: Sequence[float | None] = (),
    ) -> Process:
        """With the parameters that make the values most likely.

        `errors` are standard errors of the values. Where all are known so is the noise, and the
        scale is what is weighed; else all values are as noisy, and the likeliest scale is known.
        """
        known = np.array(errors, dtype=np.float64) ** 2
        least = float(known.min()) if len(known) and np.isfinite(known).all() else None
        unsure = np.ones(len(values)) if least is None else known / least
        mean = float(np.average(values, weights=1 / unsure))
        rest = np.array(values) - mean
        shared, near = code.kernels(points, points)
        shared = shared / _present(points)
        best, found = -np.inf, None
        for main, noise in pairs(MAIN, NOISE):
            covariance = main * shared + (1 - main) * near + noise * np.diag(unsure)
            factor = np.linalg.cholesky(covariance)
            white = np.linalg.solve(factor, rest)
            squares, count = float(white @ white) + PRIOR_SCALE, len(rest) + 1
            scale = squares / count if least is None else least / noise
            likelihood = -float(np.log(np.diag(factor)).sum())
            likelihood -= (count * log(scale) + squares / scale) / 2
            if likelihood > best:
                best, found = likelihood, (main, noise, scale)
        assert found is not None  # noqa: S101  the lists above are not empty
        return cls(code, points, rest, unsure, mean, *found)

    def improvement(self, there: Floats, running: Floats) -> Floats:
        """Expected, over the best predicted value, at points `there`."""
        here, _ = self._predicted(self.points, np.empty((0, self.points.shape[1])))
        mean, deviation = self._predicted(there, running)
        z = (mean - here.max()) / deviation
        density = np.exp(-z * z / 2) / sqrt(2 * np.pi)
        return np.asarray(deviation * (z * _below(z) + density))

    def below(self, there: Floats) -> Floats:
        """Probability of a value below 0 at points `there`."""
        mean, deviation = self._predicted(there, np.empty((0, self.points.shape[1])))
        return _below(-mean / deviation)

    def _predicted(self, there: Floats, running: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation at points `there`; `running` points lower the latter."""
        known = np.concatenate([self.points, running])
        unsure = np.concatenate([self.unsure, np.ones(len(running))])
        inner = self._kernel(known, known) + self.noise * np.diag(unsure)
        across = self._kernel(there, known)
        factor = np.linalg.cholesky(inner)
        explained = np.linalg.solve(factor, across.T)
        count = len(self.points)
        # The first rows of a factor are the factor of the first points.
        white = np.linalg.solve(factor[:count, :count], self.rest)
        mean = self.mean + explained[:count].T @ white
        own = self.main * (there != ABSENT).sum(axis=1) / _present(self.points) + 1 - self.main
        variance = self.scale * (own - (explained * explained).sum(axis=0))
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def _kernel(self, ours: Floats, theirs: Floats) -> Floats:
        shared, near = self.code.kernels(ours, theirs)
        shared = shared / _present(self.points)
        return np.asarray(self.main * shared + (1 - self.main) * near)


def _present(points: Floats) -> float:
    """How many choices a point has on average."""
    return max(1.0, float((points != ABSENT).sum(axis=1).mean()))


def _below(deviations: Floats) -> Floats:
    """The normal distribution function."""
    return np.array([0.5 * (1 + erf(value / sqrt(2))) for value in deviations.tolist()])

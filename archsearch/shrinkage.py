"""Shrinkage: what noisy means of many alike things say about each of them.

Empirical Bayes (Robbins 1956): the distribution of the true values is estimated from all means at
once, and each thing's own mean is then read in its light. Whoever is chosen for the highest mean
was probably lucky; the posterior mean is free of that, however the choice was made, as long as the
estimated distribution is right (Efron 2011, "Tweedie's formula and selection bias", JASA 106:1602).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archsearch.stats import Floats

_ATOMS = 60
_ROUNDS = 200
"""Of expectation maximisation. More would only sharpen the atoms, hardly any posterior mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """A distribution of true values: atoms and the weight of each."""

    atoms: Floats
    weights: Floats

    @classmethod
    def fitted(cls, means: Floats, errors: Floats) -> Prior:
        """The most likely one without any assumption on its form (Kiefer & Wolfowitz 1956), as a
        prior for normal means in Jiang & Zhang 2009 (Annals of Statistics 37:1647).

        One mean and one standard error, above 0, a thing; at least one. Atoms lie evenly between
        the lowest mean and the highest.
        """
        atoms = np.linspace(means.min(), means.max(), _ATOMS)
        likelihood = _likelihood(means[:, None], errors[:, None], atoms)
        weights = np.full(_ATOMS, 1 / _ATOMS)
        for _ in range(_ROUNDS):
            weights = weights * (likelihood.T @ (1 / (likelihood @ weights))) / len(means)
        return cls(atoms, weights)

    def posterior_mean(self, mean: float, error: float) -> float:
        """The true value to be expected of a thing with this mean and standard error."""
        likely = self.weights > 0  # one that is not would be what the others are scaled by
        atoms = self.atoms[likely]
        power = np.log(self.weights[likely]) - 0.5 * ((mean - atoms) / error) ** 2
        chances = np.exp(power - power.max())
        return float(chances @ atoms / chances.sum())


def _likelihood(means: Floats, errors: Floats, atoms: Floats) -> Floats:
    """Normal densities, each row scaled to a highest value of 1, so that none vanishes."""
    power = -0.5 * ((means - atoms) / errors) ** 2
    return np.asarray(np.exp(power - power.max(axis=-1, keepdims=True)))

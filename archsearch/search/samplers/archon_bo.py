"""Bayesian optimisation in Archon's setting: random points, then a Gaussian process.

Archon: An Architecture Search Framework for Inference-Time Techniques, Saad-Falcon et al. 2024,
https://arxiv.org/abs/2409.15254, section 3.3 and appendix A.4: 230 to 240 random points, then
expected improvement (Jones et al. 1998) under a Gaussian process, as Snoek et al. 2012 describe it
(https://arxiv.org/abs/1206.2944). The process is that of the package which Archon uses,
`bayesian-optimization`: scikit-learn's, Matérn kernel with nu = 2.5, alpha = 1e-6.

Where we deviate: no point is proposed twice; the improvement is maximised over points of the space,
not over a continuous box and then rounded; choices among names have a column for each name; what
was refused counts as the worst value told, where Archon's code tells -1 (the paper leaves such
points out, which ours does only after it has seen them refused). Archon's code maximises an upper
confidence bound, not what the paper says; we follow the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsearch.errors import MissingExtra
from archsearch.search.sampler import SamplerConfig
from archsearch.search.seen import Seen
from archsearch.search.space import Label, Params, SearchSpace
from archsearch.search.weighing import Weighing

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

Array = NDArray[np.float64]


class ArchonBO(SamplerConfig):
    """Random points, then a Gaussian process with expected improvement, in Archon's setting.

    Needs the `archon_bo` extra. With fewer trials than `startup_trials` it is random search.
    """

    name: Literal["archon_bo"] = "archon_bo"
    startup_trials: int = Field(default=230, ge=1)
    """Distinct points told, none of them refused, before it models anything; baselines count."""

    @property
    def weighs_several(self) -> bool:
        """It follows one objective."""
        return False

    def build(self, seed: int, space: SearchSpace) -> BaseSampler:
        """A sampler of points of `space`."""
        try:
            import sklearn.gaussian_process  # noqa: F401
        except ImportError as error:
            raise MissingExtra("the archon_bo sampler", "archon_bo") from error
        from archsearch.search.own_sampler import OwnSampler

        return OwnSampler(Improvement(self.startup_trials, space), seed, space.choices())


@dataclass(frozen=True, slots=True)
class Improvement(Weighing):
    """The strategy."""

    name = "archon_bo"

    def worth(
        self,
        points: Sequence[Params],
        *,
        known: Sequence[Seen],
        running: Sequence[Params],
        choices: Mapping[str, Sequence[Label]],
        rng: Random,
    ) -> Array:
        """Expected improvement over the best value. Archon's search is sequential: what runs is
        not proposed again, and that is all."""
        encode = _encoder(choices)
        worst = min(trial.score for trial in known if trial.kept)
        values = np.array([trial.score if trial.kept else worst for trial in known])
        told = encode([trial.params for trial in known])
        return _improvement(told, values, encode(points), rng)


def _encoder(choices: Mapping[str, Sequence[Label]]) -> Callable[[Sequence[Params]], Array]:
    """Rows of numbers in [0, 1]. Numbers are one column, by their rank among the labels; names are
    a column each. A choice that does not exist stands at its first label."""
    codes = {name: _codes(labels) for name, labels in choices.items()}

    def encode(points: Sequence[Params]) -> Array:
        return np.array(
            [
                [x for n, code in codes.items() for x in code[point.get(n, choices[n][0])]]
                for point in points
            ]
        )

    return encode


def _codes(labels: Sequence[Label]) -> dict[Label, list[float]]:
    numbers = [label for label in labels if isinstance(label, int | float)]
    if len(numbers) == len(labels) and not any(isinstance(label, bool) for label in labels):
        ranks = sorted(numbers)
        return {label: [ranks.index(label) / max(1, len(ranks) - 1)] for label in numbers}
    return {label: [float(label == other) for other in labels] for label in labels}


def _improvement(points: Array, values: Array, candidates: Array, rng: Random) -> Array:
    """Expected improvement over the best value, at each candidate."""
    import warnings

    from scipy.special import ndtr
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    process = GaussianProcessRegressor(
        kernel=Matern(nu=2.5),
        alpha=1e-6,
        normalize_y=True,
        n_restarts_optimizer=5,
        random_state=rng.getrandbits(31),
    )
    with warnings.catch_warnings():
        # A length scale at its bound is an answer here: an axis without effect, or no signal.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(points, values)
    mean, deviation = process.predict(candidates, return_std=True)
    deviation = np.maximum(deviation, 1e-12)
    gain = mean - values.max()
    z = gain / deviation
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    improvement: Array = gain * ndtr(z) + deviation * density
    return improvement

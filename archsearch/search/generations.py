"""Generations: Optuna's NSGA-II with generations that can be read off the trials. Imported only to
search.

Optuna writes the generation into each trial that it samples, so trials that were enqueued (static
baselines, or all trials of a run that is resumed) would belong to none.
"""

from __future__ import annotations

from optuna import Study
from optuna.samplers import NSGAIISampler
from optuna.trial import FrozenTrial, TrialState


class Generations(NSGAIISampler):
    """The finished trials in the order of their numbers, a population at a time."""

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:
        """The generation of a trial that is being made."""
        return len(_finished(study)) // self._size

    def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """The trials of a generation."""
        return _finished(study)[generation * self._size : (generation + 1) * self._size]

    @property
    def _size(self) -> int:
        size = self.population_size
        assert size is not None  # noqa: S101  Optuna's type allows for samplers without one
        return size


def _finished(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))

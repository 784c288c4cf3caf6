"""Optuna's public tests of samplers, for those that take finite choices only.

Its tests run as they are where all choices are finite. A case with a float (also one with a step)
must be refused by name instead. Tests that are about something else, but use floats, are run with
whole numbers in their place; each says which it stands for.
"""

import math

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.testing import pytest_samplers as suite
from optuna.trial import TrialState

from archsearch.errors import ConfigError

REFUSED = "takes choices among labels or whole numbers; '[xy]' is a FloatDistribution"
INTS = [IntDistribution(3, 10), IntDistribution(1, 100, log=True), IntDistribution(3, 9, step=2)]
FINITE = [
    lambda t, name: t.suggest_int(name, 0, 10),
    lambda t, name: t.suggest_categorical(name, [0, 1, 2]),
    lambda t, name: t.suggest_int(name, 1, 10, log=True),
]
FLOATS = [
    lambda t, name: t.suggest_float(name, 0, 10),
    lambda t, name: t.suggest_float(name, 0, 10, step=0.5),
    lambda t, name: t.suggest_float(name, 1e-7, 10, log=True),
]


def done(study):
    return [trial.state for trial in study.trials] == [TrialState.COMPLETE] * len(study.trials)


class FiniteBasic(suite.BasicSamplerTestCase):
    """Run as they are: test_int, test_categorical, test_conditional_sample_independent,
    test_sample_single_distribution."""

    @pytest.mark.parametrize(
        "distribution", [FloatDistribution(0, 1), FloatDistribution(0, 1, step=0.5)]
    )
    def test_float(self, sampler, distribution):
        with pytest.raises(ConfigError, match=REFUSED):
            super().test_float(sampler, distribution)

    @pytest.mark.parametrize("suggest", FINITE)
    def test_single_parameter_objective(self, sampler, suggest):
        super().test_single_parameter_objective(sampler, lambda t: suggest(t, "x"))

    @pytest.mark.parametrize("suggest", FLOATS)
    def test_a_float_is_refused_by_name(self, sampler, suggest):
        study = optuna.create_study(sampler=sampler())
        with pytest.raises(ConfigError, match=REFUSED):
            study.optimize(lambda t: suggest(t, "x"), n_trials=10)

    @pytest.mark.parametrize("x", FINITE)
    @pytest.mark.parametrize("y", FINITE)
    def test_combination_of_different_distributions_objective(self, sampler, x, y):
        super().test_combination_of_different_distributions_objective(
            sampler, lambda t: x(t, "x"), lambda t: y(t, "y")
        )

    def test_nan_objective_value(self, sampler):
        """With an int for the float."""
        study = optuna.create_study(sampler=sampler())
        for base in (9, 6, 3, math.nan, 0):
            study.optimize(
                lambda t, base=base: t.suggest_int("x", 0, 0) + t.suggest_int("y", 1, 2) + base,
                n_trials=1,
                catch=(),
            )
        assert study.trials[3].state is TrialState.FAIL
        assert study.best_trial.number == 4

    @pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
    def test_partial_fixed_sampling(self, sampler):
        """With ints for the floats."""
        study = optuna.create_study(sampler=sampler())

        def objective(trial):
            return sum(trial.suggest_int(name, -1, 1) for name in "xyz")

        study.optimize(objective, n_trials=1)
        study.sampler = optuna.samplers.PartialFixedSampler({"y": 0}, study.sampler)
        study.optimize(objective, n_trials=1)
        assert study.trials[-1].params["y"] == 0

    def test_conditional_parameter_objective(self, sampler):
        """With ints for the floats."""

        def objective(trial):
            x = trial.suggest_categorical("x", [True, False])
            return trial.suggest_int("y" if x else "z", 0, 10)

        study = optuna.create_study(sampler=sampler())
        study.optimize(objective, n_trials=10)
        assert len(study.trials) == 10
        assert done(study)

    @pytest.mark.parametrize(("low", "high"), [(0, 5), (0, 20), (20, 30)])
    def test_dynamic_range_objective(self, sampler, low, high):
        """With two ints for a float and an int."""

        def objective(trial, low, high):
            return trial.suggest_int("x", low, high) + trial.suggest_int("y", low, high)

        study = optuna.create_study(sampler=sampler())
        study.optimize(lambda t: objective(t, 0, 10), n_trials=10)
        study.optimize(lambda t: objective(t, low, high), n_trials=10)
        assert len(study.trials) == 20
        assert done(study)


class FiniteRelative(suite.RelativeSamplerTestCase):
    """Run as it is: test_sample_relative_categorical."""

    @pytest.mark.parametrize("x_distribution", INTS)
    @pytest.mark.parametrize("y_distribution", INTS)
    def test_sample_relative_numerical(self, sampler, x_distribution, y_distribution):
        super().test_sample_relative_numerical(sampler, x_distribution, y_distribution)

    @pytest.mark.parametrize("x_distribution", [IntDistribution(1, 10), INTS[1]])
    def test_sample_relative_mixed(self, sampler, x_distribution):
        super().test_sample_relative_mixed(sampler, x_distribution)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_trial_relative_params(self, n_jobs, sampler):
        """With ints for the floats."""

        def objective(trial):
            assert trial._relative_params is None
            trial.suggest_int("x", -10, 10)
            trial.suggest_int("y", -10, 10)
            assert trial._relative_params is not None
            return -1

        study = optuna.create_study(sampler=sampler())
        study.optimize(objective, n_trials=10, n_jobs=n_jobs)

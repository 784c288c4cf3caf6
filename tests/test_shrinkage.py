"""Posterior means against the textbook ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.shrinkage import Prior

MEANS = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(MEANS, st.floats(0.001, 1), st.floats(-1, 2))
def test_a_prior_is_a_distribution_and_its_posterior_means_lie_within(means, error, mean):
    prior = Prior.fitted(np.array(means), np.full(len(means), error))
    assert (prior.weights >= 0).all()
    assert prior.weights.sum() == pytest.approx(1)
    assert min(means) - 1e-9 <= prior.posterior_mean(mean, error) <= max(means) + 1e-9


def test_normal_means_are_shrunk_as_james_and_stein_have_it():
    """Values of variance 1 seen with variance 1: half of each distance from the middle is luck."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal(2000) + rng.standard_normal(2000)
    prior = Prior.fitted(means, np.ones(2000))
    for mean in (-2.0, -1.0, 0.0, 1.0, 2.0):
        assert prior.posterior_mean(mean, 1.0) == pytest.approx(mean / 2, abs=0.15)


def test_two_kinds_are_told_apart():
    """No normal law would leave these where they are."""
    means = np.array([0.2] * 30 + [0.8] * 10)
    prior = Prior.fitted(means, np.full(40, 0.05))
    assert prior.posterior_mean(0.7, 0.05) == pytest.approx(0.8, abs=0.02)
    assert prior.posterior_mean(0.3, 0.05) == pytest.approx(0.2, abs=0.02)


def test_what_was_measured_well_is_left_alone():
    means = np.linspace(0, 1, 20)
    prior = Prior.fitted(means, np.full(20, 0.01))
    assert prior.posterior_mean(0.5, 0.001) == pytest.approx(0.5, abs=0.02)
    assert abs(prior.posterior_mean(1.0, 10.0) - 0.5) < 0.05

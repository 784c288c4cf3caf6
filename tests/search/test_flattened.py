"""Flattened shows another sampler whole points, and makes its proposals new points of the space."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import BaseSampler, RandomSampler

from archsearch.registry import validate
from archsearch.search.flattened import Flattened
from archsearch.search.space import SearchSpace
from archsearch.testing.sampler_contract import LAYERS, POINTS

SPACE = validate(SearchSpace, {"layers": LAYERS}, where="space")


class Stubborn(BaseSampler):
    """Proposes one whole point, and keeps what it was shown."""

    def __init__(self, whole):
        self.whole, self.shown = whole, []

    def infer_relative_search_space(self, study, trial):
        return {}

    def sample_relative(self, study, trial, search_space):
        return {}

    def sample_independent(self, study, trial, param_name, param_distribution):
        self.shown = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
        return self.whole[param_name]


def ask(study, sampler):
    study.sampler = sampler
    trial = study.ask()
    SPACE.suggest(trial.suggest_categorical)
    return trial


def whole_point():
    return st.fixed_dictionaries({n: st.sampled_from(v) for n, v in SPACE.choices().items()})


@given(whole=whole_point(), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=30)
def test_a_known_point_gives_way_to_one_beside_it(whole, seed):
    study = optuna.create_study()
    first = ask(study, Flattened(SPACE, lambda: Stubborn(whole), seed))
    assert first.params.items() <= whole.items()
    study.tell(first, 0.0)
    second = ask(study, Flattened(SPACE, lambda: Stubborn(whole), seed))
    assert second.params != first.params
    differing = [n for n, label in second.params.items() if label != whole[n]]
    assert len(differing) == 1


def test_each_point_is_proposed_once_while_there_is_a_new_one_beside():
    """One that runs is known as well as one that is told."""
    whole = {name: labels[0] for name, labels in SPACE.choices().items()}
    study = optuna.create_study()
    known = []
    for number in range(7):  # of 3 models, 2 temperatures, 3 alternatives: itself and 1 + 2 + 2
        trial = ask(study, Flattened(SPACE, lambda: Stubborn(whole), number))
        if number % 2:
            study.tell(trial, 0.0)
        known.append(trial.params)
    assert all(known[i] != known[j] for i in range(6) for j in range(i))
    assert known[6] in list(SPACE.points())  # random: nothing new is beside


def test_a_choice_that_a_trial_lacks_stands_at_its_first_label():
    whole = {name: labels[-1] for name, labels in SPACE.choices().items()}
    study = optuna.create_study()
    cut = ask(study, Flattened(SPACE, lambda: Stubborn(whole | {"then": "none"}), 0))
    study.tell(cut, 0.5)
    stubborn = Stubborn(whole)
    ask(study, Flattened(SPACE, lambda: stubborn, 1))
    (shown,) = stubborn.shown
    first = {name: labels[0] for name, labels in SPACE.choices().items()}
    assert shown.params == first | cut.params
    assert shown.value == 0.5


@pytest.mark.parametrize("seed", range(3))
def test_the_whole_space_is_proposed_in_time(seed):
    study = optuna.create_study()
    known = set()
    for number in range(3 * POINTS):
        sampler = Flattened(SPACE, lambda n=number: RandomSampler(seed=n), seed + number)
        trial = ask(study, sampler)
        known.add(frozenset(trial.params.items()))
        study.tell(trial, 0.0)
    assert len(known) == POINTS

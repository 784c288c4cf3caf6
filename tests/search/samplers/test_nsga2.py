"""NSGA-II sees every choice, and generations in the order of the trials."""

import optuna
import pytest

from archsearch.search.generations import Generations
from archsearch.search.samplers.nsga2 import NSGA2
from archsearch.testing.sampler_contract import SamplerContract, score


class TestNSGA2(SamplerContract):
    def config(self):
        return NSGA2(population=8)

    def test_later_generations_are_better(self, loop):
        """The first is random; parents of the fourth are the best of all before it."""
        gains = []
        for seed in range(6):
            values = [score(point) for point in loop(seed=seed).run(40, in_flight=1)]
            gains.append(sum(values[24:32]) - sum(values[:8]))
        assert sum(gains) / 6 / 8 > 0.05


@pytest.mark.parametrize("enqueued", [True, False])
def test_generations_are_read_off_the_trials(enqueued):
    study = optuna.create_study(sampler=Generations(population_size=3, seed=0))
    for number in range(7):
        if enqueued:
            study.enqueue_trial({"x": number})
        study.optimize(lambda trial: trial.suggest_int("x", 0, 9), n_trials=1)
    sampler = study.sampler
    assert [[t.number for t in sampler.get_population(study, g)] for g in range(4)] == [
        [0, 1, 2],
        [3, 4, 5],
        [6],
        [],
    ]
    assert sampler.get_trial_generation(study, study.trials[-1]) == 2

"""NSGA-II sees every choice, and generations in the order of the trials."""

from statistics import fmean

import optuna
import pytest

from archsearch.registry import validate
from archsearch.search.generations import Generations
from archsearch.search.proposer import Proposer
from archsearch.search.samplers.nsga2 import NSGA2
from archsearch.search.space import SearchSpace
from archsearch.testing.sampler_contract import SamplerContract


class TestNSGA2(SamplerContract):
    def config(self):
        return NSGA2(population=8)


def layer(prefix):
    """Four choices of four labels, the later the better."""
    options = {
        "model": ["a", "b", "c", "d"],
        "temperature": [0.0, 0.1, 0.2, 0.3],
        "samples": [1, 2, 3, 4],
        "max_tokens": [8, 16, 32, 64],
    }
    chosen = {
        option: {"choose": labels, "name": f"{prefix} {option}"}
        for option, labels in options.items()
    }
    return {"type": prefix, **chosen}


@pytest.mark.parametrize("seed", range(3))
def test_later_generations_are_better(seed):
    """The first is random; of 65,536 points, chance alone finds no better ones."""
    layers = [layer("generator"), layer("fuser")]
    space = validate(SearchSpace, {"layers": layers}, where="space")
    ranks = {n: {label: at for at, label in enumerate(v)} for n, v in space.choices().items()}
    proposer = Proposer(space, NSGA2(population=16), seed=seed, name="generations")
    values = []
    for number in range(96):
        point = proposer.ask(number)
        values.append(fmean(ranks[name][label] for name, label in point.items()))
        proposer.tell(number, [values[-1]], over={}, notes={})
    assert fmean(values[-16:]) > fmean(values[:16]) + 0.3


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

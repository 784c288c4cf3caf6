"""Any sampler of Optuna by name."""

import pytest

from archsearch.errors import ConfigError
from archsearch.search.sampler import SAMPLERS
from archsearch.search.samplers.optuna import FromOptuna
from archsearch.testing.sampler_contract import SamplerContract
from tests.search.studies import study


class TestFromOptuna(SamplerContract):
    def config(self):
        return FromOptuna(sampler="TPESampler", options={"n_startup_trials": 5})


def test_an_experimental_one_comes_without_a_warning(space):
    FromOptuna(sampler="QMCSampler", options={"warn_independent_sampling": False}).build(0, space)


@pytest.mark.parametrize(("name", "several"), [("CmaEsSampler", False), ("NSGAIIISampler", True)])
def test_whether_it_follows_several_objectives_is_known_before_anything_is_drawn(name, several):
    settings = {"objective": "pareto", "sampler": {"name": "optuna", "sampler": name}}
    if several:
        assert study(search=settings).search.sampler.weighs_several
        return
    with pytest.raises(ConfigError, match="'pareto' needs a sampler of several objectives"):
        study(search=settings)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"sampler": "TPESampeler"}, "unknown sampler of Optuna .*did you mean 'TPESampler'"),
        ({"sampler": "BaseSampler"}, "unknown sampler of Optuna 'BaseSampler'"),
        ({"sampler": "nsgaii"}, "unknown sampler of Optuna 'nsgaii'"),
        ({"sampler": "BruteForceSampler"}, r"cannot be used: .*give \{name: exhaustive\}"),
        ({"sampler": "GridSampler"}, r"cannot be used: .*give \{name: exhaustive\}"),
        ({"sampler": "PartialFixedSampler"}, "cannot be used: it wraps another sampler"),
        (
            {"sampler": "TPESampler", "options": {"startup": 3}},
            "options of TPESampler must be its arguments.*'startup'.*received {'startup': 3}",
        ),
        ({"sampler": "NSGAIISampler", "options": {"population_size": 1}}, "population_size"),
        ({}, "'sampler' is missing"),
    ],
)
def test_mistakes_are_named_in_the_study_file(entry, message):
    with pytest.raises(ConfigError, match=message):
        SAMPLERS.parse({"name": "optuna", **entry}, where="search.sampler")


def test_the_seed_is_ours_unless_the_file_gives_one(space):
    def first(ours, **options):
        sampler = FromOptuna(sampler="RandomSampler", options=options).build(ours, space)
        return sampler._rng.rng.randint(1 << 30)

    assert first(1) == first(1) != first(2)
    assert first(1, seed=7) == first(2, seed=7)

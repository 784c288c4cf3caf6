"""The proposer runs the sampler of the study, and never another."""

from typing import ClassVar, Literal

import optuna
import pytest

from archsearch.registry import validate
from archsearch.search.own_sampler import OwnSampler
from archsearch.search.proposer import Proposer
from archsearch.search.sampler import SamplerConfig, chosen
from archsearch.search.samplers.random import Random
from archsearch.search.seen import ERROR, Seen
from archsearch.search.space import SearchSpace
from archsearch.testing.sampler_contract import LAYERS, POINTS, score
from tests.stores import viewed


class Ours(optuna.samplers.RandomSampler):
    """A class of its own, to be told from any that Optuna makes."""

    def sample_independent(self, study, trial, name, distribution):
        Recorded.asked.append((study.sampler, self, trial.number))
        return super().sample_independent(study, trial, name, distribution)


class Recorded(SamplerConfig):
    name: Literal["recorded"] = "recorded"
    built: ClassVar[list[int]] = []
    asked: ClassVar[list] = []

    def build(self, seed, space):
        self.built.append(seed)
        return Ours(seed=seed)


class Onlooker(SamplerConfig):
    """A strategy that keeps what it was shown last, and takes any label."""

    name: Literal["onlooker"] = "onlooker"
    compares: ClassVar[bool] = True
    seen: ClassVar[list[Seen]] = []

    def build(self, seed, space):
        return OwnSampler(self, seed, space.choices())

    def propose(self, seen, choices, rng):
        self.seen[:] = seen
        return {}

    def pick(self, seen, taken, name, labels, rng):
        return labels[0]


@pytest.fixture
def space():
    return validate(SearchSpace, {"layers": LAYERS}, where="space")


@pytest.fixture
def no_default(monkeypatch):
    """Whatever Optuna takes when it is given no sampler raises when it is asked."""

    def refuse(*_, **__):
        pytest.fail("a sampler was asked that the study does not name")

    for cls in (optuna.samplers.TPESampler, optuna.samplers.NSGAIISampler):
        for method in ("infer_relative_search_space", "sample_relative", "sample_independent"):
            monkeypatch.setattr(cls, method, refuse)


@pytest.fixture
def recorded():
    Recorded.built.clear()
    Recorded.asked.clear()
    return Recorded()


def run(space, config, mirror, numbers):
    proposer = Proposer(space, config, seed=3, name="study", mirror=mirror)
    for number in numbers:
        point = proposer.ask(number)
        proposer.tell(number, [score(point)], over={"cost": -1.0}, notes={})


def test_the_default_of_optuna_would_be_noticed(no_default):
    with pytest.raises(pytest.fail.Exception, match="that the study does not name"):
        optuna.create_study().ask().suggest_int("x", 0, 1)


def test_each_ask_runs_a_new_sampler_of_the_study(space, tmp_path, no_default, recorded):
    run(space, recorded, tmp_path / "study.db", range(5))
    assert all(type(of_study) is Ours and of_study is ran for of_study, ran, _ in recorded.asked)
    assert {number for *_, number in recorded.asked} == set(range(5))
    assert len({id(sampler) for sampler, *_ in recorded.asked}) == 5
    assert len(set(recorded.built[1:])) == 5


def test_a_run_taken_up_elsewhere_runs_it_too(space, tmp_path, no_default, recorded):
    """Where a study is loaded from storage, as a worker of some peers does, Optuna gives it a
    sampler of its own choice."""
    mirror = tmp_path / "study.db"
    run(space, recorded, mirror, range(3))
    assert not isinstance(viewed(mirror, "study").sampler, Ours)
    recorded.asked.clear()
    run(space, recorded, mirror, range(3))
    assert recorded.asked
    assert all(type(sampler) is Ours for sampler, *_ in recorded.asked)


def test_an_error_that_is_told_reaches_samplers_of_our_own(space, tmp_path):
    proposer = Proposer(space, Onlooker(), seed=0, name="study", mirror=tmp_path / "study.db")
    for number, error in enumerate([0.1, None, 0.2]):
        proposer.ask(number)
        proposer.tell(number, [0.5], over={}, error=error, notes={})
    assert [trial.error for trial in Onlooker.seen] == [0.1, None]
    shown = viewed(tmp_path / "study.db", "study").trials
    assert [trial.user_attrs[ERROR] for trial in shown] == [0.1, None, 0.2]


def test_samplers_of_our_own_are_told_which_trials_pause(space, tmp_path):
    proposer = Proposer(space, Onlooker(), seed=0, name="study", mirror=tmp_path / "study.db")
    for number, paused in enumerate([True, False, True]):
        proposer.ask(number)
        proposer.tell(number, [0.5], over={}, paused=paused, notes={})
    assert [trial.paused for trial in Onlooker.seen] == [True, False]


def test_a_sampler_that_cannot_be_had_is_known_before_the_first_ask(space, tmp_path):
    class Missing(Recorded):
        def build(self, seed, space):
            raise ImportError("not here")

    with pytest.raises(ImportError, match="not here"):
        Proposer(space, Missing(), seed=0, name="study", mirror=tmp_path / "study.db")


@pytest.mark.parametrize(
    ("trials", "name"), [(POINTS - 1, "tpe"), (POINTS, "exhaustive"), (POINTS + 1, "exhaustive")]
)
def test_a_space_as_small_as_the_study_is_enumerated(space, trials, name):
    assert chosen(None, space, trials).name == name


def test_a_sampler_that_is_named_is_taken(space):
    assert chosen(Random(), space, POINTS) == Random()

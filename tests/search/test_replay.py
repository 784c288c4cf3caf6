"""A replay finds what the search found, without its models; what it lacks it says."""

import asyncio
import shutil
import sqlite3
from contextlib import closing

import pytest

from archsearch.architecture import Architecture
from archsearch.errors import ConfigError, MissingSample, RunError
from archsearch.meter import Meter
from archsearch.search.config import SHELF, StudyConfig
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.search.scoring import score
from archsearch.testing import smollm
from tests.search import studies
from tests.search.studies import CAPS, Multiplier

PAID = {"seconds", "tokens", "samples"}
DRAWN = {"flops": {"charged", "used"}}
"""Of what was paid, what a replay repeats."""


class Gone(Multiplier):
    """The test model, whose weights nobody has any more."""

    async def open(self):
        raise AssertionError("a replay must open no model")


def study(**changes):
    """The small study, made smaller."""
    sizes = {"search": 10, "select": 5, "test": 10}
    return studies.study(**{"splits": sizes, "search": {"trials": 8, "in_flight": 3}, **changes})


def run(config, folder, **options):
    return asyncio.run(search(config, folder, Progress(), Meter(), **options))


def replay(config, store, folder):
    return run(config.model_copy(update={"store": str(store)}), folder, replay=True)


def found(report):
    """All that a report says but what was paid, and when."""
    kept = {key: value for key, value in report.items() if key not in PAID}
    kept["flops"] = {key: report["flops"][key] for key in DRAWN["flops"]}
    return kept


def forget(store, share):
    """Removes every `share`-th sample."""
    db = sqlite3.connect(store)
    db.execute("CREATE TEMP TABLE doomed AS SELECT key, idx FROM samples")
    db.execute(
        "DELETE FROM samples WHERE (key, idx) IN (SELECT key, idx FROM doomed WHERE rowid % ? = 0)",
        (share,),
    )
    db.commit()
    db.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    return folder / "samples.sqlite", run(study(), folder)


def test_a_replay_gives_the_same_report_and_opens_no_model(original, tmp_path):
    store, report = original
    again = replay(study(models={"m": Gone()}), store, tmp_path)
    assert found(again) == found(report)
    assert again["samples"]["missing"] == again["samples"]["drawn"] == 0
    assert again["flops"]["drawn"] == 0


def test_a_replay_leaves_its_store_as_it_is(original, tmp_path):
    store, _ = original
    before = store.read_bytes()
    replay(study(search={"trials": 12}), store, tmp_path)
    assert store.read_bytes() == before


def test_a_replay_ends_where_the_budget_ended_the_search(tmp_path):
    capped = study(
        splits={"search": 10, "select": 2, "test": 3},
        budget={"per_question": {"flops": 2e7}, "study": {"flops": 5e8}},
        search={"trials": 40, "in_flight": 1, "finalists": 1},
    )
    first = run(capped, tmp_path)
    assert any("the study's cap is" in trial["reason"] for trial in first["trials"])
    again = replay(capped, tmp_path / "samples.sqlite", tmp_path / "again")
    assert found(again) == found(first)


def test_a_replay_is_refused_what_the_search_was(tmp_path):
    refused = study().load_splits().search[3].question.messages[-1].content

    def fault(request, seed):
        return "rejected" if refused in request.messages[-1].content else None

    first = run(study(models={"m": Multiplier(fault=fault)}), tmp_path)
    assert any(trial["malformed"] for trial in first["trials"])
    again = replay(study(models={"m": Gone()}), tmp_path / "samples.sqlite", tmp_path / "again")
    assert found(again) == found(first)
    assert again["samples"]["missing"] == again["samples"]["drawn"] == 0


def test_what_is_missing_is_said_and_cannot_win(original, tmp_path):
    _, report = original
    store = shutil.copy(original[0], tmp_path)
    forget(store, 40)
    again = replay(study(), store, tmp_path / "again")
    assert again["samples"]["missing"] > 0
    states = {trial["number"]: trial for trial in again["trials"]}
    lacking = [trial for trial in again["trials"] if trial["state"] == "incomplete"]
    assert lacking
    for trial in lacking:
        assert "questions unscored; first: a replay takes every sample" in trial["reason"]
        assert "it lacks" in trial["reason"]
        assert "'m' in the role" in trial["reason"]
        assert trial["questions_scored"] < 10
        assert trial["number"] not in again["front"]
    assert states[again["best"]["number"]]["state"] == "complete"
    # What is not missing is scored as it was: the same architecture, the same mean.
    before = {t["digest"]: t["score"] for t in report["trials"] if t["state"] == "complete"}
    whole = [t for t in again["trials"] if t["state"] == "complete" and t["digest"] in before]
    assert whole
    assert all(trial["score"] == before[trial["digest"]] for trial in whole)


def test_the_same_study_with_its_models_draws_what_was_missing(original, tmp_path):
    _, report = original
    store = shutil.copy(original[0], tmp_path)
    forget(store, 40)
    replay(study(), store, tmp_path / "again")
    filled = run(study(store=str(store)), tmp_path / "filled")
    assert 0 < filled["samples"]["drawn"] < report["samples"]["drawn"] / 20
    assert found(replay(study(), store, tmp_path / "whole")) == found(report)


def test_a_missing_length_of_a_prompt_is_no_guess(original, tmp_path):
    store = shutil.copy(original[0], tmp_path)
    with closing(sqlite3.connect(store)) as db:
        db.execute("DELETE FROM prompts")
        db.commit()
    with pytest.raises(
        MissingSample, match=r"length of every prompt .* lacks that of 'Reply.* for 'm'"
    ):
        replay(study(), store, tmp_path / "again")


def scored(config, architecture, **options):
    progress = Progress()
    document = asyncio.run(
        score(config, architecture, progress=progress, meter=Meter(), replay=True, **options)
    )
    assert progress.questions == progress.questions_wanted
    return document


def test_one_architecture_is_replayed(original):
    store, report = original
    architecture = Architecture.parse(report["best"]["architecture"])

    def evaluate(split):
        return scored(study(models={"m": Gone()}), architecture, split=split, store=store)

    assert evaluate("test")["score"] == report["best"]["test"]["score"]
    assert evaluate("test")["missing"] == 0


def test_architectures_are_told_apart_on_the_questions_of_both(original):
    store, report = original
    best = Architecture.parse(report["best"]["architecture"])
    rivals = report["baselines"]
    document = scored(
        study(),
        best,
        split="test",
        store=store,
        against=[Architecture.parse(rival["architecture"]) for rival in rivals],
    )
    for told, rival in zip(document["against"], rivals, strict=True):
        assert told["score"] == rival["test"]["score"]
        assert told["paired_delta"] == rival["paired_delta"]


def test_an_architecture_without_any_sample_is_an_error(original):
    store, _ = original
    other = Architecture.parse([{"type": "generator", "model": "m", "temperature": 1.5, **CAPS}])
    with pytest.raises(MissingSample, match=r"none of 10 questions .* lacks 1 of 'm' in the role"):
        scored(study(), other, split="search", store=store)


def test_another_model_under_the_name_is_refused(original, tmp_path):
    store, _ = original
    script = {"backend": "scripted", "replies": [{"match": "", "texts": ["4"]}]}
    with pytest.raises(ConfigError, match=r"configured alike .* it holds: m \(multiplier\)"):
        replay(study(models={"m": script}), store, tmp_path)


def test_settings_of_speed_are_free_in_a_replay():
    script = {"backend": "scripted", "replies": [{"match": "", "texts": ["4"]}]}
    signatures = [
        study(models={"m": script | changed}).models["m"].signature()
        for changed in ({}, {"capacity": 3}, {"price": {"prompt": 1, "completion": 2}})
    ]
    assert len(set(signatures)) == 1
    assert study(models={"m": script | {"context": 999}}).models["m"].signature() not in signatures


def test_a_store_that_is_not_there_is_no_empty_one(tmp_path):
    with pytest.raises(RunError, match=r"must be a file that exists; .*none.sqlite.* correct the"):
        replay(study(), tmp_path / "none.sqlite", tmp_path / "run")
    assert not (tmp_path / "none.sqlite").exists()


def test_a_cap_on_latency_cannot_be_replayed(original, tmp_path):
    store, _ = original
    timed = study(budget={"per_question": {"flops": 3.9e7, "seconds": 1}})
    with pytest.raises(ConfigError, match=r"cannot measure .*\.seconds is 1; leave that cap out"):
        replay(timed, store, tmp_path)


@pytest.mark.model
@pytest.mark.skipif(bool(smollm._MISSING), reason="the test model is not installed")
def test_a_real_model_is_replayed(tmp_path):
    small = StudyConfig.read(
        SHELF / "quickstart.yaml", ["splits={search: 4, select: 2, test: 4}", "search.trials=5"]
    )
    report = run(small, tmp_path / "first")
    again = replay(small, tmp_path / "first" / "samples.sqlite", tmp_path / "again")
    assert found(again) == found(report)
    assert again["samples"]["missing"] == again["samples"]["drawn"] == 0

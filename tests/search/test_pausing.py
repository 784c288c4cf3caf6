"""A search whose sampler pauses trials and goes on with what is worth it."""

import asyncio
from itertools import groupby
from typing import Literal

import pytest

from archsearch.errors import ConfigError
from archsearch.meter import Meter
from archsearch.models.base import ModelConfig
from archsearch.models.scripted import Scripted
from archsearch.patience import Patience
from archsearch.search.coordinator import Coordinator
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.seeds import seed_of
from tests.search.studies import Multiplier, multiply, study
from tests.search.test_run import run_until, told
from tests.stores import viewed

QUESTIONS, IN_FLIGHT, FIRST_LOOK = 40, 3, 5
SETTINGS = {
    "sampler": {"name": "bayes", "startup_trials": 4, "first_look": FIRST_LOOK},
    "trials": 16,
    "in_flight": IN_FLIGHT,
    "racing": {"block": 5},
}


class Guesser(ModelConfig):
    """A worse model than `Multiplier`, and in no point of the space: all that is made of it are
    baselines."""

    backend: Literal["guesser"] = "guesser"

    async def open(self):
        def guess(request, seed):
            return multiply(request, seed) if seed_of(["guess", seed]) % 2 else "It may be 7."

        return Scripted(guess, identity="guesser")


def paused_study(cap=None, **settings):
    sizes = {"search": QUESTIONS, "select": 10, "test": 30}
    models = {"m": Multiplier(), "n": Guesser()}
    budget = {"per_question": {"flops": 3.9e7}, "study": {"flops": cap}}
    return study(splits=sizes, search=SETTINGS | settings, models=models, budget=budget)


def run(config, folder):
    progress = Progress()
    return asyncio.run(search(config, folder, progress, Meter())), progress


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run: its folder, its report, and its progress."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *run(paused_study(), folder)


def evaluated(report):
    return [t for t in report["trials"] if t["questions_scored"]]


def test_a_trial_pauses_and_another_goes_on_with_it(whole):
    _, report, _ = whole
    trials = report["trials"]
    paused = [trial for trial in trials if trial["state"] == "paused"]
    assert {t["questions_scored"] for t in paused} <= {FIRST_LOOK * 2**k for k in range(3)}
    assert all(trial["number"] not in report["front"] for trial in paused)
    continued = [trial for trial in trials if trial["continued_by"] is not None]
    assert continued
    for trial in continued:
        after = trials[trial["continued_by"]]
        assert (trial["state"], trial["digest"]) == ("paused", after["digest"])
        apart = IN_FLIGHT if after["origin"] == "sampler" else 1
        assert trial["number"] <= after["number"] - apart
        seen, twice = trial["questions_scored"], 2 * trial["questions_scored"]
        scored = after["questions_scored"]
        assert seen < scored <= twice
        assert scored == twice or after["state"] == "raced out"


def test_an_architecture_counts_once_however_often_it_went_on(whole):
    _, report, progress = whole
    digests = [trial["digest"] for trial in evaluated(report)]
    assert progress.trials == len(set(digests)) == SETTINGS["trials"] < len(digests)
    chains = groupby(
        sorted(evaluated(report), key=lambda t: (t["digest"], t["number"])), lambda t: t["digest"]
    )
    for _, chain in chains:
        *before, last = chain
        assert last["continued_by"] is None
        assert all(trial["continued_by"] is not None for trial in before)


def test_the_winner_was_scored_whole_and_nothing_paused_is_ahead_of_it(whole):
    folder, report, _ = whole
    by_digest = {t["digest"]: t for t in evaluated(report) if t["continued_by"] is None}
    assert by_digest[report["best"]["digest"]]["questions_scored"] == QUESTIONS
    complete = {t["number"]: t["score"] for t in evaluated(report) if t["state"] == "complete"}
    told_worth = {t.user_attrs["number"]: t for t in viewed(folder / "study.db", "small").trials}
    left = [t for t in by_digest.values() if t["state"] == "paused"]
    assert left
    for trial in left:
        shown = told_worth.get(trial["number"])  # a baseline may be no point of the space
        if shown and max(shown.constraints.values()) <= 0:
            assert shown.value <= max(complete.values())


def test_a_baseline_pauses_unless_others_are_compared_with_it(whole):
    _, report, _ = whole
    baselines = [trial for trial in report["trials"] if trial["origin"] == "baseline"]
    assert {trial["state"] for trial in baselines} == {"complete", "paused"}
    for trial in baselines:
        first = trial["number"] < IN_FLIGHT or trial["baseline"].startswith("single call")
        assert trial["questions_scored"] == (QUESTIONS if first else FIRST_LOOK)


def few_samples():
    """A study whose baselines are no match for what it finds, one trial at a time."""
    config = paused_study(in_flight=1)
    baselines = config.baselines.model_copy(update={"max_samples": 2})
    return config.model_copy(update={"baselines": baselines})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The report of an uninterrupted run of that."""
    return run(few_samples(), tmp_path_factory.mktemp("found"))[0]


def test_the_best_self_consistency_is_scored_whole_at_the_end(found):
    """The winner is compared with it, so the choice of its model must not rest on a first look."""
    leaders = [trial for trial in found["trials"] if trial["origin"] == "leader"]
    last = [trial for trial in leaders if trial["baseline"]]
    assert {trial["baseline"] for trial in last} == {"self-consistency (m, direct, n=2)"}
    assert [trial["state"] for trial in last] == ["paused", "paused", "complete"]
    assert last[-1]["score"] < found["best"]["search"]["score"]
    others = [trial for trial in evaluated(found) if "consistency (n" in (trial["baseline"] or "")]
    assert [trial["questions_scored"] for trial in others] == [FIRST_LOOK]
    compared = found["baselines"][1]
    assert compared["name"].startswith("self-consistency")
    assert compared["architecture"][0]["model"] == "m"


def test_the_only_self_consistency_stays_paused(tmp_path):
    """There is no other to choose from, so its score on the search questions decides nothing."""
    alone = few_samples().model_copy(update={"models": {"m": Multiplier()}})
    report, _ = run(alone, tmp_path)
    rivals = [t for t in report["trials"] if (t["baseline"] or "").startswith("self-consistency")]
    assert [(t["state"], t["questions_scored"]) for t in rivals] == [("paused", FIRST_LOOK)]
    assert report["baselines"][1]["name"].startswith("self-consistency")


def test_what_is_left_to_the_end_is_taken_up_again_after_an_interruption(found, tmp_path):
    """A baseline that is no point of the space is not the sampler's to propose again."""
    whole = sum(t["questions_scored"] for t in evaluated(found) if t["continued_by"] is None)
    assert run_until(few_samples(), tmp_path, whole - QUESTIONS // 2)
    assert told(run(few_samples(), tmp_path)[0]) == told(found)


def test_no_question_is_asked_or_counted_twice(whole, tmp_path):
    _, report, progress = whole
    assert progress.questions == progress.questions_wanted
    at_once, _ = run(paused_study(sampler={**SETTINGS["sampler"], "first_look": 40}), tmp_path)
    asked = [
        sum(t["questions_scored"] for t in evaluated(one) if t["continued_by"] is None)
        for one in (report, at_once)
    ]
    assert asked[0] < asked[1]
    assert "paused" not in {trial["state"] for trial in at_once["trials"]}


@pytest.mark.parametrize("questions", [60, 150, 220, 260])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(whole, tmp_path, questions):
    _, report, _ = whole
    assert run_until(paused_study(), tmp_path, questions)
    resumed, _ = run(paused_study(), tmp_path)
    assert told(resumed) == told(report)
    assert resumed["tokens"]["drawn_completion"] == report["tokens"]["drawn_completion"]


def test_what_goes_on_is_not_judged_again(whole, tmp_path, monkeypatch):
    """Else one that is ahead, and refused each time, would be tried for ever."""
    foresee = Coordinator._foresee

    async def dearer(self, architecture):
        if architecture.digest in self._latest:
            raise ConfigError("it is dearer than was thought")
        return await foresee(self, architecture)

    monkeypatch.setattr(Coordinator, "_foresee", dearer)
    _, report, _ = whole
    assert told(run(paused_study(), tmp_path)[0]) == told(report)


def test_a_trial_with_a_question_that_fails_goes_on_and_is_incomplete(tmp_path):
    """It pauses nowhere, so that all that is to be asked again is known."""
    down = {"now": True}

    def fault(request, seed):
        asked = any(f"{digit} * " in request.messages[-1].content for digit in range(2, 6))
        return "transient" if down["now"] and request.temperature == 0.5 and asked else None

    broken = paused_study().model_copy(
        update={
            "models": {"m": Multiplier(fault=fault)},
            "patience": Patience(attempts=2, first_pause=0.0),
        }
    )
    report, _ = run(broken, tmp_path)
    failed = [trial for trial in report["trials"] if trial["state"] == "incomplete"]
    assert failed
    assert all("questions unscored" in trial["reason"] for trial in failed)
    assert all(FIRST_LOOK < t["questions_scored"] < QUESTIONS for t in failed)
    down["now"] = False
    again, _ = run(broken, tmp_path)
    assert "incomplete" not in {trial["state"] for trial in again["trials"]}


def test_a_space_that_is_exhausted_still_has_its_leader_scored_whole(tmp_path):
    report, _ = run(paused_study(trials=60), tmp_path)
    last = [t for t in evaluated(report) if t["continued_by"] is None]
    assert len(last) < 60
    assert {t["state"] for t in last if t["digest"] == report["best"]["digest"]} == {"complete"}


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_near_the_cap_trials_end_rather_than_none(whole, tmp_path, share):
    """Those that began together would use up what one of them needs."""
    capped = paused_study(share * whole[1]["flops"]["charged"])
    report, _ = run(capped, tmp_path)
    states = [trial["state"] for trial in report["trials"]]
    assert {"complete", "incomplete"} <= set(states)
    assert report["flops"]["charged"] <= report["budget"]["study_flops"]
    assert told(run(capped, tmp_path)[0]) == told(report)

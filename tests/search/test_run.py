"""A whole search, from an empty folder to a report."""

import asyncio
import copy
import itertools
import json
import re

import pytest

from archsearch.architecture import Architecture
from archsearch.errors import ConfigError, RunError
from archsearch.ledger import Ledger
from archsearch.meter import Meter
from archsearch.models.scripted import Scripted
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.seeds import seed_of
from tests.search.studies import CAPS, Marker, Multiplier, multiply, study
from tests.stores import viewed

GROWING = {
    "layers": [
        {
            "type": "generator",
            "model": "m",
            "style": {"choose": ["plain", "direct"], "name": "style"},
            "temperature": {"choose": [0.5, 1.0], "name": "temperature"},
            "samples": {"choose": [1, 2, 3, 4], "name": "samples"},
            **CAPS,
        },
        {"type": "vote"},
    ],
}
EVALUATED = {"complete", "raced out"}
REQUIRED = {
    "schema_version": None,
    "benchmark": {"name"},
    "split_sizes": {"search", "select", "test"},
    "budget": {"flops_per_question", "study_flops"},
    "best": {"architecture", "digest", "search", "optimism", "test", "flops_per_question"},
    "baselines": None,
    "trials": None,
    "tokens": {"drawn", "reused"},
    "flops": {"drawn", "used"},
    "seconds": None,
}


def run(config, folder):
    return asyncio.run(search(config, folder, Progress(), Meter()))


def run_until(config, folder, questions):
    """Runs and is cancelled once so many questions are done; False when it ended before."""

    async def interrupted():
        progress = Progress()
        task = asyncio.ensure_future(search(config, folder, progress, Meter()))
        async with asyncio.timeout(60):
            while not task.done() and progress.questions - progress.done_before < questions:  # noqa: ASYNC110
                await asyncio.sleep(0)
        task.cancel()
        found = await asyncio.gather(task, return_exceptions=True)
        return isinstance(found[0], asyncio.CancelledError)

    return asyncio.run(interrupted())


def told(report):
    """What a search found, without what it paid for it."""
    return {key: report[key] for key in ("best", "baselines", "trials", "front", "finalists")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run: its folder and its report."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, run(study(), folder)


def test_the_report_holds_what_it_promises(whole):
    folder, report = whole
    assert json.loads((folder / "report.json").read_text()) == report
    for key, inner in REQUIRED.items():
        assert key in report
        assert not inner or inner <= report[key].keys()
    for scored in (report["best"]["search"], report["best"]["test"]):
        assert scored["ci95"][0] <= scored["score"] <= scored["ci95"][1]
    assert {b["name"] for b in report["baselines"]} == {
        "single call",
        "self-consistency at equal FLOPs",
    }
    for rival in report["baselines"]:
        low, high = rival["paired_delta"]["ci95"]
        assert low <= rival["paired_delta"]["value"] <= high
        difference = report["best"]["test"]["score"] - rival["test"]["score"]
        assert rival["paired_delta"]["value"] == pytest.approx(difference)


def test_trials_are_distinct_and_as_many_as_asked_for(whole):
    _, report = whole
    evaluated = [t for t in report["trials"] if t["state"] in EVALUATED]
    complete = [t for t in evaluated if t["state"] == "complete"]
    assert len({t["digest"] for t in evaluated}) == len(evaluated) == 12
    assert [t["number"] for t in report["trials"]] == list(range(len(report["trials"])))
    assert report["trials"][0]["baseline"] == "single call (m, direct)"
    assert all(t["questions_scored"] == 20 for t in complete)


def test_refused_and_repeated_proposals_cost_nothing(whole):
    _, report = whole
    idle = [t for t in report["trials"] if t["state"] in {"refused", "duplicate"}]
    assert {t["state"] for t in idle} == {"refused", "duplicate"}
    assert all(t["questions_scored"] == 0 for t in idle)
    assert all(t["reason"] for t in idle if t["state"] == "refused")
    for trial in idle:
        if trial["state"] == "duplicate":
            assert report["trials"][trial["twin"]]["digest"] == trial["digest"]


def test_the_winner_keeps_the_budget_and_no_bound_is_passed(whole):
    _, report = whole
    assert report["best"]["flops_per_question"]["measured"] <= 3.9e7
    for trial in report["trials"]:
        if trial["state"] == "complete":
            assert trial["highest_flops_of_a_question"] <= trial["upper_flops_per_question"]
            assert trial["expected_flops_per_question"] <= trial["upper_flops_per_question"]


def test_the_winner_has_the_best_score_over_search_and_select_questions(whole):
    _, report = whole
    winner, *others = report["finalists"]
    assert winner["number"] == report["best"]["number"]
    assert winner["select_questions"] == 10
    assert all(other["pooled"] <= winner["pooled"] for other in others)
    pooled = (winner["search"] * 20 + winner["select"] * 10) / 30
    assert winner["pooled"] == pytest.approx(pooled)
    assert abs(report["best"]["optimism"]) < 0.5


def test_the_best_architecture_is_a_file_of_its_own(whole):
    folder, report = whole
    assert Architecture.read(folder / "best.yaml").digest == report["best"]["digest"]
    answers = (folder / "samples_reasoning_gym.jsonl").read_text().splitlines()
    assert len(answers) == 3 * 30


def test_the_splits_share_no_question():
    splits = study().load_splits()
    ids = [
        {item.question.id for item in part} for part in (splits.search, splits.select, splits.test)
    ]
    assert [len(part) for part in ids] == [20, 10, 30]
    assert not any(a & b for a, b in itertools.combinations(ids, 2))


def test_the_optuna_study_is_an_ordinary_one(whole):
    folder, report = whole
    view = viewed(folder / "study.db", "small")
    points = [t for t in report["trials"] if t["params"] is not None]
    assert [t.user_attrs["number"] for t in view.trials] == [t["number"] for t in points]
    for trial, point in zip(view.trials, points, strict=True):
        assert trial.params == point["params"]
        assert trial.constraints.keys() == {"cost", "valid"}
        feasible = all(value <= 0 for value in trial.constraints.values())
        assert bool(trial.user_attrs["standard_error"]) == (trial.constraints["valid"] <= 0)
        assert feasible == (
            point["state"] in {*EVALUATED, "duplicate"} and not _refused(report, point)
        )


def _refused(report, point):
    twin = report["trials"][point["twin"]] if point["twin"] is not None else point
    return twin["state"] not in EVALUATED or twin["flops_per_question"] > 3.9e7


def test_a_full_store_changes_no_score_and_draws_nothing(whole, tmp_path):
    folder, report = whole
    again = run(study(store=folder / "samples.sqlite"), tmp_path)
    assert told(again) == told(report)
    assert again["tokens"]["drawn"] == 0
    assert again["flops"]["charged"] == pytest.approx(report["flops"]["charged"])


@pytest.mark.parametrize("questions", [1, 9, 40, 100, 205, 270, 301, 330])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(whole, tmp_path, questions):
    _, report = whole
    assert run_until(study(), tmp_path, questions)
    resumed = run(study(), tmp_path)
    assert told(resumed) == told(report)
    # A prompt whose samples were in flight is prefilled once more; no finished sample is.
    assert resumed["tokens"]["drawn_completion"] == report["tokens"]["drawn_completion"]


def test_a_finished_run_is_shown_again_without_a_token(whole):
    folder, report = whole
    again = run(study(), folder)
    assert told(again) == told(report)
    assert again["tokens"]["drawn"] == report["tokens"]["drawn"]


def test_more_trials_build_on_those_that_are_there(tmp_path):
    first = run(study(search={"trials": 6, "in_flight": 2}), tmp_path)
    more = run(study(search={"trials": 9, "in_flight": 2}), tmp_path)
    assert more["trials"][: len(first["trials"])] == first["trials"]
    assert sum(t["state"] in EVALUATED for t in more["trials"]) == 9


def test_the_time_of_a_run_is_that_of_all_its_parts(tmp_path):
    first, second = (run(study(search={"trials": 3}), tmp_path)["seconds"] for _ in range(2))
    assert 0 < first < second


def test_another_study_in_the_same_folder_is_refused_with_the_difference(tmp_path):
    run(study(search={"trials": 3}), tmp_path)
    with pytest.raises(RunError, match=r"seed: was 0, now 1; undo that, or choose another --out"):
        run(study(search={"trials": 3}, seed=1), tmp_path)


class Broken(Multiplier):
    """Cannot be opened."""

    async def open(self):
        raise ConfigError("a model must be there")


def test_a_mistake_before_anything_was_paid_binds_to_nothing(tmp_path):
    with pytest.raises(ConfigError, match="must be there"):
        run(study(search={"trials": 3}, seed=1, models={"m": Broken()}), tmp_path)
    report = run(study(search={"trials": 3}), tmp_path)
    assert told(report) == told(run(study(search={"trials": 3}), tmp_path / "straight"))


def test_a_model_that_refuses_all_ends_the_run_and_is_asked_again_once_it_is_mended(tmp_path):
    down = {"now": True}
    models = {"m": Multiplier(fault=lambda *_: "rejected" if down["now"] else None)}
    small = study(search={"trials": 3}, models=models)
    with pytest.raises(RunError, match=r"must answer some question; all 8 were refused, the first"):
        run(small, tmp_path)
    down["now"] = False
    mended, straight = run(small, tmp_path), run(study(search={"trials": 3}), tmp_path / "straight")
    assert told(mended) == told(straight)


def test_scores_of_two_versions_of_a_benchmark_are_not_mixed(tmp_path, monkeypatch):
    small = study(search={"trials": 3})
    run(small, tmp_path)
    monkeypatch.setattr(type(small.benchmark), "version", 7)
    with pytest.raises(RunError, match=r"of one version of its benchmark.*is 7 now; choose anoth"):
        run(small, tmp_path)


def test_what_a_run_charged_is_told_in_every_unit(whole):
    _, report = whole
    assert report["charged"]["flops"] == report["flops"]["charged"]
    assert report["charged"]["completion_tokens"] > 0
    assert report["charged"]["dollars"] == 0
    for trial in report["trials"]:
        if trial["architecture"] is not None:
            assert Architecture.parse(trial["architecture"]).digest == trial["digest"]


def test_a_run_is_held_by_one_process(tmp_path):
    with Ledger(tmp_path), pytest.raises(RunError, match="is in use; wait for it, or choose"):
        run(study(), tmp_path)


def test_the_cap_of_a_study_is_never_passed_and_still_names_a_winner(tmp_path, whole):
    _, report = whole
    cap = report["flops"]["charged"] / 2
    capped = run(study(budget={"per_question": {"flops": 6e6}, "study": {"flops": cap}}), tmp_path)
    assert capped["flops"]["charged"] <= cap
    assert capped["best"]["test"]["n"] == 30


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.85, 0.95])
@pytest.mark.parametrize("per_question", [{}, {"flops": 3.9e7}])
def test_a_study_with_a_cap_alone_ends_with_a_test(tmp_path, whole, per_question, share):
    cap = share * whole[1]["flops"]["charged"]
    budget = {"per_question": per_question, "study": {"flops": cap}}
    report = run(study(budget=budget), tmp_path)
    assert report["flops"]["charged"] <= cap
    assert [one["test"]["n"] for one in (report["best"], *report["baselines"])] == [30] * 3


def test_a_budget_that_has_no_room_for_the_test_names_the_winner_and_may_grow(tmp_path, whole):
    charged = whole[1]["flops"]["charged"]
    small, larger = (study(budget={"study": {"flops": part * charged}}) for part in (0.1, 1.5))
    with pytest.raises(RunError, match=r"named in best\.yaml, and the same command with a larger"):
        run(small, tmp_path)
    assert Architecture.read(tmp_path / "best.yaml").models == {"m"}
    assert run(larger, tmp_path)["best"]["test"]["n"] == 30


@pytest.mark.parametrize(("seed", "share"), [(3, 0.65), (6, 0.65), (9, 0.65)])
def test_a_run_that_its_cap_ended_is_shown_again_as_it_was(tmp_path, seed, share):
    """What other trials drew may leave room for one that had none; it is not gone on with."""
    settings = {"trials": 24, "in_flight": 6, "sampler": {"name": "random"}, "racing": {"risk": 0}}
    splits = {"search": 20, "select": 4, "test": 4}
    common = {"seed": seed, "splits": splits, "search": settings}
    free, capped = tmp_path / "free", tmp_path / "capped"
    charged = run(study(budget={}, **common), free)["flops"]["charged"]
    config = study(budget={"study": {"flops": share * charged}}, **common)
    first, again = run(config, capped), run(config, capped)
    assert told(again) == told(first)
    assert any(trial["state"] == "incomplete" for trial in first["trials"])
    larger = run(study(budget={"study": {"flops": 2 * charged}}, **common), capped)
    assert all(trial["state"] != "incomplete" for trial in larger["trials"])


class Wordy(Multiplier):
    """Says more before some answers than before others."""

    vary: bool = True
    """Also from sample to sample."""

    async def open(self):
        def wordy(request, seed):
            asked = re.search(r"(\d+) \* (\d+)", request.messages[-1].content)
            told = [asked.group(0), *([seed] if self.vary else [])] if asked else ["nothing"]
            return "so " * (seed_of(told) % (12 if self.vary else 10)) + multiply(request, seed)

        return Scripted(wordy, identity="wordy")


def test_what_was_let_in_stays_though_more_questions_make_it_look_dearer(tmp_path):
    def of(questions):
        return study(
            models={"m": Wordy(vary=False)},
            seed=3,
            search={"trials": 12, "in_flight": 3, "racing": {"risk": 0.0}},
            budget={"per_question": {"flops": 2.48e7}},
            splits={"search": questions, "select": 5, "test": 10},
        )

    before, after = (run(of(questions), tmp_path)["trials"] for questions in (10, 25))
    assert [t["state"] for t in after[: len(before)]] == [t["state"] for t in before]
    assert all(t["questions_scored"] in (0, 25) for t in after[: len(before)])


def test_an_enumeration_goes_on_where_it_was(tmp_path):
    """Though what was passed over as too dear would be let in by what is known later."""
    space = {
        "layers": [
            {
                "type": "generator",
                "model": "m",
                "style": {"choose": ["plain", "direct"]},
                "temperature": {"choose": [0.5, 1.0]},
                "samples": {"choose": [16, 12, 8, 24, 6, 32, 4, 2, 1]},
                **CAPS,
            },
            {
                "choose": {
                    "fuse": [{"type": "fuser", "model": "m", **CAPS}],
                    "rank": [{"type": "ranker", "model": "m", **CAPS}],
                    "vote": [{"type": "vote"}],
                },
                "name": "join",
            },
        ]
    }
    config = study(
        models={"m": Wordy()},
        space=space,
        seed=272,
        budget={"per_question": {"flops": 70507802.26385477}},
        splits={"search": 4, "select": 0, "test": 2},
        search={
            "trials": 90,
            "in_flight": 1,
            "sampler": {"name": "random"},
            "racing": {"block": 2, "risk": 0},
        },
        baselines={"styles": ["direct"], "max_samples": 2, **CAPS},
    )
    whole = run(config, tmp_path / "whole")
    assert run_until(config, tmp_path / "cut", 212)
    assert told(run(config, tmp_path / "cut")) == told(whole)


def test_a_small_space_is_exhausted_rather_than_asked_for_ever(tmp_path):
    space = {
        "layers": [
            {
                "type": "generator",
                "model": "m",
                "temperature": {"choose": [0.0, 1.0]},
                **CAPS_OF_STUDY,
            }
        ]
    }
    report = run(study(space=space, search={"trials": 50}), tmp_path)
    complete = [t for t in report["trials"] if t["state"] == "complete"]
    assert {t["params"]["0.generator.temperature"] for t in complete if t["params"]} == {0.0, 1.0}
    assert len(report["trials"]) < 60


CAPS_OF_STUDY = {"max_tokens": 16, "max_prompt_tokens": 400}


def test_a_model_failure_is_no_zero(tmp_path):
    down = {"now": True}

    def fault(request, seed):
        return "transient" if down["now"] and "3 * " in request.messages[-1].content else None

    broken = study(
        models={"m": Multiplier(fault=fault)},
        patience={"attempts": 2, "first_pause": 0.0},
        search={"trials": 4},
    )
    with pytest.raises(RunError, match=r"a winner must be complete .* questions unscored"):
        run(broken, tmp_path)
    down["now"] = False
    report = run(broken, tmp_path)
    assert {t["state"] for t in report["trials"]} <= {"complete", "duplicate", "refused"}


def test_an_outage_at_the_end_changes_no_verdict(tmp_path, whole):
    """What failed in selection or test is asked once more before anything is named."""
    splits = study().load_splits()
    late = {i.question.messages[-1].content for i in (*splits.select, *splits.test)}
    failed = set()

    def fault(request, seed):
        asked = request.messages[-1].content
        if asked not in late or asked in failed:
            return None
        failed.add(asked)
        return "transient"

    models = {"m": Multiplier(fault=fault)}
    report = run(study(models=models, patience={"attempts": 1, "first_pause": 0.0}), tmp_path)
    assert failed
    assert told(report) == told(whole[1])


def test_a_cap_on_latency_is_kept_by_the_winner(tmp_path):
    def slow_ranker(request, seed):
        return 0.05 if "from best to worst" in request.messages[-1].content else 0.0

    capped = study(
        models={"m": Multiplier(latency=slow_ranker)},
        budget={"per_question": {"flops": 3.9e7, "seconds": 0.04}},
        search={"trials": 8, "finalists": 8},
    )
    report = run(capped, tmp_path)
    ranked = [t for t in report["trials"] if t["state"] == "complete" and "ranker" in t["summary"]]
    assert ranked
    finalists = {f["number"]: f["median_seconds_per_question"] for f in report["finalists"]}
    assert all(0 < seconds <= 0.04 for seconds in finalists.values())
    assert not finalists.keys() & {t["number"] for t in ranked}
    assert run(capped, tmp_path)["finalists"] == report["finalists"]  # measured once
    with pytest.raises(
        RunError, match=r"within 1e-09 s per question; none that is within the other"
    ):
        run(
            study(budget={"per_question": {"flops": 3.9e7, "seconds": 1e-9}}, search={"trials": 3}),
            tmp_path / "none",
        )


def test_only_baselines_begin_after_the_time_of_a_study(tmp_path):
    report = run(study(budget={"study": {"seconds": 1e-9}}), tmp_path)
    assert {t["origin"] for t in report["trials"]} == {"baseline"}
    # Those have begun: a resumed run has them again.
    assert told(run(study(budget={"study": {"seconds": 1e-9}}), tmp_path)) == told(report)


def test_racing_saves_questions_and_names_the_same_winner(tmp_path):
    size = {"search": 60, "select": 10, "test": 20}
    whole = run(study(splits=size, search=SETTINGS | {"racing": {"risk": 0}}), tmp_path / "whole")
    raced = run(study(splits=size, search=SETTINGS), tmp_path / "raced")
    stopped = [trial for trial in raced["trials"] if trial["state"] == "raced out"]
    assert stopped
    assert not [trial for trial in whole["trials"] if trial["state"] == "raced out"]
    by_number = {trial["number"]: trial for trial in raced["trials"]}
    for trial in stopped:
        assert trial["questions_scored"] < 60
        assert trial["questions_scored"] % 10 == 0
        assert trial["baseline"] is None
        assert trial["number"] not in raced["front"]
        rival = by_number[int(trial["reason"].split()[2])]
        assert rival["state"] == "complete"
        assert rival["flops_per_question"] <= trial["flops_per_question"]
        assert rival["number"] <= trial["number"] - SETTINGS["in_flight"]
    assert raced["best"]["digest"] == whole["best"]["digest"]
    # A run that is resumed makes the same trials, and stops them where they were stopped.
    assert told(run(study(splits=size, search=SETTINGS), tmp_path / "raced")) == told(raced)


SETTINGS = {"trials": 16, "in_flight": 3}


def test_an_unnamed_sampler_stays_the_one_that_the_run_began_with(tmp_path):
    """With 12 trials the space of 42 points is searched by TPE; with 60 all of it would be."""
    first = run(study(), tmp_path)
    longer = run(study(search={"trials": 60, "in_flight": 3}), tmp_path)
    with Ledger(tmp_path) as ledger:
        assert ledger.settle("sampler", {"name": "random"})["name"] == "tpe"
    begun = len(first["trials"])
    assert [t["digest"] for t in longer["trials"][:begun]] == [t["digest"] for t in first["trials"]]


def test_a_run_goes_on_with_another_model_another_option_and_more_questions(tmp_path):
    """What was there stays; the new model's baselines come next; Optuna's view is made again."""
    first = run(study(space=GROWING), tmp_path)
    space = copy.deepcopy(GROWING)
    space["layers"][0]["model"] = {"choose": ["n", "m"], "name": "model"}
    space["layers"][0]["temperature"]["choose"] += [0.9]
    space["layers"].insert(0, {"repeat": {"choose": [0]}, "layers": []})
    larger = study(
        space=space,
        models={"m": Multiplier(), "n": Multiplier()},
        splits={"search": 25, "select": 10, "test": 30},
        search={"trials": 20, "in_flight": 3},
    )
    second = run(larger, tmp_path)
    begun = len(first["trials"])
    for before, now in zip(first["trials"], second["trials"], strict=False):
        assert (before["number"], before["digest"]) == (now["number"], now["digest"])
    names = [t["baseline"] for t in second["trials"][begun : begun + 2]]
    assert names[0] == "single call (n, direct)"
    assert all("(n, direct" in name for name in names)
    evaluated = [t for t in second["trials"] if t["state"] in EVALUATED]
    assert len(evaluated) == 20
    assert {t["questions_scored"] for t in evaluated if t["state"] == "complete"} == {25}
    models = {t["params"]["model"] for t in second["trials"][begun:] if t["params"]}
    assert "n" in models
    view = viewed(tmp_path / "study.db", "small")
    assert [t.user_attrs["number"] for t in view.trials] == [
        t["number"] for t in second["trials"] if t["params"]
    ]
    with pytest.raises(RunError, match=r"search questions.*splits.search: was 25, now 20"):
        run(study(space=GROWING), tmp_path)


def test_a_model_that_joins_is_tried_though_no_more_trials_are_asked_for(tmp_path):
    first = run(study(search={"trials": 6}), tmp_path)
    second = run(study(search={"trials": 6}, models={"m": Multiplier(), "n": Wordy()}), tmp_path)
    assert second["trials"][: len(first["trials"])] == first["trials"]
    more = [trial["baseline"] for trial in second["trials"][len(first["trials"]) :]]
    assert more[0] == "single call (n, direct)"
    assert len(more) == 3
    assert told(
        run(study(search={"trials": 6}, models={"m": Multiplier(), "n": Wordy()}), tmp_path)
    ) == told(second)


def test_more_search_questions_leave_the_others_where_they_are(tmp_path):
    """Also where the benchmark gives others first when it is asked for more."""
    config = study()
    before = config.load_splits()
    larger = study(splits={"search": 40, "select": 10, "test": 30})
    after = larger.load_splits(before.ids)
    assert after.search[:20] == before.search
    assert (after.select, after.test) == (before.select, before.test)
    assert len({one for ids in after.ids.values() for one in ids}) == 80
    assert larger.load_splits().ids != after.ids


def test_the_front_is_an_objective_of_its_own(tmp_path):
    """Optuna is told score and cost."""
    report = run(study(search={"trials": 16, "in_flight": 3, "objective": "pareto"}), tmp_path)
    view = viewed(tmp_path / "study.db", "small")
    assert [direction.name for direction in view.directions] == ["MAXIMIZE", "MINIMIZE"]
    by_number = {t["number"]: t for t in report["trials"]}
    told = [t for t in view.trials if by_number[t.user_attrs["number"]]["state"] == "complete"]
    for trial in told:
        known = by_number[trial.user_attrs["number"]]
        score, cost = trial.values
        assert score == pytest.approx(known["score"])
        assert 10**cost == pytest.approx(known["flops_per_question"])
    front = [by_number[number] for number in report["front"]]
    assert len(front) > 1
    for cheaper, dearer in itertools.pairwise(front):
        assert cheaper["score"] < dearer["score"]
        assert cheaper["flops_per_question"] < dearer["flops_per_question"]


def test_a_reward_model_ranks_and_is_no_baseline(tmp_path):
    layers = [
        {"type": "generator", "model": "m", "temperature": 1.0, "samples": 4, **CAPS},
        {"type": "reward_ranker", "model": "marker", "keep": 1, "max_prompt_tokens": 400},
    ]
    models = {"m": Multiplier(), "marker": Marker()}
    changes = {"space": {"layers": layers}, "models": models, "budget": {}, "search": {"trials": 9}}
    document = run(study(**changes), tmp_path)
    assert {trial["baseline"].split("(")[1][:2] for trial in document["trials"][:3]} == {"m,"}
    kinds = [layer["type"] for layer in document["best"]["architecture"]]
    assert kinds == ["generator", "reward_ranker"]

"""A pool is drawn once, and a replay lives on it."""

import asyncio

import pytest
from rich.console import Console

from archsearch.errors import BudgetExhausted, ConfigError
from archsearch.meter import Meter
from archsearch.screen import show_pool
from archsearch.search.pool import Pool
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.store import SampleStore
from tests.search import studies
from tests.search.studies import CAPS, Multiplier

SIZES = {"search": 8, "select": 3, "test": 6}


def study(**changes):
    return studies.study(**{"splits": SIZES, "search": {"trials": 12}, **changes})


def draw(config, store, **options):
    """The failures, and what was paid."""
    meter, progress = Meter(), Progress()
    failures = asyncio.run(Pool.of(config, **options).draw(store, progress, meter))
    assert progress.questions == progress.questions_wanted
    return failures, meter


def test_a_pool_holds_what_every_generator_may_ask():
    pool = Pool.of(study(), samples=32)
    found = {str(generator) for generator in pool.generators}
    assert found == {
        "generator(m, temperature=0.0)",
        "generator(m, direct, temperature=0.0)",
        "generator(m, temperature=0.5 ×32)",
        "generator(m, direct, temperature=0.5 ×32)",
        "generator(m, temperature=1.0 ×32)",
        "generator(m, direct, temperature=1.0 ×32)",
        "generator(m, direct ×32)",  # the baselines'
    }
    assert pool.samples == (8 + 3 + 6) * (2 * 1 + 5 * 32)


def test_by_default_it_holds_as_many_samples_as_are_ever_asked_for():
    pool = Pool.of(study())
    assert max(g.plan[0].completions for g in pool.generators) == 16  # the largest baseline


def test_that_a_replay_will_lack_some_is_told_before_anything_is_drawn(capsys):
    for samples, warned in ((4, True), (16, False)):
        show_pool(Console(), Pool.of(study(), samples=samples))
        assert ("more than 4 samples, up to 16" in capsys.readouterr().out) is warned


def test_generators_are_found_wherever_they_stand():
    several = {"type": "generator", "model": "m", "temperature": {"choose": [0.1, 0.2]}, **CAPS}
    layers = [
        {"choose": {"row": [[several, {**several, "temperature": 0.3}]], "none": []}},
        {"repeat": {"choose": [1, 2]}, "layers": [{**several, "temperature": 0.4}]},
        {"type": "adaptive_vote", "model": "m", "temperature": 0.6, "samples": 40, **CAPS},
    ]
    pool = Pool.of(study(space={"layers": layers}))
    temperatures = {g.rows[0][0].temperature for g in pool.generators}
    assert temperatures == {0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7}
    assert max(g.plan[0].completions for g in pool.generators) == 40


def test_a_split_is_named_rightly():
    assert len(Pool.of(study(), split="test").items) == 6
    with pytest.raises(ConfigError, match=r"must be search, select or test, .* got 'train'"):
        Pool.of(study(), split="train")


def test_a_pool_is_drawn_once_and_within_its_bound(tmp_path):
    store = tmp_path / "pool.sqlite"
    failures, meter = draw(study(), store)
    pool = Pool.of(study())
    assert failures == []
    with SampleStore(store) as filled:
        assert filled.count() == meter.drawn_samples == pool.samples
    bound = pool.upper_bound()
    assert 0 < meter.drawn_completion_tokens <= bound.completion_tokens
    assert 0 < meter.drawn_prompt_tokens <= bound.prompt_tokens
    assert draw(study(), store)[1].drawn_samples == 0


def test_votes_are_replayed_from_a_pool_as_if_the_model_were_there(tmp_path):
    config = study(budget={})
    store = tmp_path / "pool.sqlite"
    draw(config, store)
    replayed = config.model_copy(update={"store": str(store)})
    report = asyncio.run(search(replayed, tmp_path / "run", Progress(), Meter(), replay=True))
    whole = asyncio.run(search(config, tmp_path / "drawn", Progress(), Meter()))
    means = {t["digest"]: t["score"] for t in whole["trials"] if t["state"] == "complete"}
    seen = set()
    for trial in report["trials"]:
        asks = trial["summary"] and ("ranker" in trial["summary"] or "fuser" in trial["summary"])
        assert (trial["state"] == "incomplete") == bool(asks) or trial["state"] in {
            "duplicate",
            "raced out",
        }
        if trial["state"] == "complete":
            seen.add(trial["digest"])
            assert trial["score"] == means.get(trial["digest"], trial["score"])
    assert len(seen & means.keys()) >= 3
    assert report["best"]["test"]["unscored"] == 0
    assert report["samples"]["missing"] > 0


def test_a_pool_that_was_interrupted_goes_on(tmp_path):
    store = tmp_path / "pool.sqlite"
    count = Pool.of(study()).samples

    async def interrupted():
        meter = Meter()
        task = asyncio.ensure_future(Pool.of(study()).draw(store, Progress(), meter))
        async with asyncio.timeout(60):
            while meter.drawn_samples < count // 3:  # noqa: ASYNC110
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return meter.drawn_samples

    before = asyncio.run(interrupted())
    assert count // 3 <= before < count
    _, after = draw(study(), store)
    assert before + after.drawn_samples == count


def test_the_cap_of_the_study_holds_for_its_pool(tmp_path):
    capped = study(budget={"study": {"flops": 1e9}})
    meter = Meter()
    with pytest.raises(BudgetExhausted, match=r"the study's cap is 1e\+09 FLOPs; .* raise budget"):
        asyncio.run(Pool.of(capped).draw(tmp_path / "pool.sqlite", Progress(), meter))
    assert 0 < meter.drawn_samples < Pool.of(capped).samples


def test_what_failed_is_told_and_the_rest_is_kept(tmp_path):
    def fault(request, seed):
        return "transient" if "3 * " in request.messages[-1].content else None

    broken = study(models={"m": Multiplier(fault=fault)}, patience={"attempts": 1})
    failures, meter = draw(broken, tmp_path / "pool.sqlite")
    assert failures
    assert all(failure.kind == "model" for failure in failures)
    assert meter.drawn_samples > 0
    assert draw(study(), tmp_path / "pool.sqlite")[0] == []

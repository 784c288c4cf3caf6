"""Curves over a pool: what they say of one sample, of all, and of a pool with a hole."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from archsearch.architecture import Architecture
from archsearch.errors import MissingSample, RunError
from archsearch.evaluate import Evaluator
from archsearch.meter import Meter
from archsearch.search.curves import curves, held
from archsearch.search.opening import opened
from archsearch.search.pool import Pool
from archsearch.search.progress import Progress
from archsearch.store import SampleStore
from tests.search import studies
from tests.search.studies import Multiplier

SAMPLES = 12


@pytest.fixture(scope="module")
def config():
    return studies.study(splits={"search": 20, "select": 0, "test": 5})


@pytest.fixture(scope="module")
def place(config, tmp_path_factory):
    """A store with a pool of the search questions."""
    store = tmp_path_factory.mktemp("pool") / "pool.sqlite"
    pool = Pool.of(config, samples=SAMPLES, split="search")
    assert asyncio.run(pool.draw(store, Progress(), Meter())) == []
    return str(store)


@pytest.fixture(scope="module")
def found(config, place):
    """The curve of each generator, by its text."""
    progress = Progress()
    pool = Pool.of(config, samples=SAMPLES, split="search")
    told = asyncio.run(curves(pool, place, progress))
    assert progress.questions == progress.questions_wanted == 20 * len(told)
    return {str(curve.generator): curve for curve in told}


def evaluated(config, place, layers):
    """Mean score and FLOPs of the architecture that the layers make, from the same pool."""

    async def run():
        with SampleStore(place, only_read=True) as store:
            async with opened(config, store, replay=True) as dispatcher:
                evaluator = Evaluator(
                    benchmark=config.benchmark, dispatcher=dispatcher, tariffs=dispatcher.tariffs
                )
                items = config.load_splits().search
                return await evaluator.evaluate(Architecture.parse(layers), items)

    evaluation = asyncio.run(run())
    return evaluation.mean, evaluation.cost.flops


def test_there_is_a_point_for_each_doubling_and_for_all(found):
    for text, curve in found.items():
        sizes = [point.samples for point in curve.points]
        assert sizes == ([1, 2, 4, 8, SAMPLES] if f"×{SAMPLES}" in text else [1])


def test_any_of_one_sample_and_the_vote_of_one_are_that_sample(found):
    for curve in found.values():
        first = curve.points[0]
        assert first.any_passes.value == pytest.approx(first.vote.value)
        assert 0 < first.vote.value < 1


def test_all_samples_score_as_the_layers_do_on_them(config, place, found):
    (text,) = (one for one in found if "temperature=1.0" in one and "direct" not in one)
    last = found[text].points[-1]
    score, flops = evaluated(config, place, [*found[text].generator.dump(), {"type": "vote"}])
    assert last.flops == pytest.approx(flops)
    # On a tie the layer takes the answer drawn first, the curve the mean of all orders.
    assert last.vote.value == pytest.approx(score, abs=0.05)


def test_more_samples_pass_more_often_and_cost_more(found):
    for curve in found.values():
        best = [point.any_passes.value for point in curve.points]
        assert best == sorted(best)
        flops = np.array([point.flops for point in curve.points])
        assert (np.diff(flops) > 0).all()
        for point in curve.points:
            assert point.any_passes.low <= point.any_passes.value <= point.any_passes.high


def test_a_question_that_a_model_refused_scores_0(config, found, tmp_path):
    refused = config.load_splits().search[0].question.messages[-1].content

    def fault(request, seed):
        return "rejected" if refused in request.messages[-1].content else None

    broken = config.model_copy(update={"models": {"m": Multiplier(fault=fault)}})
    pool, place = Pool.of(broken, samples=SAMPLES, split="search"), tmp_path / "pool.sqlite"
    assert asyncio.run(pool.draw(place, Progress(), Meter())) == []
    assert asyncio.run(held(pool, place)) == SAMPLES
    for curve in asyncio.run(curves(pool, place, Progress())):
        whole = found[str(curve.generator)]
        assert [point.samples for point in curve.points] == [p.samples for p in whole.points]
        for point, better in zip(curve.points, whole.points, strict=True):
            assert 0 <= better.any_passes.value - point.any_passes.value <= 1 / 20 + 1e-9
            assert 0 < point.flops < better.flops


def test_a_pool_with_fewer_samples_is_told(config, place):
    pool = Pool.of(config, samples=SAMPLES + 1, split="search")
    told = rf"archsearch pool.*; or pass --samples {SAMPLES}: so many .* {SAMPLES + 1} were asked"
    with pytest.raises(MissingSample, match=rf"it lacks 1 of 'm' .*{told}"):
        asyncio.run(curves(pool, place, Progress()))


def test_how_many_samples_a_pool_holds_is_found(config, place, tmp_path):
    for asked in (1, SAMPLES, 5 * SAMPLES):
        pool = Pool.of(config, samples=asked, split="search")
        assert asyncio.run(held(pool, place)) == SAMPLES
    SampleStore(tmp_path / "empty.sqlite").close()
    with SampleStore(place, only_read=True) as full, SampleStore(tmp_path / "empty.sqlite") as new:
        for signature, facts in full.models().items():
            new.put_model(signature, facts)
    assert asyncio.run(held(pool, tmp_path / "empty.sqlite")) == 0
    with pytest.raises(MissingSample, match=r"into this store$"):
        asyncio.run(curves(pool, tmp_path / "empty.sqlite", Progress()))


def test_a_pool_at_temperature_0_holds_one_sample(config, place):
    pool = Pool.of(config, split="search")
    (greedy, *_) = (g for g in pool.generators if "temperature=0.0" in str(g))
    assert asyncio.run(held(replace(pool, generators=(greedy,)), place)) == 1


def test_a_pool_that_is_not_there_is_told_and_not_made(config, tmp_path):
    with pytest.raises(RunError, match=r"absent.sqlite"):
        asyncio.run(
            curves(Pool.of(config, split="search"), str(tmp_path / "absent.sqlite"), Progress())
        )
    assert list(tmp_path.iterdir()) == []


def test_a_curve_is_plain_data(found):
    dumped = next(iter(found.values())).dump()
    assert dumped["generator"][0]["type"] == "generator"
    value, low, high = dumped["points"][0]["any_passes"]
    assert low <= value <= high

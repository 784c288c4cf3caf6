"""What a run searched on is never scored as unseen by its own study."""

import asyncio
import json

import pytest

from archsearch.architecture import Architecture
from archsearch.ledger import Ledger
from archsearch.meter import Meter
from archsearch.search.kept import FILE, kept_beside
from archsearch.search.pool import Pool
from archsearch.search.progress import Progress
from archsearch.search.run import search
from archsearch.search.scoring import score
from tests.search.studies import study


def sized(search_questions, test=30, **changes):
    sizes = {"search": search_questions, "select": 10, "test": test}
    return study(splits=sizes, search={"trials": 3}, **changes)


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The folder of a run that went on with more questions, which changes what a generated
    benchmark would be split into."""
    folder = tmp_path_factory.mktemp("grown")
    for questions in (20, 40):
        asyncio.run(search(sized(questions), folder, Progress(), Meter()))
    return folder


def splits_of(folder):
    with Ledger(folder) as ledger:
        return ledger.settle("splits", {})


@pytest.mark.parametrize("test", [10, 30, 50])
def test_test_questions_are_none_that_the_run_had_otherwise(grown, test):
    config, splits = sized(40, test), splits_of(grown)
    kept = kept_beside(grown / "config.yaml", config)
    assert kept == splits
    seen = {*splits["search"], *splits["select"]}
    mine = config.load_splits(kept).ids
    assert len(mine["test"]) == test
    assert not seen & set(mine["test"])
    assert set(mine["test"]) <= set(splits["test"]) or set(splits["test"]) <= set(mine["test"])
    fresh = set(config.load_splits().ids["test"])
    assert test == 10 or seen & fresh
    pooled = Pool.of(config, split="test", kept=kept)
    assert {item.question.id for item in pooled.items} == set(mine["test"])


def test_a_score_is_that_of_the_run(grown):
    """To the last digit, though the split was drawn before the run had grown."""
    config, report = sized(40), json.loads((grown / "report.json").read_text())
    kept = kept_beside(grown / "config.yaml", config)
    best = Architecture.read(grown / "best.yaml")
    scored = score(config, best, split="test", progress=Progress(), meter=Meter(), kept=kept)
    assert asyncio.run(scored)["score"] == report["best"]["test"]["score"]


def test_another_seed_or_benchmark_has_questions_of_its_own(grown):
    assert kept_beside(grown / "config.yaml", sized(40, seed=1)) == {}
    other = {"name": "reasoning_gym", "family": "products", "config": {"min_terms": 3}}
    assert kept_beside(grown / "config.yaml", sized(40, benchmark=other)) == {}
    (grown.parent / "study.yaml").touch()
    assert not (grown.parent / FILE).exists()
    assert kept_beside(grown.parent / "study.yaml", sized(40)) == {}

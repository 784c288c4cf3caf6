"""Study files: overrides, near matches, and what does not fit together."""

import json

import pytest
import yaml

from archsearch.errors import ConfigError
from archsearch.schema import SCHEMAS
from archsearch.search.config import SHELF, StudyConfig, find
from archsearch.search.space import SearchSpace
from tests.search.studies import PRODUCTS, SPACE, Marker, study

SCRIPT = {"backend": "scripted", "replies": [{"match": "", "texts": ["4"]}]}
FILE = {"name": "s", "space": SPACE, "models": {"m": SCRIPT}, "benchmark": PRODUCTS}


@pytest.fixture
def file(tmp_path):
    def write(**changes):
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump({**FILE, **changes}))
        return path

    return write


def test_overrides_go_in_before_validation(file):
    overrides = [
        "search.trials=7",
        "budget.per_question.flops=2e10",
        "search.sampler={name: random}",
    ]
    config = StudyConfig.read(file(), overrides)
    assert config.search.trials == 7
    assert config.budget.per_question.flops == 2e10
    assert config.search.sampler.name == "random"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.trails=7", r"unknown key 'search.trails'; did you mean 'trials'"),
        ("serch.trials=7", r"unknown key 'serch'; did you mean 'search'"),
        ("search.trials", r"must read KEY.KEY=VALUE; received 'search.trials'"),
        ("name.first=x", r"'name' is no mapping"),
        ("search.trials=0", r"search.trials: .* greater than or equal to 1; received 0"),
        ("search.sampler={name: tpf}", r"unknown sampler 'tpf'; did you mean 'tpe'"),
        ("benchmark={name: gsm8}", r"unknown benchmark 'gsm8'; did you mean 'gsm8k'"),
        ("models.m.backend=script", r"unknown back-end 'script'; did you mean 'scripted'"),
        ("models={}", r"models: must map at least one name to a back-end"),
        ("budget.study.dollars=1", r"'m' has none; give models.m.price"),
        ("baselines.max_tokens=9000", r"'m' is 8192 tokens, .* is 4096 \+ 9000; lower one"),
    ],
)
def test_mistakes_are_named_with_a_remedy(file, override, message):
    with pytest.raises(ConfigError, match=message):
        StudyConfig.read(file(), [override])


def test_a_space_may_stand_in_a_file_beside_the_study(file, tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(SPACE))
    assert StudyConfig.read(file(space="mine.yaml")).space.name == "small"


def test_a_missing_file_is_named_with_near_matches():
    with pytest.raises(ConfigError, match=r"no file 'quickstart.yml'.*did you mean 'quickstart"):
        find("quickstart.yml")


def test_what_is_no_mapping_is_refused(tmp_path):
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigError, match=r"must be a mapping; .* holds list"):
        StudyConfig.read(tmp_path / "list.yaml")


def test_a_resolved_study_reads_back_the_same(tmp_path):
    config = StudyConfig.model_validate({**FILE})
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert StudyConfig.read(path) == config


@pytest.mark.parametrize("path", sorted(SHELF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_that_ships_is_valid(path):
    data = yaml.safe_load(path.read_text())
    if "models" in data:
        config = StudyConfig.read(path)
        assert config.name == path.stem
    else:
        space = SearchSpace.read(path)
        assert space.name == path.stem
        assert sum(1 for _ in zip(space.points(), range(10), strict=False)) > 1


@pytest.mark.parametrize("what", SCHEMAS)
def test_schemas_are_json_and_know_every_key(what):
    schema = SCHEMAS[what]()
    text = json.dumps(schema)
    known = {
        "architecture": ["generator", "ranker", "max_prompt_tokens"],
        "space": ["layers", "rules"],
        "study": ["llamacpp", "gsm8k", "tpe", "flops", "finalists"],
    }
    assert all(f'"{word}"' in text for word in known[what])


def test_the_test_study_is_what_the_other_tests_think_it_is():
    assert study().splits.total == 60


def test_a_study_of_reward_models_alone_is_refused():
    with pytest.raises(ConfigError, match="needs a model that writes; m only score"):
        study(models={"m": Marker()})

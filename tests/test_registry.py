"""Names are found on the shelf and in other packages; what is wrong is named with its remedy."""

import textwrap
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

import archsearch.layers
from archsearch.architecture import LAYERS, Architecture
from archsearch.benchmark import BENCHMARKS
from archsearch.errors import ConfigError, UnknownName
from archsearch.layer import Layer
from archsearch.models import MODELS
from archsearch.registry import Registry, validate
from archsearch.search.sampler import SAMPLERS


def layers():
    """The shelf of layers, not yet looked through."""
    return Registry(kind="layer type", shelf="archsearch.layers", base=Layer, key="type")


PLUGIN = """
    from typing import Literal

    from archsearch.layer import Layer
    from archsearch.layers.vote import Vote

    class First(Layer):
        '''Candidates -> the first one.'''

        type: Literal["first"] = "first"

        def leaves(self, given):
            return given

        async def __call__(self, slate, calls):
            return slate.with_candidates(slate.candidates[:1])

    class Twin(First):
        type: Literal["vote"] = "vote"

    class Nameless(Layer):
        pass

    def function():
        pass
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a distribution on the path whose entry points are as given."""

    def put(*points, group="archsearch.layers"):
        (tmp_path / "some_plugin.py").write_text(textwrap.dedent(PLUGIN))
        facts = tmp_path / "some_plugin-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: some-plugin\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text("\n".join([f"[{group}]", *points, ""]))
        monkeypatch.syspath_prepend(tmp_path)

    return put


def test_every_file_of_a_shelf_gives_its_classes():
    files = sorted(path.stem for path in Path(archsearch.layers.__path__[0]).glob("[!_]*.py"))
    assert list(layers().classes) == files
    assert {"critic", "fuser", "generator", "ranker", "verifier", "vote"} <= set(files)
    for registry in (LAYERS, BENCHMARKS, MODELS, SAMPLERS):
        for name, cls in registry.classes.items():
            assert cls.__module__.rpartition(".")[2] == name
            assert registry.get(name) is cls
    assert {"gsm8k", "reasoning_gym"} <= set(BENCHMARKS.classes)
    assert "scripted" in MODELS.classes


def test_an_unknown_name_is_met_with_the_nearest():
    with pytest.raises(UnknownName, match=r"^unknown layer type 'rankr'; did you mean 'ranker'"):
        LAYERS.get("rankr")
    with pytest.raises(
        UnknownName, match=r"^unknown layer type 'xyz'; known: adaptive_vote, code_vote, "
    ):
        LAYERS.parse({"type": "xyz"}, where="here")


@pytest.mark.parametrize("data", ["vote", None, 3, ["vote"], {}, {"typ": "vote"}, {"type": 3}])
def test_what_is_no_mapping_with_a_name_is_refused(data):
    with pytest.raises(ConfigError, match=r"^here must be a mapping with `type: NAME`; received"):
        LAYERS.parse(data, where="here")


def test_an_object_of_the_kind_passes_through():
    vote = LAYERS.parse({"type": "vote"}, where="here")
    assert LAYERS.parse(vote, where="here") is vote


def test_another_package_adds_a_layer(install, monkeypatch):
    install("first = some_plugin:First")
    found = layers()
    assert found.get("first").__module__ == "some_plugin"
    assert set(found.classes) == {*LAYERS.classes, "first"}
    assert list(found.classes) == sorted(found.classes)
    monkeypatch.setattr("archsearch.architecture.LAYERS", found)
    data = [{"type": "generator", "model": "m", "samples": 4}, {"type": "first"}]
    assert Architecture.parse(data).dump() == data


def test_another_group_adds_nothing(install):
    install("first = some_plugin:First", group="archsearch.other")
    assert "first" not in layers().classes


def test_a_name_is_taken_once(install):
    install("vote = some_plugin:Twin")
    with pytest.raises(
        ConfigError,
        match=r"must be unique; 'vote' is declared by both archsearch\.layers\.vote and "
        r"some_plugin; rename or uninstall one",
    ):
        layers().get("generator")


def test_the_same_class_twice_is_one(install):
    install("vote = archsearch.layers.vote:Vote")
    assert set(layers().classes) == set(LAYERS.classes)


@pytest.mark.parametrize("name", ["function", "Layer", "Nameless", "Literal"])
def test_an_entry_point_must_be_a_named_class_of_the_kind(install, name):
    install(f"it = some_plugin:{name}")
    with pytest.raises(
        ConfigError,
        match=r"an entry point of group 'archsearch\.layers' must be a subclass of Layer with a "
        rf"default `type`; received .*{name}.*; correct or uninstall its package",
    ):
        layers().get("vote")


@pytest.mark.parametrize("value", ["nowhere:Layer", "archsearch.layers.vote:Vot"])
def test_an_entry_point_that_cannot_be_imported_is_named(install, value):
    install(f"mine = {value}")
    with pytest.raises(ConfigError, match=rf"`mine = {value}` of group .*Error: .*uninstall"):
        layers().get("vote")


def test_a_class_of_another_kind_is_refused(install):
    install("it = archsearch.layers.vote:Vote", group="archsearch.benchmarks")
    shelf = Registry(
        kind="benchmark", shelf="archsearch.benchmarks", base=BENCHMARKS._base, key="name"
    )
    with pytest.raises(ConfigError, match=r"subclass of Benchmark .*received .*Vote"):
        shelf.get("gsm8k")


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: int = 0


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    samples: int = Field(ge=1)
    inner: Inner = Inner()

    @field_validator("samples")
    @classmethod
    def _even(cls, value):
        if value % 2:
            raise ValueError("samples must be even")
        return value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"samples": 2, "iner": {}}, "unknown key 'iner'; did you mean 'inner'[?]$"),
        ({"samples": 2, "xyz": {}}, "unknown key 'xyz'; known: inner, samples$"),
        ({"samples": 2, "inner": {"dept": 1}}, "unknown key 'inner.dept'; did you mean 'depth'"),
        ({}, "'samples' is missing$"),
        ({"samples": 0}, "samples: Input should be greater than or equal to 1; received 0$"),
        ({"samples": 3}, "samples: samples must be even$"),
        ({"samples": "x", "y": 1}, "samples: .* unable to parse .*; received 'x'; unknown key 'y'"),
        ({"samples": 2, 3: 4}, "3: Keys should be strings; received 3$"),
        (7, r"\(all of it\): Input should be a valid dictionary .*; received 7$"),
    ],
)
def test_what_pydantic_finds_wrong_becomes_one_line(data, message):
    with pytest.raises(ConfigError, match=f"^study.thing: {message}") as caught:
        validate(Thing, data, where="study.thing")
    assert "\n" not in str(caught.value)


def test_what_is_right_is_made():
    assert validate(Thing, {"samples": 2, "inner": {"depth": 3}}, where="-").inner.depth == 3

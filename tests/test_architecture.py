"""Two spellings of one work are one architecture, two works are two, and mistakes are named."""

import json
import re
from dataclasses import replace
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import LAYERS, Architecture
from archsearch.errors import ConfigError, InvalidArchitecture, UnknownName
from archsearch.layer import Facet
from archsearch.layers.fuser import Fuser
from archsearch.layers.generator import Generator
from archsearch.layers.vote import Vote
from tests.strategies import architectures

GENERATOR = {"type": "generator", "model": "small", "samples": 4}
ONE = {**GENERATOR, "samples": 1}
CRITIC = {"type": "critic", "model": "small"}
RANKER = {"type": "ranker", "model": "small"}
FUSER = {"type": "fuser", "model": "small"}
VERIFIER = {"type": "verifier", "model": "small"}
VOTE = {"type": "vote"}


def parse(*layers):
    return Architecture.parse(list(layers))


def generator(**changes):
    return {**GENERATOR, **changes}


# -- round trips


@given(architectures())
def test_a_round_trip_changes_nothing(data):
    architecture = Architecture.parse(data)
    dumped = architecture.dump()
    for read in (
        json.loads(json.dumps(dumped)),
        yaml.safe_load(yaml.safe_dump(dumped)),
        yaml.safe_load(yaml.safe_dump({"layers": dumped}, default_flow_style=True)),
    ):
        again = Architecture.parse(read)
        assert again == architecture
        assert again.digest == architecture.digest
        assert again.dump() == dumped


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
@pytest.mark.parametrize(
    "prompt", ["plain: [text] # {{ question }}", "ü 😀 \0 \ud83d", "a\r\n\tb\n"]
)
def test_files_hold_any_text(tmp_path, suffix, prompt):
    architecture = parse(generator(prompt=prompt))
    place = tmp_path / f"best{suffix}"
    write = json.dumps if suffix == ".json" else yaml.safe_dump
    place.write_text(write(architecture.dump()), encoding="utf-8")
    assert Architecture.read(place) == architecture
    assert Architecture.read(place).digest == architecture.digest


def test_layer_objects_are_taken_too():
    made = Architecture.of(
        [Generator(model="a"), Generator(model="b")], Fuser(model="a", samples=2), Vote()
    )
    assert made == parse(
        [{"type": "generator", "model": "a"}, {"type": "generator", "model": "b"}],
        {"type": "fuser", "model": "a", "samples": 2},
        VOTE,
    )


@given(architectures())
def test_the_canonical_form_is_what_is_executed_and_is_its_own(data):
    architecture = Architecture.parse(data)
    assert Architecture.of(*architecture.rows) == architecture
    assert len(architecture.outlines) == len(architecture.rows)
    assert architecture.outlines[-1].candidates >= 1
    assert {call.model for call in architecture.plan} == architecture.models
    # Any architecture can be shown, and warned of.
    assert str(architecture).count(" > ") == len(architecture.rows) - 1
    assert all(isinstance(warning, str) for warning in architecture.warnings())


def test_one_line_says_what_it_is():
    architecture = parse(
        [generator(samples=8, max_tokens=9), generator(model="large", style="direct")],
        {**RANKER, "keep": 3, "prompt": "{{ question }}"},
        VOTE,
    )
    assert str(architecture) == (
        "generator(small ×8) | generator(large, direct ×4) > ranker(small, keep=3) > vote"
    )


# -- spellings

DEFAULTS = {
    name: {
        key: field.default
        for key, field in cls.model_fields.items()
        if not field.is_required() and key != "type"
    }
    for name, cls in LAYERS.classes.items()
}


@st.composite
def respelled(draw, data):
    """Another spelling of `data`: the same work."""
    layers = []
    for row in data:
        entries = []
        for entry in row:
            entry = dict(entry)
            written = draw(st.sets(st.sampled_from(sorted(DEFAULTS[entry["type"]]))))
            entry = {key: DEFAULTS[entry["type"]][key] for key in sorted(written)} | entry
            if draw(st.booleans()):
                entry = dict(reversed(entry.items()))
            for key in ("temperature", "top_p"):
                if entry.get(key) == 1:
                    entry[key] = draw(st.sampled_from([1, 1.0]))
            samples = entry.get("samples", 1)
            if entry["type"] == "generator" and draw(st.booleans()):
                key = draw(st.sampled_from([k for k in ("model", "style") if k in entry]))
                entry[key] = [entry[key]]
            # At temperature 0 each of two would give sample 0.
            adds_up = entry["type"] in {"generator", "fuser"} and entry.get("temperature") != 0
            if samples > 1 and adds_up and draw(st.booleans()):
                first = draw(st.integers(1, samples - 1))
                entries += [entry | {"samples": first}, entry | {"samples": samples - first}]
            else:
                entries.append(entry)
        alone = len(entries) == 1 and draw(st.booleans())
        layers.append(entries[0] if alone else tuple(entries) if draw(st.booleans()) else entries)
    return draw(st.sampled_from([layers, {"layers": layers}, {"layers": layers, "name": "best"}]))


@given(st.data())
def test_another_spelling_is_the_same_architecture(data):
    plain = data.draw(architectures())
    other = data.draw(respelled(plain))
    one, two = Architecture.parse(plain), Architecture.parse(other)
    assert two == one
    assert two.digest == one.digest
    assert two.dump() == one.dump()


def side_by_side(**lists):
    """Generators for every combination, the last key innermost."""
    entries = [{}]
    for key, values in lists.items():
        entries = [{**entry, key: value} for entry in entries for value in values]
    return [generator(**entry) for entry in entries]


SPELLINGS = {
    "whole number": ([generator(temperature=1)], [generator(temperature=1.0)]),
    "number as text of a file": ([generator(samples=4)], [generator(samples=4.0)]),
    "list of one": ([[GENERATOR], [VOTE]], [GENERATOR, VOTE]),
    "mapping": ({"layers": [GENERATOR], "name": "any"}, [GENERATOR]),
    "models": ([generator(model=["a", "b"])], [side_by_side(model=["a", "b"])]),
    "temperatures": (
        [generator(temperature=[0.2, 1])],
        [side_by_side(temperature=[0.2, 1.0])],
    ),
    "styles": (
        [generator(style=["plain", "direct"])],
        [side_by_side(style=["plain", "direct"])],
    ),
    "models, temperatures and styles": (
        [generator(style=["plain", "direct"], temperature=[0.2, 0.8], model=["a", "b"])],
        [side_by_side(model=["a", "b"], temperature=[0.2, 0.8], style=["plain", "direct"])],
    ),
    "one listed beside another": (
        [[generator(model=["a", "b"]), generator(model="c")]],
        [side_by_side(model=["a", "b", "c"])],
    ),
    "equal models listed": ([generator(model=["a", "a"])], [generator(model="a", samples=8)]),
    "equal generators": ([[ONE, GENERATOR, ONE]], [generator(samples=6)]),
    "equal fusers": ([GENERATOR, [FUSER, FUSER]], [GENERATOR, {**FUSER, "samples": 2}]),
    "samples at temperature 0": (
        [generator(temperature=0, samples=9)],
        [generator(temperature=0, samples=1)],
    ),
    "samples of a fuser at temperature 0": (
        [GENERATOR, {**FUSER, "temperature": 0, "samples": 3}],
        [GENERATOR, {**FUSER, "temperature": 0}],
    ),
    "top_p at temperature 0": (
        [generator(temperature=0, top_p=0.5)],
        [generator(temperature=0)],
    ),
    "style beside a prompt of one's own": (
        [generator(prompt="{{ question }}!", style="direct")],
        [generator(prompt="{{ question }}!")],
    ),
    "keep more than there are": (
        [GENERATOR, {**RANKER, "keep": 9}],
        [GENERATOR, {**RANKER, "keep": 4}],
    ),
    "default written out": (
        [generator(temperature=0.7, top_p=1.0, style="plain", prompt=None), VOTE],
        [GENERATOR, {**VOTE, "weighted": False, "answer": None}],
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_two_spellings_have_one_digest(name):
    one, other = map(Architecture.parse, SPELLINGS[name])
    assert one == other
    assert hash(one) == hash(other)
    assert one.digest == other.digest


# -- meanings

TESTER = {"type": "unit_test_generator", "model": "small"}

BASE = {
    "generator": [TESTER, GENERATOR],
    "adaptive_vote": [TESTER, {"type": "adaptive_vote", "model": "small"}],
    "critic": [GENERATOR, CRITIC, {**RANKER, "critiques": True}],
    "ranker": [GENERATOR, CRITIC, RANKER],
    "pairwise_ranker": [GENERATOR, CRITIC, {"type": "pairwise_ranker", "model": "small"}],
    "pointwise_ranker": [
        GENERATOR,
        CRITIC,
        {"type": "pointwise_ranker", "model": "small", "scale": 5},
    ],
    "reward_ranker": [GENERATOR, {"type": "reward_ranker", "model": "small"}],
    "reviser": [GENERATOR, CRITIC, {"type": "reviser", "model": "small", "rounds": 2}],
    "fuser": [TESTER, GENERATOR, CRITIC, FUSER],
    "unit_test_generator": [{**TESTER, "temperature": 0.7}, {**GENERATOR, "unit_tests": True}],
    "unit_test_evaluator": [
        [TESTER, {**TESTER, "kind": "program"}],
        GENERATOR,
        {"type": "unit_test_evaluator", "model": "small"},
    ],
    "code_vote": [{**TESTER, "kind": "program"}, GENERATOR, {"type": "code_vote"}],
    "verifier": [GENERATOR, VERIFIER, VOTE],
    "vote": [GENERATOR, {**RANKER, "keep": 4}, VOTE],
}
"""For each layer type an architecture with it in, where any of its fields makes a difference."""

ASKING = {"model": ["large"], "temperature": [0.1, 1], "max_tokens": [7], "max_prompt_tokens": [99]}
ANSWERING = ASKING | {
    "temperature": [0, 0.1, 1],
    "style": ["direct", "step_by_step"],
    "samples": [1, 5],
    "top_p": [0.9],
    "prompt": ["{{ question }}", "Think. {{ question }}"],
    "unit_tests": [True],
    "forward_thinking": [True],
}
RANKING = ASKING | {"keep": [2], "critiques": [True], "prompt": ["{{ answers }}"]}
OTHERWISE = {
    "generator": ANSWERING,
    "adaptive_vote": ANSWERING
    | {"confidence": [0.8, 1], "ahead": [1, 8], "answer": ["number", "choice"]},
    "critic": ASKING | {"prompt": ["{{ question }}"], "form": ["pointwise"]},
    "ranker": RANKING,
    "pairwise_ranker": RANKING | {"schedule": ["tournament"]},
    "pointwise_ranker": RANKING | {"scale": [2, 10], "expected": [True]},
    "reward_ranker": {"model": ["large"], "max_prompt_tokens": [99], "keep": [2]},
    "reviser": ASKING
    | {
        "rounds": [1, 3],
        "window": [1],
        "leave": ["last"],
        "critiques": [True],
        "prompt": ["{{ answers }}"],
    },
    "fuser": ASKING
    | {
        "temperature": [0, 0.1, 1],
        "samples": [2],
        "critiques": [True],
        "length_control": [True],
        "unit_tests": [True],
        "forward_thinking": [True],
        "prompt": ["{{ answers }}"],
    },
    "verifier": ASKING
    | {"reason_prompt": ["{{ answer }}"], "judge_prompt": ["{{ answer }}"], "first_k": [1, 2]},
    "unit_test_generator": ASKING
    | {"tests": [3], "samples": [2], "prompt": ["{{ question }}"], "kind": ["program"]},
    "unit_test_evaluator": ASKING
    | {
        "keep": [1, 2],
        "first_k": [1, 2],
        "seconds": [1, 2],
        "prompt": ["{{ answer }} {{ tests }}"],
    },
    "code_vote": {"keep": [2], "seconds": [1]},
    "vote": {"answer": ["number", "choice"], "weighted": [True]},
}
"""Other values of every field."""


def changed(kind, field, value):
    return [
        {**row, field: value} if isinstance(row, dict) and row["type"] == kind else row
        for row in BASE[kind]
    ]


def test_every_field_is_listed():
    """A new layer type or field has to be thought about here."""
    assert {kind: {"type", *fields} for kind, fields in OTHERWISE.items()} == {
        kind: set(cls.model_fields) for kind, cls in LAYERS.classes.items()
    }


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in OTHERWISE.items() for field in fields]
)
def test_another_meaning_has_another_digest(kind, field):
    several = [
        Architecture.parse(BASE[kind]),
        *(Architecture.parse(changed(kind, field, value)) for value in OTHERWISE[kind][field]),
    ]
    assert len({one.digest for one in several}) == len(several)
    assert len(set(several)) == len(several)


@pytest.mark.parametrize(
    "data",
    [
        [[generator(model="b"), generator(model="a")]],  # the first candidate is the answer
        [generator(model="a"), {**FUSER, "model": "b"}],
        [generator(model="a"), generator(model="b")],
        [generator(model="a")],
        [[generator(model="a"), generator(model="b"), generator(model="a")]],
        [[generator(model="a", samples=8), generator(model="b")]],
        [[generator(model="a"), generator(model="b")], VOTE],
    ],
)
def test_order_and_number_have_a_meaning(data):
    base = Architecture.parse([[generator(model="a"), generator(model="b")]])
    assert Architecture.parse(data) != base
    assert Architecture.parse(data).digest != base.digest


def test_templates_and_versions_are_in_the_digest(monkeypatch):
    before = parse(GENERATOR, VOTE).digest
    assert parse(GENERATOR, VOTE).digest == before
    monkeypatch.setattr(Vote, "version", Vote.version + 1)
    raised = parse(GENERATOR, VOTE).digest
    assert raised != before
    monkeypatch.setattr(Generator, "prompt_texts", lambda self: ("{{ question }} rewritten",))
    assert parse(GENERATOR, VOTE).digest not in {before, raised}


def test_at_temperature_0_equal_generators_are_not_added_up():
    """Each gives sample 0, so two of them are two equal candidates, as they always were."""
    greedy = generator(temperature=0)
    architecture = parse([greedy, greedy])
    assert len(architecture.rows[0]) == 2
    assert architecture.outlines[-1].candidates == 2


# -- what cannot stand


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([VOTE], "layer 0 (vote) needs at least two candidates, .*; raise `samples`"),
        ([CRITIC], "layer 0 (critic) needs candidates, .*; put a generator before it"),
        ([FUSER], "layer 0 (fuser) needs candidates, .*; put a generator before it"),
        ([ONE, VOTE], "layer 1 (vote) needs at least two candidates, .*; raise `samples` or add"),
        ([ONE, RANKER], "layer 1 (ranker) needs at least two candidates"),
        ([ONE, VERIFIER], "layer 1 (verifier) needs at least two candidates"),
        ([GENERATOR, VOTE, VOTE], "layer 2 (vote) needs at least two candidates"),
        # Four samples at temperature 0 are one.
        ([generator(temperature=0), VOTE], "layer 1 (vote) needs at least two candidates"),
        (
            [GENERATOR, {**RANKER, "critiques": True}],
            "layer 1 (ranker) needs critiques, .*; put a critic before it",
        ),
        (
            [GENERATOR, {**FUSER, "critiques": True}],
            "layer 1 (fuser) needs critiques, .*; put a critic before it",
        ),
        # What a fuser writes is new: nobody has criticised it.
        (
            [GENERATOR, CRITIC, {**FUSER, "samples": 2}, {**RANKER, "critiques": True}],
            "layer 3 (ranker) needs critiques",
        ),
        # One of two side by side is enough to be refused.
        (
            [GENERATOR, [FUSER, {**FUSER, "critiques": True}]],
            "layer 1 (fuser) needs critiques",
        ),
        (
            [GENERATOR, {**VOTE, "weighted": True}],
            "layer 1 (vote) needs scores, .*; put a layer that scores candidates, such as a ranker",
        ),
    ],
)
def test_a_need_that_is_not_met_names_layer_need_and_remedy(layers, message):
    pattern = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(InvalidArchitecture, match=f"^{pattern}"):
        parse(*layers)


@pytest.mark.parametrize(
    "layers",
    [
        [GENERATOR, CRITIC, {**RANKER, "critiques": True, "keep": 2}, {**FUSER, "critiques": True}],
        [GENERATOR, CRITIC, VERIFIER, {**RANKER, "critiques": True}],
        [GENERATOR, {**RANKER, "keep": 3}, {**VOTE, "weighted": True}],
        [[ONE, generator(model="large", samples=1)], VOTE],
        [ONE, CRITIC, {**FUSER, "critiques": True}],
    ],
)
def test_a_need_that_is_met_is_no_error(layers):
    assert len(parse(*layers).rows) == len(layers)


class Graded(Generator):
    """A layer type from elsewhere that makes candidates and scores them."""

    type: Literal["graded"] = "graded"

    def leaves(self, given):
        return replace(super().leaves(given), facets=frozenset({Facet.SCORES}))


def test_a_row_leaves_only_what_all_of_it_leave():
    graded, plain = Graded(model="small"), Generator(model="small")
    weighted = Vote(weighted=True)
    for row in ([graded, plain], [plain, graded]):
        with pytest.raises(InvalidArchitecture, match=r"^layer 1 \(vote\) needs scores"):
            Architecture.of(row, weighted)
    both = Architecture.of([graded, Graded(model="large")], weighted)
    assert both.outlines[0].facets == {Facet.SCORES}
    assert both.outlines[0].candidates == 2


ARCHON_BREAKS_ITS_RULES = {
    "generator twice": [GENERATOR, GENERATOR, FUSER],
    "critic without ranker or fuser": [GENERATOR, CRITIC],
    "critic before a verifier": [GENERATOR, CRITIC, VERIFIER, FUSER],
    "two critics": [GENERATOR, CRITIC, CRITIC, RANKER],
    "ranker last": [GENERATOR, RANKER],
    "fusers stacked": [GENERATOR, [FUSER, {**FUSER, "model": "large"}], FUSER],
    "generator beside a fuser": [GENERATOR, [FUSER, GENERATOR], VOTE],
}


@pytest.mark.parametrize("name", ARCHON_BREAKS_ITS_RULES)
def test_what_archon_forbids_and_does_still_parses(name):
    """Its rules belong to a search space; an architecture need only make sense by its data."""
    assert parse(*ARCHON_BREAKS_ITS_RULES[name]).outlines[-1].candidates >= 1


@pytest.mark.parametrize("row", [[VOTE, VOTE], [VOTE, GENERATOR], [GENERATOR, VOTE]], ids=str)
def test_what_does_not_add_up_stands_alone(row):
    place = re.escape(f"layer 1 ({row[0]['type']})")
    with pytest.raises(
        ConfigError,
        match=rf"^{place}: 'vote' stands alone, since nothing says what several side by side come "
        rf"to; give it a layer of its own$",
    ):
        parse(GENERATOR, row)


# -- what is misspelled


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"architecture must be a non-empty list of layers; received \[\]"),
        ("vote", "architecture must be a non-empty list of layers; received 'vote'"),
        (None, "architecture must be a non-empty list of layers; received None"),
        ({"layers": {"type": "vote"}}, "must be a non-empty list of layers; received {"),
        ({}, "architecture: 'layers' is missing"),
        ({"layer": [VOTE]}, "architecture: unknown key 'layer'; did you mean 'layers'"),
        ({"layers": [VOTE], "title": "x"}, "unknown key 'title'; known: layers, name"),
        ({"layers": [VOTE], 7: "x", True: 1}, "unknown key '7'; known"),
        ([GENERATOR, []], r"architecture\.layers\[1\] must hold at least one component; .* \[\]"),
        ([generator(model=[])], r"layers\[0\] must hold at least one component; received {.*\[\]"),
        ([GENERATOR, 3], r"layers\[1\] must be a mapping with `type: NAME`; received 3; layer typ"),
        ([GENERATOR, "vote"], r"layers\[1\] must be a mapping with `type: NAME`; received 'vote'"),
        ([GENERATOR, {"typ": "vote"}], r"layers\[1\] must be a mapping with `type: NAME`"),
        ([GENERATOR, [[VOTE]]], r"layers\[1\] must be a mapping with `type: NAME`; received \["),
        (
            [generator(tempreature=1)],
            r"layers\[0\]: unknown key 'tempreature'; did you mean 'temperature'",
        ),
        (
            [GENERATOR, {**VOTE, "wieghted": 1}],
            r"layers\[1\]: unknown key 'wieghted'; did you mean",
        ),
        ([{"type": "generator"}], r"layers\[0\]: 'model' is missing"),
        (
            [generator(samples=0)],
            r"layers\[0\]: samples: .* greater than or equal to 1; received 0",
        ),
        ([generator(temperature=3)], "temperature: .* less than or equal to 2; received 3"),
        ([generator(temperature=[0.5, "hot"])], "temperature: .* received 'hot'"),
        ([generator(temperature=float("nan"))], "temperature: .*; received nan"),
        ([generator(style="drect")], "unknown prompt style 'drect'; did you mean 'direct'"),
        (
            [GENERATOR, {**VOTE, "answer": "numbr"}],
            "unknown answer extractor 'numbr'; did you mean",
        ),
        ([generator(model={"a": 1})], "model: Input should be a valid string"),
        ([{**GENERATOR, 3: 4}], "3: Keys should be strings"),
    ],
)
def test_what_is_misspelled_is_named_with_its_place(data, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Architecture.parse(data)
    assert "\n" not in str(caught.value)


def test_an_unknown_type_is_met_with_the_nearest():
    with pytest.raises(
        UnknownName, match=r"^unknown layer type 'genrator'; did you mean 'generator'"
    ):
        parse({**GENERATOR, "type": "genrator"})


def test_a_wrong_template_is_found_when_it_is_read():
    with pytest.raises(
        ConfigError, match=r"variables that its layer gives .*'qestion' is undefined"
    ):
        parse(generator(prompt="{{ qestion }}"))


@pytest.mark.parametrize("name", ["best.yaml", "best.json"])
@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"[{]", b"a: [", b"day: 2024-13-45", b"[" * 5000, b"!!python/object:os.x {}"],
    ids=lambda content: content[:20].decode("latin-1"),
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content):
    place = tmp_path / name
    place.write_bytes(content)
    with pytest.raises(
        ConfigError, match=rf"^an architecture file must be readable YAML or JSON; .*{name}"
    ):
        Architecture.read(place)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"must be readable YAML or JSON; .*missing\.yaml"):
        Architecture.read(tmp_path / "missing.yaml")


def test_what_is_wrong_in_a_file_is_told_by_the_files_name(tmp_path):
    place = tmp_path / "best.yaml"
    place.write_text("- {type: generator, model: m, sample: 3}")
    with pytest.raises(ConfigError, match=r"best\.yaml\.layers\[0\]: unknown key 'sample'"):
        Architecture.read(place)


# -- warnings


@pytest.mark.parametrize(
    ("layers", "warnings"),
    [
        ([ONE], []),
        ([GENERATOR, VOTE], []),
        ([GENERATOR, FUSER], []),
        ([GENERATOR, {**RANKER, "keep": 3}], []),  # in order: the first is the best
        ([GENERATOR], ["it ends with 4 candidates and answers with the first; add a vote"]),
        ([GENERATOR, CRITIC], ["it ends with 4 candidates"]),
        (
            [GENERATOR, GENERATOR, FUSER],
            ["layer 1 (generator) leaves behind 4 candidates that were paid for; drop the layers"],
        ),
        (
            [GENERATOR, FUSER, GENERATOR],
            ["layer 2 (generator) leaves behind 1 candidates", "it ends with 4 candidates"],
        ),
        ([GENERATOR, [FUSER, ONE], VOTE], []),  # the fuser uses them
    ],
)
def test_what_is_paid_for_and_not_used_is_warned_of(layers, warnings):
    found = parse(*layers).warnings()
    assert len(found) == len(warnings)
    for warning, start in zip(found, warnings, strict=True):
        assert warning.startswith(start)


# -- the plan


def test_the_plan_is_every_call_that_one_question_may_need():
    architecture = parse(
        [GENERATOR, generator(model="large", samples=2)], CRITIC, VERIFIER, {**FUSER, "samples": 3}
    )
    found = [(call.role.split("/")[0], call.model, call.completions) for call in architecture.plan]
    assert found == [
        ("generator", "small", 4),
        ("generator", "large", 2),
        ("critic", "small", 1),
        ("verifier", "small", 6),
        ("verifier", "small", 6),
        ("fuser", "small", 3),
    ]
    assert [outline.candidates for outline in architecture.outlines] == [6, 6, 6, 3]
    assert architecture.models == {"small", "large"}

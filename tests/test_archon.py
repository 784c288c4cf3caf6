"""Archon's configurations become architectures that run, and nothing goes by unseen."""

import asyncio
import json
from typing import Literal

import pytest
import yaml
from typer.testing import CliRunner

from archsearch.architecture import Architecture
from archsearch.archon import Remark, convert, lines, read, read_models
from archsearch.benchmark import Benchmark, Item
from archsearch.cli import app
from archsearch.cost import Tariff
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError, InvalidArchitecture
from archsearch.evaluate import Evaluator
from archsearch.models.scripted import SHAPE, Scripted
from archsearch.types import Message, Question, Score, Target
from tests.stores import in_memory

NAMES = {"lab/Small-1B": "small", "lab/Large-9B": "large", "llm-blender/PairRM": "judge"}
SPLIT = "remove_unit_tests_from_prompt"


def part(kind, model="lab/Small-1B", **more):
    """A component with everything that Archon asks of every one."""
    return {
        "type": kind,
        "model": model,
        "model_type": "Together_API",
        "temperature": 0.7,
        "max_tokens": 64,
        **({} if kind == "ranker" else {"samples": 1}),
        **more,
    }


def without(component, *keys):
    return {key: value for key, value in component.items() if key not in keys}


def config(*layers, **more):
    rows = [layer if isinstance(layer, list) else [layer] for layer in layers]
    return {"name": "mine", "layers": rows, **more}


def layers(*given, models=NAMES):
    return convert(config(*given), models).layers


def remarks(*given, models=NAMES, kind=None):
    """(kind, place, found) and what was done, but for remarks about the room in prompts."""
    return {
        (remark.kind, remark.place, remark.found): remark.done
        for remark in convert(config(*given), models).remarks
        if "max_prompt_tokens" not in remark.done and kind in (None, remark.kind)
    }


GENERATE = part("generator", samples=3)
ENSEMBLE = [part("generator", samples=2), part("generator", "lab/Large-9B")]
WRITE_TESTS = part("unit_test_generator", unit_test_cap=2)
EVALUATE = part("unit_test_evaluator", top_k=1, **{SPLIT: True})


def test_an_ensemble_and_a_fuser():
    assert layers(ENSEMBLE, part("fuser", "lab/Large-9B", temperature=0.5, samples=2)) == [
        [
            {
                "type": "generator",
                "model": "small",
                "temperature": 0.7,
                "max_tokens": 64,
                "samples": 2,
            },
            {"type": "generator", "model": "large", "temperature": 0.7, "max_tokens": 64},
        ],
        {"type": "fuser", "model": "large", "temperature": 0.5, "max_tokens": 64, "samples": 2},
    ]


def test_critiques_are_shown_to_whatever_comes_after_a_critic():
    _, critic, ranker, fuser = layers(
        GENERATE,
        part("critic"),
        part("ranker", top_k=2, use_critiques=True),
        part("fuser", length_control=True),
    )
    assert critic == {"type": "critic", "model": "small", "temperature": 0.7, "max_tokens": 64}
    assert (ranker["keep"], ranker["critiques"]) == (2, True)
    assert (fuser["critiques"], fuser["length_control"]) == (True, True)


def test_a_ranker_before_the_critic_is_shown_none():
    _, ranker, _, fuser = layers(
        GENERATE, part("ranker", top_k=2, use_critiques=False), part("critic"), part("fuser")
    )
    assert "critiques" not in ranker
    assert fuser["critiques"]


def test_a_verifier_and_its_early_end():
    assert layers(GENERATE, part("verifier", first_k=2))[1]["first_k"] == 2
    assert "first_k" not in layers(GENERATE, part("verifier"))[1]


def test_unit_tests_are_shown_to_makers_after_their_generator():
    tests, generator, evaluator = layers(WRITE_TESTS, GENERATE, EVALUATE)
    assert tests["tests"] == 2
    assert generator["unit_tests"]
    assert evaluator["keep"] == 1
    assert not remarks(WRITE_TESTS, GENERATE, EVALUATE)
    assert layers(GENERATE, WRITE_TESTS, part("fuser"))[2]["unit_tests"]
    assert "unit_tests" not in layers(GENERATE, WRITE_TESTS, part("fuser"))[0]


@pytest.mark.parametrize(
    ("settings", "more", "expected"),
    [
        ({}, [], {}),
        ({"top_k": 2}, [], {"keep": 2}),
        ({"first_k": 2}, [], {"first_k": 2}),
        ({"first_pass": True}, [], {"first_k": 1}),
        ({"first_pass": False, "top_k": 2}, [], {"keep": 2}),
        ({"first_pass": True, "top_k": 1}, [], {"first_k": 1}),
        ({"first_k": 2, "top_k": 1}, ["fuser"], {"first_k": 2}),
        ({"first_k": 2, "top_k": 2}, ["fuser"], {"keep": 2}),
        ({"first_k": 1, "top_k": 2}, ["fuser"], {"keep": 2}),
    ],
)
def test_how_many_an_evaluator_lets_go_on(settings, more, expected):
    evaluate = part("unit_test_evaluator", **{SPLIT: True}, **settings)
    found = layers(WRITE_TESTS, GENERATE, evaluate, *map(part, more))[2]
    assert {key: found[key] for key in ("keep", "first_k") if key in found} == expected
    both = "top_k" in settings and (settings.get("first_k") or settings.get("first_pass"))
    said = remarks(WRITE_TESTS, GENERATE, evaluate, *map(part, more))
    assert [place for _, place, _ in said] == (["layers[2][0].top_k"] if both else [])


def test_prompts_have_room_for_all_they_quote():
    long = {"max_tokens": 2000}
    imported = convert(
        config(part("generator", samples=5, **long), part("critic", **long), part("fuser")), NAMES
    )
    # The question's share, five answers, and the critic's one reply.
    assert imported.layers[2]["max_prompt_tokens"] == 2048 + 5 * 2000 + 2000
    assert [remark.place for remark in imported.remarks] == ["layers[1][0]", "layers[2][0]"]
    assert "max_prompt_tokens" not in layers(GENERATE, part("fuser"))[1]


def test_older_files_have_their_components_under_models():
    data = {"layers": [{"branches": 1, "models": [part("generator")]}, [part("fuser")]]}
    imported = convert(data, NAMES)
    assert [layer["type"] for layer in imported.layers] == ["generator", "fuser"]
    assert [(r.kind, r.place) for r in imported.remarks] == [("ignored", "layers[0].branches")]
    slip = {"layers": [{"models": [part("generator", top_p=1)]}]}
    assert convert(slip, NAMES).remarks[0].place == "layers[0].models[0].top_p"


# -- remarks


@pytest.mark.parametrize(
    ("given", "kind", "place", "found", "done"),
    [
        ([part("generator", top_k=1)], "ignored", "[0][0].top_k", "1", "generator does not read"),
        ([part("generator", no_system=True)], "ignored", "[0][0].no_system", "true", "no system"),
        ([part("generator", seed=3)], "ignored", "[0][0].seed", "3", "does not read it"),
        (
            [GENERATE, part("verifier", batch_num=2)],
            "ignored",
            "[1][0].batch_num",
            "2",
            "does not read it",
        ),
        ([GENERATE, part("critic", samples=4)], "ignored", "[1][0].samples", "4", "one reply"),
        (
            [GENERATE, part("ranker", top_k=1, ranker_batch_size=16)],
            "ignored",
            "[1][0].ranker_batch_size",
            "16",
            "PairRM alone",
        ),
        (
            [GENERATE, part("ranker", top_k=1, use_critiques=True)],
            "ignored",
            "[1][0].use_critiques",
            "true",
            "no critiques",
        ),
        (
            [GENERATE, part("critic"), part("ranker", top_k=1, use_critiques=False)],
            "translated",
            "[2][0].use_critiques",
            "false",
            "wherever there are any",
        ),
        (
            [part("generator"), part("verifier"), part("fuser")],
            "ignored",
            "[1][0]",
            "a verifier of one candidate",
            "left out",
        ),
        (
            [WRITE_TESTS, GENERATE, part("critic"), part("fuser")],
            "ignored",
            "[2][0]",
            "a critic after a unit_test_generator",
            "not shown them",
        ),
        (
            [WRITE_TESTS, GENERATE, {**EVALUATE, SPLIT: False}],
            "ignored",
            f"[2][0].{SPLIT}",
            "false",
            "beside it",
        ),
        (
            [WRITE_TESTS, GENERATE, {**EVALUATE, "unit_test_cap": 5}],
            "ignored",
            "[2][0].unit_test_cap",
            "5",
            "all tests",
        ),
        (
            [
                WRITE_TESTS,
                GENERATE,
                part("unit_test_evaluator", first_k=2, first_pass=True, **{SPLIT: True}),
            ],
            "ignored",
            "[2][0].first_pass",
            "true",
            "first_k says more",
        ),
        (
            [without(WRITE_TESTS, "unit_test_cap"), GENERATE, EVALUATE],
            "translated",
            "[0][0].unit_test_cap",
            "missing",
            "tests: 5",
        ),
        (
            [GENERATE, part("critic"), part("fuser", length_contorl=True)],
            "corrected",
            "[2][0].length_contorl",
            "true",
            "read as length_control",
        ),
        (
            [GENERATE, part("fuser", length_control=True)],
            "translated",
            "[1][0].length_control",
            "true",
            "only where critiques",
        ),
        (
            [without(part("generator"), "temperature")],
            "corrected",
            "[0][0].temperature",
            "missing",
            "0.7",
        ),
        (
            [without(part("generator"), "max_tokens")],
            "corrected",
            "[0][0].max_tokens",
            "missing",
            "2048",
        ),
        (
            [{**without(part("generator"), "max_tokens"), "max_context_length": 99}],
            "corrected",
            "[0][0].max_context_length",
            "99",
            "read as max_tokens",
        ),
        (
            [part("generator", max_context_length=99)],
            "ignored",
            "[0][0].max_context_length",
            "99",
            "does not read it",
        ),
        (
            [
                GENERATE,
                part("critic"),
                part("fuser", samples=2),
                part("ranker", top_k=1),
            ],
            "corrected",
            "[3][0]",
            "candidates newer than the critiques before",
            "shown none",
        ),
        (
            [GENERATE, [part("critic"), part("critic")], part("fuser")],
            "translated",
            "[1]",
            "2 components of type critic side by side",
            "one result",
        ),
    ],
)
def test_whatever_does_not_come_over_is_remarked_upon(given, kind, place, found, done):
    said = remarks(*given, kind=kind)
    said.pop(("translated", "layers", "up to 3 candidates at the end"), None)
    assert list(said) == [(kind, f"layers{place}", found)]
    assert done in said[kind, f"layers{place}", found]


def test_a_slip_counts_as_the_key_that_is_meant():
    fuser = layers(GENERATE, part("critic"), part("fuser", length_contorl=True))[2]
    assert fuser["length_control"]
    assert layers({**without(GENERATE, "samples"), "sample": 4})[0]["samples"] == 4
    assert layers({**without(GENERATE, "max_tokens"), "max_context_length": 9})[0] == {
        "type": "generator",
        "model": "small",
        "temperature": 0.7,
        "max_tokens": 9,
        "samples": 3,
    }


def test_a_layer_that_would_have_nothing_to_do_is_left_out():
    found = layers(part("generator"), part("ranker", top_k=1), part("fuser"))
    assert [layer["type"] for layer in found] == ["generator", "fuser"]


def test_several_candidates_at_the_end_are_remarked_upon():
    assert "Archon takes a random one" in next(iter(remarks(GENERATE).values()))
    assert not remarks(GENERATE, part("ranker", top_k=2))


def test_a_component_without_its_list_is_corrected():
    imported = convert({"layers": [part("generator")]}, NAMES)
    assert imported.layers == [
        {"type": "generator", "model": "small", "temperature": 0.7, "max_tokens": 64}
    ]
    (remark,) = imported.remarks
    assert (remark.kind, remark.place) == ("corrected", "layers[0]")


def test_keys_at_the_top():
    data = {**config(part("generator"), custom=True), "version": 2}
    assert [(r.kind, r.place) for r in convert(data, NAMES).remarks] == [
        ("ignored", "version"),
        ("ignored", "custom"),
    ]
    meant = {"layer": [[part("generator")]]}
    assert [(r.kind, r.place) for r in convert(meant, NAMES).remarks] == [("corrected", "layer")]


def test_a_pairwise_reward_model_becomes_a_reward_ranker():
    rank = part("ranker", "llm-blender/PairRM", top_k=2, ranker_batch_size=16, model_type="")
    assert layers(GENERATE, rank)[1] == {"type": "reward_ranker", "model": "judge", "keep": 2}
    assert sorted((kind, place.partition("].")[2]) for kind, place, _ in remarks(GENERATE, rank))[
        :3
    ] == [
        ("ignored", "max_tokens"),
        ("ignored", "ranker_batch_size"),
        ("ignored", "temperature"),
    ]
    assert "scores single answers" in next(
        iter(remarks(GENERATE, rank, kind="translated").values())
    )


def test_remarks_that_differ_only_in_their_place_share_a_line():
    said = convert(config([part("generator", top_k=1), part("generator", top_k=1)]), NAMES).remarks
    assert lines(said)[0] == (
        "ignored     layers[0][0].top_k and 1 more: 1; Archon's generator does not read it"
    )
    odd = Remark(kind="ignored", place="layers[0][0].a\nb", found="1", done="no")
    assert "\n" not in lines([odd])[0]


# -- models


def test_names_are_derived_and_the_study_is_told():
    imported = convert(config(ENSEMBLE), {})
    assert [layer["model"] for layer in imported.layers[0]] == ["small-1b", "large-9b"]
    told = [(r.kind, r.place, r.found) for r in imported.remarks if "declare" in r.done]
    assert told == [
        ("translated", "layers[0][0].model", '"lab/Small-1B"'),
        ("translated", "layers[0][1].model", '"lab/Large-9B"'),
    ]
    assert "'small-1b'" in imported.remarks[0].done


def test_two_models_never_get_one_name():
    both = [part("generator", "a/x y"), part("generator", "b/x y"), part("generator", "A/X y")]
    assert [layer["model"] for layer in layers(both, models={})[0]] == ["a-x-y", "b-x-y", "a-x-y"]


@pytest.mark.parametrize(
    "text",
    [
        "lab/Small-1B: small",
        "{name: s, models: {small: {backend: vllm, model: lab/Small-1B}}}",
        "{models: {lab/Small-1B: small}}",
    ],
)
def test_a_file_names_the_models(tmp_path, text):
    path = tmp_path / "models.yaml"
    path.write_text(text)
    models = read_models(path)
    assert layers(part("generator"), models=models)[0]["model"] == "small"
    assert not remarks(part("generator"), models=models)


def test_a_study_that_has_a_model_of_the_derived_name_is_not_told():
    models = {"small-1b": "small-1b"}
    assert layers(part("generator"), models=models)[0]["model"] == "small-1b"
    assert not remarks(part("generator"), models=models)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", 'must map .* holds \\["a"\\]'),
        ("{a: 3}", "gives 'a' 3; write `a: NAME`"),
        ("{a", "readable YAML"),
    ],
)
def test_a_file_that_names_no_models(tmp_path, text, message):
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_models(path)


# -- what cannot come over


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "must be a mapping with `layers`; received \\[\\]"),
        ({"name": "x"}, "must have `layers`.*received none"),
        ({"layers": []}, "must have `layers`.*received \\[\\]"),
        ({"layers": [[]]}, "layers\\[0\\] must be a non-empty list of components"),
        ({"layers": ["generator"]}, "layers\\[0\\] must be a non-empty list"),
        ({"layers": [{"models": 3}]}, "layers\\[0\\].models must be a non-empty list"),
        ({"layers": [[3]]}, "layers\\[0\\]\\[0\\] must be a component.*received 3"),
        (config(part("genrator")), "layers\\[0\\]\\[0\\].type .*'genrator'; did you mean"),
        (config(part("debate")), "layers\\[0\\]\\[0\\].type .*'debate'.*write a layer type"),
        (config(part("generator", None)), "layers\\[0\\]\\[0\\].model must name a model"),
        (
            config(part("generator", model_type="my_function")),
            "layers\\[0\\]\\[0\\].model_type .*'my_function'.*--models as `lab/Small-1B: NAME`",
        ),
        (config(GENERATE, part("ranker")), "layers\\[1\\]\\[0\\].top_k must say"),
        (
            config(GENERATE, part("ranker", top_k="two")),
            'layers\\[1\\]\\[0\\].top_k must be a whole number above 0; received "two"',
        ),
        (config(part("generator", temperature="hot")), "layers\\[0\\]\\[0\\]: temperature"),
        (
            config([GENERATE, WRITE_TESTS]),
            "layers\\[0\\] must hold components of one type.*'generator' beside 'unit_test",
        ),
    ],
)
def test_what_cannot_come_over_is_refused_with_its_place(data, message):
    with pytest.raises(ConfigError, match=message):
        convert(data, {})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([part("fuser")], "layers\\[0\\]\\[0\\] \\(fuser\\) needs candidates"),
        ([GENERATE, EVALUATE], "layers\\[1\\]\\[0\\] \\(unit_test_evaluator\\) needs unit tests"),
    ],
)
def test_a_component_with_nothing_to_work_on_is_refused(given, message):
    with pytest.raises(InvalidArchitecture, match=message):
        convert(config(*given), NAMES)


def test_a_function_of_ones_own_comes_over_once_its_model_is_named():
    assert layers(part("generator", model_type="my_function"))[0]["model"] == "small"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"layers": [\n  {"a": 1 "b": 2}]}', "line 2, column 11: Expecting ',' delimiter"),
        ('{"name": 1, "name": 2}', "'name' stands twice"),
        ("\udce9", "readable JSON file"),
        ("[" * 100_000, "readable JSON file"),
    ],
)
def test_a_file_that_is_no_json_is_refused_with_its_place(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=message):
        read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"readable JSON file; .*none\.json"):
        read(tmp_path / "none.json")


# -- they run


class Capitals(Benchmark):
    """Asks for a capital."""

    name: Literal["capitals"] = "capitals"

    def load(self, count):
        asked = Message(role="user", content="What is the capital of France?")
        return [
            Item(
                question=Question(id=str(i), messages=(asked,)),
                target=Target(question_id=str(i), reference="Paris"),
            )
            for i in range(count)
        ]

    def score(self, text, target):
        return Score(value=float(target.reference in text), answer=text)


def said_by(role, prompt, seed):
    """A model that knows the answer one time in three, and judges well."""
    right = "Paris" in prompt.partition("<answer>")[2].partition("</answer>")[0]
    return {
        "generator": ("Lyon", "Lille", "Paris")[seed % 3],
        "fuser": "Paris" if "CRITIQUED" in prompt or "Paris" in prompt else "Lyon",
        "critic": "Answer 1:\nCRITIQUED\n\nAnswer 2:\nCRITIQUED\n\nAnswer 3:\nCRITIQUED",
        "ranker": "[2] > [1]",
        "verifier": ("Correct" if right else "Incorrect") if "<examination>" in prompt else "Hm.",
        "unit_test_generator": "1. It names Paris.\n2. It is short.",
        "unit_test_evaluator": "Test 1: It does. Passed.\nTest 2: It is. Passed."
        if right
        else "Test 1: No. Failed.\nTest 2: It is. Passed.",
    }[role]


def run(architecture, count=6):
    """The evaluation, and every (role, prompt) that was asked."""
    asked = []

    def reply(request, seed):
        role, prompt = request.role.partition("/")[0], request.messages[-1].content
        asked.append((role, prompt))
        return said_by(role, prompt, seed)

    async def evaluation():
        models = {
            "small": Scripted(reply, context=100_000),
            "large": Scripted(reply, context=100_000, identity="large"),
            "judge": Scripted(reply, score=lambda r: float("Paris" in r.messages[-1].content)),
        }
        evaluator = Evaluator(
            benchmark=Capitals(),
            dispatcher=Dispatcher(models, in_memory()),
            tariffs={name: Tariff(shape=SHAPE) for name in models},
        )
        return await evaluator.evaluate(architecture, Capitals().load(count))

    return asyncio.run(evaluation()), asked


MANY = part("generator", samples=8)
SHAPES = {
    "one": [part("generator")],
    "ensemble and fuser": [ENSEMBLE, part("fuser")],
    "three fusers": [ENSEMBLE, [part("fuser"), part("fuser", "lab/Large-9B")], part("fuser")],
    "critic, ranker, fuser": [
        MANY,
        part("critic"),
        part("ranker", top_k=5, use_critiques=True),
        part("fuser"),
    ],
    "ranker, critic, fuser": [MANY, part("ranker", top_k=5), part("critic"), part("fuser")],
    "verifier": [MANY, part("verifier", first_k=2)],
    "verifier and fuser": [MANY, part("verifier"), part("fuser")],
    "reward model": [MANY, part("ranker", "llm-blender/PairRM", top_k=1)],
    "unit tests": [WRITE_TESTS, MANY, EVALUATE],
    "unit tests, first": [WRITE_TESTS, MANY, {**EVALUATE, "first_pass": True}],
    "unit tests, verifier": [WRITE_TESTS, MANY, {**EVALUATE, "first_k": 3}, part("verifier")],
    "unit tests and fuser": [WRITE_TESTS, MANY, {**EVALUATE, "top_k": 3}, part("fuser")],
    "slips": [[part("generator", top_k=1)], part("fuser", length_contorl=True)],
}


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES.keys())
def test_what_is_converted_runs(given):
    found, _ = run(Architecture.parse(layers(*given)))
    assert not found.failures
    assert len(found.scores) == 6


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES.keys())
def test_what_is_written_is_what_was_converted(tmp_path, given):
    imported = convert(config(*given), NAMES)
    path = tmp_path / "a.yaml"
    path.write_text(imported.text("odd\nname.json"))
    assert Architecture.read(path) == Architecture.parse(imported.layers)
    assert path.read_text().startswith("# Imported by archsearch from odd name.json,")
    assert yaml.safe_load(path.read_text())["name"] == "mine"


@pytest.mark.parametrize("name", ["unit tests", "unit tests, first", "reward model", "verifier"])
def test_a_right_candidate_is_found_wherever_there_is_one(name):
    found, _ = run(Architecture.parse(layers(*SHAPES[name])))
    assert found.mean == 1.0


def test_the_order_against_archons_own_rules_does_what_it_does_there():
    """Tests, then candidates that see them, then the evaluator: every such file it ships has it."""
    _, asked = run(Architecture.parse(layers(*SHAPES["unit tests"])), count=1)
    prompts = dict(asked)
    assert "It names Paris." in prompts["generator"]
    assert "It names Paris." in prompts["unit_test_evaluator"]


def test_critiques_reach_the_ranker_and_the_fuser():
    _, asked = run(Architecture.parse(layers(*SHAPES["critic, ranker, fuser"])), count=1)
    assert all("CRITIQUED" in prompt for role, prompt in asked if role in ("ranker", "fuser"))
    assert {"ranker", "fuser"} <= {role for role, _ in asked}


# -- the command


def command(*arguments):
    return CliRunner().invoke(app, ["import-archon", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    data = config(ENSEMBLE, part("fuser", length_contorl=True))
    (tmp_path / "clean.json").write_text(json.dumps(data))
    slips = config([part("generator", top_k=1)])
    (tmp_path / "slips.json").write_text(json.dumps(slips))
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(NAMES))
    return tmp_path


def test_the_command_prints_the_architecture_and_its_remarks(folder):
    done = command(folder / "clean.json", "--models", folder / "models.yaml")
    assert done.exit_code == 0
    assert "from clean.json" in done.stdout
    assert "\n# Models that the study declares: large, small\n" in done.stdout
    assert Architecture.parse(yaml.safe_load(done.stdout)).models == {"small", "large"}
    assert done.stderr.startswith("corrected   layers[1][0].length_contorl: true; read as")


def test_the_command_writes_a_file(folder):
    done = command(folder / "slips.json", "--out", folder / "out.yaml")
    assert done.exit_code == 0
    assert not done.stdout
    assert Architecture.read(folder / "out.yaml").models == {"small-1b"}
    refused = command(folder / "slips.json", "--out", folder / "none" / "out.yaml")
    assert refused.exit_code == 1
    assert "--out must be a file that can be written" in refused.stderr


def test_strict_refuses_what_would_be_ignored(folder):
    out = folder / "out.yaml"
    done = command(folder / "slips.json", "--strict", "--out", out)
    assert done.exit_code == 1
    assert "ignored     layers[0][0].top_k: 1" in done.stderr
    assert "has 1 such settings" in done.stderr
    assert not out.exists()
    assert command(folder / "clean.json", "--strict", "--out", out).exit_code == 0


def test_the_command_names_the_place_of_a_slip_in_the_json(folder):
    (folder / "bad.json").write_text('{"layers": [}')
    done = command(folder / "bad.json")
    assert done.exit_code == 1
    assert "bad.json, line 1, column 13: Expecting value; correct it there" in done.stderr


def test_the_command_says_how_to_use_it():
    done = command("--help")
    assert done.exit_code == 0
    assert "import-archon archon.json" in done.stdout

"""A space is an architecture with choices left open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.errors import ConfigError
from archsearch.registry import validate
from archsearch.search.rules import RULES
from archsearch.search.space import SearchSpace

GENERATE = {"type": "generator", "model": "m"}
VOTE = {"type": "vote"}


def space(*layers, rules=()):
    return validate(SearchSpace, {"layers": list(layers), "rules": list(rules)}, where="space")


def first(name, labels):
    return labels[0]


def test_a_choice_is_named_by_its_place():
    asked = {}
    space({**GENERATE, "samples": {"choose": [2, 4]}}, VOTE).suggest(
        lambda name, labels: asked.setdefault(name, list(labels))[0]
    )
    assert asked == {"0.generator.samples": [2, 4]}


def test_choices_inside_an_alternative_exist_only_when_it_is_taken():
    made = space(
        {**GENERATE, "samples": 4},
        {
            "name": "then",
            "choose": {
                "vote": [VOTE],
                "fuse": [{"type": "fuser", "model": "m", "samples": {"choose": [1, 2]}}],
            },
        },
    )
    assert list(made.points()) == [
        {"then": "vote"},
        {"then": "fuse", "then=fuse.0.fuser.samples": 1},
        {"then": "fuse", "then=fuse.0.fuser.samples": 2},
    ]


def test_an_alternative_may_be_no_layer_at_all():
    made = space({**GENERATE, "samples": 2}, {"choose": {"none": [], "vote": [VOTE]}})
    lengths = [len(made.suggest(lambda name, labels, p=p: p[name])) for p in made.points()]
    assert lengths == [1, 2]


def test_a_repetition_has_choices_of_its_own_each_time():
    made = space(
        GENERATE,
        {
            "repeat": {"choose": [0, 1, 2]},
            "layers": [{"type": "fuser", "model": "m", "samples": {"choose": [1, 2, 3]}}],
        },
    )
    points = list(made.points())
    assert len(points) == 1 + 3 + 9
    assert points[-1] == {
        "1.repeat": 2,
        "1.turn0.0.fuser.samples": 3,
        "1.turn1.0.fuser.samples": 3,
    }


def test_choices_of_one_name_are_one_choice():
    made = space(
        {**GENERATE, "model": {"choose": ["a", "b"], "name": "model"}, "samples": 2},
        {"type": "ranker", "model": {"choose": ["a", "b"], "name": "model"}},
    )
    architectures = [made.architecture(point) for point in made.points()]
    assert [architecture.models for architecture in architectures] == [{"a"}, {"b"}]


@pytest.mark.parametrize("other", [[2, 8], [2, 4, 8], [4, 2]])
@pytest.mark.parametrize("apart", [False, True])
def test_choices_of_one_name_have_the_same_labels(other, apart):
    layers = [
        {**GENERATE, "samples": {"choose": labels, "name": "n"}} for labels in ([2, 4], other)
    ]
    if apart:
        layers = [{"choose": {str(at): [layer] for at, layer in enumerate(layers)}}]
    with pytest.raises(ConfigError, match=rf"'n' has \[2, 4\] and \{other}; rename one"):
        space(*layers)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_every_point_is_enumerated_once(sizes):
    layers = [{**GENERATE, "max_tokens": {"choose": list(range(1, size + 1))}} for size in sizes]
    points = [tuple(sorted(point.items())) for point in space(*layers).points()]
    assert len(points) == len(set(points))
    product = 1
    for size in sizes:
        product *= size
    assert len(points) == product


def test_a_point_gives_the_architecture_it_names():
    made = space({**GENERATE, "samples": {"choose": [2, 4]}}, VOTE)
    architecture = made.architecture({"0.generator.samples": 4})
    assert architecture == Architecture.parse([{**GENERATE, "samples": 4}, VOTE])


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        ([], "non-empty list of plain values"),
        ([{"a": 1}], "non-empty list of plain values, or a mapping from names"),
        (3, "received 3 at 0.generator.samples"),
    ],
)
def test_a_malformed_choice_is_named_by_its_place(choose, message):
    with pytest.raises(ConfigError, match=message):
        space({**GENERATE, "samples": {"choose": choose}}).suggest(first)


@pytest.mark.parametrize("times", [-1, "two"])
def test_a_repetition_is_a_whole_number(times):
    with pytest.raises(ConfigError, match="`repeat` must be a whole number >= 0; received"):
        space(GENERATE, {"repeat": times, "layers": [VOTE]}).suggest(first)


def test_a_repetition_has_two_keys():
    with pytest.raises(ConfigError, match=r"received \['layer', 'repeat'\] at 1"):
        space(GENERATE, {"repeat": 1, "layer": [VOTE]}).suggest(first)


def test_an_unknown_rule_is_refused_with_a_near_match():
    with pytest.raises(ConfigError, match="did you mean 'generators_first'"):
        space(GENERATE, rules=["generator_first"])


def test_a_broken_rule_is_named():
    made = space({**GENERATE, "samples": 2}, rules=["ends_with_one"])
    with pytest.raises(ConfigError, match="rule 'ends_with_one' of space 'space': it ends with 2"):
        made.architecture({})


CRITIC = {"type": "critic", "model": "m"}
FUSER = {"type": "fuser", "model": "m"}
TESTS = {"type": "unit_test_generator", "model": "m"}
JUDGED = {"type": "unit_test_evaluator", "model": "m"}


@pytest.mark.parametrize(
    ("rule", "layers", "problem"),
    [
        ("generators_first", [GENERATE, GENERATE], "layer 1 is a generator"),
        ("generators_first", [[GENERATE, {**GENERATE, "model": "n"}], FUSER], None),
        ("one_kind_per_layer", [GENERATE, [FUSER, GENERATE]], "layer 1 mixes fuser and generator"),
        ("one_kind_per_layer", [[GENERATE, {**GENERATE, "model": "n"}]], None),
        ("critic_before_ranker_or_fuser", [GENERATE, CRITIC], "layer 1 is followed by nothing"),
        ("critic_before_ranker_or_fuser", [GENERATE, CRITIC, FUSER], "by a fuser, which reads no"),
        (
            "critic_before_ranker_or_fuser",
            [{**GENERATE, "samples": 2}, CRITIC, {"type": "verifier", "model": "m"}],
            "followed by a verifier",
        ),
        ("critic_before_ranker_or_fuser", [GENERATE, CRITIC, {**FUSER, "critiques": True}], None),
        ("judges_apart", [TESTS, GENERATE], "layer 0 is a unit_test_generator"),
        (
            "judges_apart",
            [GENERATE, [CRITIC, {**CRITIC, "model": "n"}]],
            "layer 1 holds 2 of critic",
        ),
        ("judges_apart", [[GENERATE, {**GENERATE, "model": "n"}], CRITIC], None),
        ("unit_tests_together", [TESTS, GENERATE], "layer 0 is followed by a generator"),
        ("unit_tests_together", [GENERATE, TESTS], "layer 1 is followed by nothing"),
        ("unit_tests_together", [GENERATE, TESTS, JUDGED, JUDGED], "layer 2 is followed by a unit"),
        ("unit_tests_together", [GENERATE, TESTS, JUDGED], None),
        ("ends_with_one", [{**GENERATE, "samples": 3}], "ends with 3 candidates"),
        ("ends_with_one", [GENERATE], None),
    ],
)
def test_rules(rule, layers, problem):
    found = RULES[rule](Architecture.parse(layers))
    assert (found is None) if problem is None else (problem in found)


def test_architectures_are_found_by_digest_at_their_first_point():
    styles = {"choose": ["plain", "direct"], "name": "style"}
    alike = {"choose": {"one": [VOTE], "other": [VOTE]}, "name": "join"}
    made = space({**GENERATE, "style": styles, "samples": 2}, alike)
    found = made.by_digest(4)
    assert list(found.values()) == [
        {"style": style, "join": "one"} for style in ("plain", "direct")
    ]
    for digest, point in found.items():
        assert made.architecture(point).digest == digest
    assert made.by_digest(3) == {}

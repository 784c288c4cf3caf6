"""What counts as a larger study."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.registry import validate
from archsearch.search.growth import changes, enlarges
from archsearch.search.space import SearchSpace
from tests.search.studies import SPACE, Multiplier, study

VOTE = {"type": "vote"}
OPTIONAL = {"name": "check", "choose": {"none": [], "verify": [{"type": "verifier", "model": "m"}]}}


def space(*layers, rules=("ends_with_one",)):
    return {"name": "space", "layers": list(layers), "rules": list(rules)}


def generator(**fields):
    return {"type": "generator", "model": "m", **fields}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (space(generator()), space(generator())),
        (space(generator()), space(generator(), rules=())),
        (
            space(generator(model={"choose": ["m"]})),
            space(generator(model={"choose": ["other", "m"]})),
        ),
        (space(generator(samples=2)), space(generator(samples={"choose": [1, 2]}))),
        (
            space(generator(model={"choose": ["m", "n"]})),
            space(generator(model={"choose": {"n": "n", "m": "m", "both": ["m", "n"]}})),
        ),
        (space(generator(), VOTE), space(generator(), OPTIONAL, VOTE)),
        (space(generator(), VOTE), space(OPTIONAL, generator(), VOTE, OPTIONAL)),
        (
            space(generator(), VOTE),
            space(generator(), {"repeat": {"choose": [0, 1]}, "layers": [VOTE]}, VOTE),
        ),
        (space(generator(), VOTE), space(generator(), {"choose": {"vote": VOTE, "none": []}})),
        (space(generator(), VOTE), space(generator(), {"choose": {"vote": [VOTE]}})),
        (
            space(OPTIONAL),
            space({**OPTIONAL, "choose": {**OPTIONAL["choose"], "vote": [VOTE]}}),
        ),
    ],
)
def test_more_to_choose_from_is_growth(old, new):
    assert enlarges(old, new)
    for data in (old, new):
        validate(SearchSpace, data, where="space")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (space(generator(), rules=()), space(generator())),
        (space(generator()), space(generator(max_tokens=8))),
        (space(generator(), VOTE), space(generator())),
        (space(generator()), space(generator(), VOTE)),
        (space(generator(), VOTE), space(VOTE, generator())),
        (space(generator(samples=2)), space(generator(samples={"choose": [4, 8]}))),
        (
            space(generator(samples={"choose": [1, 2]})),
            space(generator(samples={"choose": [1, 4]})),
        ),
        (space(OPTIONAL), space({**OPTIONAL, "name": "other"})),
        (
            space(OPTIONAL),
            space({**OPTIONAL, "choose": {**OPTIONAL["choose"], "verify": [VOTE]}}),
        ),
    ],
)
def test_anything_else_is_not(old, new):
    assert not enlarges(old, new)


@given(st.data())
def test_every_point_of_a_grown_space_is_one_of_the_larger(data):
    """The space of the other tests, with some options taken out at random."""

    def thinned(value):
        if isinstance(value, list):
            return [thinned(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "choose" not in value:
            return {key: thinned(one) for key, one in value.items()}
        options = value["choose"]
        kept = data.draw(st.sets(st.sampled_from(list(options)), min_size=1))
        if isinstance(options, dict):
            return {**value, "choose": {k: thinned(v) for k, v in options.items() if k in kept}}
        return {**value, "choose": [one for one in options if one in kept]}

    small = {**copy.deepcopy(SPACE), "layers": thinned(SPACE["layers"])}
    assert enlarges(small, SPACE)
    assert enlarges(SPACE, small) == (small == SPACE)
    within, whole = (validate(SearchSpace, s, where="space") for s in (small, SPACE))
    assert all(whole.holds(point) for point in within.points())
    assert sum(map(within.holds, whole.points())) == sum(1 for _ in within.points())


def dumped(**entries):
    return study(**entries).model_dump(mode="json")


@pytest.mark.parametrize(
    "entries",
    [
        {"search": {"trials": 3, "in_flight": 3}},
        {"splits": {"search": 25, "select": 10, "test": 30}},
        {"budget": {"per_question": {"flops": 3.9e7}, "study": {"flops": 1e12}}},
        {"models": {"m": Multiplier(), "n": Multiplier()}},
    ],
)
def test_what_a_run_may_go_on_with(entries):
    assert changes(dumped(), dumped(**entries)) == []


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ({"seed": 1}, "seed: was 0, now 1"),
        ({"splits": {"search": 15, "select": 10, "test": 30}}, "splits.search: was 20, now 15"),
        ({"splits": {"search": 20, "select": 10, "test": 40}}, "splits.test: was 30, now 40"),
        ({"search": {"trials": 12, "in_flight": 4}}, "search.in_flight: was 3, now 4"),
    ],
)
def test_what_it_may_not(entries, line):
    (found,) = [one for one in changes(dumped(), dumped(**entries)) if one.startswith(line)]
    assert found


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            [generator(samples=2), VOTE],
            [generator(samples={"choose": [2, 4]}), {"type": "vote", "weighted": True}],
            "space.layers.1: was {}, now {'weighted': True}",
        ),
        (
            [generator(max_tokens=8, samples=2), OPTIONAL, VOTE],
            [generator(max_tokens=9, samples=3), OPTIONAL, generator()],
            "space.layers.0.max_tokens: was 8, now 9",
        ),
        (
            [generator(), OPTIONAL, VOTE],
            [generator(), {**OPTIONAL, "choose": {"none": []}}, VOTE],
            f"space.layers.1.choose: was {{'verify': {OPTIONAL['choose']['verify']}}}, now {{}}",
        ),
        (
            [generator(), VOTE],
            [generator(), VOTE, VOTE],
            f"space.layers, from 2 on: was [], now [{VOTE}]",
        ),
    ],
)
def test_only_what_differs_in_a_space_is_told(old, new, line):
    one, other = ({**dumped(), "space": space(*layers)} for layers in (old, new))
    assert changes(one, other) == [line]


def test_a_rule_that_came_is_told_without_the_layers_that_grew():
    one = {**dumped(), "space": space(generator(), rules=())}
    other = {**dumped(), "space": space(generator(), OPTIONAL)}
    assert changes(one, other) == ["space.rules: was [], now ['ends_with_one']"]


@pytest.mark.parametrize(
    ("entry", "change", "may"),
    [
        ({"backend": "server"}, {"base_url": "http://localhost:2/v1"}, True),
        ({"backend": "server"}, {"concurrency": 8}, True),
        ({"backend": "server"}, {"model": "other"}, False),
        ({"backend": "server"}, {"extra_body": {"top_k": 3}}, False),
        ({"backend": "server"}, {"price": {"prompt": 1, "completion": 2}}, False),
        ({"backend": "server"}, {"shape_from": "config.json"}, False),
        ({"backend": "llamacpp"}, {"slots": 2, "threads": 3}, True),
        ({"backend": "llamacpp"}, {"context": 512}, False),
    ],
)
def test_where_a_model_runs_and_how_fast_may_differ(entry, change, may):
    old = {**dumped(), "models": {"qwen-2.5": {**entry, "context": 100}}}
    new = {**old, "models": {"qwen-2.5": {**entry, "context": 100, **change}}}
    assert (changes(old, new) == []) is may


def test_no_model_may_go():
    two = dumped(models={"m": Multiplier(), "n": Multiplier()})
    assert "models.n.backend: was 'multiplier', now None" in changes(two, dumped())


def test_a_model_whose_name_has_a_dot_is_held_to_what_it_was():
    old, new = dumped(), dumped()
    for data in (old, new):
        data["models"] = {"qwen-2.5": dict(data["models"]["m"])}
    new["models"]["qwen-2.5"]["identity"] = "another"
    assert changes(old, new) == ["models.qwen-2.5.identity: was None, now 'another'"]
    new["models"] = {**old["models"], "qwen-2.5-large": new["models"]["qwen-2.5"]}
    assert changes(old, new) == []
    new["models"] = {**old["models"], "qwen-2.5.1": new["models"]["qwen-2.5-large"]}
    assert changes(old, new) == []
    assert changes(new, old)

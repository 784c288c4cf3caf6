"""Mistakes of a space file are told apart from points that are refused."""

import pytest

from archsearch.errors import ConfigError
from archsearch.search.mistakes import require_none
from archsearch.search.space import SearchSpace
from tests.search.studies import study

GENERATE = {"type": "generator", "model": "m"}
VOTE = {"type": "vote"}


def space(*options):
    choose = {"none": [], **{str(at): [option] for at, option in enumerate(options)}}
    return SearchSpace(layers=[{**GENERATE, "samples": {"choose": [1, 2]}}, {"choose": choose}])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"type": "voet"}, "unknown layer type 'voet'; did you mean 'vote'"),
        ({**VOTE, "weigthed": True}, "vote: unknown key 'weigthed'; did you mean 'weighted'"),
        ({**VOTE, "answer": "nubmer"}, "unknown answer extractor 'nubmer'"),
        ({"type": "fuser"}, "fuser: 'model' is missing"),
        ({"type": "fuser", "model": "n"}, "unknown model 'n'; known: m"),
        (
            {"type": "fuser", "model": "m", "samples": {"choose": [1, "two"]}},
            "fuser: samples: Input should be a valid integer.* received 'two'",
        ),
        ([VOTE, {"type": "voet"}], "unknown layer type 'voet'"),
        ("vote", "a layer must be .* `type: NAME`, with `choose` .* `repeat` .* received 'vote'"),
        ({"choose": [], "default": 1}, "with `choose` .* alone, .* received {'choose': "),
        ({"type": 3}, "3 must be a mapping with `type: NAME`"),
    ],
)
def test_what_no_choice_could_mend_is_a_mistake(option, message):
    with pytest.raises(ConfigError, match=f"space 'space': .*{message}"):
        require_none(space(VOTE, option), ["m"])


def test_each_mistake_is_told_once_and_a_few_of_many():
    mistakes = [{"type": f"voet{at}"} for at in range(7)]
    with pytest.raises(ConfigError, match=r"'voet4'.*; and 2 more$") as raised:
        require_none(space(*mistakes, *mistakes), ["m"])
    assert str(raised.value).count("unknown layer type") == 5


@pytest.mark.parametrize(
    "option",
    [
        {"type": "fuser", "model": "m", "critiques": True},
        {"type": "unit_test_evaluator", "keep": 1, "first_k": 1},
        {"type": "pointwise_ranker", "model": "m", "expected": True, "scale": {"choose": [12, 5]}},
    ],
)
def test_what_does_not_fit_together_is_none(option):
    require_none(space(VOTE, option), ["m"])


def test_a_study_with_mistakes_in_its_space_is_refused():
    with pytest.raises(ConfigError, match="space 'space': unknown layer type 'voet'"):
        study(space=space(VOTE, {"type": "voet"}).model_dump())

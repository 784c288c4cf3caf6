"""Which labels lead to unseen points."""

from random import Random

import pytest

from archsearch.search.seen import Seen, unseen_label

LABELS = {"a": [0, 1], "b": ["x", "y"], "c": [1, 2, 3]}


def seen(**params):
    return Seen(params=params, labels={name: LABELS[name] for name in params})


def labels_left(trials, name, **taken):
    rng = Random(0)
    return {unseen_label(trials, taken, name, LABELS[name], rng) for _ in range(60)}


@pytest.mark.parametrize(
    ("trials", "taken", "name", "left"),
    [
        ([], {}, "a", {0, 1}),
        ([seen(a=0)], {}, "a", {1}),
        ([seen(a=0, b="x")], {}, "a", {0, 1}),
        ([seen(a=0, b="x"), seen(a=0, b="y")], {}, "a", {1}),
        ([seen(a=0, b="x")], {"a": 0}, "b", {"y"}),
        ([seen(a=0, b="x")], {"a": 1}, "b", {"x", "y"}),
        # b exists only under a=0, c only under a=1
        ([seen(a=0, b="x"), seen(a=1, c=1), seen(a=1, c=2), seen(a=1, c=3)], {}, "a", {0}),
        # all are known: any
        ([seen(a=0), seen(a=1)], {}, "a", {0, 1}),
        # one that runs and has come no further than `a` does not exhaust it
        ([seen(a=0), seen(a=0, b="x")], {}, "a", {0, 1}),
    ],
)
def test_labels_under_which_points_are_left(trials, taken, name, left):
    assert labels_left(trials, name, **taken) == left


def test_only_what_is_kept_and_told_scores():
    assert Seen(params={}, labels={}, value=0.5).score == 0.5
    assert Seen(params={}, labels={}).score == float("-inf")
    assert Seen(params={}, labels={}, value=0.5, constraints={"cost": 0.1}).score == float("-inf")

"""What the last lines of a search say."""

import pytest

from archsearch.screen import unscored_line, way_out_line


@pytest.mark.parametrize(
    ("unscored", "said"),
    [([0, 0, 0], ""), ([2, 0, 5], "7 test questions of 2 of these could not be scored")],
)
def test_what_is_missing_in_the_test_is_told(unscored, said):
    best, *baselines = ({"test": {"unscored": count}} for count in unscored)
    line = unscored_line({"best": best, "baselines": baselines})
    assert line.startswith(said)
    assert bool(line) == bool(said)


def test_the_most_frequent_way_out_of_the_best_is_told():
    ways = {"question clipped": 3, "answer blank": 1}
    report = {"best": {"test": {"n": 30, "fallbacks": ways}}}
    assert way_out_line(report) == "on 3 of 30 test questions of the best: question clipped"
    assert way_out_line({"best": {"test": {"n": 30, "fallbacks": {}}}}) == ""

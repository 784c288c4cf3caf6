"""What a study will do and take, told without drawing a token."""

from archsearch.search.checkup import checkup
from tests.search.studies import CAPS, study

SCRIPT = {"backend": "scripted", "replies": [{"match": "", "texts": ["4"]}]}
GENERATE = {"type": "generator", "model": "m", **CAPS}


def lines(*layers, rules=()):
    space = {"layers": list(layers), "rules": list(rules)}
    models = {"m": {**SCRIPT, "context": 800}}
    return list(checkup(study(space=space, models=models), None))


def test_refused_points_are_counted_by_reason():
    samples = {"choose": [1, 2, 3, 4, 5, 6, 7]}
    votes = {"choose": {"none": [], "vote": [{"type": "vote"}], "too": [{"type": "vote"}]}}
    told = lines({**GENERATE, "samples": samples}, votes, rules=["ends_with_one"])
    at = told.index("  8 of them are refused:")
    assert told[at + 1].startswith("    2: layer 1 (vote) needs at least two candidates")
    assert told[at + 2] == "    1: rule 'ends_with_one' of space 'space': it ends with 2 candidates"
    assert told[at + 6] == "    2: 2 other reasons"


def test_what_fits_no_context_is_told_before_a_search():
    layer = {**GENERATE, "max_tokens": {"choose": [16, 600]}}
    told = lines(layer)
    assert any("2 points, 1 distinct valid" in line for line in told)
    assert any("the context of 'm' (800 tokens); received 400 + 600" in line for line in told)

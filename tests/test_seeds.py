"""One spelling, one digest, one seed for one value."""

import hashlib
import json
import subprocess
import sys

import pytest
from hypothesis import given

from archsearch.seeds import SEED_BITS, canonical_json, digest, seed_of
from tests.strategies import json_values


def strict(value):
    """`value` with its types beside it: 1, 1.0 and True are three values, and so are 0.0, -0.0."""
    if isinstance(value, list):
        return [strict(item) for item in value]
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    return type(value).__name__, repr(value)


@given(json_values)
def test_the_spelling_is_json_that_reads_back_as_the_value(value):
    assert strict(json.loads(canonical_json(value))) == strict(value)


@given(json_values, json_values)
def test_digests_are_equal_only_where_values_are(one, other):
    assert (digest(one) == digest(other)) == (strict(one) == strict(other))
    assert digest([one, other]) != digest([[one, other]])


@given(json_values)
def test_seeds_are_what_every_back_end_takes(value):
    assert seed_of(value) in range(1 << SEED_BITS)
    assert SEED_BITS == 31


def test_the_spelling_is_canonical():
    assert canonical_json({"b": [1, 2.5], "a": {"d": None, "c": True}}) == (
        '{"a":{"c":true,"d":null},"b":[1,2.5]}'
    )
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})
    assert canonical_json((1, 2)) == canonical_json([1, 2])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_has_no_number_for_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"temperature": [value]})


def test_lone_surrogates_are_kept_apart():
    halves = [chr(code) for code in (0xD800, 0xD83D, 0xDBFF, 0xDC00, 0xDE00, 0xDFFF)]
    texts = [*halves, "\ufffd", "?", "", "\ud83d x \ude00", "\\ud800"]
    assert len({digest(text) for text in texts}) == len(texts)


def test_digests_do_not_depend_on_process_or_release():
    """Stores hold them for years: if this fails, raise the schemas that they are part of."""
    value = {"ü\ud800": [1, 2.0, None, True, "\0"], "a": {}}
    spelled = rb'{"a":{},"\u00fc\ud800":[1,2.0,null,true,"\u0000"]}'
    known = hashlib.sha256(spelled).hexdigest()
    assert digest(value) == known
    code = f"from archsearch.seeds import digest; print(digest({value!a}))"
    # Hashes of strings differ from process to process; digests must not.
    process = [sys.executable, "-c", code]
    elsewhere = subprocess.run(process, capture_output=True, text=True, check=True).stdout
    assert elsewhere.strip() == known
    assert seed_of(value) == int(known[:16], 16) % 2**31


def test_seeds_spread():
    seeds = {seed_of(["key", index]) for index in range(2000)}
    assert len(seeds) == 2000
    for bit in range(SEED_BITS):
        share = sum(seed >> bit & 1 for seed in seeds) / 2000
        assert share == pytest.approx(0.5, abs=0.06)

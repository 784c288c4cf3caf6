"""Files that users write: what is read, and what is told of what cannot be."""

import pytest

from archsearch.errors import ConfigError
from archsearch.plainfile import parse_plain, read_plain


@pytest.mark.parametrize(
    ("name", "text", "data"),
    [
        ("a.yaml", "a: [1, {b: 2}]\nc: 1", {"a": [1, {"b": 2}], "c": 1}),
        (
            "a.yaml",
            "x: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}",
            {"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 2}},
        ),
        ("a.yaml", "1: int\n'1': text", {1: "int", "1": "text"}),
        ("a.json", '{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        ("a.yaml", "", None),
    ],
)
def test_reads_plain_data(tmp_path, name, text, data):
    (tmp_path / name).write_text(text)
    assert read_plain(tmp_path / name, "a file") == data


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "a.yaml",
            "a: 1\nb:\n  c: 1\n  c: 2",
            "line 4, column 3: a key may stand once in a mapping; 'c'",
        ),
        (
            "a.json",
            '{"a": {"b": 1, "b": 2}}',
            "a key may stand once in a mapping; 'b' stands twice",
        ),
        ("a.yaml", "a: [1", "line 1, column 6: expected"),
        ("a.json", "{", "line 1 column 2"),
        ("a.yaml", "a: !!python/object:os.system {}", "could not determine a constructor"),
        ("a.yaml", "\udcff", "can't decode byte 0xff"),
        ("a.yaml", "a: \x00", "unacceptable character"),
        ("a.yaml", "[" * 100_000, "recursion"),
    ],
)
def test_says_in_one_line_why_it_cannot_be_read(tmp_path, name, text, why):
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        ConfigError, match=rf"^a file must be readable YAML or JSON; .*{name}: "
    ) as told:
        read_plain(tmp_path / name, "a file")
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"a file must be readable .*No such file"):
        read_plain(tmp_path / "none.yaml", "a file")


def test_a_value_is_read_likewise():
    assert parse_plain("[1, a]", "a value") == [1, "a"]
    with pytest.raises(
        ConfigError, match=r"^a value must be readable YAML; received '\[1': line 1"
    ):
        parse_plain("[1", "a value")

"""Rows of a local file."""

import pytest

from archsearch.errors import ConfigError
from archsearch.rows import local_rows

ROWS = [{"q": "1 + 1?"}, {"q": "ä?"}]


@pytest.mark.parametrize(
    "text",
    ['[{"q": "1 + 1?"},\n {"q": "ä?"}]', '{"q": "1 + 1?"}\n\n{"q": "ä?"}\n'],
    ids=["array", "lines"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_array_and_lines_are_read_with_a_mark_of_the_encoding_or_without(
    tmp_path, text, encoding
):
    path = tmp_path / "rows.jsonl"
    path.write_text(text, encoding=encoding)
    assert local_rows(str(path)) == ROWS


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"q": 1}\n\n{"q": }\n', "line 3, column 7: Expecting value"),
        ('{"q": 1}\n{"q": 2} x', "line 2, column 10: Extra data"),
        ('[{"q": 1},\n {"q": ]', "line 2, column 8: Expecting value"),
    ],
)
def test_what_is_no_json_is_told_by_its_line(tmp_path, text, place):
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(
        ConfigError, match=rf"must hold a JSON array or JSON lines; .*rows.jsonl', {place}; correct"
    ):
        local_rows(str(path))

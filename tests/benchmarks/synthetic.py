"""Rows made here in the forms that data sets have upstream, which cannot be reached from the tests.

SYNTHETIC: none of these rows is of any benchmark. Their problems are our own; their columns, and
the form of the tests in them, follow the public tools that made the real ones.
"""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

FUNCTIONS: Sequence[tuple[str, str, str, list[list[Any]], list[Any]]] = [
    # name, signature, body, inputs, results
    ("add_all", "xs", "return sum(xs)", [[[1, 2]], [[]], [[-1, 1, 5]]], [3, 0, 5]),
    ("mirror", "s", "return s[::-1]", [["ab"], [""], ["xyz"]], ["ba", "", "zyx"]),
    ("halves", "xs", "return [x / 2 for x in xs]", [[[1, 2]], [[3.0]]], [[0.5, 1.0], [1.5]]),
    ("thirds", "x", "return x / 3", [[1], [2]], [0.3333333, 0.6666667]),
    ("letters", "s", "return sorted(set(s))", [["banana"], [""]], [["a", "b", "n"], []]),
    ("largest", "xs", "return max(xs, default=None)", [[[3, 9, 2]], [[]]], [9, None]),
]

ASSERTION = """import numpy as np

def is_floats(x) -> bool:
    if isinstance(x, float):
        return True
    if isinstance(x, (list, tuple)):
        return all(isinstance(i, float) for i in x)
    return False

def assertion(out, exp, atol):
    exact_match = out == exp
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if not exact_match and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert exact_match
"""


def prompt_of(name: str, signature: str) -> str:
    return f'from typing import List\n\n\ndef {name}({signature}):\n    """Does {name}."""\n'


def humaneval_rows() -> list[Row]:
    return [
        {
            "task_id": f"Synthetic/{place}",
            "prompt": prompt_of(name, signature),
            "entry_point": name,
            "canonical_solution": f"    {body}\n",
            "test": "METADATA = {}\n\n\ndef check(candidate):\n"
            + "".join(
                f"    assert abs(candidate(*{args!r}) - {result!r}) < 1e-6\n"
                if name == "thirds"
                else f"    assert candidate(*{args!r}) == {result!r}\n"
                for args, result in zip(inputs, results, strict=True)
            ),
        }
        for place, (name, signature, body, inputs, results) in enumerate(FUNCTIONS)
    ]


def humaneval_plus_rows() -> list[Row]:
    rows = []
    for place, (name, signature, body, inputs, results) in enumerate(FUNCTIONS):
        if name == "mirror":  # as where results are long: they are computed by the reference
            test = (
                f"{ASSERTION}\n\ndef ref_func({signature}):\n    {body}\n\ndef check(candidate):\n"
                f"    inputs = {inputs!r}\n    for i, inp in enumerate(inputs):\n"
                f"        assertion(candidate(*inp), ref_func(*inp), 0)\n"
            )
        else:
            test = (
                f"\n\n{ASSERTION}\n\ndef check(candidate):\n    inputs = {inputs!r}\n"
                f"    results = {results!r}\n"
                f"    for i, (inp, exp) in enumerate(zip(inputs, results)):\n"
                f"        assertion(candidate(*inp), exp, {1e-6 if name == 'thirds' else 0})\n"
            )
        rows.append({**humaneval_rows()[place], "test": test})
    return rows


def mbpp_rows() -> list[Row]:
    return [
        {
            "task_id": 9000 + place,
            "text": f"Write a function to do {name}.",
            "code": f"def {name}({signature}):\n    {body}\n",
            "test_list": [
                f"assert round({name}(*{args!r}), 6) == {result!r}".replace("33333,", "33333")
                if name == "thirds"
                else f"assert {name}(*{args!r}) == {result!r}"
                for args, result in zip(inputs, results, strict=True)
            ],
            "test_setup_code": "import math" if name == "halves" else "",
            "challenge_test_list": [],
        }
        for place, (name, signature, body, inputs, results) in enumerate(FUNCTIONS)
        if name != "thirds"
    ]


def mbpp_plus_rows() -> list[Row]:
    rows = []
    for row in mbpp_rows():
        name, _, _, inputs, results = FUNCTIONS[row["task_id"] - 9000]
        rows.append(
            {
                "task_id": row["task_id"],
                "code": row["code"],
                "prompt": row["text"],
                "source_file": "Synthetic Problems",
                "test_imports": [],
                "test_list": row["test_list"],
                "test": f"import numpy as np\nfrom math import inf\n\n{ASSERTION}\n\n"
                f"inputs = {inputs!r}\nresults = {results!r}\n"
                f"for i, (inp, exp) in enumerate(zip(inputs, results)):\n"
                f"    assertion({name}(*inp), exp, 0)\n",
            }
        )
    return rows


PROGRAMS: Sequence[tuple[str, str, list[tuple[str, str]]]] = [
    # what is asked, a program that does it, inputs and outputs
    ("sum of two", "print(sum(map(int, input().split())))", [("1 2\n", "3\n"), ("5 -5\n", "0\n")]),
    ("a half", "print(int(input()) / 2)", [("1\n", "0.50\n"), ("3\n", "1.5\n")]),
    (
        "each line backwards",
        "import sys\nfor line in sys.stdin:\n    print(line.rstrip()[::-1])",
        [("ab\ncd\n", "ba\ndc\n"), ("x\n", "x\n")],
    ),
    (
        "yes or no",
        "print('Yes' if int(input()) > 0 else 'No')",
        [("1\n", "Yes\n"), ("0\n", "No\n")],
    ),
]


def code_contests_rows() -> list[Row]:
    return [
        {
            "name": f"9{place}_A. Synthetic",
            "description": f"Print {asked}.\n\nExample\n\nInput\n\n{cases[0][0]}\nOutput\n\n"
            f"{cases[0][1]}",
            "public_tests": {"input": [cases[0][0]], "output": [cases[0][1]]},
            "private_tests": {"input": [], "output": []},
            "generated_tests": {"input": [cases[1][0]], "output": [cases[1][1]]},
            "source": 2,
            "difficulty": 7,
            "solutions": {"language": [3], "solution": [program]},
            "incorrect_solutions": {"language": [], "solution": []},
            "cf_contest_id": 9000 + place,
            "cf_index": "A",
            "cf_points": 0.0,
            "cf_rating": 800,
            "cf_tags": [""],
            "is_description_translated": False,
            "untranslated_description": "",
            "time_limit": {"seconds": 2, "nanos": 500_000_000},
            "memory_limit_bytes": 256_000_000,
            "input_file": "",
            "output_file": "",
        }
        for place, (asked, program, cases) in enumerate(PROGRAMS)
    ]


def livecodebench_rows() -> list[Row]:
    rows = [
        _livecodebench(
            f"stdin_{place}", f"Print {asked}.", "", "atcoder", {}, [
                {"input": given, "output": expected, "testtype": "stdin"}
                for given, expected in cases
            ]
        )
        for place, (asked, _, cases) in enumerate(PROGRAMS)
    ]  # fmt: skip
    for place, (name, _, _, inputs, results) in enumerate(FUNCTIONS):
        if name == "thirds":
            continue
        cases = [
            {
                "input": "\n".join(json.dumps(arg) for arg in args),
                "output": json.dumps(result),
                "testtype": "functional",
            }
            for args, result in zip(inputs, results, strict=True)
        ]
        starter = f"class Solution:\n    def {name}(self, x):\n        "
        rows.append(
            _livecodebench(
                str(3000 + place), f"Do {name}.", starter, "leetcode", {"func_name": name}, cases
            )
        )
    return rows


def _livecodebench(
    name: str,
    content: str,
    starter: str,
    platform: str,
    metadata: Mapping[str, str],
    cases: Sequence[Mapping[str, str]],
) -> Row:
    hidden = pickle.dumps(json.dumps(cases[1:]))
    return {
        "question_title": name,
        "question_content": content,
        "platform": platform,
        "question_id": name,
        "contest_id": "synthetic",
        "contest_date": "2024-08-17T00:00:00",
        "starter_code": starter,
        "difficulty": "easy",
        "public_test_cases": json.dumps(cases[:1]),
        "private_test_cases": base64.b64encode(zlib.compress(hidden)).decode(),
        "metadata": json.dumps(metadata),
    }


def written(path: Path, rows: Sequence[Row]) -> str:
    """The path of a file of these rows, as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)

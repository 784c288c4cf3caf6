"""The program that a reply gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.answers import code
from archsearch.code.solution import preamble, solution
from archsearch.testing.malformed import BLANK, malformed

PROMPT = '''from typing import List


def helper(x: int) -> int:
    return x + 1


def f(x: int) -> int:
    """Doubles.

    >>> f(1)
    2
    """
'''
BEFORE = PROMPT[: PROMPT.index("def f")]
WHOLE = "def f(x):\n    return 2 * x"


@pytest.mark.parametrize(
    "reply",
    [
        f"Here it is:\n\n```python\n{WHOLE}\n```\nIt doubles.",
        f"```\n{WHOLE}\n```",
        f"```py\n{WHOLE}",
        f"~~~python\n{WHOLE}\n~~~",
        f"```python\n{WHOLE}\n```\n\nTry it:\n\n```python\nprint(f(2))\n```",
        f"```python\nimport re\n```\n```python\n{WHOLE}\n```\nOutput:\n```\n4\n```",
        f"```python\ndef f(x):\n    return x\n```\nNo, it must double:\n```python\n{WHOLE}\n```",
        "1. So:\n   ```python\n   def f(x):\n       return 2 * x\n   ```\n2. Done.",
        WHOLE,
    ],
)
def test_the_last_block_that_defines_the_function_is_the_answer(reply: str) -> None:
    assert (solution(reply, entry_point="f", prompt=PROMPT) or "").rstrip() == BEFORE + WHOLE
    assert (solution(reply, entry_point="f") or "").rstrip() == WHOLE


@pytest.mark.parametrize(
    "body",
    [
        "    return 2 * x\n",
        "    # twice\n\n    return 2 * x\n",
        "    return 2 * x\n\n\nprint(f(3))\n",
        "```python\n    return 2 * x\n```",
        "    return 2 * x\n\n\nclass Other:\n    pass\n",
    ],
)
def test_a_reply_may_go_on_from_the_prompt(body: str) -> None:
    source = solution(body, entry_point="f", prompt=PROMPT)
    assert source is not None
    names: dict[str, object] = {}
    exec(source, names)  # noqa: S102 - written above
    assert names["f"](21) == 42  # type: ignore[operator]
    assert source.startswith(PROMPT)
    assert "print" not in source
    assert "class" not in source


def test_future_imports_stay_first() -> None:
    reply = f"```python\nfrom __future__ import annotations\n{WHOLE}\n```"
    source = solution(reply, entry_point="f", prompt=PROMPT)
    assert source is not None
    assert source.startswith("from __future__")


@pytest.mark.parametrize(
    "reply",
    ["I cannot.", "def g(x):\n    return x", "```python\ndef g(x): pass\n```", "f(3)", *BLANK],
)
def test_a_reply_without_the_function_is_no_program(reply: str) -> None:
    assert solution(reply, entry_point="f", prompt=PROMPT) is None


@pytest.mark.parametrize(
    ("reply", "program"),
    [
        ("```python\nprint(input())\n```", "print(input())"),
        ("print(input())", "print(input())"),
        ("```bash\nls\n```\n```python\nprint(1)\n```\n```text\n1\n```", "print(1)"),
        ("````python\nprint('''\n```\n''')\n````", "print('''\n```\n''')"),
        ("It is `print(1)`.", None),
        ("42", None),
        ("x > y", None),
        ("x: int", None),
        ("```\n\n```", None),
    ],
)
def test_a_program_without_entry_point(reply: str, program: str | None) -> None:
    assert code(reply) == program == solution(reply)


def test_what_stands_before_the_function() -> None:
    assert preamble(PROMPT, "f") == BEFORE
    assert preamble(PROMPT, "missing") == ""


@given(st.text(max_size=300) | st.sampled_from(malformed()))
def test_any_reply_gives_a_program_or_none(reply: str) -> None:
    for entry_point in ("", "f"):
        source = solution(reply, entry_point=entry_point, prompt=PROMPT)
        assert source is None or source.strip()

r"""How a final answer is read off a reply, and spelled so that equal answers are equal strings.

Every extractor is pure and total: any text gives a string, or None where there is no answer, in
time linear in its length. Only the last `WINDOW` characters are read: an answer stands at the end.

An answer is *stated* where it follows "answer is", "answer:", `####` or `<answer>`, or stands in
`\boxed{}`. The last statement wins.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

from archsearch.errors import UnknownName
from archsearch.syntax import defines, parsed

WINDOW = 100_000
"""Characters at the end of a reply that are read."""
MAX_BARE = 20_000
"""Characters of the longest reply that is a program without a fence; Python's parser is slow."""
MAX_NUMBER = 1_000
"""Characters of the longest number; a longer one is no answer."""

# A heading such as "#### Step 3" states nothing, hence the rest of the line must be one bare token.
_MARKER = re.compile(
    r"\banswer\b[^.:=\n]{0,60}?(?:[:=]|\bis\b)(?:[ \t*_]{0,8}(?::|\bis\b))?"
    r"|####[ \t]*(?=[^\sA-Za-z]{1,200}[ \t]*$)|(?P<tag><answer>)",
    re.IGNORECASE | re.MULTILINE,
)
_END_OF_STATEMENT = re.compile(r"</answer>|\bi hope (?:it|this) is correct", re.IGNORECASE)
_BRACE = re.compile(r"(?P<box>\\(?:boxed|fbox)\s{0,8}\{)|\\[{}]|[{}]")
_WRAPPER = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s{0,8}\{([^{}]*)\}")
_MARKUP = "*_`$#>\"'“”‘’ \t\r\n"
_STOPS = ".!,;"

_FRACTION = re.compile(r"([0-9]?)\\[dt]?frac\s{0,8}\{([^{}]{1,400})\}\s{0,8}\{([^{}]{1,400})\}")
_PLAIN_SIGNS = (
    ("\\times", "*"),
    ("\\cdot", "*"),
    ("\\div", "/"),
    ("{,}", ","),
    ("\\,", ""),
    ("\\!", ""),
    ("\\$", "$"),
    ("\\%", "%"),
    ("−", "-"),
)
_NUMBER = re.compile(
    r"""(?P<minus>(?<![\w)\]}])-\$?|\$-)?
        (?:(?P<whole>[0-9]+)[ ](?=[0-9]+/0*[1-9]))?  # the 1 in 1 1/2
        (?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+|(?<![\w.])(?=\.[0-9]))
        (?P<decimals>\.[0-9]+)?
        (?:[eE](?P<exponent>[-+]?[0-9]{1,3})(?!\w))?
        (?:/(?P<divisor>0*[1-9][0-9]*)(?![0-9]|[./][0-9]))?""",
    re.VERBOSE,
)
_EQUATION = re.compile(r"[-+*/x×·÷=(),.$%\s0-9]*")

_CHOICE = (
    r"(?:\((?P<bracketed>[A-Ja-j])\)|(?P<bare>[A-HJ])(?![\w'’])"
    # "I" and small letters are words too: they need something after them that ends a choice.
    r"|(?P<ended>[a-jI])(?=[.,:;)\]}*`]|\s*$))"
)
_STATED_CHOICE = re.compile(
    r"(?:\\[a-z]+\s?\{|[\s*_`$\[{(\"']|(?i:\b(?:option|choice|letter)\b)){0,12}" + _CHOICE
)
_LONE_CHOICE = re.compile(
    r"^[ \t>*_]{0,8}(?P<line>[A-J])(?:[.):*]|[ \t]*$)|\((?P<bracketed>[A-J])\)", re.MULTILINE
)

_FENCE = re.compile(r"(?P<margin>[ \t]{0,16})(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)")
_PYTHON = frozenset({"", "python", "python3", "py", "py3", "python-repl", "ipython"})

_INVISIBLE = re.compile("[\0\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACING = re.compile(r"\\left|\\right|\\[,;! ()]|[$\s]")


def extract(kind: str, text: str) -> str | None:
    """The final answer of `text` in its one spelling; None where there is none.

    >>> extract("number", "12 boxes at $100.50 each, so the answer is **$1,206.00**.")
    '1206'
    >>> extract("choice", "I doubt it. The answer is (b).")
    'B'
    """
    try:
        extractor = EXTRACTORS[kind]
    except KeyError:
        raise UnknownName("answer kind", kind, EXTRACTORS) from None
    return extractor(text)


def number(text: str) -> str | None:
    """The last stated number, else the last number: "12", "-0.5", and "1/3" where it never ends.

    Of a stated equation it takes the right-hand side. Currency, percent signs, grouping commas and
    LaTeX are read over: 50% is 50.
    """
    plain = _plain_arithmetic(_tail(text))
    stated = _stated(plain)
    match = (_stated_number(stated) if stated else None) or _last(_NUMBER.finditer(plain))
    return _spelled(match) if match else None


def boxed(text: str) -> str | None:
    r"""What the last closed `\boxed{}` holds, without spaces and spacing commands."""
    box = _last_box(_tail(text))
    return _math_spelling(box[1]) if box else None


def math(text: str) -> str | None:
    """What is boxed, else stated (to the end of its sentence), else the last number."""
    stated = _stated(_tail(text))
    return (_math_spelling(stated.split(". ")[0]) if stated else None) or number(text)


def choice(text: str) -> str | None:
    """A letter from A to J: the last stated, else the last in brackets or heading a line."""
    tail = _tail(text)
    stated = _stated(tail)
    match = _STATED_CHOICE.match(stated) if stated else None
    match = match or _last(_LONE_CHOICE.finditer(tail))
    return match[match.lastgroup].upper() if match and match.lastgroup else None


def text(text: str) -> str | None:
    """`statement`, with case and white space folded and the full stop at its end dropped."""
    said = statement(text)
    return (" ".join(said.split()).casefold().rstrip(_STOPS) or None) if said else None


def statement(text: str) -> str | None:
    """What is stated last, else the last line that says something; without quotes and markup."""
    tail = _tail(text)
    lines = (_without_markup(line) for line in reversed(tail.splitlines()))
    return _without_markup(_stated(tail) or "") or next(filter(None, lines), None)


def code(text: str, entry_point: str = "") -> str | None:
    """The last fenced block of Python, else the whole reply where that is Python.

    With `entry_point`, a block that defines that name stands before those that do not. A block that
    the reply does not close ends with it. A reply that only names or computes something, such as
    "42" or "x > y", is no program, nor is one of more than `MAX_BARE` characters without a fence.
    """
    blocks = _python_blocks(_tail(text))
    defining = [block for block in blocks if defines(block, entry_point)] if entry_point else []
    if blocks:
        return (defining or blocks)[-1]
    return text if len(text) <= MAX_BARE and _does_something(_INVISIBLE.sub("", text)) else None


EXTRACTORS: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {"number": number, "boxed": boxed, "math": math, "choice": choice, "text": text, "code": code}
)
"""How each kind of answer is read. Answers are equal where their strings are."""


def _tail(text: str) -> str:
    return _INVISIBLE.sub("", text[-WINDOW:])


def _stated(tail: str) -> str | None:
    """The last statement, verbatim: to the end of its line, box or tag."""
    marker, box = _last(_MARKER.finditer(tail)), _last_box(tail)
    if box and (not marker or box[0] > marker.start()):
        return box[1]
    if not marker:
        return None
    said = _END_OF_STATEMENT.split(tail[marker.end() :], maxsplit=1)[0]
    return said if marker["tag"] else said.lstrip("*_:` \t\r\n").partition("\n")[0]


def _last_box(tail: str) -> tuple[int, str] | None:
    r"""Start and content of the last `\boxed{}` that is closed; of nested ones, the outer one."""
    last, open_braces = None, list[re.Match[str]]()
    for brace in _BRACE.finditer(tail):
        if brace["box"] or brace[0] == "{":
            open_braces.append(brace)
        elif brace[0] == "}" and open_braces:
            opened = open_braces.pop()
            if opened["box"]:
                last = opened, brace
    return (last[0].start(), tail[last[0].end() : last[1].start()]) if last else None


def _last(matches: Iterable[re.Match[str]]) -> re.Match[str] | None:
    last = None
    for last in matches:  # noqa: B007 - the loop is there for its last value
        pass
    return last


def _without_markup(said: str) -> str:
    """Also without the markup before a full stop, as in "**Paris**."; a table keeps all of it."""
    said = said.strip()
    if "\n" in said:
        return said
    bare = _WRAPPER.sub(r"\1", said).strip(_MARKUP)
    inner = bare.rstrip(_STOPS)
    return inner.strip(_MARKUP) + bare[len(inner) :]


def _plain_arithmetic(latex: str) -> str:
    for sign, plain in _PLAIN_SIGNS:
        latex = latex.replace(sign, plain)
    return _FRACTION.sub(lambda m: f"{m[1]}{' ' if m[1] else ''}{m[2]}/{m[3]}", latex)


def _stated_number(stated: str) -> re.Match[str] | None:
    first = _NUMBER.search(stated)
    if first is None:
        return None
    equation = _EQUATION.match(stated, first.start())
    end = equation.end() if equation else first.end()
    equals = stated.rfind("=", first.start(), end)
    right = _NUMBER.search(stated, equals + 1) if equals >= 0 else None
    return right if right and right.start() <= end else first


def _spelled(match: re.Match[str]) -> str | None:
    if len(match[0]) > MAX_NUMBER:
        return None
    value = Fraction((match["digits"].replace(",", "") or "0") + (match["decimals"] or ""))
    value = value * Fraction(10) ** int(match["exponent"] or 0) / int(match["divisor"] or 1)
    value += int(match["whole"] or 0)
    return _spelling(-value if match["minus"] else value)


def _spelling(value: Fraction) -> str:
    """An integer, a decimal that ends, or a reduced fraction."""
    places = _decimal_places(value.denominator)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    point = len(digits) - places
    sign = "-" if value < 0 else ""
    return sign + digits[:point] + ("." + digits[point:] if places else "")


def _decimal_places(denominator: int) -> int | None:
    """Places after the point of a reduced fraction's decimal; None where it never ends."""
    counts = []
    for prime in (2, 5):
        count = 0
        while denominator % prime == 0:
            denominator, count = denominator // prime, count + 1
        counts.append(count)
    return max(counts) if denominator == 1 else None


def _math_spelling(latex: str) -> str | None:
    bare = _without_markup(latex).rstrip(".")
    match = _NUMBER.fullmatch(_plain_arithmetic(bare).strip("$% "))
    if match:
        return _spelled(match)
    return re.sub(r"\\[dt]frac", r"\\frac", _SPACING.sub("", bare)) or None


def _python_blocks(text: str) -> list[str]:
    """The fenced blocks that are Python or say of no language, without blank ones; where some say
    that they are Python, only those."""
    blocks = [
        (language, block)
        for language, block in _blocks(text.splitlines())
        if language in _PYTHON and block.strip()
    ]
    marked = [block for language, block in blocks if language]
    return marked or [block for _, block in blocks]


def _blocks(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Language and text of each fenced block; without the margin that its fence has."""
    opening: re.Match[str] | None = None
    block: list[str] = []
    for line in lines:
        fence = _FENCE.match(line)
        if opening is None:
            opening = fence
        elif fence and not fence["language"] and fence["fence"].startswith(opening["fence"]):
            yield opening["language"].casefold(), "\n".join(block)
            opening, block = None, []
        else:
            block.append(line.removeprefix(opening["margin"]))
    if opening is not None:
        yield opening["language"].casefold(), "\n".join(block)


def _does_something(text: str) -> bool:
    """Whether `text` is Python that defines, imports, assigns, loops or calls."""
    try:
        body = parsed(text).body
    except SyntaxError:
        return False
    return any(
        isinstance(statement.value, ast.Call)
        if isinstance(statement, ast.Expr)
        else not isinstance(statement, ast.AnnAssign | ast.Pass)
        for statement in body
    )

"""Shared vocabulary of the hypothesis tests: texts, JSON values, slates, architectures."""

from itertools import pairwise

from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.errors import ConfigError
from archsearch.types import Candidate, Fallback, Message, Origin, Question, Slate

texts = st.text(max_size=20)
"""What a file can hold: no surrogates."""

raw_texts = st.text(
    st.characters() | st.sampled_from("\0\ud800\udbff\udc00\udfff\ufffd\U0010ffff"), max_size=20
)
"""What a model may emit: lone surrogates too."""


def no_halves_meet(text):
    """Whether no two surrogates in `text` make one character together."""
    return not any("\ud800" <= a < "\udc00" <= b < "\ue000" for a, b in pairwise(text))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | raw_texts.filter(no_halves_meet),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)

# -- slates

models = st.sampled_from(["large", "small"])

messages = st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=texts)

questions = st.builds(
    Question,
    id=texts,
    messages=st.lists(messages, min_size=1, max_size=3).map(tuple),
    metadata=st.dictionaries(texts, st.integers(), max_size=2),
)

candidates = st.builds(
    Candidate,
    text=raw_texts,
    origin=st.builds(Origin, model=models, path=texts, index=st.integers(0, 9)),
    critique=st.none() | texts,
    score=st.none() | st.floats(0, 1),
    verdict=st.none() | st.booleans(),
)

slates = st.builds(
    Slate,
    question=questions,
    candidates=st.lists(candidates, max_size=4).map(tuple),
    fallbacks=st.lists(st.builds(Fallback, path=texts, reason=texts), max_size=2).map(tuple),
)

# -- architectures, as a file spells them

temperatures = st.sampled_from([0.0, 0.5, 0.7, 1.0])
prompts = texts.filter(lambda text: not set(text) & set("{}#%"))


def layers(kind, /, **optional):
    """Entries of one layer type, each with some of the optional fields."""
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=optional)


def asking(kind, /, **optional):
    """The same for layers that call a model."""
    required = {"type": st.just(kind), "model": models}
    return st.fixed_dictionaries(required, optional={"max_tokens": st.integers(1, 9), **optional})


generators = asking(
    "generator",
    temperature=temperatures,
    samples=st.integers(1, 4),
    style=st.sampled_from(["plain", "direct"]),
    top_p=st.sampled_from([0.9, 1.0]),
    prompt=st.none() | prompts,
)
fusers = asking(
    "fuser",
    temperature=temperatures,
    samples=st.integers(1, 3),
    critiques=st.booleans(),
    length_control=st.booleans(),
)
kept = {"keep": st.integers(1, 4)}
judges = [
    asking("critic", form=st.sampled_from(["listwise", "pointwise"])),
    asking("ranker", critiques=st.booleans(), **kept),
    asking("pairwise_ranker", schedule=st.sampled_from(["round_robin", "tournament"]), **kept),
    asking("pointwise_ranker", scale=st.integers(2, 9), expected=st.booleans(), **kept),
    asking("verifier", judge_prompt=prompts, first_k=st.none() | st.integers(1, 3)),
    asking(
        "unit_test_generator",
        tests=st.integers(1, 3),
        samples=st.integers(1, 2),
        temperature=temperatures,
        kind=st.sampled_from(["statement", "program"]),
    ),
    asking("unit_test_evaluator", first_k=st.none() | st.integers(1, 3)),
    layers("unit_test_evaluator", keep=st.integers(1, 4), seconds=st.sampled_from([1.0, 5.0])),
]
others = st.one_of(
    layers("vote", answer=st.sampled_from([None, "number"]), weighted=st.booleans()),
    layers("code_vote", keep=st.integers(1, 3), seconds=st.sampled_from([1.0, 5.0])),
    asking("adaptive_vote", samples=st.integers(1, 4), ahead=st.integers(1, 3)),
    asking("reviser", rounds=st.integers(1, 2), leave=st.sampled_from(["all", "last"])),
)
rows = st.one_of(
    st.lists(generators, min_size=1, max_size=3),
    st.lists(fusers, min_size=1, max_size=2),
    *(st.lists(judge, min_size=1, max_size=2) for judge in judges),
    st.lists(others, min_size=1, max_size=1),
)


@st.composite
def architectures(draw):
    """A valid list of rows: drawn ones, less those that cannot stand where they are."""
    data = [draw(st.lists(generators, min_size=1, max_size=3))]
    for row in draw(st.lists(rows, max_size=4)):
        try:
            Architecture.parse([*data, row])
        except ConfigError:
            continue
        data.append(row)
    return data

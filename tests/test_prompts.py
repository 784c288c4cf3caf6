"""Templates say what is wrong with them and reach nothing; prompts are cut to their cap."""

import asyncio

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archsearch.architecture import LAYERS
from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError
from archsearch.models.scripted import Scripted
from archsearch.prompts import ELLIPSIS, asking, clip, fit, load, render
from archsearch.store import SampleStore
from archsearch.types import Message, Question
from tests.strategies import raw_texts

# -- templates


def test_a_template_is_filled_in():
    text = (
        "{% for answer in answers %}\n[{{ loop.index }}] {{ answer }}\n{% endfor %}\n{{ question }}"
    )
    assert render(text, question="q", answers=["a", "b"]) == "[1] a\n[2] b\nq"


@given(
    raw_texts | st.sampled_from(["{{ question }}", "{% raw %}", "{# #}", "<b>&amp;</b>", "\r\n"])
)
def test_a_value_is_put_in_as_it_is(value):
    assert render("<{{ question }}>", question=value) == f"<{value}>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{{ anwers }}",
            r"use only the variables .* \(answers, question\); 'anwers' is undefined$",
        ),
        ("{{ question.lenght }}", "'str object' has no attribute 'lenght'$"),
        ("{{ answers[7] }}", "list object has no element 7$"),
        ("{{ question ", r"\(answers, question\); unexpected end of template"),
        ("{% for a in answers %}{{ a }}", "Unexpected end of template"),
        ("{% include 'passwd' %}", "no loader for this environment specified$"),
        ("{{ question | nosuch }}", "No filter named 'nosuch'"),
        ("{{ question / 2 }}", "unsupported operand"),
        ("{{ 1 // 0 }}", "by zero"),
        ("{{ question.index('?') }}", "substring not found"),
    ],
)
def test_what_is_wrong_with_a_template_is_named(text, message):
    with pytest.raises(ConfigError, match=message):
        render(text, question="q", answers=[])


ESCAPES = [
    "{{ question.__class__ }}",
    "{{ question['__class__'] }}",
    "{{ question | attr('__class__') }}",
    "{{ [question] | map(attribute='__class__') | join }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ question.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self.__init__ }}",
    "{{ '{0.__class__}'.format(question) }}",
    "{{ question.format.__self__ }}",
    "{{ answers.append('x') }}",
    "{{ answers.clear() }}",
    "{{ range(10 ** 9) | list }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_a_template_reaches_and_changes_nothing(text):
    answers = ["a"]
    with pytest.raises(ConfigError, match=r"unsafe|undefined|no attribute|too big"):
        render(text, question="q", answers=answers)
    assert answers == ["a"]


def test_the_templates_beside_the_layers_are_read_as_they_are():
    for cls in LAYERS.classes.values():
        layer = cls(model="m") if "model" in cls.model_fields else cls()
        for text in layer.prompt_texts():
            assert text == text.strip()
            assert "question" in text


def test_a_template_file_is_stripped(tmp_path):
    place = tmp_path / "a.j2"
    place.write_text("\n  {{ question }} ü\n\n", encoding="utf-8")
    assert load(place) == "{{ question }} ü"


def test_asking_keeps_the_conversation():
    messages = (
        Message(role="system", content="be brief"),
        Message(role="user", content="first"),
        Message(role="assistant", content="yes"),
        Message(role="user", content="last"),
    )
    question = Question(id="q", messages=messages)
    changed = Message(role="user", content="other")
    assert asking(question, "other") == (*messages[:-1], changed)
    assert question.messages == messages


# -- clipping


@given(raw_texts, st.integers(0, 30))
def test_a_clipped_text_is_no_longer_than_asked_and_keeps_its_ends(text, length):
    clipped = clip(text, length)
    assert len(clipped) == min(len(text), length)
    if len(text) <= length:
        assert clipped == text
    elif length >= len(ELLIPSIS) + 2:
        head, _, tail = clipped.partition(ELLIPSIS)
        # An ellipsis of the text's own may stand before the cut.
        assume(ELLIPSIS not in text)
        assert text.startswith(head)
        assert text.endswith(tail)
        assert 0 <= len(head) - len(tail) <= 1
        assert tail
    else:
        assert text.startswith(clipped)


# -- fitting

FRAME = "Question: {{ pieces | join(' Answer: ') }} Now rank them."
BLANK = len(["Question:", "Now", "rank", "them."]) + 1
"""Tokens of the frame around one piece: words, and one for the message."""


def fitted(pieces, cap, *, frame=FRAME):
    """Messages, whether cut, and the tokens that the model counts in them."""
    model = Scripted(lambda request, seed: "")

    def build(pieces):
        return (Message(role="user", content=render(frame, pieces=pieces)),)

    async def run():
        with SampleStore() as store:
            calls = Walk(Dispatcher({"m": model}, store)).at("1.ranker")
            messages, cut = await fit(calls, model="m", cap=cap, pieces=pieces, build=build)
        return messages, cut, await model.count_tokens(messages)

    return asyncio.run(run())


words = st.lists(st.sampled_from(["a", "of", "word", "lengthy"]), max_size=40).map(" ".join)


@given(st.lists(words, min_size=1, max_size=4), st.integers(BLANK + 3, 80))
def test_a_prompt_is_under_its_cap_and_its_frame_is_whole(pieces, cap):
    whole, _, tokens = fitted(pieces, 1000)
    messages, cut, kept = fitted(pieces, cap)
    assert kept <= cap
    assert cut == (tokens > cap)
    if not cut:
        assert messages == whole
    (message,) = messages
    assert message.content.startswith("Question: ")
    assert message.content.endswith(" Now rank them.")
    assert message.content.count(" Answer: ") == len(pieces) - 1


@given(st.lists(words, min_size=2, max_size=4), st.integers(BLANK + 3, 80))
def test_the_longest_are_cut_first_and_to_one_length(pieces, cap):
    messages, cut, _ = fitted(pieces, cap, frame="{{ pieces | join('|') }}")
    kept = messages[0].content.split("|")
    assert len(kept) == len(pieces)
    lengths = {len(now) for now, before in zip(kept, pieces, strict=True) if now != before}
    assert cut == bool(lengths)
    if cut:
        (length,) = lengths
        assert kept == [clip(piece, length) for piece in pieces]
        longer = "|".join(clip(piece, length + 1) for piece in pieces)
        assert len(longer.split()) + 1 > cap


def test_ends_are_kept():
    long = " ".join(["Begin", *["and so on"] * 100, "end"])
    messages, cut, tokens = fitted(["short one", long], 40)
    assert cut
    assert 35 <= tokens <= 40
    before, after = messages[0].content.split(ELLIPSIS)
    assert before.startswith("Question: short one Answer: Begin and so")
    assert after.endswith("so on end Now rank them.")


@pytest.mark.parametrize("pieces", [["long " * 50], ["", ""], ["a"]])
def test_a_frame_that_does_not_fit_is_refused(pieces):
    with pytest.raises(
        ConfigError,
        match=r"max_prompt_tokens must leave room for the prompt itself; 3 does not at layer "
        r"1\.ranker; raise it",
    ):
        fitted(pieces, 3)


@pytest.mark.parametrize("name", ["mine.j2", "prompts/mine.txt"])
def test_the_name_of_a_file_is_no_prompt(name):
    layer = {"type": "generator", "model": "m", "prompt": name}
    with pytest.raises(ConfigError, match=rf"text of a template; received '{name}', which looks"):
        LAYERS.parse(layer, where="layer")
    assert LAYERS.parse({**layer, "prompt": f"See {name}."}, where="layer").prompt

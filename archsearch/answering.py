"""What layers share that answer the question itself: how it is put, and what is asked for.

Layers with the same fields ask the very same requests, so they share samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from archsearch import prompts
from archsearch.errors import UnknownName
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall
from archsearch.thinking import text_of
from archsearch.types import Candidate, Completion, Fallback, Message, Origin, Request, Slate

STYLES = {path.stem: path for path in sorted((Path(__file__).parent / "styles").glob("*.j2"))}
"""Prompt styles: the files `styles/STYLE.j2` beside this one."""

_TESTED = Path(__file__).with_suffix(".j2")

CLIPPED = "question clipped to max_prompt_tokens"


class AnsweringLayer(Layer):
    """A layer that has one model answer the question. Abstract: a layer type adds what becomes of
    the answers."""

    model: str
    """A name from the study's `models`."""
    temperature: float = Field(default=0.7, ge=0, le=2)
    style: str = "plain"
    """How the question is put; `plain` leaves the conversation as it is."""
    samples: int = Field(default=1, ge=1)
    """At temperature 0 all samples are equal, so one is drawn."""
    max_tokens: int = Field(default=1024, ge=1)
    max_prompt_tokens: int = Field(default=2048, ge=1)
    top_p: float = Field(default=1.0, gt=0, le=1)
    prompt: prompts.PromptText | None = None
    """A template of your own (variable: `question`), in place of the style's."""
    unit_tests: bool = False
    """Shows the slate's unit tests after the question, as Archon's generators saw them."""
    forward_thinking: bool = False
    """A candidate's text begins with the model's thinking, so that later layers see it."""

    @model_validator(mode="after")
    def _style_exists(self) -> Self:
        if self.style not in STYLES:
            raise UnknownName("prompt style", self.style, STYLES)
        return self

    def needs(self) -> frozenset[Facet]:
        """Nothing: it starts from the question; unit tests where they are shown."""
        return frozenset({Facet.UNIT_TESTS}) if self.unit_tests else frozenset()

    def canonical(self, given: Outline) -> Self:
        """One sample and no `top_p` at temperature 0; no style where the prompt is its own."""
        sampled = {} if self.temperature > 0 else {"samples": 1, "top_p": 1.0}
        styled = {} if self.prompt is None else {"style": "plain"}
        return self.model_copy(update={**sampled, **styled})

    def models(self) -> frozenset[str]:
        """The one model."""
        return frozenset({self.model})

    def prompt_texts(self) -> tuple[str, ...]:
        """The style's template, or its own; that of the unit tests where they are shown."""
        return (self._template, prompts.load(_TESTED)) if self.unit_tests else (self._template,)

    def planned(self, given: Outline) -> PlannedCall:
        """One request for all samples."""
        tests = [""] * given.tests()
        return PlannedCall(
            model=self.model,
            role=self.role,
            samples=self.samples,
            max_prompt_tokens=self.max_prompt_tokens,
            max_tokens=self.max_tokens,
            frame=self._put("", tests),
            quotes=given.quoting_tests() if self.unit_tests else (),
        )

    async def request(self, slate: Slate, calls: Calls) -> tuple[Request, tuple[Fallback, ...]]:
        """What asks for all samples, its prompt under the cap, and a note where that was cut."""
        question = slate.question

        def put(pieces: Sequence[str]) -> tuple[Message, ...]:
            return prompts.asking(question, self._put(pieces[0], pieces[1:]))

        tests = [test.text for test in slate.unit_tests] if self.unit_tests else []
        messages, cut = await prompts.fit(
            calls,
            model=self.model,
            cap=self.max_prompt_tokens,
            pieces=[question.messages[-1].content, *tests],
            build=put,
        )
        request = Request(
            model=self.model,
            role=self.role,
            messages=messages,
            max_tokens=self.max_tokens,
            n=self.samples,
            temperature=self.temperature,
            top_p=self.top_p,
        )
        return request, (Fallback(path=calls.path, reason=CLIPPED),) if cut else ()

    def candidate(self, completion: Completion, path: str, index: int) -> Candidate:
        """The candidate that a sample makes."""
        return Candidate(
            text=text_of(completion, forward=self.forward_thinking),
            origin=Origin(model=self.model, path=path, index=index),
        )

    @property
    def role(self) -> str:
        """`PlannedCall.role`: how long an answer gets hangs on style and temperature."""
        style = self.style if self.prompt is None else "own"
        return f"generator/{style}/{self.temperature}"

    def _put(self, question: str, tests: Sequence[str]) -> str:
        if self.unit_tests:
            tested = prompts.load(_TESTED)
            question = prompts.render(tested, question=question, unit_tests=tests)
        return prompts.render(self._template, question=question)

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(STYLES[self.style])

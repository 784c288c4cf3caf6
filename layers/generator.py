"""Generator: an ensemble of models x temperatures x prompt styles x samples.

Archon (arXiv 2409.15254, section 3.1) samples each model of an ensemble on the raw conversation;
here temperature and prompt style are choices of the same standing, since repeated sampling gains
from both (Brown et al. 2024, arXiv 2407.21787).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from archsearch import prompts
from archsearch.errors import UnknownName
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall
from archsearch.types import Candidate, Fallback, Message, Origin, Request, Slate

STYLES = {
    path.name.removeprefix("generator.").removesuffix(".j2"): path
    for path in sorted(Path(__file__).parent.glob("generator.*.j2"))
}
"""Prompt styles: the files `generator.STYLE.j2` beside this one."""


class Generator(Layer):
    """Question -> `samples` candidates, in sample order. Earlier candidates are left behind.

    In a file, `model`, `temperature` and `style` also take lists: they stand for a row of
    generators side by side, models outermost, styles innermost.
    """

    side_by_side: ClassVar[bool] = True
    listable: ClassVar[tuple[str, ...]] = ("model", "temperature", "style")

    type: Literal["generator"] = "generator"
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
    prompt: str | None = None
    """A template of your own (variable: `question`), in place of the style's."""

    @model_validator(mode="after")
    def _style_exists(self) -> Self:
        if self.style not in STYLES:
            raise UnknownName("prompt style", self.style, STYLES)
        return self

    @classmethod
    def expand(cls, data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """One entry for each combination of the listed models, temperatures and styles."""
        rows = [
            [(key, value) for value in data[key]]
            for key in cls.listable
            if isinstance(data.get(key), (list, tuple))
        ]
        return [{**data, **dict(choice)} for choice in product(*rows)]

    def needs(self) -> frozenset[Facet]:
        """Nothing: it starts from the question."""
        return frozenset()

    def leaves(self, given: Outline) -> Outline:
        """Its own candidates, without facets."""
        calls = self.plan(given)
        return Outline(candidates=calls[0].completions, sources=calls)

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for all samples."""
        call = PlannedCall(
            model=self.model,
            role=self._role,
            samples=self.samples,
            max_prompt_tokens=self.max_prompt_tokens,
            max_tokens=self.max_tokens,
            frame=prompts.render(self._template, question=""),
        )
        return (call,)

    def canonical(self, given: Outline) -> Self:
        """One sample and no `top_p` at temperature 0; no style where the prompt is its own."""
        sampled = {} if self.temperature > 0 else {"samples": 1, "top_p": 1.0}
        styled = {} if self.prompt is None else {"style": "plain"}
        return self.model_copy(update={**sampled, **styled})

    def merged(self, after: Layer) -> Layer | None:
        """Equal generators side by side are one with the samples of both."""
        return self.merged_samples(after) if self.temperature > 0 else None

    def models(self) -> frozenset[str]:
        """The one model."""
        return frozenset({self.model})

    def prompt_texts(self) -> tuple[str, ...]:
        """The style's template, or its own."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Draws the samples."""
        question = slate.question

        def put(pieces: Sequence[str]) -> tuple[Message, ...]:
            return prompts.asking(question, prompts.render(self._template, question=pieces[0]))

        messages, cut = await prompts.fit(
            calls,
            model=self.model,
            cap=self.max_prompt_tokens,
            pieces=[question.messages[-1].content],
            build=put,
        )
        request = Request(
            model=self.model,
            role=self._role,
            messages=messages,
            max_tokens=self.max_tokens,
            n=self.samples,
            temperature=self.temperature,
            top_p=self.top_p,
        )
        candidates = tuple(
            Candidate(
                text=completion.text,
                origin=Origin(model=self.model, path=calls.path, index=index),
            )
            for index, completion in enumerate(await calls.complete(request))
        )
        notes = [Fallback(path=calls.path, reason="question clipped to max_prompt_tokens")] * cut
        return slate.with_candidates(candidates).noting(*notes)

    @property
    def _role(self) -> str:
        style = self.style if self.prompt is None else "own"
        return f"generator/{style}/{self.temperature}"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(STYLES[self.style])

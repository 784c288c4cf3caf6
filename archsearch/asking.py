"""What layers share that ask a model about the question and the answers on the slate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from pydantic import Field

from archsearch import prompts
from archsearch.layer import Calls, Layer, PlannedCall
from archsearch.types import Completion, Fallback, Message, Question, Request

Texts = Mapping[str, str | Sequence[str]]
"""What a template quotes beside the question, by variable: one text, or one for each answer."""

CLIPPED = "prompt clipped to max_prompt_tokens"


class AskingLayer(Layer):
    """A layer whose prompts quote texts. Abstract: a layer type adds what it asks, and why.

    Every template is given `question`, the texts it quotes and the settings it turns on; all of
    them always, so that a template of one's own may use any.
    """

    model: str
    """A name from the study's `models`."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 by default: a judge's one reply decides, so it had better be the model's likeliest."""
    max_tokens: int = Field(default=1024, ge=1)
    max_prompt_tokens: int = Field(default=4096, ge=1)
    """Longer prompts have their longest texts cut in the middle, which is recorded."""

    def models(self) -> frozenset[str]:
        """The one model."""
        return frozenset({self.model})

    def planned(
        self,
        role: str,
        template: str,
        *,
        texts: Texts,
        quotes: Sequence[tuple[PlannedCall, float]],
        count: int = 1,
        samples: int = 1,
        **settings: object,
    ) -> PlannedCall:
        """What `ask` does with `count` prompts that quote as many texts, of whatever length."""
        blank = {name: "" if isinstance(t, str) else [""] * len(t) for name, t in texts.items()}
        return PlannedCall(
            model=self.model,
            role=role,
            prompts=count,
            samples=samples,
            max_prompt_tokens=self.max_prompt_tokens,
            max_tokens=self.max_tokens,
            frame=prompts.render(template, question="", **blank, **settings),
            quotes=tuple(quotes),
        )

    async def ask(
        self,
        calls: Calls,
        question: Question,
        role: str,
        template: str,
        *,
        texts: Texts,
        samples: int = 1,
        **settings: object,
    ) -> tuple[tuple[Completion, ...], tuple[Fallback, ...]]:
        """`samples` replies, and a note where the prompt had to be cut."""
        request, notes = await self.request(
            calls, question, role, template, texts=texts, samples=samples, **settings
        )
        return await calls.complete(request), notes

    async def request(
        self,
        calls: Calls,
        question: Question,
        role: str,
        template: str,
        *,
        texts: Texts,
        samples: int = 1,
        **settings: object,
    ) -> tuple[Request, tuple[Fallback, ...]]:
        """What `ask` asks, its prompt under the cap, and a note where it had to be cut."""

        def put(pieces: Sequence[str]) -> tuple[Message, ...]:
            values = {"question": pieces[0], **_reshaped(texts, pieces[1:])}
            return prompts.asking(question, prompts.render(template, **values, **settings))

        messages, cut = await prompts.fit(
            calls,
            model=self.model,
            cap=self.max_prompt_tokens,
            pieces=[question.messages[-1].content, *_flat(texts)],
            build=put,
        )
        request = Request(
            model=self.model,
            role=role,
            messages=messages,
            max_tokens=self.max_tokens,
            n=samples,
            temperature=self.temperature,
        )
        return request, (Fallback(path=calls.path, reason=CLIPPED),) if cut else ()


def _flat(texts: Texts) -> list[str]:
    values = ([value] if isinstance(value, str) else value for value in texts.values())
    return [text for value in values for text in value]


def _reshaped(texts: Texts, pieces: Sequence[str]) -> dict[str, str | list[str]]:
    """`pieces` in the shape of `texts`: what `_flat` takes apart, put together again."""
    rest = iter(pieces)
    return {
        name: next(rest) if isinstance(value, str) else list(islice(rest, len(value)))
        for name, value in texts.items()
    }

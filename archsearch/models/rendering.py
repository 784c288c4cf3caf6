"""Rendering: messages to the token ids that llama.cpp is sent.

Prompts are rendered by the model's own chat template, and nothing that people or models wrote can
become a control token: the template is applied to placeholders, only the control tokens found
there are set as such, all else is tokenized as plain text, and the engine is sent token ids.
"""

from __future__ import annotations

import re
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsearch.errors import RequestRejected, TransientModelError
from archsearch.models.chunks import excerpt
from archsearch.models.drawing import encodable
from archsearch.types import Message, Role

if TYPE_CHECKING:
    import httpx

_PROMPTS_KEPT = 1024
"""Tokenized prompts remembered: a prompt is counted before it is drawn from, and drawn again."""
_PLACEHOLDER = "archsearch-message-{}-"
_PLACED = re.compile(_PLACEHOLDER.format(r"(\d+)"))


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the engine is sent."""

    ids: array[int]
    thinking: bool
    """It ends with an open `<think>`."""


@dataclass(frozen=True, slots=True)
class Template:
    """The chat template as applied to messages of certain roles."""

    segments: tuple[int | str, ...]
    """Control tokens, and the raw texts between them with placeholders for the contents."""
    thinking: bool


class Renderer:
    """Messages to token ids, by the engine's own template and tokenizer.

    The ids are those of the rendered text, but for control tokens that contents spell. Contents go
    in as they are: a template that trims or rewrites them does that to placeholders.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._templates: dict[tuple[Role, ...], Template] = {}
        self._controls: dict[int, bool] = {}
        self._prompts: OrderedDict[tuple[Message, ...], Prompt] = OrderedDict()

    async def render(self, messages: Sequence[Message]) -> Prompt:
        """The prompt, remembered while it is among the latest ones."""
        key = tuple(messages)
        prompt = self._prompts.pop(key, None) or await self._render(key)
        self._prompts[key] = prompt
        if len(self._prompts) > _PROMPTS_KEPT:
            self._prompts.popitem(last=False)
        return prompt

    async def _render(self, messages: tuple[Message, ...]) -> Prompt:
        roles = tuple(message.role for message in messages)
        if roles not in self._templates:
            self._templates[roles] = await self._template(roles)
        template = self._templates[roles]

        def content(place: re.Match[str]) -> str:
            return encodable(messages[int(place[1])].content)

        mixed = [
            _PLACED.sub(content, segment) if isinstance(segment, str) else segment
            for segment in template.segments
        ]
        # Ids among texts stay as they are, and texts between them are tokenized one by one.
        ids = await self._tokenize(mixed, parse_special=False)
        return Prompt(array("i", ids), template.thinking)

    async def _template(self, roles: tuple[Role, ...]) -> Template:
        blank = [
            {"role": role, "content": _PLACEHOLDER.format(index)}
            for index, role in enumerate(roles)
        ]
        rendered: str = (await self._post("/apply-template", messages=blank))["prompt"]
        if {int(index) for index in _PLACED.findall(rendered)} != set(range(len(roles))):
            raise RequestRejected(
                "a model's chat template must use every message; this one leaves some out of "
                f"{', '.join(roles)}; let layers send other roles, or take another model"
            )
        first = await self._tokenize("", parse_special=True, add_special=True)
        segments = [*first, *await self._segments(rendered)]
        return Template(tuple(segments), rendered.rstrip().endswith("<think>"))

    async def _segments(self, text: str) -> list[int | str]:
        """`text` as the tokenizer parts it: at control tokens, before it looks at anything else."""
        segments: list[int | str] = []
        tokens = await self._post("/tokenize", content=text, parse_special=True, with_pieces=True)
        for token in tokens["tokens"]:
            if await self._is_control(token["id"], token["piece"]):
                raw, _, text = text.partition(token["piece"])
                segments += [raw, token["id"]]
        return [*segments, text]

    async def _is_control(self, token: int, piece: object) -> bool:
        """Whether `piece` is this token only where control tokens are asked for."""
        if token not in self._controls:
            self._controls[token] = (
                isinstance(piece, str)  # else bytes that are no whole character
                and await self._tokenize(piece, parse_special=True) == [token]
                and await self._tokenize(piece, parse_special=False) != [token]
            )
        return self._controls[token]

    async def _tokenize(
        self, content: str | list[int | str], *, parse_special: bool, add_special: bool = False
    ) -> list[int]:
        reply = await self._post(
            "/tokenize", content=content, parse_special=parse_special, add_special=add_special
        )
        tokens: list[int] = reply["tokens"]
        return tokens

    async def _post(self, path: str, **body: Any) -> Any:
        if self._client.is_closed:
            raise TransientModelError("the model was closed")
        import httpx

        try:
            response = await self._client.post(path, json=body)
        except httpx.HTTPError as error:
            raise TransientModelError(f"llama.cpp's {path} failed: {error!r}") from error
        if response.is_error:
            raise RequestRejected(f"llama.cpp's {path} refused: {excerpt(response.text)}")
        return response.json()

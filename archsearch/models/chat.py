"""How a conversation becomes token ids, by a Hugging Face tokenizer and its chat template.

Nothing that people or models wrote can become a control token. Ordinary conversations give what
`apply_chat_template` gives. Where that would set a control token that the template did not ask for,
the template is applied to placeholders instead, only the control tokens found there are set as
such, and what spells one is tokenized in two parts, as plain text.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from archsearch.errors import ConfigError, RequestRejected
from archsearch.models.chunks import excerpt
from archsearch.models.drawing import encodable
from archsearch.types import Message, Role

_PROMPTS_KEPT = 1024
"""Prompts remembered: a prompt is counted before it is drawn from, and drawn from again."""
_PLACEHOLDER = "archsearch-message-{}-"
_PLACED = re.compile(_PLACEHOLDER.format(r"(\d+)"))


class Tokenizer(Protocol):
    """What is needed of `transformers.PreTrainedTokenizerBase`."""

    chat_template: Any
    all_special_tokens: list[str]
    added_tokens_decoder: Mapping[int, Any]

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any:
        """The text or the ids of a conversation."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """The ids of a text; whatever spells a control token becomes one."""

    def convert_tokens_to_ids(self, tokens: str) -> Any:
        """The id of a token."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an engine is sent."""

    ids: list[int]
    """Not to be changed: prompts are remembered."""
    thinking: bool
    """The template ends with an open `<think>`."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """A template filled with placeholders for the contents."""

    segments: tuple[int | str, ...]
    """Control tokens, and the raw texts between them."""
    thinking: bool

    @property
    def controls(self) -> list[int]:
        """The control tokens of every prompt of this layout, in order."""
        return [segment for segment in self.segments if isinstance(segment, int)]


class _Controls:
    """The control tokens of a model: those declared special, and those that its template sets.

    Some models declare the tokens that delimit their turns to be no special ones, so the flag alone
    does not tell. White space is never one.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        added = {id_: str(token) for id_, token in tokenizer.added_tokens_decoder.items()}
        self._ids = {text: id_ for id_, text in added.items() if text.strip()}
        for text in tokenizer.all_special_tokens:
            self._ids.setdefault(text, int(tokenizer.convert_tokens_to_ids(text)))
        self._special = {
            str(token) for token in tokenizer.added_tokens_decoder.values() if token.special
        } | set(tokenizer.all_special_tokens)
        self._any = _alternatives(self._ids)

    def within(self, template: str) -> _Spelled:
        """Those that matter where `template` is the text of a template with placeholders."""
        used = set(self._any.findall(template)) if self._any else set()
        return _Spelled({t: id_ for t, id_ in self._ids.items() if t in self._special | used})


class _Spelled:
    """Control tokens by their spelling."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids, self._set = ids, frozenset(ids.values())
        self._pattern = _alternatives(ids)

    def segments(self, text: str) -> Iterator[int | str]:
        """`text` parted at control tokens, which are given as ids."""
        if not self._pattern:
            yield text
            return
        end = 0
        for found in self._pattern.finditer(text):
            yield text[end : found.start()]
            yield self._ids[found[0]]
            end = found.end()
        yield text[end:]

    def broken(self, text: str) -> Iterator[str]:
        """Parts of `text`, cut so that none spells a control token of more than one character."""
        while self._pattern and (found := self._pattern.search(text)):
            yield text[: found.start() + 1]
            text = text[found.start() + 1 :]
        yield text

    def among(self, ids: Sequence[int]) -> list[int]:
        """The control tokens among `ids`, in order."""
        return [id_ for id_ in ids if id_ in self._set]


class ChatRenderer:
    """Messages to token ids, by a tokenizer's own chat template. Not for several threads."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Raises `ConfigError` for a tokenizer without a chat template."""
        if not tokenizer.chat_template:
            raise ConfigError(
                "a model must come with a chat template; its tokenizer has none; take the model's "
                "instruction-tuned version, or a tokenizer with a template"
            )
        self._tokenizer = tokenizer
        self._controls = _Controls(tokenizer)
        self._layouts: dict[tuple[tuple[Role, ...], bool], tuple[_Layout, _Spelled]] = {}
        self._prompts: OrderedDict[tuple[tuple[Message, ...], bool], Prompt] = OrderedDict()

    def render(self, messages: Sequence[Message], *, answered: bool = False) -> Prompt:
        """The prompt after which the assistant speaks, or goes on with the last message where that
        is the assistant's own; `answered`: the whole conversation, as a reward model reads it.

        Raises `RequestRejected` for what the template refuses or leaves out.
        """
        key = (tuple(messages), answered)
        prompt = self._prompts.pop(key, None) or self._render(*key)
        self._prompts[key] = prompt
        if len(self._prompts) > _PROMPTS_KEPT:
            self._prompts.popitem(last=False)
        return prompt

    def _render(self, messages: tuple[Message, ...], answered: bool) -> Prompt:
        roles = tuple(message.role for message in messages)
        if (roles, answered) not in self._layouts:
            self._layouts[roles, answered] = self._layout(roles, answered)
        layout, spelled = self._layouts[roles, answered]
        contents = [encodable(message.content) for message in messages]
        ids = self._encode(self._apply(roles, contents, answered))
        if spelled.among(ids) != layout.controls:
            ids = self._guarded(layout, spelled, contents)
        return Prompt(ids, layout.thinking)

    def _guarded(self, layout: _Layout, spelled: _Spelled, contents: Sequence[str]) -> list[int]:
        """The ids of contents that spell control tokens, or that the template would rewrite."""
        ids: list[int] = []
        for segment in layout.segments:
            if isinstance(segment, int):
                ids.append(segment)
                continue
            text = _PLACED.sub(lambda place: contents[int(place[1])], segment)
            for part in spelled.broken(text):
                ids += self._encode(part)
        if spelled.among(ids) != layout.controls:
            raise RequestRejected(
                "a message must not set control tokens; the tokenizer reads some in "
                f"{excerpt(contents)} that cannot be taken apart; leave them out"
            )
        return ids

    def _layout(self, roles: tuple[Role, ...], answered: bool) -> tuple[_Layout, _Spelled]:
        blank = [_PLACEHOLDER.format(index) for index in range(len(roles))]
        text = self._apply(roles, blank, answered)
        if {int(index) for index in _PLACED.findall(text)} != set(range(len(roles))):
            raise RequestRejected(
                "a model's chat template must use every message; this one leaves some out of "
                f"{', '.join(roles)}; let layers send other roles, or take another model"
            )
        spelled = self._controls.within(text)
        layout = _Layout(tuple(spelled.segments(text)), text.rstrip().endswith("<think>"))
        return layout, spelled

    def _apply(self, roles: Sequence[Role], contents: Sequence[str], answered: bool) -> str:
        """The text of the template, filled with `contents`."""
        conversation = [
            {"role": role, "content": content}
            for role, content in zip(roles, contents, strict=True)
        ]
        continues = roles[-1:] == ("assistant",) and not answered
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    conversation,
                    tokenize=False,
                    add_generation_prompt=not (continues or answered),
                    continue_final_message=continues,
                )
            )
        except Exception as error:  # a template is the model's own code, and may raise anything
            raise RequestRejected(
                f"the model's chat template refused the messages ({', '.join(roles)}): "
                f"{excerpt(str(error))}"
            ) from error

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False)


def _alternatives(texts: Mapping[str, Any]) -> re.Pattern[str] | None:
    """What finds any of `texts`, the longest first."""
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if texts else None

"""Weights, tokenizer and config of a model, as Hugging Face transformers reads them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from archsearch.errors import ConfigError, MissingExtra
from archsearch.gguf import read_header
from archsearch.models import hub
from archsearch.models.chunks import excerpt
from archsearch.models.llamacpp import identify, locate
from archsearch.shape import ModelShape

Head = Literal["AutoModelForCausalLM", "AutoModelForSequenceClassification"]
"""What a model is loaded as, by the class of transformers."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read."""

    model: Any
    """On its device, ready for inference."""
    tokenizer: Any
    identity: str
    """What the weights are and how they are held; where they lie does not count."""
    ends: frozenset[int]
    """The tokens with which the model ends a text."""

    @property
    def config(self) -> Any:
        """The part of the model's config that is about text."""
        return self.model.config.get_text_config()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a model comes from: exactly one of `model` and `gguf` is set."""

    model: str | None
    """A folder, or an id on the hub."""
    gguf: str | None
    """A GGUF file, as `locate` finds it."""
    revision: str | None
    """Of a model on the hub."""

    def shape(self) -> ModelShape:
        """Read from the config or the file's header; the config of a model on the hub is fetched.

        Raises `ConfigError` for what cannot be reached, or whose cost is not known.
        """
        if self.gguf is not None:
            return ModelShape.from_gguf(locate(self.gguf))
        return ModelShape.from_hf_config(self._located().config)

    def load(self, head: Head, *, device: str | None, dtype: str | None) -> Loaded:
        """Reads it all: seconds per gigabyte. Without a device the GPU if there is one, without a
        dtype float32 on the CPU and elsewhere the checkpoint's own.

        Raises `ConfigError` for what cannot be reached or loaded, or lacks weights.
        """
        torch, transformers = _libraries()
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = dtype or ("float32" if device == "cpu" else "auto")
        source, options = self._source()
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, **options)
            model, found = getattr(transformers, head).from_pretrained(
                source, dtype=dtype, output_loading_info=True, **options
            )
            model = model.to(device).eval()
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ConfigError(
                f"a model must be one that transformers can load; {self._named} is not "
                f"({excerpt(str(error))}); take another checkpoint, device or dtype, or download "
                "it whole where there is a network (`hf download`)"
            ) from error
        if missing := sorted(found["missing_keys"]):
            raise ConfigError(
                f"a checkpoint must hold every weight; {self._named} lacks those of "
                f"{type(model).__name__}, which would be drawn at random: "
                f"{excerpt(', '.join(missing))}; take a checkpoint that was trained as such, or "
                "correct `scores`"
            )
        return Loaded(model, tokenizer, self._identity(model), self._ends(model, tokenizer))

    def _identity(self, model: Any) -> str:
        held = str(model.dtype).removeprefix("torch.")
        if self.gguf is not None:
            return f"transformers:{identify(locate(self.gguf)).removeprefix('llamacpp:')}:{held}"
        return f"transformers:{hub.identify(str(self.model), self._located())}:{held}"

    def _ends(self, model: Any, tokenizer: Any) -> frozenset[int]:
        """Checkpoints name them in up to three places, and not always the same ones."""
        named = [tokenizer.eos_token_id, model.config.get_text_config().eos_token_id]
        if model.can_generate():
            named.append(model.generation_config.eos_token_id)
        if self.gguf is not None:
            header = read_header(locate(self.gguf))
            named.append(header.metadata.get("tokenizer.ggml.eot_token_id"))
        flat = [ids if isinstance(ids, list) else [ids] for ids in named]
        return frozenset(id_ for ids in flat for id_ in ids if id_ is not None)

    def _source(self) -> tuple[str, dict[str, str]]:
        """What `from_pretrained` is given."""
        if self.gguf is not None:
            file = locate(self.gguf)
            return str(file.parent), {"gguf_file": file.name}
        located = self._located()
        if located.revision is None:
            return str(located.folder), {}
        return str(self.model), {"revision": located.revision}

    def _located(self) -> hub.Source:
        return hub.locate(str(self.model), self.revision)

    @property
    def _named(self) -> str:
        return repr(self.gguf or self.model)


def _libraries() -> tuple[Any, Any]:
    # Read when torch is loaded. Threads that spin for long cost whoever else works on these cores:
    # on two busy ones eight samples came to 2 tokens a second, and to 11 so.
    os.environ.setdefault("GOMP_SPINCOUNT", "300")
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra("the transformers back-end", "transformers") from error
    library: Any = transformers
    library.utils.logging.disable_progress_bar()  # the terminal is the study's
    return torch, library

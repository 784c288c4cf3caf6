"""Models in the Hugging Face form: a local folder or a hub id, and which weights it means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archsearch.errors import ConfigError, MissingExtra
from archsearch.models.chunks import excerpt

_CONTENT = frozenset([".json", ".jinja", ".model", ".safetensors", ".bin", ".pt", ".gguf"])
"""Files of a model folder that say what the model is; others are notes for people."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model's files are, and what they are."""

    config: Path
    """Its `config.json`, or an adapter's."""
    revision: str | None
    """A commit on the hub; None for a local folder."""

    @property
    def folder(self) -> Path:
        """The folder that holds the model; of a model from the hub, only a part of it maybe."""
        return self.config.parent


def locate(model: str, revision: str | None) -> Source:
    """The files of a model folder, or of a model on the hub as far as its config.

    Raises `ConfigError` where there is none.
    """
    names = ("config.json", "adapter_config.json")
    if Path(model).expanduser().is_dir():
        for name in names:
            if (config := Path(model).expanduser() / name).is_file():
                return Source(config, None)
        raise ConfigError(
            f"a model folder must hold a {names[0]}; {model} does not; give a folder in the "
            "Hugging Face form (scripts/gguf_to_hf.py makes one from a GGUF file)"
        )
    config = _fetch(model, revision, names)
    commit = config.parent.name if config.parent.parent.name == "snapshots" else revision
    return Source(config, commit)


def _fetch(model: str, revision: str | None, names: Sequence[str]) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError
    except ImportError as error:
        raise MissingExtra("a model from the hub", "transformers") from error
    reason: Exception | None = None
    for name in names:
        try:
            return Path(hf_hub_download(model, name, revision=revision))
        except EntryNotFoundError as error:
            reason = reason or error
        except Exception as error:  # noqa: BLE001 - no such model, no leave, no network, no disk
            reason = error
            break
    raise ConfigError(
        f"`model` must be a local folder or a model on the hub that can be reached; received "
        f"{model!r} ({excerpt(str(reason))}); correct it, log in with `hf auth login`, or where "
        "there is no network fetch it elsewhere and give the folder"
    ) from reason


def identify(name: str, source: Source) -> str:
    """What a model is: its hub id and commit, or its kind and a digest of the folder's files."""
    if source.revision is not None:
        return f"{name}@{source.revision}"
    config = json.loads(source.config.read_bytes())
    kind = (config.get("architectures") or [config.get("model_type", "adapter")])[0]
    content = hashlib.sha256()
    for file in sorted(source.folder.iterdir()):
        if file.is_file() and file.suffix in _CONTENT:
            with file.open("rb") as opened:
                content.update(file.name.encode())
                content.update(hashlib.file_digest(opened, "sha256").digest())
    return f"{kind}@{content.hexdigest()}"

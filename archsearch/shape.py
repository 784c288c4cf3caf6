"""ModelShape: what a model costs to run, read from a config.json or a GGUF header."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import ConfigDict

from archsearch.errors import ConfigError
from archsearch.gguf import Header, Tensor, read_header

_TYPE_IN = "type the shape in, under the model's `shape:` in the study file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """What a decoder-only transformer costs to run.

    Two approximations. Attention is charged over the whole context: a model with sliding windows
    costs less beyond its window, never more. Latent attention (MLA) is charged as the attention it
    equals, with keys and values unpacked, as engines prefill it. They decode on the packed latent,
    which takes more per key: 3.4 times as much for DeepSeek-V3, whose keys and values of 192 and
    128 are 576 and 512 when packed.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    layers: int
    """Transformer blocks, >= 1."""
    hidden: int
    """Width of the residual stream, >= 1."""
    heads: int
    """Query heads, >= 1."""
    kv_heads: int
    """Key-value heads, >= 1, a divisor of `heads`. For memory; FLOPs do not depend on it."""
    head_dim: int
    """Size of a head, >= 1; where keys and values differ in size, their mean."""
    vocab: int
    """Rows of the LM head, >= 1."""
    active_parameters: int
    """Weights of the matrix products that one token takes part in, >= 1: attention projections,
    MLPs, and of a mixture its router, shared experts and as many experts as are used per token.
    Embeddings and LM head excluded."""
    total_parameters: int | None = None
    """Weights stored: the matrices above with all experts, the embedding, and the LM head where it
    is not tied to it. Norms, biases and learned positions (under 1 %) excluded."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"a shape's {name} must be >= 1; received {value}; correct it")
        if self.heads % self.kv_heads:
            raise ConfigError(
                f"kv_heads must divide heads; received {self.kv_heads} and {self.heads}; "
                "correct the shape"
            )
        if self.total_parameters is not None and self.total_parameters < self.active_parameters:
            raise ConfigError(
                "total_parameters must be at least active_parameters; received "
                f"{self.total_parameters} and {self.active_parameters}; correct the shape"
            )

    @classmethod
    def from_hf_config(cls, source: Mapping[str, Any] | str | os.PathLike[str]) -> ModelShape:
        """The shape that a Hugging Face config gives: a mapping, or the path of a `config.json`.

        Only families whose weights are known to follow their config in full are read.

        Raises:
            ConfigError: the file cannot be read, the family is another one, or a value is missing.

        """
        if isinstance(source, Mapping):
            return _read_config(source, "the config")
        return _read_config(_load(Path(source)), str(source))

    @classmethod
    def from_gguf(cls, path: str | os.PathLike[str]) -> ModelShape:
        """The shape of a GGUF file, its parameters counted tensor by tensor.

        Raises:
            ConfigError: not a whole GGUF file, or it holds tensors whose use is not known.

        """
        return _read_gguf(read_header(path), str(path))


class _Facts(NamedTuple):
    """Values by name, as a config or a GGUF header holds them."""

    values: Mapping[str, Any]
    where: str

    def integer(self, *names: str, default: int | None = None, least: int = 1) -> int:
        """The first of `names` that is set, else `default`; without one it must be set."""
        for name in names:
            value = self.values.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise self.refusal(f"{name} must be one whole number >= {least}", value)
            return value
        if default is None:
            raise self.refusal(f"{' or '.join(names)} must be there", None)
        return default

    def head_dim(self, *names: str, hidden: int, heads: int) -> int:
        """The first of `names` that is set, else the width shared out among the heads."""
        if hidden % heads and not any(self.values.get(name) for name in names):
            raise self.refusal(f"{heads} heads must share out {names[-1]}", f"width {hidden}")
        return self.integer(*names, default=hidden // heads)

    def experts(self, *, total: tuple[str, ...], used: tuple[str, ...]) -> tuple[int, int]:
        """How many experts a layer has, and how many of them a token uses."""
        experts, active = self.integer(*total), self.integer(*used)
        if active > experts:
            raise self.refusal(f"{used[0]} must be at most {experts} experts", active)
        return experts, active

    def refusal(self, rule: str, received: object) -> ConfigError:
        """The error that says which rule `where` breaks."""
        return ConfigError(f"to read a shape, {rule}; {self.where} gives {received!r}; {_TYPE_IN}")


def _mean_head(key_dim: int, value_dim: int) -> int:
    """The head size that costs as much as keys and values of two sizes; rounded up."""
    return (key_dim + value_dim + 1) // 2


# -- Hugging Face configs. Each family below was built from its config and its weights counted
# -- (tests/test_flops.py). One that is not here is refused: what its config leaves out is unknown.

# fmt: off
_GATED = frozenset([
    "cohere", "cohere2", "cwm", "ernie4_5", "exaone4", "gemma", "gemma2", "gemma3_text", "glm",
    "glm4", "granite", "hunyuan_v1_dense", "llama", "ministral", "mistral", "olmo", "olmo2",
    "olmo3", "phi3", "qwen2", "qwen3", "seed_oss", "smollm3", "stablelm",
])
"""MLPs of three matrices: gate, up, down."""
_UNGATED = frozenset([
    "apertus", "arcee", "gpt2", "gpt_neox", "gptj", "nemotron", "phi", "starcoder2",
])
"""MLPs of two matrices."""
_LATENT = frozenset(["deepseek_v2", "deepseek_v3", "kimi_k2"])
"""Mixtures with multi-head latent attention."""
_MIXTURES = _LATENT | frozenset([
    "dots1", "glm4_moe", "gpt_oss", "granitemoe", "mixtral", "olmoe", "phimoe", "qwen2_moe",
    "qwen3_moe",
])
"""Mixtures of gated experts."""
# fmt: on
_FAMILIES = _GATED | _UNGATED | _MIXTURES


class _Attention(NamedTuple):
    weights: int
    """In one layer."""
    kv_heads: int
    head_dim: int


class _Mlps(NamedTuple):
    active: int
    """Weights that a token meets, all layers together."""
    total: int


def _load(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"a config.json must be a readable JSON file; received {path} ({error}); "
            "correct the path or download it again"
        ) from error
    if not isinstance(config, Mapping):
        raise ConfigError(
            f"a config.json must hold a mapping; {path} holds a {type(config).__name__}; "
            "download it again"
        )
    return config


def _read_config(source: Mapping[str, Any], where: str) -> ModelShape:
    config = _Facts(_text_part(source), where)
    family = config.values.get("model_type")
    if family not in _FAMILIES:
        raise config.refusal(f"model_type must be one of {', '.join(sorted(_FAMILIES))}", family)
    layers = config.integer("num_hidden_layers", "n_layer")
    hidden = config.integer("hidden_size", "n_embd")
    heads = config.integer("num_attention_heads", "n_head")
    vocab = config.integer("vocab_size")
    read_attention = _latent_attention if family in _LATENT else _attention
    attention = read_attention(config, hidden, heads)
    mlps = _mlps(config, family, layers, hidden)
    tied = config.values.get("tie_word_embeddings")
    stored = layers * attention.weights + mlps.total + hidden * vocab * (1 if tied else 2)
    return ModelShape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        vocab=vocab,
        active_parameters=layers * attention.weights + mlps.active,
        total_parameters=None if tied is None else stored,
    )


def _text_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part about the language model: all of it, unless it also sees or hears."""
    if isinstance(nested := config.get("text_config"), Mapping):
        return nested
    # transformers writes only what differs from its defaults, and tied is the default.
    return {"tie_word_embeddings": True, **config}


def _attention(config: _Facts, hidden: int, heads: int) -> _Attention:
    kv_heads = config.integer("num_key_value_heads", default=heads)
    head_dim = config.head_dim("head_dim", hidden=hidden, heads=heads)
    queries_and_output = 2 * hidden * heads * head_dim
    keys_and_values = 2 * hidden * kv_heads * head_dim
    return _Attention(queries_and_output + keys_and_values, kv_heads, head_dim)


def _latent_attention(config: _Facts, hidden: int, heads: int) -> _Attention:
    """Keys and values are made from one small latent, and so, in most models, are the queries."""
    turned, unturned = config.integer("qk_rope_head_dim"), config.integer("qk_nope_head_dim")
    key_dim, value_dim = turned + unturned, config.integer("v_head_dim")
    latent = config.integer("kv_lora_rank")
    query_latent = config.integer("q_lora_rank", default=0)
    queries = heads * key_dim * (query_latent or hidden) + hidden * query_latent
    keys_and_values = hidden * (latent + turned) + latent * heads * (unturned + value_dim)
    output = heads * value_dim * hidden
    head_dim = _mean_head(key_dim, value_dim)
    return _Attention(queries + keys_and_values + output, heads, head_dim)


def _mlps(config: _Facts, family: str, layers: int, hidden: int) -> _Mlps:
    if family in _UNGATED:
        width = config.integer("intermediate_size", "n_inner", default=4 * hidden)
        return _Mlps(2 * hidden * width * layers, 2 * hidden * width * layers)
    sparse = _sparse_layers(config, layers) if family in _MIXTURES else 0
    dense = 0
    if sparse < layers:
        dense = (layers - sparse) * 3 * hidden * config.integer("intermediate_size")
    if not sparse:
        return _Mlps(dense, dense)
    mixture = _mixture(config, hidden)
    return _Mlps(dense + sparse * mixture.active, dense + sparse * mixture.total)


def _sparse_layers(config: _Facts, layers: int) -> int:
    """How many layers hold a mixture. The rest hold an ordinary MLP."""
    first = config.integer("first_k_dense_replace", default=0, least=0)
    every = config.integer("moe_layer_freq", default=1)
    step = config.integer("decoder_sparse_step", default=1)
    dense = config.values.get("mlp_only_layers") or ()
    return sum(
        layer >= first and layer % every == 0 and (layer + 1) % step == 0 and layer not in dense
        for layer in range(layers)
    )


def _mixture(config: _Facts, hidden: int) -> _Mlps:
    """One layer's experts, its shared ones and its router."""
    width = config.integer("moe_intermediate_size", "intermediate_size")
    experts, used = config.experts(
        total=("n_routed_experts", "num_local_experts", "num_experts"),
        used=("num_experts_per_tok", "experts_per_token"),
    )
    always = hidden * experts + _shared_expert(config, hidden, width)
    expert = 3 * hidden * width
    return _Mlps(always + used * expert, always + experts * expert)


def _shared_expert(config: _Facts, hidden: int, width: int) -> int:
    own_width = config.integer("shared_expert_intermediate_size", default=0, least=0)
    if own_width:
        gate = hidden  # Qwen weighs its shared expert by one sigmoid
        return 3 * hidden * own_width + gate
    return 3 * hidden * width * config.integer("n_shared_experts", default=0, least=0)


# -- GGUF. Every tensor is either known to be multiplied with, known not to be, or refused.

_BLOCK_TENSOR = re.compile(r"blk\.(?P<block>\d{1,6})\.(?P<role>[\w.]+)\.(?P<part>weight|bias)")
_EXPERTS = re.compile(r"ffn_(gate|up|down|gate_up)_exps")
_MATRICES = re.compile(
    r"attn_(q|k|v|qkv|output|q_a|q_b|kv_a_mqa|kv_b|k_b|v_b)"
    r"|ffn_(gate|up|down|gate_inp)(_shexp)?"
    rf"|{_EXPERTS.pattern}"
)
_EMBEDDING, _LM_HEAD = "token_embd.weight", "output.weight"
_OUTSIDE = frozenset([_EMBEDDING, _LM_HEAD, "position_embd.weight"])


def _read_gguf(header: Header, where: str) -> ModelShape:
    prefix = f"{header.metadata.get('general.architecture')}."
    own = {name.removeprefix(prefix): value for name, value in header.metadata.items()}
    facts = _Facts(own, where)
    if facts.integer("split.count", default=1, least=0) > 1:
        raise ConfigError(
            f"a GGUF file must hold the whole model; {where} is one part of several; "
            f"join them with llama-gguf-split --merge, or {_TYPE_IN}"
        )
    # Blocks that predict further tokens ahead stand last, and plain decoding does not run them.
    ahead = facts.integer("nextn_predict_layers", default=0, least=0)
    layers = facts.integer("block_count") - ahead
    hidden, heads = facts.integer("embedding_length"), facts.integer("attention.head_count")
    key_dim, value_dim = (
        facts.head_dim(*_head_names(side), hidden=hidden, heads=heads) for side in ("key", "value")
    )
    latent = "attention.key_length_mla" in own  # the file then tells how the *packed* keys look
    matrices = _matrices(header, layers, facts)
    _require_attention(matrices, layers, heads * value_dim, facts)
    outside = {t.name: t for t in header.tensors if t.name in (_EMBEDDING, _LM_HEAD)}
    head = outside.get(_LM_HEAD, outside.get(_EMBEDDING))
    if head is None or head.dims[:1] != (hidden,):
        raise facts.refusal(f"{_EMBEDDING} must be there, {hidden} wide", head)
    stored = [*(tensor for _, tensor in matrices), *outside.values()]
    return ModelShape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=heads if latent else facts.integer("attention.head_count_kv", default=heads),
        head_dim=_mean_head(key_dim, value_dim),
        vocab=head.dims[-1],
        active_parameters=_active(matrices, facts),
        total_parameters=sum(tensor.n_elements for tensor in stored),
    )


def _head_names(side: str) -> tuple[str, str]:
    return f"attention.{side}_length_mla", f"attention.{side}_length"


def _matrices(header: Header, layers: int, facts: _Facts) -> list[tuple[str, Tensor]]:
    """Role and tensor of all that the first `layers` blocks multiply with."""
    found = []
    for tensor in header.tensors:
        match = _BLOCK_TENSOR.fullmatch(tensor.name)
        if match and int(match["block"]) >= layers:
            continue
        if match and match["part"] == "weight" and _MATRICES.fullmatch(match["role"]):
            found.append((match["role"], tensor))
        elif not _at_rest(tensor, match):
            raise facts.refusal("every matrix must be of a known use", tensor.name)
    return found


def _at_rest(tensor: Tensor, match: re.Match[str] | None) -> bool:
    """Whether it is known to be in no matrix product (norms and biases may have two dimensions)."""
    if len(tensor.dims) < 2 or tensor.name in _OUTSIDE:
        return True
    return match is not None and (match["part"] == "bias" or "norm" in match["role"])


def _require_attention(
    matrices: list[tuple[str, Tensor]], layers: int, width: int, facts: _Facts
) -> None:
    """Refuses models whose layers differ: some without attention, some with heads of another size,
    and those that hold the same weights packed and unpacked."""
    widths = [tensor.dims[:1] for role, tensor in matrices if role == "attn_output"]
    if len(widths) != layers or {*widths} != {(width,)}:
        rule = f"each of {layers} layers must attend with a width of {width}"
        raise facts.refusal(rule, f"{len(widths)} with widths of {sorted({*widths})}")
    roles = {role for role, _ in matrices}
    if {"attn_kv_b", "attn_k_b"} <= roles:
        raise facts.refusal("attn_kv_b must not come with its own parts", "attn_k_b")


def _active(matrices: list[tuple[str, Tensor]], facts: _Facts) -> int:
    """Weights that one token meets: each matrix, but of the experts only those it uses."""
    by_choice = sum(tensor.n_elements for role, tensor in matrices if _EXPERTS.fullmatch(role))
    always = sum(tensor.n_elements for _, tensor in matrices) - by_choice
    if not by_choice:
        return always
    experts, used = facts.experts(total=("expert_count",), used=("expert_used_count",))
    return always + by_choice * used // experts

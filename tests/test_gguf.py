"""The header walk, and the shapes that `ModelShape.from_gguf` counts from what it finds."""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archsearch.errors import ConfigError
from archsearch.gguf import Array, Header, Tensor, read_header
from archsearch.shape import ModelShape

U32, F32, BOOL, STRING, ARRAY, U64 = 4, 6, 7, 8, 9, 10


def string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(item: Any) -> bytes:
    """`item` with its type before it."""
    match item:
        case bool():
            return struct.pack("<I?", BOOL, item)
        case int():
            return struct.pack("<II", U32, item)
        case float():
            return struct.pack("<If", F32, item)
        case str():
            return struct.pack("<I", STRING) + string(item)
        case [str(), *_]:
            return struct.pack("<IIQ", ARRAY, STRING, len(item)) + b"".join(map(string, item))
        case _:
            return struct.pack(f"<IIQ{len(item)}I", ARRAY, U32, len(item), *item)


def tensor(name: str, dims: Sequence[int]) -> bytes:
    return string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, 0, 0)


def gguf(
    metadata: Mapping[str, Any], tensors: Mapping[str, Sequence[int]], *, version: int = 3
) -> bytes:
    """The header of a GGUF file; no test here reads weights."""
    return (
        b"GGUF"
        + struct.pack("<IQQ", version, len(tensors), len(metadata))
        + b"".join(string(key) + value(item) for key, item in metadata.items())
        + b"".join(tensor(name, dims) for name, dims in tensors.items())
    )


METADATA = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "tokenizer.ggml.tokens": ["a", "", "longer"],
    "llama.rope.freq_base": 0.5,
    "some.flags": [1, 2, 3],
    "tokenizer.ggml.add_bos_token": True,
    "after.the.arrays": "grüß",
}
TENSORS = {"token_embd.weight": (8, 32), "blk.0.attn_norm.weight": (8,)}
SAMPLE = gguf(METADATA, TENSORS)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


@pytest.mark.parametrize("version", [2, 3])
def test_reads_scalars_outlines_of_arrays_and_tensors(place: Path, version: int) -> None:
    place.write_bytes(gguf(METADATA, TENSORS, version=version) + b"weights")
    assert read_header(place) == Header(
        version=version,
        metadata={
            **METADATA,
            "tokenizer.ggml.tokens": Array(kind=STRING, length=3),
            "some.flags": Array(kind=U32, length=3),
        },
        tensors=(
            Tensor(name="token_embd.weight", dims=(8, 32), kind=0),
            Tensor(name="blk.0.attn_norm.weight", dims=(8,), kind=0),
        ),
    )
    assert read_header(place).tensors[0].n_elements == 256


def test_a_bad_byte_in_a_text_hides_nothing(place: Path) -> None:
    place.write_bytes(SAMPLE.replace("ü".encode(), b"\xff\xff"))
    assert read_header(place).metadata["after.the.arrays"] == "gr\ufffd\ufffdß"


def test_every_truncation_is_refused(place: Path) -> None:
    for end in range(len(SAMPLE)):
        place.write_bytes(SAMPLE[:end])
        with pytest.raises(ConfigError, match=r"header must be whole|starts with b'GGUF'"):
            read_header(place)


def counts(n_tensors: int, n_entries: int) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_entries)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be whole; in .* the file is empty; download"),
        (b"PK\x03\x04 a zip", r"starts with b'GGUF'; .* starts with b'PK\\x03\\x04'; convert"),
        (b"GGUF\x01\0\0\0", "must be version 2 or 3, little-endian; .* says 1; convert"),
        (b"GGUF\0\0\0\x03", "says 50331648"),
        # Counts that nothing backs cost neither time nor memory.
        (counts(0, 2**63) + bytes(99), "it ends at byte"),
        (counts(2**63, 0) + bytes(99), "it ends at byte"),
        (counts(0, 1) + string("k") + struct.pack("<IIQ", ARRAY, STRING, 2**62), "it ends"),
        (counts(0, 1) + string("k") + struct.pack("<IIQ", ARRAY, U64, 2**62), "it ends"),
        (counts(0, 1) + string("k") + struct.pack("<IQ", STRING, 2**62), "it ends"),
        (counts(0, 1) + string("k") + struct.pack("<IQ", 77, 0), "there is no value type 77"),
        (counts(0, 1) + string("k") + struct.pack("<IIQ", ARRAY, ARRAY, 1), "no value type 9"),
        (counts(1, 0) + string("t") + struct.pack("<I5Q", 5, *range(5)), "'t' has 5 dimensions"),
    ],
)
def test_says_what_is_wrong(place: Path, content: bytes, message: str) -> None:
    place.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_header(place)


def test_only_a_file_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must be a file; received .*missing.gguf; correct"):
        read_header(tmp_path / "missing.gguf")
    with pytest.raises(ConfigError, match="must be a file"):
        read_header(tmp_path)


# -- shapes

DENSE = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 8,
    "llama.attention.head_count": 2,
    "llama.attention.head_count_kv": 1,
}


def dense_block(block: int) -> dict[str, tuple[int, ...]]:
    dims = {
        "attn_norm.weight": (8,),
        "attn_q.weight": (8, 8),
        "attn_q.bias": (8,),
        "attn_k.weight": (8, 4),
        "attn_v.weight": (8, 4),
        "attn_output.weight": (8, 8),
        "attn_k_norm.weight": (4, 1),  # per head: two dimensions, yet no matrix product
        "ffn_gate.weight": (8, 16),
        "ffn_up.weight": (8, 16),
        "ffn_down.weight": (16, 8),
    }
    return {f"blk.{block}.{name}": size for name, size in dims.items()}


OUTSIDE = {"token_embd.weight": (8, 32), "output_norm.weight": (8,), "rope_freqs.weight": (2,)}
DENSE_TENSORS = {**OUTSIDE, **dense_block(0), **dense_block(1)}
# A block: q and output 64 each, k and v 32 each, three of 128 in the MLP = 576.
DENSE_SHAPE = ModelShape(
    layers=2,
    hidden=8,
    heads=2,
    kv_heads=1,
    head_dim=4,
    vocab=32,
    active_parameters=1152,
    total_parameters=1152 + 256,
)


def shape_of(place: Path, metadata: Mapping[str, Any], tensors: Mapping[str, Any]) -> ModelShape:
    place.write_bytes(gguf(metadata, tensors))
    return ModelShape.from_gguf(place)


def test_a_dense_model_is_counted_by_its_matrices(place: Path) -> None:
    assert shape_of(place, DENSE, DENSE_TENSORS) == DENSE_SHAPE


def test_an_untied_head_is_stored_but_not_active(place: Path) -> None:
    untied = shape_of(place, DENSE, DENSE_TENSORS | {"output.weight": (8, 33)})
    assert (untied.vocab, untied.active_parameters) == (33, 1152)
    assert untied.total_parameters == 1152 + 8 * 32 + 8 * 33


def test_blocks_that_predict_ahead_are_not_run(place: Path) -> None:
    metadata = DENSE | {"llama.block_count": 3, "llama.nextn_predict_layers": 1}
    ahead = dense_block(2) | {"blk.2.nextn.eh_proj.weight": (16, 8)}
    assert shape_of(place, metadata, DENSE_TENSORS | ahead) == DENSE_SHAPE


def test_a_mixture_is_charged_for_the_experts_in_use(place: Path) -> None:
    mixture = {
        "blk.1.ffn_gate_inp.weight": (8, 5),  # the router, 40
        "blk.1.ffn_gate_exps.weight": (8, 3, 5),  # 24 an expert, three times
        "blk.1.ffn_up_exps.weight": (8, 3, 5),
        "blk.1.ffn_down_exps.weight": (3, 8, 5),
        "blk.1.ffn_down_exps.bias": (8, 5),
        "blk.1.exp_probs_b.bias": (5,),
        "blk.1.ffn_gate_inp_shexp.weight": (8,),  # a vector, and yet multiplied with: 8
        "blk.1.ffn_up_shexp.weight": (8, 2),  # 16, three times
        "blk.1.ffn_gate_shexp.weight": (8, 2),
        "blk.1.ffn_down_shexp.weight": (2, 8),
    }
    mlp = re.compile(r"blk\.1\.ffn_(gate|up|down)\.weight")
    tensors = {name: dims for name, dims in DENSE_TENSORS.items() if not mlp.fullmatch(name)}
    metadata = DENSE | {"llama.expert_count": 5, "llama.expert_used_count": 2}
    shape = shape_of(place, metadata, tensors | mixture)
    # Block 0 as before, 576; block 1: attention 192, router 40, gate 8, shared 48, 2 experts of 72.
    assert shape.active_parameters == 576 + 192 + 40 + 8 + 48 + 2 * 72
    assert shape.total_parameters == 576 + 192 + 40 + 8 + 48 + 5 * 72 + 256


@pytest.mark.parametrize(
    ("lengths", "keys_and_values"),
    [
        ({"key": 6, "value": 4}, {"attn_kv_b.weight": (5, 16)}),
        # Newer files keep the two factors apart, and give the lengths of the packed keys.
        (
            {"key": 7, "value": 5, "key_mla": 6, "value_mla": 4},
            {"attn_k_b.weight": (4, 5, 2), "attn_v_b.weight": (5, 4, 2)},
        ),
    ],
)
def test_latent_attention(
    place: Path, lengths: dict[str, int], keys_and_values: dict[str, tuple[int, ...]]
) -> None:
    names = {"key": "key_length", "value": "value_length"}
    names |= {"key_mla": "key_length_mla", "value_mla": "value_length_mla"}
    metadata = DENSE | {"llama.block_count": 1, "llama.attention.head_count_kv": 2}
    metadata |= {f"llama.attention.{names[side]}": size for side, size in lengths.items()}
    block = {
        "attn_q.weight": (8, 12),
        "attn_kv_a_mqa.weight": (8, 7),
        "attn_kv_a_norm.weight": (5,),
        **keys_and_values,
        "attn_output.weight": (8, 8),
        "ffn_up.weight": (8, 16),
        "ffn_down.weight": (16, 8),
    }
    shape = shape_of(place, metadata, OUTSIDE | {f"blk.0.{n}": d for n, d in block.items()})
    assert (shape.kv_heads, shape.head_dim) == (2, 5)
    assert shape.active_parameters == 96 + 56 + 80 + 64 + 256


@pytest.mark.parametrize(
    ("metadata", "tensors", "message"),
    [
        ({"split.count": 2}, {}, "whole model; .* one part of several; join them with"),
        ({"llama.block_count": 3}, {}, "3 layers must attend .* gives '2 with widths of"),
        ({"llama.attention.value_length": 3}, {}, "attend with a width of 6; .*type the shape in"),
        ({"llama.attention.head_count": [2, 2]}, {}, "head_count must be one whole number >= 1"),
        ({"llama.attention.head_count": 3}, {}, "3 heads must share out attention.key_length"),
        ({}, {"blk.0.ssm_in.weight": (8, 8)}, "known use; .* gives 'blk.0.ssm_in.weight'"),
        ({}, {"enc.blk.0.attn_q.weight": (8, 8)}, "known use; .* gives 'enc.blk.0"),
        ({}, {"blk.0.ffn_up_exps.weight": (8, 3, 5)}, "expert_count must be there"),
        (
            {"llama.expert_count": 5, "llama.expert_used_count": 6},
            {"blk.0.ffn_up_exps.weight": (8, 3, 5)},
            "expert_used_count must be at most 5 experts; .* gives 6",
        ),
        (
            {},
            {"blk.0.attn_kv_b.weight": (8, 8), "blk.0.attn_k_b.weight": (8, 4)},
            "attn_kv_b must not come with its own parts",
        ),
        ({}, {"token_embd.weight": (4, 64)}, "token_embd.weight must be there, 8 wide"),
        ({"general.architecture": "clip"}, {}, "block_count must be there; .* gives None"),
    ],
)
def test_what_is_not_known_is_refused(
    place: Path, metadata: dict[str, Any], tensors: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        shape_of(place, DENSE | metadata, DENSE_TENSORS | tensors)


WHOLE = gguf(DENSE, DENSE_TENSORS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2000)
@given(
    edits=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))),
    end=st.integers(0, len(WHOLE)),
    cut=st.booleans(),
)
def test_damage_gives_a_shape_or_a_config_error(
    place: Path, edits: list[tuple[int, bytes]], end: int, cut: bool
) -> None:
    damaged = bytearray(WHOLE)
    for start, patch in edits:
        damaged[start : start + len(patch)] = patch
    place.write_bytes(damaged[:end] if cut else damaged)
    with contextlib.suppress(ConfigError):
        assert isinstance(ModelShape.from_gguf(place), ModelShape)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2000)
@given(st.binary(max_size=300))
def test_garbage_behind_a_true_start_is_refused_or_read(place: Path, garbage: bytes) -> None:
    place.write_bytes(b"GGUF\x03\0\0\0" + garbage)
    with contextlib.suppress(ConfigError):
        read_header(place)

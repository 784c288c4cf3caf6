"""All that is asked of the vllm package, in its own words: where to look when it has a new version.

The package is imported by the first call, which takes many seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from archsearch.errors import (
    ConfigError,
    MissingExtra,
    ModelError,
    RequestRejected,
    TransientModelError,
)
from archsearch.models.chat import Prompt
from archsearch.models.chunks import excerpt, split_thinking
from archsearch.models.drawing import encodable
from archsearch.models.hub import locate
from archsearch.models.lives import EngineDied
from archsearch.types import Completion, Request, Usage

PLAIN = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
"""Sampling from the whole distribution."""


def library() -> Any:
    """The vllm package."""
    # Forking a process that has threads, as ours, may leave the engine's process locked for good.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")  # results go to stdout
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    try:
        import vllm
    except ImportError as error:
        raise MissingExtra("the vllm back-end", "vllm") from error
    return vllm


def adapter(lora: str | None) -> Any:
    """What a request says of the adapter that it uses; None for none."""
    if lora is None:
        return None
    locate(lora, None)  # or raises, with the remedy
    library()
    from vllm.lora.request import LoRARequest

    return LoRARequest("adapter", 1, lora)


def load(arguments: Mapping[str, Any]) -> Any:
    """A running engine. Called in a thread; it joins the event loop of its first call."""
    vllm = library()
    from vllm.v1.engine.async_llm import AsyncLLM

    try:
        return AsyncLLM.from_engine_args(vllm.AsyncEngineArgs(**arguments))
    except Exception as error:  # whatever a model, a driver or a setting is wrong about
        raise ConfigError(
            f"a model must be one that vLLM can load; {arguments['model']} is not "
            f"({excerpt(str(error))}); read what the engine wrote above, and correct the model's "
            "entry"
        ) from error


@contextmanager
def told_apart() -> Iterator[None]:
    """Raises what vLLM raises as the error that it is to us."""
    from vllm import exceptions
    from vllm.v1.engine.exceptions import EngineDeadError

    # Before 0.30 refusals were ValueErrors, and had no base of their own.
    refusals = (ValueError, TypeError, getattr(exceptions, "VLLMClientError", ValueError))
    try:
        yield
    except ModelError:
        raise
    except EngineDeadError as error:
        raise EngineDied(f"the engine died: {excerpt(str(error))}") from error
    except refusals as error:
        raise RequestRejected(f"vLLM refused the request: {excerpt(str(error))}") from error
    except Exception as error:
        # Its EngineGenerateError says nothing of its own.
        cause = error.__cause__ or error
        raise TransientModelError(f"vLLM failed: {excerpt(repr(cause))}") from error


def sampling(request: Request, seed: int) -> Any:
    """How one sample of a request is drawn."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    with told_apart():
        return SamplingParams(
            seed=seed,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            stop=[encodable(stop) for stop in request.stop],
            logprobs=request.logprobs or None,
            output_kind=RequestOutputKind.DELTA,
            **PLAIN,
        )


def one_token() -> Any:
    """The least that can be drawn."""
    from vllm import SamplingParams

    return SamplingParams(max_tokens=1, temperature=0.0)


def pooling() -> Any:
    """How a reward is asked for: without its activation, which only squeezes it into 0 to 1."""
    from vllm import PoolingParams

    return PoolingParams(task="classify", use_activation=False)


def completion(pieces: Sequence[Any], prompt: Prompt, *, seed: int, logprobs: bool) -> Completion:
    """The sample whose text the engine gave in `pieces`."""
    said = [piece.outputs[0] for piece in pieces]
    finish_reason = said[-1].finish_reason if said else None
    if finish_reason not in ("stop", "length"):
        raise TransientModelError(f"the engine ended a sample for {finish_reason!r}")
    reasoning, text = split_thinking(
        encodable("".join(part.text for part in said)), opened=prompt.thinking
    )
    return Completion(
        text=text,
        reasoning=reasoning,
        finish_reason=finish_reason,
        usage=_usage(prompt, sum(len(part.token_ids) for part in said), pieces[-1]),
        seed=seed,
        logprobs=tuple(_positions(said)) if logprobs else None,
    )


def judgement(output: Any, prompt: Prompt, *, seed: int) -> Completion:
    """The reward in what the engine gave; raises `RequestRejected` where it is not one number."""
    values = output.outputs.data.flatten().tolist()
    if len(values) != 1:
        raise RequestRejected(
            f"a reward model must give one number; received {len(values)}; take a model with one "
            "label"
        )
    return Completion(
        text="",
        finish_reason="stop",
        usage=_usage(prompt, 0, output),
        seed=seed,
        score=float(values[0]),
    )


def _usage(prompt: Prompt, completion_tokens: int, output: Any) -> Usage:
    return Usage(
        prompt_tokens=len(prompt.ids),
        completion_tokens=completion_tokens,
        cached_tokens=getattr(output, "num_cached_tokens", None) or 0,
    )


def _positions(said: Sequence[Any]) -> Iterator[tuple[tuple[str, float], ...]]:
    """Each token drawn, and the likeliest others beside it."""
    for part in said:
        for token, likely in zip(part.token_ids, part.logprobs or (), strict=True):
            others = sorted(
                (id_ for id_ in likely if id_ != token), key=lambda i: -likely[i].logprob
            )
            yield tuple(
                (encodable(likely[id_].decoded_token or ""), min(0.0, float(likely[id_].logprob)))
                for id_ in (token, *others)
            )

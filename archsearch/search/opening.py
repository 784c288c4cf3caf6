"""Opening: what a study runs on, its models and its sandbox, behind one dispatcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from archsearch.budget import Account, Limits
from archsearch.cost import Tariff, Tariffs
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError
from archsearch.meter import Meter
from archsearch.models.base import Model, ModelConfig
from archsearch.models.replayed import remember, replayed
from archsearch.program import Runner
from archsearch.sandbox import Sandbox
from archsearch.search.config import StudyConfig
from archsearch.shape import ModelShape
from archsearch.store import SampleStore


@asynccontextmanager
async def opened(
    config: StudyConfig,
    store: SampleStore,
    *,
    account: Account | None = None,
    meter: Meter | None = None,
    replay: bool = False,
    unsafe: bool = False,
) -> AsyncIterator[Dispatcher]:
    """A dispatcher over the models of a study, all loaded, and its sandbox; closed at the end, also
    what was open when another could not be.

    For replays to come, `store` is told what the models are; in a `replay` it says so, and nothing
    is loaded. The sandbox opens with the first program, or at once where the benchmark's own scores
    need it; `unsafe` runs programs in none.
    """
    async with _models(config, store, replay=replay) as models, _sandbox(config, unsafe) as sandbox:
        if config.benchmark.executes:
            await sandbox()
        dispatcher = Dispatcher(
            models,
            store,
            tariffs=tariffs_of(config, models),
            account=account,
            patience=config.patience,
            meter=meter,
            sandbox=sandbox,
        )
        try:
            yield dispatcher
        finally:
            await dispatcher.close()


@asynccontextmanager
async def _models(
    config: StudyConfig, store: SampleStore, *, replay: bool
) -> AsyncIterator[dict[str, Model]]:
    models: dict[str, Model] = {}
    try:
        if replay:
            _require_no_clock(config)
            models.update(replayed(store, config.models))
        else:
            for name, entry in config.models.items():
                models[name] = await entry.open()
            remember(store, config.models, models)
        shapes = {name: model.shape for name, model in models.items()}
        require_shapes(config.budget.per_question, shapes)
        require_shapes(config.budget.study, shapes)
        yield models
    finally:
        for model in models.values():
            await model.close()


@asynccontextmanager
async def _sandbox(
    config: StudyConfig, unsafe: bool
) -> AsyncIterator[Callable[[], Awaitable[Runner]]]:
    """What gives the one sandbox of a study to whoever asks; the first opens it."""
    settings = config.sandbox
    async with AsyncExitStack() as stack:
        opening = asyncio.Lock()
        open_now: list[Runner] = []

        async def the_one() -> Runner:
            async with opening:
                if not open_now:
                    sandbox = Sandbox.open(
                        tier=settings.tier,
                        processes=settings.processes,
                        packages=settings.packages,
                        unsafe=unsafe,
                    )
                    open_now.append(await stack.enter_async_context(sandbox))
            return open_now[0]

        yield the_one


def tariff(config: ModelConfig, shape: ModelShape | None) -> Tariff:
    """What the tokens of a model of this shape cost."""
    return Tariff(shape=shape, price=config.price, billed_together=config.billed_together)


def tariffs_of(config: StudyConfig, models: Mapping[str, Model]) -> Tariffs:
    """What each model's tokens cost."""
    return {name: tariff(config.models[name], model.shape) for name, model in models.items()}


def _require_no_clock(config: StudyConfig) -> None:
    if config.budget.per_question.seconds is not None:
        raise ConfigError(
            f"a replay cannot measure how long a model takes; budget.per_question.seconds is "
            f"{config.budget.per_question.seconds:g}; leave that cap out, or run a search"
        )


def require_shapes(limits: Limits, shapes: Mapping[str, ModelShape | None]) -> None:
    """Raises `ConfigError` where FLOPs are capped and cannot be told."""
    for name, shape in shapes.items():
        if limits.flops is not None and shape is None:
            raise ConfigError(
                f"a budget in FLOPs needs the shape of every model; {name!r} has none; give "
                f"models.{name}.shape, or a budget in tokens or dollars"
            )

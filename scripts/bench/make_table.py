"""Makes the table that `samplers` replays: a pool of a real model, then every architecture from it.

    python scripts/bench/make_table.py STORE [--replay]

Draws the pool of `data/table.yaml` into the sample store STORE (20 minutes on two cores; goes on
where it was interrupted), evaluates every architecture of its space and every baseline on all its
questions, which draws what layers behind the generators ask, and writes `data/table.npz`. With
--replay no model is opened, and the same store gives the same file.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from rich.console import Console
from table import Table

from archsearch.architecture import Architecture
from archsearch.evaluate import Evaluation, Evaluator
from archsearch.meter import Meter
from archsearch.screen import Watch
from archsearch.search.baselines import Baseline
from archsearch.search.config import StudyConfig
from archsearch.search.opening import opened
from archsearch.search.pool import Pool
from archsearch.search.progress import Progress
from archsearch.shape import ModelShape
from archsearch.store import SampleStore

DATA = Path(__file__).parent / "data"


def main() -> None:
    """Draws, evaluates and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--replay", action="store_true", help="open no model")
    parser.add_argument("--out", type=Path, default=DATA / "table.npz")
    flags = parser.parse_args()
    config = StudyConfig.read(DATA / "table.yaml")
    if not flags.replay:
        asyncio.run(draw(config, flags.store))
    architectures = all_of(config)
    evaluations, shape = asyncio.run(
        evaluate(config, architectures, flags.store, replay=flags.replay)
    )
    Table.of(architectures, evaluations, shape).write(flags.out)
    print(f"{len(architectures)} architectures: {flags.out}, {flags.out.stat().st_size:,} bytes")


def all_of(config: StudyConfig) -> list[Architecture]:
    """Every architecture of the space, and every baseline of whatever size, each once."""
    found = [config.space.architecture(point) for point in config.space.points()]
    settings = config.baselines
    for model in config.models:
        for style in settings.styles:
            found.append(
                Baseline(kind="single call", model=model, style=style).architecture(settings)
            )
            found.extend(
                Baseline(kind=kind, model=model, style=style, samples=samples).architecture(
                    settings
                )
                for kind in ("self-consistency", "best-of-n")
                for samples in range(2, settings.max_samples + 1)
            )
    return list({architecture.digest: architecture for architecture in found}.values())


async def draw(config: StudyConfig, store: Path) -> None:
    """The pool."""
    pool, progress, meter = Pool.of(config), Progress(), Meter()
    async with Watch(Console(), progress, meter, config.budget).watching():
        if failures := await pool.draw(store, progress, meter):
            raise SystemExit(f"{len(failures)} failed: {failures[0]}")


async def evaluate(
    config: StudyConfig, architectures: list[Architecture], path: Path, *, replay: bool
) -> tuple[list[Evaluation], ModelShape]:
    """All architectures on all questions, and the shape of the one model."""
    splits = config.load_splits()
    items = [*splits.search, *splits.select, *splits.test]
    with SampleStore(path, only_read=replay) as store:
        async with opened(config, store, replay=replay) as dispatcher:
            evaluator = Evaluator(
                benchmark=config.benchmark, dispatcher=dispatcher, tariffs=dispatcher.tariffs
            )
            evaluations = [await evaluator.evaluate(a, items) for a in architectures]
            (model,) = dispatcher.models.values()
    if model.shape is None:
        raise SystemExit("the model of a table must have a shape")
    return evaluations, model.shape


if __name__ == "__main__":
    main()

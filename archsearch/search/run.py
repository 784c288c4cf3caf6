"""Run: a search in its folder, from opening the models to writing the report."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from archsearch.architecture import Architecture
from archsearch.benchmark import Splits
from archsearch.budget import Account
from archsearch.database import is_server
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError, RunError
from archsearch.evaluate import Evaluator
from archsearch.ledger import Ledger
from archsearch.meter import Meter
from archsearch.models.base import Model
from archsearch.search.config import StudyConfig
from archsearch.search.coordinator import Coordinator
from archsearch.search.crew import Crew, Delegating
from archsearch.search.forecast import Forecast
from archsearch.search.growth import FREE, changes
from archsearch.search.hands import Hands
from archsearch.search.kept import FILE, text_of
from archsearch.search.opening import opened
from archsearch.search.processes import Processes
from archsearch.search.progress import Progress
from archsearch.search.proposer import Proposer
from archsearch.search.report import report
from archsearch.search.reserve import planned_questions
from archsearch.search.sampler import SAMPLERS, SamplerConfig, chosen
from archsearch.search.selection import Contender, Verdict, select, test
from archsearch.search.study import Study
from archsearch.search.tasks import Process, Tasks
from archsearch.store import SampleStore
from archsearch.types import Score

MIRROR = "study.db"
"""The file of Optuna's view of a run."""

NOTED = 2.0
"""Seconds between two notes of what was drawn."""


async def search(
    config: StudyConfig,
    folder: Path,
    progress: Progress,
    meter: Meter,
    *,
    workers: int | None = None,
    replay: bool = False,
    unsafe: bool = False,
) -> dict[str, Any]:
    """Runs or resumes the search in `folder` and returns its report, also written there.

    With `workers` other processes evaluate: so many that are started here, beside those that join
    by themselves; with 0 this one does, too. `progress` and `meter` are kept up to date for whoever
    watches. Whatever ends it (an error, a cancellation), what is finished is in the folder, and the
    same call goes on from there. A `replay`, which has no workers, opens no model and takes every
    sample from the store of `config`. `unsafe` runs programs outside any sandbox; see
    `opening.opened` for both.
    """
    if replay and workers is not None:
        raise ConfigError("a replay draws nothing, so it has no workers; leave them out")
    place = store_of(config, folder)
    with (
        Ledger(folder, server=server_of(config.database, folder)) as ledger,
        SampleStore(place, only_read=replay) as store,
    ):
        if ledger.unbind():
            (folder / MIRROR).unlink(missing_ok=True)
        _settle_config(config, ledger, folder)
        splits = await asyncio.to_thread(config.load_splits, ledger.settle("splits", {}))
        ledger.note("splits", splits.ids)
        _write(folder / FILE, text_of(splits, config))
        _restore(ledger, meter, progress)
        if unsafe:
            ledger.note("unsafe_exec", value=True)
        account = Account(config.budget.study, charges=ledger)
        async with (
            _metered(ledger, meter, progress),
            opened(
                config, store, account=account, meter=meter, replay=replay, unsafe=unsafe
            ) as dispatcher,
            _evaluating(config, splits, dispatcher, ledger, account, workers, unsafe) as evaluator,
        ):
            study = _study(config, splits, evaluator, ledger, account, progress)
            document = await _search(study, dispatcher.models, meter)
    _write(folder / "report.json", json.dumps(document, indent=2, allow_nan=False))
    return document


@asynccontextmanager
async def _evaluating(
    config: StudyConfig,
    splits: Splits,
    dispatcher: Dispatcher,
    ledger: Ledger,
    account: Account,
    workers: int | None,
    unsafe: bool,
) -> AsyncIterator[Evaluator]:
    """What evaluates in this process, or what has workers evaluate; with none of its own to start
    it is one itself, as its models would lie idle."""
    common: dict[str, Any] = {
        "benchmark": config.benchmark,
        "dispatcher": dispatcher,
        "tariffs": dispatcher.tariffs,
    }
    if workers is None:
        ledger.note("terms", None)  # whoever would join now would wait for ever
        yield Evaluator(**common)
        return
    terms = {
        "config": config.model_dump(mode="json"),
        "identities": {name: model.identity for name, model in dispatcher.models.items()},
        "store": str(store_of(config, ledger.folder)),
    }
    ledger.note("terms", terms)
    run = address(config, ledger.folder)
    tasks = Tasks(ledger.database)
    crew = Crew(
        tasks,
        ledger=ledger,
        account=account,
        meter=dispatcher.meter,
        tariffs=dispatcher.tariffs,
        processes=Processes(workers, run, unsafe=unsafe) if workers else None,
        hands=None
        if workers
        else Hands(
            tasks,
            splits,
            config.benchmark,
            dispatcher,
            name=uuid4().hex,
            process=Process.seen(os.getpid()),
        ),
    )
    async with crew.at_work():
        yield Delegating(**common, crew=crew)


@asynccontextmanager
async def _metered(ledger: Ledger, meter: Meter, progress: Progress) -> AsyncIterator[None]:
    """What was drawn is noted now and then, as a process that is killed cannot note it."""

    def note() -> None:
        ledger.note("meter", asdict(meter))
        ledger.note("seconds", progress.whole_seconds)

    async def often() -> None:
        while True:
            await asyncio.sleep(NOTED)
            note()

    task = asyncio.ensure_future(often())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)  # a full disk ends the search itself
        note()


def store_of(config: StudyConfig, folder: Path) -> Path | str:
    """Where the samples of a run are."""
    own = server_of(config.database, folder) or folder.resolve() / "samples.sqlite"
    if config.store is None:
        return own
    return config.store if is_server(config.store) else Path(config.store).resolve()


def server_of(database: str | None, folder: Path) -> str | None:
    """The address of a run's schema on a server; None where its ledger is in its folder."""
    if database is None or "#" in database:
        return database
    return f"{database}#{folder.resolve().name}"


def address(config: StudyConfig, folder: Path) -> str:
    """What `archsearch worker` is told to join a run."""
    return server_of(config.database, folder) or str(folder.resolve())


def _study(
    config: StudyConfig,
    splits: Splits,
    evaluator: Evaluator,
    ledger: Ledger,
    account: Account,
    progress: Progress,
) -> Study:
    search_settings, sizes = config.search, config.splits
    progress.trials_wanted = search_settings.trials
    progress.questions_wanted = search_settings.trials * sizes.search + planned_questions(config)
    return Study(
        config=config,
        splits=splits,
        evaluator=evaluator,
        forecast=Forecast(
            evaluator.dispatcher, evaluator.tariffs, [item.question for item in splits.search]
        ),
        ledger=ledger,
        account=account,
        proposer=Proposer(
            config.space,
            _settle_sampler(config, ledger),
            seed=config.seed,
            name=config.name,
            objective=search_settings.objective,
            mirror=ledger.folder / MIRROR,
        ),
        progress=progress,
    )


async def _search(study: Study, models: Mapping[str, Model], meter: Meter) -> dict[str, Any]:
    trials = await Coordinator(study).explore()
    finalists = await select(trials, study)
    _write_best(study, finalists[0].trial.found)  # whatever becomes of its test
    verdict = await test(trials, study, finalists)
    _write_answers(study, verdict)
    study.progress.phase = "done"
    return report(
        study.config,
        trials,
        verdict,
        models=models,
        meter=meter,
        unit=study.unit,
        spent=study.account.spent,
        seconds=study.progress.whole_seconds,
        unsafe=study.ledger.settle("unsafe_exec", value=False),
    )


def _settle_config(config: StudyConfig, ledger: Ledger, folder: Path) -> None:
    """Records the study, or refuses to go on with one that is not the same or larger."""
    now = config.model_dump(mode="json")
    before = ledger.settle("config", now)
    if changed := changes(before, now):
        raise RunError(
            f"a run goes on with its own study, or a larger one (more models, options or search "
            f"questions; {', '.join(FREE)} are free); in {folder}: {'; '.join(changed)}; undo "
            f"that, or choose another --out"
        )
    version = ledger.settle("version of the benchmark", config.benchmark.version)
    if version != config.benchmark.version:
        raise RunError(
            f"scores of a run must be of one version of its benchmark; in {folder} is {version}, "
            f"and {config.benchmark.name!r} is {config.benchmark.version} now; choose another --out"
        )
    if before["space"] != now["space"]:
        # Optuna knows no categories that grow; it is a view, and is made again.
        (folder / MIRROR).unlink(missing_ok=True)
    ledger.note("config", now)
    _write(folder / "config.yaml", yaml.safe_dump(now, sort_keys=False))


def _settle_sampler(config: StudyConfig, ledger: Ledger) -> SamplerConfig:
    """As the run began with it: the number of trials, which may change, decides an unnamed one."""
    now = chosen(config.search.sampler, config.space, config.search.trials)
    return SAMPLERS.parse(ledger.settle("sampler", now.model_dump(mode="json")), where="sampler")


def _restore(ledger: Ledger, meter: Meter, progress: Progress) -> None:
    """What earlier parts of the run drew, and how long they took."""
    progress.earlier = ledger.settle("seconds", 0.0)
    for name, value in ledger.settle("meter", asdict(meter)).items():
        setattr(meter, name, value)


def _write_best(study: Study, winner: Architecture) -> None:
    document = {"layers": winner.dump()}
    _write(study.ledger.folder / "best.yaml", yaml.safe_dump(document, sort_keys=False))


def _write_answers(study: Study, verdict: Verdict) -> None:
    """One line for each test question and contender: what was answered, and how it scored."""
    questions = {item.question.id: item.question for item in study.splits.test}
    lines = [
        json.dumps(_answer(contender, questions[outcome.question_id].messages[-1].content, outcome))
        for contender in (verdict.best, *verdict.baselines)
        for outcome in contender.test.outcomes
    ]
    name = f"samples_{study.config.benchmark.name}.jsonl"
    _write(study.ledger.folder / name, "\n".join(lines) + "\n")


def _answer(contender: Contender, question: str, outcome: Any) -> dict[str, Any]:
    scored = isinstance(outcome.result, Score)
    return {
        "contender": contender.name,
        "question_id": outcome.question_id,
        "question": question,
        "text": outcome.text,
        "result": asdict(outcome.result),
        "scored": scored,
        "cost": asdict(outcome.cost),
        "fallbacks": [asdict(note) for note in outcome.fallbacks],
    }


def _write(path: Path, text: str) -> None:
    """Whole or not at all, also when the process dies meanwhile."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise RunError(
            f"a run folder must take {path.name}; {error}; make room, and the same command goes on "
            f"from what is finished"
        ) from error

"""The command line: the composition root, the only file that may import everything."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console

from archsearch import __version__
from archsearch.errors import ArchsearchError, ConfigError, RunError, UnknownName

if TYPE_CHECKING:
    from archsearch.search.config import StudyConfig
    from archsearch.types import Failure

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

app = typer.Typer(
    name="archsearch",
    help="Finds the best inference-time architecture for a task under a compute budget.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Study = Annotated[str, typer.Argument(help="Study file, or the name of one that ships.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value, such as search.trials=40."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many questions in each split.")]
Replay = Annotated[
    str | None,
    typer.Option(metavar="STORE", help="Open no model; take every sample from this store."),
]
UnsafeExec = Annotated[
    bool,
    typer.Option("--unsafe-exec", help="Run programs that models wrote OUTSIDE any sandbox."),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of splits and sampler.")]


def _clean(command: Callable[P, None]) -> Callable[P, None]:
    """Errors that archsearch raises on purpose become one line and exit status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ArchsearchError as error:
            Console(stderr=True).print(
                f"archsearch: {error}", markup=False, highlight=False, soft_wrap=True
            )
            raise typer.Exit(1) from None

    return run


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
@_clean
def search(
    study: Study,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/NAME.")] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    replay: Replay = None,
    objective: Annotated[
        str | None, typer.Option(help="score, or pareto: the front of score against cost.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that evaluate, beside this one.")
    ] = 0,
    join: Annotated[
        bool, typer.Option("--join", help="Let `archsearch worker` join, here and on other hosts.")
    ] = False,
    unsafe_exec: UnsafeExec = False,
) -> None:
    """Search for the best architecture; the same command resumes an interrupted run.

    Examples:

      archsearch search quickstart

      archsearch search my_study.yaml --set search.trials=40 --out runs/more

      archsearch search my_study.yaml --set search.sampler.name=gp --replay pool.sqlite

      archsearch search my_study.yaml --objective pareto --out runs/front

      archsearch search my_study.yaml --set database=postgresql://me@host/runs --join
    """
    from archsearch import collector
    from archsearch.meter import Meter
    from archsearch.screen import Watch, show_report
    from archsearch.search.progress import Progress
    from archsearch.search.run import address
    from archsearch.search.run import search as run_search

    asked = [*(overrides or []), *([f"search.objective={objective}"] if objective else [])]
    config = _study(study, asked, limit=limit, seed=seed)
    if replay is not None:
        config = config.model_copy(update={"store": replay})
    folder = out or Path("runs") / (f"{config.name}-replay" if replay else config.name)
    console, progress, meter = Console(), Progress(), Meter()
    if join:
        line = f"workers join with: archsearch worker '{address(config, folder)}'"
        console.print(line, highlight=False, soft_wrap=True)

    async def run() -> dict[str, Any]:
        async with Watch(console, progress, meter, config.budget).watching():
            return await run_search(
                config,
                folder,
                progress,
                meter,
                workers=workers if workers or join else None,
                replay=replay is not None,
                unsafe=unsafe_exec,
            )

    collector.spare()
    document = _finished(run(), f"interrupted; the same command resumes from {folder}")
    show_report(console, document)
    if missing := document["samples"]["missing"]:
        console.print(_missing(missing, replay), highlight=False)
    console.print(f"report, best architecture and samples: {folder}", highlight=False)


@app.command()
@_clean
def worker(
    run: Annotated[str, typer.Argument(help="Run folder, or the address that the search shows.")],
    nursery: Annotated[bool, typer.Option("--nursery", hidden=True)] = False,
    unsafe_exec: UnsafeExec = False,
) -> None:
    """Evaluate questions of a running search, until it is over.

    Examples:

      archsearch worker runs/my_study

      archsearch worker 'postgresql://me@host/runs#my_study'
    """
    from archsearch import collector
    from archsearch.search import processes
    from archsearch.search.worker import prepare, work

    def begin(*, attached: bool) -> None:
        try:
            asyncio.run(work(run, attached=attached, unsafe=unsafe_exec))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(INTERRUPTED) from None

    def status() -> int:
        try:
            _clean(begin)(attached=True)
        except typer.Exit as end:
            return end.exit_code
        return 0

    prepare()
    collector.spare()
    if nursery:
        processes.nursery(status)
    else:
        begin(attached=False)


@app.command()
@_clean
def check(
    study: Study,
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    tokens_per_second: Annotated[
        float | None, typer.Option(min=0.001, help="Speed of your models, to foresee the time.")
    ] = None,
) -> None:
    """Validate a study and foresee what it takes; draws nothing.

    Examples:

      archsearch check quickstart

      archsearch check my_study.yaml --tokens-per-second 5000
    """
    from archsearch.search.checkup import checkup

    config = _study(study, overrides, limit=limit, seed=seed)
    for line in checkup(config, tokens_per_second):
        typer.echo(line)


@app.command()
@_clean
def evaluate(
    architecture: Annotated[Path, typer.Argument(help="Architecture file, such as best.yaml.")],
    study: Annotated[
        str | None,
        typer.Option(help="Study file with the models; by default config.yaml beside the file."),
    ] = None,
    benchmark: Annotated[str | None, typer.Option(help="Another benchmark, by name.")] = None,
    split: Annotated[str, typer.Option(help="search, select or test.")] = "test",
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    store: Annotated[str | None, typer.Option(help="Sample store to reuse and fill.")] = None,
    replay: Replay = None,
    unsafe_exec: UnsafeExec = False,
) -> None:
    """Score one architecture, with its interval and cost.

    Examples:

      archsearch evaluate runs/quickstart/best.yaml

      archsearch evaluate best.yaml --study study.yaml --benchmark gsm8k --limit 200
    """
    from archsearch.architecture import Architecture
    from archsearch.search.run import evaluate_one

    source = study or str(architecture.parent / "config.yaml")
    chosen = [*(overrides or [])]
    if benchmark is not None:
        chosen.insert(0, f"benchmark={{name: {benchmark}}}")
    config = _study(source, chosen, limit=limit, seed=seed)
    if store is not None and replay is not None:
        raise ConfigError("give --store, which is filled, or --replay, which is only read")
    scoring = evaluate_one(
        config,
        Architecture.read(architecture),
        split=split,
        store=replay or store,
        replay=replay is not None,
        unsafe=unsafe_exec,
    )
    document = _finished(scoring)
    typer.echo(json.dumps(document, indent=2))
    if document["missing"]:
        typer.echo(_missing(document["missing"], replay), err=True)


@app.command()
@_clean
def pool(
    study: Study,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="Of each prompt; by default the most that any generator asks."),
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Sample store to fill; by default the study's.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="search, select or test; by default all three.")
    ] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it takes at most; draw nothing.")
    ] = False,
) -> None:
    """Draw once all that a study's generators may ask; the same command goes on where it ended.

    Searches with --replay then need no model for architectures whose later layers ask none.

    Examples:

      archsearch pool my_study.yaml --samples 64 --store pool.sqlite --dry-run

      archsearch pool my_study.yaml --samples 64 --store pool.sqlite
    """
    from archsearch.meter import Meter
    from archsearch.screen import Watch, show_pool
    from archsearch.search.pool import Pool
    from archsearch.search.progress import Progress
    from archsearch.search.run import store_of

    config = _study(study, overrides, limit=limit, seed=seed)
    folder = Path("runs") / config.name
    place = store or store_of(config, folder)
    wanted = Pool.of(config, samples=samples, split=split)
    console, progress, meter = Console(), Progress(), Meter()
    show_pool(console, wanted)
    if dry_run:
        return

    async def run() -> list[Failure]:
        async with Watch(console, progress, meter, config.budget).watching():
            return await wanted.draw(place, progress, meter)

    if not store:
        folder.mkdir(parents=True, exist_ok=True)
    failures = _finished(run(), f"interrupted; what was drawn is in {place}")
    if failures:
        raise RunError(
            f"{len(failures)} requests failed, the first: {failures[0].message}; the rest is in "
            f"{place}; the same command draws what is missing"
        )
    console.print(f"pool: {place}; drawn now {meter.drawn_samples} samples", highlight=False)


@app.command()
@_clean
def curves(
    study: Study,
    store: Annotated[
        str | None, typer.Option(help="Store that holds the pool; by default the study's.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="As the pool was drawn with; by default as there.")
    ] = None,
    split: Annotated[str, typer.Option(help="search, select or test.")] = "search",
    overrides: Overrides = None,
    limit: Limit = None,
    seed: Seed = None,
    unsafe_exec: UnsafeExec = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score against number of samples: pass@n and majority vote of every generator of a pool.

    All samples count at every n, so that it varies less than the first n would. Draws nothing.

    Examples:

      archsearch pool my_study.yaml --samples 32 --store pool.sqlite

      archsearch curves my_study.yaml --samples 32 --store pool.sqlite
    """
    from archsearch.meter import Meter
    from archsearch.screen import Watch, show_curves
    from archsearch.search import curves as module
    from archsearch.search.pool import Pool
    from archsearch.search.progress import Progress
    from archsearch.search.run import store_of

    config = _study(study, overrides, limit=limit, seed=seed)
    place = store or store_of(config, Path("runs") / config.name)
    wanted = Pool.of(config, samples=samples, split=split)
    console, progress = Console(stderr=as_json), Progress()

    async def run() -> list[module.Curve]:
        async with Watch(console, progress, Meter(), config.budget).watching():
            return await module.curves(wanted, place, progress, unsafe=unsafe_exec)

    found = _finished(run())
    if as_json:
        typer.echo(json.dumps([curve.dump() for curve in found], indent=2))
    else:
        show_curves(console, found)


@app.command()
@_clean
def ls(
    what: Annotated[str, typer.Argument(help="models, layers, benchmarks, spaces or samplers.")],
) -> None:
    """List what can be named in files.

    Example:

      archsearch ls layers
    """
    for name, line in _listing(what):
        typer.echo(f"{name:24} {line}")


@app.command()
@_clean
def schema(
    what: Annotated[str, typer.Argument(help="architecture, space or study.")],
) -> None:
    """Print the JSON Schema of a kind of file.

    Example:

      archsearch schema study > study.schema.json
    """
    from archsearch.schema import SCHEMAS

    if what not in SCHEMAS:
        raise UnknownName("schema", what, SCHEMAS)
    typer.echo(json.dumps(SCHEMAS[what](), indent=2))


@app.command()
@_clean
def import_archon(
    configuration: Annotated[Path, typer.Argument(help="Configuration file of Archon, in JSON.")],
    models: Annotated[
        Path | None,
        typer.Option(help="YAML file of `ARCHON NAME: YOUR NAME`, or a study file."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Architecture file to write; by default it is printed.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail, and write nothing, if anything is ignored.")
    ] = False,
) -> None:
    """Convert an Archon configuration; what does not come over as it stands is remarked upon.

    Examples:

      archsearch import-archon archon.json --out archon.yaml

      archsearch import-archon archon.json --models my_study.yaml --strict
    """
    from archsearch import archon

    names = archon.read_models(models) if models is not None else {}
    imported = archon.convert(archon.read(configuration), names)
    for line in archon.lines(imported.remarks):
        typer.echo(line, err=True)
    ignored = sum(remark.kind == "ignored" for remark in imported.remarks)
    if strict and ignored:
        raise ConfigError(
            f"--strict allows nothing to be ignored; {configuration} has {ignored} such settings, "
            f"listed above; change them there, or leave --strict out"
        )
    text = imported.text(configuration.name)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out must be a file that can be written; {error}") from None


def main() -> None:
    """Entry point of the `archsearch` command."""
    # Replies may hold anything; a terminal that cannot show it should not end a search.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app()


def _study(
    name: str, overrides: list[str] | None, *, limit: int | None, seed: int | None
) -> StudyConfig:
    from archsearch.search.config import StudyConfig, find

    chosen = list(overrides or [])
    if seed is not None:
        chosen.append(f"seed={seed}")
    config = StudyConfig.read(find(name), chosen)
    if limit is None:
        return config
    sizes = config.splits
    return config.model_copy(
        update={
            "splits": sizes.model_copy(
                update={name: min(limit, size) for name, size in sizes.model_dump().items()}
            )
        }
    )


def _finished(work: Coroutine[Any, Any, T], told: str = "") -> T:
    """What came of it. Ctrl-C ends it in order, and the program after it, with `told`."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        if told:
            Console().print(told, highlight=False)
        raise typer.Exit(INTERRUPTED) from None


def _missing(count: int, store: str | None) -> str:
    """What is to be done about what a replay lacked."""
    return (
        f"{count} samples or prompt lengths are missing in {store}, and more may be behind them; "
        f"the same command with the store to fill (search: --set store={store}; evaluate: --store "
        f"{store}) in place of --replay draws them"
    )


def _listing(what: str) -> list[tuple[str, str]]:
    from archsearch.architecture import LAYERS
    from archsearch.benchmark import BENCHMARKS
    from archsearch.models import MODELS
    from archsearch.search.config import SHELF
    from archsearch.search.sampler import SAMPLERS

    registries: dict[str, Any] = {
        "models": MODELS,
        "layers": LAYERS,
        "benchmarks": BENCHMARKS,
        "samplers": SAMPLERS,
    }
    if what == "spaces":
        return [(path.stem, _first_comment(path)) for path in sorted(SHELF.glob("*.yaml"))]
    if what not in registries:
        raise UnknownName("list", what, [*registries, "spaces"])
    return [
        (name, (cls.__doc__ or "").strip().splitlines()[0])
        for name, cls in registries[what].classes.items()
    ]


def _first_comment(path: Path) -> str:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""

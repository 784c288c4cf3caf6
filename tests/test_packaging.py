"""What is installed is what is on the disk, under one name, and it is light to import."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import archsearch

ROOT = Path(__file__).parents[1]
SHELVES = ("layers", "benchmarks", "search_spaces")
SHIPPED = {".py", ".typed", ".j2", ".yaml"}


def on_disk(root):
    """What lies under `archsearch/` in a checkout, the shelves among it, by its path there."""
    found = {}
    for package in (root / "archsearch", *(root / shelf for shelf in SHELVES)):
        under = Path() if package.name == "archsearch" else Path(package.name)
        for place in package.rglob("*"):
            if place.suffix in SHIPPED and place.is_file():
                name = Path("archsearch") / under / place.relative_to(package)
                found[name.as_posix()] = place.read_bytes()
    return found


def new_enough(package, major):
    try:
        return int(version(package).split(".")[0]) >= major
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the checkout: a build leaves things behind, and would ship what it finds there."""
    source = tmp_path_factory.mktemp("source")
    rubbish = shutil.ignore_patterns("__pycache__")
    for name in ("archsearch", *SHELVES, "tests"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=rubbish)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    return source


@pytest.fixture(scope="module", params=["links", "no links"])
def wheel(request, source, tmp_path_factory):
    """The wheel of a checkout with the links inside the package, and of one that has lost them."""
    place = tmp_path_factory.mktemp("wheel")
    if request.param == "no links":
        shutil.copytree(source, place / "source", symlinks=True)
        source = place / "source"
        shutil.rmtree(source / "build", ignore_errors=True)
        for shelf in SHELVES:
            (source / "archsearch" / shelf).unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(place)]
    # With an older setuptools pip fetches one for the build.
    isolation = ["--no-build-isolation"] if new_enough("setuptools", 77) else []
    made = subprocess.run([*command, *isolation, str(source)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (found,) = place.glob("*.whl")
    with zipfile.ZipFile(found) as archive:
        yield archive


def test_the_wheel_holds_what_is_on_the_disk(wheel, source):
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    disk = on_disk(source)
    assert held == set(disk)
    for name in held:
        assert wheel.read(name) == disk[name], name
    # At least one file of each kind and from each shelf was there to compare.
    assert {Path(name).suffix for name in held} == SHIPPED
    assert {Path(name).parts[1] for name in held} >= {*SHELVES, "models", "search", "testing"}
    assert "archsearch/search/samplers/tpe.py" in held


def test_the_wheel_owns_one_name(wheel):
    tops = {Path(name).parts[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"archsearch"}
    assert not [
        name for name in wheel.namelist() if re.search(r"(^|/)(tests?/|test_|conftest)", name)
    ]


def test_the_wheel_says_what_it_is(wheel):
    (facts,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = wheel.read(facts).decode()
    assert f"\nName: archsearch\nVersion: {archsearch.__version__}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    points = wheel.read(facts.replace("METADATA", "entry_points.txt")).decode()
    assert "archsearch = archsearch.cli:main" in points


def test_the_shelves_are_linked_into_the_package():
    for shelf in SHELVES:
        link = ROOT / "archsearch" / shelf
        assert link.is_symlink()
        assert link.readlink() == Path("..") / shelf


HEAVY = {"torch", "vllm", "optuna", "scipy", "datasets", "transformers", "xllamacpp", "sympy"}


def imported(code, cwd):
    """The names of all modules, at the top, that are there after `code`."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    here = os.environ | {"PYTHONPATH": str(ROOT)}  # this checkout, whatever is installed
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=here, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "code",
    [
        "import archsearch",
        "import archsearch.cli",
        "import archsearch.search.run, archsearch.schema",
        "from archsearch.architecture import LAYERS; LAYERS.classes",
        "from archsearch.benchmark import BENCHMARKS; BENCHMARKS.classes",
        "from archsearch.models import MODELS; MODELS.classes",
        "from archsearch.search.sampler import SAMPLERS; SAMPLERS.classes",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code, tmp_path):
    there = imported(code, tmp_path)
    assert "archsearch" in there
    assert not there & HEAVY


def test_the_package_itself_imports_nothing(tmp_path):
    there = imported("import archsearch", tmp_path)
    assert not there & {"pydantic", "jinja2", "numpy", "yaml", "typer", "rich", "httpx"}


def test_an_installed_user_keeps_the_short_names(tmp_path):
    """A project's own layers.py is found, and ours does not come with it."""
    for shelf in SHELVES:
        (tmp_path / f"{shelf}.py").write_text("OWN = True")
    names = ", ".join(SHELVES)
    code = f"import archsearch.layers.vote, {names}; assert layers.OWN and benchmarks.OWN"
    assert set(SHELVES) <= imported(code, tmp_path)

"""A folder that holds Python and nothing else: what a program sees of the host.

It is a copy, not a view, for three reasons: the base interpreter often lies where the user that
programs run as may not go (`~/.pyenv`); what lies beside its standard library (`site-packages`) is
not for programs, which would find reference solutions there; and one folder is one mount, where the
parts of it would be a hundred. Made when a sandbox opens, gone when it closes.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from archsearch.errors import SandboxUnavailable
from archsearch.sandbox import rubbish

LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo",
            "ensurepip", "lib2to3", "distutils", "pydoc_data", "venv"}  # fmt: skip
"""Of the standard library; the tests of the interpreter alone are half of it."""
ROOM_BYTES = 256 << 20
"""What has to be free in memory for the stage to be made there."""
DEVICES = [
    name
    for name in ("null", "zero", "full", "random", "urandom")
    if Path("/dev", name).is_char_device()
]
HERE = "/sandbox"
"""Where our own files lie in it."""
CHANNEL = "/channel"
"""Where the named pipes lie of a sandbox that hands down no descriptors."""

INSIDE = f"{HERE}/inside.pyc"
"""The runner, compiled once for all programs."""

_LOADS = """
import importlib, os, py_compile, sys, sysconfig
here = sys.argv[1]
for name in ("inside", "plain"):
    py_compile.compile(f"{here}/{name}.py", cfile=f"{here}/{name}.pyc", doraise=True)
    os.remove(f"{here}/{name}.py")
names = os.listdir(os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload"))
names = {name.partition(".")[0] for name in names} - {"_tkinter"}
usual = "asyncio collections dataclasses decimal enum fractions functools heapq itertools json math"
more = "multiprocessing random re resource string struct traceback typing unittest"
for name in (*sorted(names), *usual.split(), *more.split(), *sys.argv[2:]):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
import ctypes
for library in ("libgcc_s.so.1", "libstdc++.so.6"):  # loaded when a thread or a package wants it
    try:
        ctypes.CDLL(library)
    except OSError:
        pass
with open("/proc/self/maps") as maps:
    mapped = {"/" + line.partition("/")[2].strip() for line in maps if ".so" in line}
print(*sorted(mapped), sep="\\n")
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder, and where Python lies in it."""

    folder: Path
    """`root` in it is what a program sees as `/`; `scratch` and `tools` are for the tiers."""
    python: str
    """The interpreter, from `root` on."""
    packages: tuple[str, ...]
    """Name and version of each distribution that is there besides the standard library."""

    @property
    def root(self) -> Path:
        """What a program sees as `/`."""
        return self.folder / "root"

    def remove(self) -> None:
        """Deletes it."""
        rubbish.remove(self.folder)


def make(packages: Sequence[str] = ()) -> Stage:
    """Copies the base interpreter, its standard library, the libraries that they load, and the
    named installed distributions without what they depend on. Raises `SandboxUnavailable` for one
    that is not installed, and where there is no room."""
    folder = _folder()
    try:
        return _fill(folder, packages)
    except OSError as error:
        rubbish.remove(folder)
        raise SandboxUnavailable(
            f"a sandbox needs about 100 MB in a temporary folder that other users may enter; "
            f"{_first_reason(error)}; free some, or set TMPDIR to another place"
        ) from error
    except BaseException:
        rubbish.remove(folder)
        raise


def _first_reason(error: OSError) -> str:
    """One line: `shutil.copytree` tells a reason for each of a thousand files."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        return str(error.args[0][0][-1])
    return str(error)


def _folder() -> Path:
    """A new folder that the user of the programs can reach."""
    wished = [os.environ["TMPDIR"]] if "TMPDIR" in os.environ else []
    for place in map(Path, [*wished, "/dev/shm", "/tmp", "/var/tmp"]):  # noqa: S108
        if place.is_dir() and is_open_to_all(place) and _has_room(place):
            folder = Path(tempfile.mkdtemp(prefix="archsearch-sandbox-", dir=place.resolve()))
            folder.chmod(0o755)
            return folder
    raise SandboxUnavailable(
        "a sandbox needs a temporary folder that other users may enter; found none; "
        "set TMPDIR to a folder whose parents all have mode o+x"
    )


def _has_room(place: Path) -> bool:
    """Whether programs can be run from there, and, in memory, it has room to spare: a thousand
    files are made there in a tenth of a second, and on a busy disk in a minute."""
    found = os.statvfs(place)
    if found.f_flag & os.ST_NOEXEC:
        return False
    return place != Path("/dev/shm") or found.f_bavail * found.f_frsize > ROOM_BYTES  # noqa: S108


def is_open_to_all(place: Path) -> bool:
    """Whether every user may enter that folder, or run that file."""
    real = place.resolve()
    return all(one.stat().st_mode & 0o001 for one in (real, *real.parents))


def _fill(folder: Path, packages: Sequence[str]) -> Stage:
    root = folder / "root"
    here = root / HERE[1:]
    for name in ("tmp", "proc", CHANNEL[1:], "dev/shm", f"{HERE[1:]}/lib", f"{HERE[1:]}/packages"):
        (root / name).mkdir(parents=True)
    for name in DEVICES:
        (root / "dev" / name).touch()
    for name in ("scratch", "tools"):
        (folder / name).mkdir()
    for name in ("inside.py", "plain.py"):
        shutil.copyfile(Path(__file__).with_name(name), here / name)
    python = _copy_python(root)
    versions = tuple(copy_distribution(name, here / "packages") for name in packages)
    _copy_libraries(root, python, packages)
    _readable(folder)
    return Stage(folder, python, versions)


def _copy_python(root: Path) -> str:
    """The base interpreter and its standard library, at the places that they have on the host."""
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    for library in sorted(libraries):
        shutil.copytree(library, _in(root, library), ignore=_left_out, dirs_exist_ok=True)
    _in(root, base).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(base, _in(root, base))
    return str(base)


def _left_out(folder: str, names: list[str]) -> set[str]:
    return {n for n in names if n in LEFT_OUT or n.startswith("config-") or ".opt-" in n}


def copy_distribution(name: str, to: Path) -> str:
    """Copies the files of an installed distribution; gives its name and version."""
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise SandboxUnavailable(
            f"a sandbox holds packages that are installed; got {name!r}; run: pip install {name}"
        ) from error
    for file in found.files or ():
        place = Path(str(found.locate_file(file)))
        if ".." not in file.parts and place.is_file():
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(place, to / file)
            (to / file).chmod(0o755 if os.access(place, os.X_OK) else 0o644)
    return f"{found.name}=={found.version}"


def _copy_libraries(root: Path, python: str, packages: Iterable[str]) -> None:
    """The shared libraries that Python maps once all of its own modules are loaded, all in one
    folder, under each name by which they are found. It runs the copy, which also compiles it."""
    here = str(root / HERE[1:])
    command = [str(_in(root, python)), "-s", "-S", "-P", "-c", _LOADS, here, *packages]
    known = {"PYTHONPATH": str(root / HERE[1:] / "packages"), "LD_LIBRARY_PATH": _library_path()}
    ran = subprocess.run(command, capture_output=True, text=True, env=known, timeout=120)  # noqa: S603
    if ran.returncode:
        raise SandboxUnavailable(
            f"a sandbox needs a Python that works when it is copied; {python} said "
            f"{ran.stderr.strip()[-300:]!r}; use another Python"
        )
    target = root / HERE[1:] / "lib"
    for place in map(Path, ran.stdout.splitlines()):
        if place.is_file() and root not in place.parents:
            shutil.copyfile(place, target / place.name)
            (target / place.name).chmod(0o755)
            for name in _links_to(place):
                (target / name).symlink_to(place.name)
    needed = loader(Path(python))
    if needed:
        _in(root, needed).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(needed).resolve(), _in(root, needed))


def _library_path() -> str:
    """Where a shared libpython of this interpreter may lie, if it has one."""
    return str(sysconfig.get_config_var("LIBDIR") or "")


def _links_to(library: Path) -> set[str]:
    """The names of the links to it beside it."""
    stem = library.name.partition(".so")[0]
    links = (one for one in library.parent.glob(f"{stem}*.so*") if one.is_symlink())
    return {one.name for one in links if one.resolve() == library}


def loader(executable: Path) -> str:
    """The dynamic loader that an ELF executable of 64 bits asks for; empty if it asks for none."""
    data = executable.read_bytes()
    (table,) = struct.unpack_from("<Q", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x36)
    for at in range(table, table + size * count, size):
        kind, offset, length = struct.unpack_from("<I4xQ16xQ", data, at)
        if kind == 3:  # PT_INTERP
            return data[offset : offset + length].rstrip(b"\0").decode()
    return ""


def _readable(folder: Path) -> None:
    """Lets every user read it: what was copied keeps the mode that it had."""
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            one = Path(path, name)
            if not one.is_symlink():
                mode = one.stat().st_mode
                one.chmod((mode & 0o777) | (0o555 if mode & 0o100 else 0o444))


def _in(root: Path, place: str | Path) -> Path:
    return root / str(place).lstrip("/")

"""A PostgreSQL server of the tests' own, from the programs on this machine."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

PROGRAMS = ("initdb", "pg_ctl", "postgres")
PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
"""Where Debian puts them, off the PATH."""

_numbers = count()


@contextmanager
def running():
    """The address of a fresh server; skips the test where none can be had."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs psycopg (the extra `postgres`)")
    path = os.pathsep.join([os.environ["PATH"], *map(str, PLACES)])
    if missing := [name for name in PROGRAMS if shutil.which(name, path=path) is None]:
        pytest.skip(f"needs the programs of a PostgreSQL server; {missing[0]} is not here")
    # A path of its own and short: that of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="archsearch-pg-"))
    runner = subordinate(folder)
    environment = {**os.environ, "PATH": path}

    def call(*command):
        done = subprocess.run(
            [*runner, *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done

    data = str(folder / "data")
    try:
        call("initdb", "-D", data, "-U", "archsearch", "-A", "trust", "--no-sync")
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off"
        call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start")
        yield f"postgresql://archsearch@/postgres?host={folder}"
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def subordinate(folder):
    """What runs a command as somebody else where this is root, whom a server refuses."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, as a PostgreSQL server refuses to run as root")
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def schema():
    """The name of one that no other test has."""
    return f"test_{next(_numbers)}"

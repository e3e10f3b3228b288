"""examples/django_lessons with PostgreSQL, as `DATABASE_URL` says: a server of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django_server import copy_example, serve

pytestmark = pytest.mark.one_version


def programs() -> Path:
    """Where PostgreSQL's programs are; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        pytest.skip("there is no PostgreSQL; install it with: sudo apt-get install postgresql")
    return installed[-1].parent


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty one."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    home = programs()
    nobody = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    data = Path(tempfile.mkdtemp(prefix="lessons-"))
    if nobody:
        shutil.chown(data, nobody)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": "/", "user": nobody}
    words = ["-A", "trust", "-U", "teacher", "--no-sync", "-E", "UTF8", "--locale=C"]
    subprocess.run([home / "initdb", "-D", data, *words], check=True, timeout=120, **quiet)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {data} -F"
    control: list[str | Path] = [home / "pg_ctl", "-D", data, "-w", "-t", "60"]
    log: list[str | Path] = ["-l", data / "log", "-o", options]
    subprocess.run([*control, *log, "start"], check=True, timeout=120, **quiet)
    try:
        yield f"postgres://teacher:not%20asked@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, timeout=120, **quiet)
        shutil.rmtree(data, ignore_errors=True)


def test_the_project_works_with_postgresql(tmp_path: Path, database: str) -> None:
    project = copy_example(tmp_path / "site", DATABASE_URL=database)
    assert not list(project.glob("*.sqlite3"))
    with serve(project, DATABASE_URL=database) as server:
        status, headers, body = server.get("/lessons/joined/")
        assert (status, len(json.loads(body)["lessons"])) == (200, 10_050)
        figures = dict(part.split("=") for part in headers["X-Heapscope"].split("; "))
        assert int(figures["peak"]) > 10 << 20
        assert json.loads(server.get("/departments/")[2])["Music"] == 1_005

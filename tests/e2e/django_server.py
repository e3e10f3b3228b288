"""The example project, copied, filled and served as its README says."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[2] / "examples" / "django_lessons"
_DEADLINE_S = 150.0


def copy_example(directory: Path, **environment: str) -> Path:
    """A copy with a database of its own, filled."""
    project = directory / "django_lessons"
    ignored = shutil.ignore_patterns("*.sqlite3", "__pycache__")
    shutil.copytree(EXAMPLE, project, ignore=ignored)
    manage(project, "migrate", "-v0", **environment)
    assert manage(project, "seed", **environment) == (
        "10 departments, 150 courses, 10,050 lessons\n"
    )
    return project


def manage(project: Path, *words: str, **environment: str) -> str:
    """What a command of the project prints."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **environment},
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


class Server:
    """A running one.

    Attributes
    ----------
    address : str
        ``http://127.0.0.1:PORT``.
    log : Path
        What it wrote.
    """

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self.address = f"http://127.0.0.1:{port}"
        self.log = log

    def get(self, place: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any, bytes]:
        """Status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_DEADLINE_S)
        with contextlib.closing(connection):
            connection.request("GET", place, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.headers, response.read()


@contextlib.contextmanager
def serve(project: Path, **environment: str) -> Iterator[Server]:
    """Django's own server, until the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = project / "server.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Server(port, log)
    finally:
        process.terminate()
        process.wait(30)

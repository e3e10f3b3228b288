"""Each kind of suspect and waste in a program of its own: the only finding; none in its twin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heapscope import _analysis

pytestmark = pytest.mark.one_version  # how large things are differs, what is found does not

PROGRAMS = Path(__file__).parent / "leaky"

# program: the kind, the path of the object, at least so many bytes, the count.
SEEDED = {
    "accumulation": ("accumulation", "registry.entries", 20_000 * 129, 20_000),
    "chain": ("accumulation", "HEAD", 20_000 * 129, 20_000),
    "growing_container": ("growing_container", "server.log", 600 * 233, 900),
    "unbounded_cache": ("unbounded_cache", "render", 5_000 * 333, 5_000),
    "unbounded_dict": ("unbounded_cache", "SESSIONS", 20_000 * 65, 20_000),
    "finalizer_cycle": ("finalizer_cycle", "families[", 200 * 100, 200),
    "finalizer_cycle_closure": ("finalizer_cycle", "sessions[", 200 * 250, 200),
    "traceback": ("traceback", "ERRORS[", 300 * 10_033, 300),
    "kept_generator": ("kept_frame", "READER", 20_000 * 133, 1),
    "kept_closure": ("kept_frame", "CALLBACKS[", 300 * 10_033, 300),
    "kept_thread": ("kept_frame", None, 20_000 * 133, None),
    "duplicates": ("duplicates", "ROWS[", 19_000 * 80, None),
    "spare_room": ("spare_room", "TABLES[", 3_000_000, 3),
    "instance_dicts": ("instance_dicts", "POINTS[", 40_000 * 27, 40_000),
    "boxed_numbers": ("boxed_numbers", "SERIES[", 80_000 * 24, 1_000),
}


def _snapshots(program: str, how: str, directory: Path) -> list[_analysis.HeapGraph]:
    subprocess.run(
        [sys.executable, PROGRAMS / f"{program}.py", how, directory], check=True, timeout=120
    )
    return [_analysis.HeapGraph(directory / name) for name in sorted(os.listdir(directory))]


@pytest.mark.parametrize("program", SEEDED)
def test_what_leaks_is_the_only_finding(program: str, tmp_path: Path) -> None:
    *earlier, last = _snapshots(program, "leaks", tmp_path)
    (finding,) = last.suspects(earlier) + last.waste()
    kind, path, least, count = SEEDED[program]
    assert finding["kind"] == kind
    if path is None:
        assert finding["path"].startswith("<thread 'Thread-1")
    else:
        assert finding["path"].startswith(f"sys.modules['__main__'].{path}")
    assert least <= finding["bytes"] <= 2 * least
    if count is not None:
        assert finding["count"] == count
    assert finding["object"] in last.set_of([finding["object"], *finding["objects"]])
    if kind == "duplicates":
        assert "; 19,990 are __main__.ROWS[*]" in finding["what"]


@pytest.mark.parametrize("program", SEEDED)
def test_its_healthy_twin_has_none(program: str, tmp_path: Path) -> None:
    *earlier, last = _snapshots(program, "healthy", tmp_path)
    assert last.suspects(earlier) + last.waste() == []


HEALTHY = """
import asyncio, concurrent.futures, ctypes, decimal, difflib, doctest, email.mime.text
import html.entities, http.server, inspect, json, logging.config, mailbox, multiprocessing.pool
import pydoc, sqlite3, ssl, sys, tarfile, traceback, unittest.mock, urllib.request
import wsgiref.simple_server, xml.dom.minidom
try:
    1 / 0
except ZeroDivisionError:
    traceback.format_exc()
sys.path.insert(0, sys.argv[2])
{more}
from heapscope import _tracker
for number in range(3):
    _tracker.heap_write(f"{{sys.argv[1]}}/{{number}}.raw")
"""

DJANGO = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib." + app for app in
                    ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"], STATIC_URL="static/",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
django.setup()
from django.core.management import call_command
from django.http import JsonResponse
from django.test import Client
from django.urls import path
urlpatterns = [path("", lambda request: JsonResponse({"rows": 1}))]
call_command("migrate", verbosity=0)
assert [Client().get("/").status_code for _ in range(20)] == [200] * 20
"""


@pytest.mark.parametrize("more", ["", DJANGO], ids=["standard_library", "idle_django"])
def test_a_healthy_program_has_no_finding(more: str, tmp_path: Path) -> None:
    program = HEALTHY.format(more=more)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, tmp_path, PROGRAMS],
        check=True,
        timeout=120,
    )
    *earlier, last = (_analysis.HeapGraph(tmp_path / name) for name in sorted(os.listdir(tmp_path)))
    assert last.object_count > 80_000
    assert last.suspects(earlier) + last.waste() == []

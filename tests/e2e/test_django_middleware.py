"""`HeapscopeMiddleware` on a site of one file: what it measures, and whom it tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SITE = Path(__file__).parent / "programs" / "django_site.py"
TOKEN = "an open secret of this test"
SLACK = 10_000  # bytes that Django may keep or free of its own between two equal requests
# An exception that passes a `contextlib.contextmanager` of 3.10 ends in a cycle with all frames up
# to the server's: Django has two a request, 10 KB, which are there until they are collected.
OF_DJANGO = 40_000

DJANGO_SAYS = ("heapscope: GET", "heapscope: POST", "Not Found: ", "Forbidden: ", "Method Not ")


def ask(scenario: str, *, errors: str | None = "", **settings: Any) -> Any:
    """Run a scenario; `errors` is what stderr has to be, None: anything."""
    ended = subprocess.run(
        [sys.executable, str(SITE), scenario],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "SITE_SETTINGS": json.dumps(settings), "SITE_TOKEN": TOKEN},
    )
    assert ended.returncode == 0, ended.stderr
    if errors is not None:
        said = [line for line in ended.stderr.splitlines() if not line.startswith(DJANGO_SAYS)]
        assert "\n".join(said) == errors
    return json.loads(ended.stdout)


def about(value: float, wanted: float) -> bool:
    return abs(value - wanted) < SLACK


@pytest.mark.one_version
def test_it_is_off_unless_it_is_enabled() -> None:
    found = ask("nothing", HEAPSCOPE={})
    assert found == {"status": 200, "header": None, "page": 404, "tracker": False}


@pytest.mark.one_version
def test_without_debug_and_token_it_refuses_and_says_so() -> None:
    why = "heapscope: off: DEBUG is off and HEAPSCOPE['TOKEN'] is not set"
    found = ask("nothing", errors=why, DEBUG=False)
    assert found == {"status": 200, "header": None, "page": 404, "tracker": False}


def test_what_a_request_keeps_and_needs_is_exact() -> None:
    found = ask("exact")
    small, large = found["kept"]
    assert abs(large - small - 250_000) < 256
    assert all(0 <= net < OF_DJANGO for net in found["of Django"].values())
    assert about(small - found["of Django"]["keep"], 100_000)
    small, large = found["needed"]
    assert abs(large - small - 250_000) < 256
    assert all(about(net, found["of Django"]["need"]) for net in found["needed net"])
    record, warming = (each for each in found["last"][:8] if each["view"].endswith(".Page"))
    assert record["route"] == "/class/<int:size>/"
    assert record["view"].endswith(".Page")
    assert about(record["net_bytes"] - warming["net_bytes"], 400_000)
    assert record["peak_bytes"] >= record["net_bytes"]
    assert record["allocated_bytes"] - record["freed_bytes"] == record["net_bytes"]
    assert record["together"] == 1
    line = record["lines"][0]
    assert (line["file"], line["source"]) == ("django_site.py", "kept.append(bytes(size))")
    assert line["increment_bytes"] >= 400_033


def test_requests_on_two_threads_have_their_own_bytes() -> None:
    found = ask("threads")
    assert about(found["net"][0], 1_000_000)
    assert about(found["net"][1], 3_000_000)
    assert [record["together"] for record in found["last"]] == [2, 2]


def test_tasks_that_run_in_turn_have_their_own_bytes() -> None:
    found = ask("asynchronous")
    assert about(found["async"][0], 1_000_000)
    assert about(found["async"][1], 3_000_000)
    assert about(found["keep"][0], 1_000_000)
    assert about(found["beside"][0], 1_000_000)


def test_under_asgi_views_of_both_kinds_are_measured_at_once() -> None:
    found = ask("served_by_asgi")
    for net, wanted in zip(found["net"], (1, 3, 5, 7), strict=True):
        assert abs(net - wanted * 1_000_000) < 10 * SLACK
    assert found["streamed"] == "ab"
    assert found["last"]["streamed"] is True
    assert abs(found["last"]["net_bytes"] - 800_000) < 10 * SLACK


def test_a_streamed_body_belongs_to_its_request() -> None:
    found = ask("streamed")
    assert found["while streaming"] == 0  # it is not over
    head, whole = found["of Django"]
    assert 0 <= head <= whole < OF_DJANGO
    assert about(found["header net"], head)
    assert found["body"] == "ab"
    unread, record = found["last"]
    assert record["streamed"] is True
    assert about(record["net_bytes"] - whole, 800_000)
    assert about(unread["net_bytes"], whole)


@pytest.mark.one_version
@pytest.mark.parametrize("debug", [False, True])
def test_only_the_token_opens_the_page_where_debug_is_off(debug: bool) -> None:
    found = ask(
        "tokens",
        errors=None,
        DEBUG=debug,
        HEAPSCOPE={"ENABLED": True, "TOKEN": TOKEN},
        INTERNAL_IPS=[],
        ALLOWED_HOSTS=["testserver"],
    )
    shut = [200, True] if debug else [401, False]  # in DEBUG the client is near, and needs none
    for name in ("nothing", "wrong", "empty", "prefix", "not ascii", "broken"):
        assert found[name] == shut, name
    assert found["wrong password"] == found["as the user"] == shut
    for name in ("header", "bearer", "password"):
        assert found[name] == [200, True], name
    assert found["from afar"] == 200
    if not debug:
        assert found["asks"] == 'Basic realm="heapscope", charset="UTF-8"'


@pytest.mark.one_version
def test_the_page_is_for_this_machine_and_internal_addresses() -> None:
    found = ask("places", errors=None, INTERNAL_IPS=["10.1.2.3"])
    shown, refused = [200, 200, 200, 200, 404], [403] * 5
    for name in ("here", "here, IPv6", "internal"):
        assert found[name] == shown, name
    for name in ("afar", "forwarded", "no address"):
        assert found[name] == refused, name
    assert found["another host"] == [400] * 5
    assert found["header afar"] is False


@pytest.mark.one_version
def test_nothing_that_a_request_carries_is_told() -> None:
    found = ask("data", errors=None)
    assert found["leaked"] == []
    assert found["said"] > 5_000


@pytest.mark.one_version
def test_buttons_work_from_the_page_only() -> None:
    found = ask("buttons")
    assert found["nothing"] == found["wrong"] == 403
    assert found["put"] == 405
    assert found["right"] == 303
    assert found["unasked"] is found["once"] is None
    leaked = [row for row in found["asked"] if row["type"].endswith("Leaked")]
    assert [row["count"] for row in leaked] == [5]


def test_types_that_grow_every_time_are_told_with_their_holder() -> None:
    found = ask("growth")
    (row,) = [row for row in found["last"]["growth"] if row["type"].endswith("Leaked")]
    assert row["count"] == 7
    page = found["page"]
    assert "Leaked <span class='chip warn'>every time" in page
    assert "+21" in page


@pytest.mark.one_version
def test_a_view_that_fails_is_measured_too() -> None:
    found = ask("failing", errors=None)
    (record,) = found["last"]
    assert record["status"] == 500
    assert record["net_bytes"] is not None


@pytest.mark.one_version
def test_a_wrong_setting_is_said_at_the_start() -> None:
    *wrong, right = ask("wrong_settings")
    assert right == "accepted"
    assert len(set(wrong)) == len(wrong)
    assert all(text.startswith("HEAPSCOPE[") for text in wrong)
    assert "there are ENABLED, TOKEN, PATH" in wrong[0]

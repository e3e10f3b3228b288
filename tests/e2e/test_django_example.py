"""examples/django_lessons, served and looked at in Chromium: what docs/django.md shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium, Page
from django_server import Server, copy_example, manage, serve

pytestmark = pytest.mark.one_version


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_example(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    with serve(project) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    started = Chromium(tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


def rows(page: Page, table: int = 0) -> list[list[str]]:
    found: list[list[str]] = page.evaluate(
        f"[...document.querySelectorAll('table')[{table}].tBodies[0].rows].map(row => "
        "[...row.cells].map(cell => cell.textContent.trim()))"
    )
    return found


def show(page: Page, address: str) -> None:
    page.open(address)
    page.wait_for(f"document.readyState === 'complete' && location.href === '{address}'")


def test_both_views_give_the_same_10_050_lessons(server: Server) -> None:
    bodies = [json.loads(server.get(place)[2]) for place in ("/lessons/", "/lessons/joined/")]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]["lessons"]) == 10_050
    assert bodies[0]["lessons"][0] == {
        "number": 1,
        "title": "Mathematics 1, lesson 0",
        "room": "02B",
        "starts_at": "2026-09-01T09:00:00+00:00",
        "course": "Mathematics 1",
        "department": "Mathematics",
    }
    counted = json.loads(server.get("/departments/")[2])
    assert counted == dict.fromkeys(counted, 1_005)
    assert len(counted) == 10


def test_a_request_is_told_in_a_header_a_log_line_and_a_page(
    server: Server, browser: Chromium
) -> None:
    server.get("/lessons/joined/")
    status, headers, _ = server.get("/lessons/joined/?with=something+private")
    assert status == 200
    figures = dict(part.split("=") for part in headers["X-Heapscope"].split("; "))
    assert int(figures["peak"]) > 10 << 20
    assert "GET /lessons/joined/ 200: net +" in server.log.read_text()
    assert "most at lessons/views.py:" in server.log.read_text()
    with browser.page() as page:
        show(page, f"{server.address}/__heapscope__/")
        first = rows(page)[0]
        assert first[2].startswith("GET /lessons/joined/")
        assert first[5].endswith("MiB")
        page.evaluate("document.querySelector('tbody a').click()")
        page.wait_for("document.querySelector('h1')?.textContent === 'GET /lessons/joined/'")
        lines = rows(page)
        assert any("select_related" in line[5] for line in lines)
        assert {line[4].partition(":")[0] for line in lines} == {"lessons/views.py"}
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []
        assert all(asked.startswith(f"{server.address}/__heapscope__/") for asked in page.requests)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_readers_colours(
    server: Server, browser: Chromium, scheme: str
) -> None:
    server.get("/departments/")
    with browser.page() as page:
        media = {"name": "prefers-color-scheme", "value": scheme}
        page.send("Emulation.setEmulatedMedia", features=[media])
        show(page, f"{server.address}/__heapscope__/")
        colours = page.evaluate(
            "['color', 'backgroundColor'].map(name => "
            "getComputedStyle(document.body)[name].match(/\\d+/g).slice(0, 3).map(Number))"
        )
        text, ground = (sum(colour) for colour in colours)
        assert (text < ground) == (scheme == "light")
        assert abs(text - ground) > 500
        assert page.complaints == []


def test_the_command_visits_without_a_server(project: Path) -> None:
    printed = manage(project, "visit", "/departments/", "/lessons/3/", "--times", "2")
    assert [line.partition(":")[0] for line in printed.splitlines()] == [
        "200 /departments/",
        "200 /departments/",
        "200 /lessons/3/",
        "200 /lessons/3/",
    ]


def test_without_debug_the_site_is_served_and_the_page_is_not(project: Path) -> None:
    with serve(project, DEBUG="0") as server:
        status, headers, _ = server.get("/departments/")
        assert (status, headers["X-Heapscope"]) == (200, None)
        assert server.get("/__heapscope__/")[0] == 404
        assert "heapscope: off: DEBUG is off" in server.log.read_text()
    token = "told to few"
    with serve(project, DEBUG="0", HEAPSCOPE_TOKEN=token) as server:
        assert server.get("/departments/")[1]["X-Heapscope"] is None
        assert server.get("/__heapscope__/")[0] == 401
        status, _, body = server.get("/__heapscope__/", {"X-Heapscope-Token": token})
        assert status == 200
        assert b"/departments/" in body

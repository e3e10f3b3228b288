"""examples/django_lessons, served and looked at in Chromium: what docs/django.md shows."""

from __future__ import annotations

import json
import re
import shutil
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


def show_until(page: Page, address: str, expression: str) -> None:
    """Show a page, again and again: a request is told of after its answer was sent."""
    for _ in range(200):
        show(page, address)
        if page.evaluate(expression):
            return
        page.evaluate("new Promise(done => setTimeout(done, 50))")
    raise AssertionError(page.evaluate("document.body.textContent"))


def test_both_views_give_the_same_10_050_lessons(project: Path) -> None:
    with serve(project, DEBUG="0") as server:  # one asks the database 20,101 times
        bodies = [json.loads(server.get(place)[2]) for place in ("/lessons/", "/lessons/joined/")]
        counted = json.loads(server.get("/departments/")[2])
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
    with browser.page() as page:
        told = "document.querySelector('tbody tr')?.textContent.includes('GET /lessons/joined/')"
        show_until(page, f"{server.address}/__heapscope__/", told)
        assert "GET /lessons/joined/ 200: net +" in server.log.read_text()
        assert "most at lessons/views.py:" in server.log.read_text()
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
        assert b"<h1>Requests</h1>" in body


def test_the_lines_of_a_view_are_a_table(project: Path, tmp_path: Path) -> None:
    marked = tmp_path / "marked"
    shutil.copytree(project, marked)
    views = marked / "lessons" / "views.py"
    text = views.read_text()
    text = text.replace("def all_lessons_joined", "@heapscope.profile\ndef all_lessons_joined")
    future = "from __future__ import annotations\n"
    views.write_text(text.replace(future, f"{future}import heapscope\n"))
    printed = manage(marked, "visit", "/lessons/joined/")
    assert "Line #    Mem usage    Increment  Occurrences   Line Contents" in printed
    rows = {
        match[2].strip(): float(match[1])
        for match in re.finditer(r"MiB +(-?[\d.]+) MiB +1   (.*)", printed)
    }
    (query,) = [size for line, size in rows.items() if "select_related" in line]
    (made,) = [size for line, size in rows.items() if line.startswith("rows = ")]
    (left,) = [size for line, size in rows.items() if line.startswith("return ")]
    assert 10 < query < 20
    assert 2 < made < 6
    assert -20 < left < -10
    assert "all_lessons_joined: 1 call, net " in printed


def test_growth_by_type_tells_the_two_queries_apart(project: Path) -> None:
    counts: dict[bool, dict[str, int]] = {}
    for joined in (False, True):
        words = ["growth", "--types", "40", *(["--joined"] if joined else [])]
        printed = manage(project, *words)
        assert re.match(r" +types \| +# objects \| +total size\n", printed)
        assert "10,050 lessons of 10 departments" in printed
        counts[joined] = {
            row[1]: int(row[2])
            for row in re.finditer(r"(?m)^ *(\S.*?) \| +(-?\d+) \| +[\d.]+ [KM]?B$", printed)
        }
    for found in counts.values():
        for model in ("Lesson", "Course", "Department"):
            (count,) = [
                number for kind, number in found.items() if kind.endswith(f"lessons.models.{model}")
            ]
            assert count == 10_050
        (states,) = [number for kind, number in found.items() if kind.endswith("ModelState")]
        assert states == 3 * 10_050


def test_one_lesson_is_drawn_with_its_course_and_department(project: Path, tmp_path: Path) -> None:
    picture = tmp_path / "lesson.svg"
    manage(project, "picture", str(picture))
    drawn = picture.read_text()
    for model in ("Lesson", "Course", "Department"):
        assert drawn.count(f">lessons.models.{model}<") == 1
    assert "fields_cache" in drawn


# What the page says after the requests around which a census is taken.
FOLLOWED = {20: "Waiting for a second census", 40: "A third census will tell"}


def test_the_page_finds_the_seeded_leak(project: Path, browser: Chromium) -> None:
    with serve(project) as server, browser.page() as page:
        for number in range(1, 62):
            assert server.get(f"/lessons/{number}/")[0] == 200
            if number in FOLLOWED:  # a census is taken when the response has gone
                show_until(
                    page,
                    f"{server.address}/__heapscope__/growth/",
                    f"document.body.textContent.includes('{FOLLOWED[number]}')",
                )
        told = (
            "[...(document.querySelectorAll('table')[1]?.rows ?? [])]"
            ".some(row => row.cells[2].textContent === '61')"
        )
        show_until(page, f"{server.address}/__heapscope__/", told)
        by_route = {row[0]: row for row in rows(page, 1)}
        leaking = by_route["GET /lessons/<int:number>/"]
        assert leaking[2] == "61"
        assert leaking[4].endswith("KiB")
        show_until(
            page,
            f"{server.address}/__heapscope__/growth/",
            "document.body.textContent.includes('still there after request 60')",
        )
        kind, objects, _, freed, held_by, allocated_at = rows(page)[0]
        assert kind == "lessons.models.Lesson"
        # Those before may be of the tick in which the first census was taken.
        assert 20 <= int(objects) <= 24
        assert freed.endswith("KiB")
        assert "lessons.recent" in held_by
        assert "_seen" in held_by
        assert allocated_at.startswith("lessons/views.py:")
        assert "get_object_or_404(Lesson.objects" in allocated_at
        grown = {row[0]: row for row in rows(page, 1)}
        # The one of the request that was just answered may be in use still.
        assert 38 <= int(grown["lessons.models.Lesson every time"][1]) <= 42
        page.evaluate("document.querySelectorAll('button')[1].click()")  # compare from here on
        page.wait_for("document.body?.textContent.includes('Waiting for the first census')")
        assert page.complaints == []

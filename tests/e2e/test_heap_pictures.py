"""Pictures of objects: what they show is what refers to what, and what they leave out is said."""

from __future__ import annotations

import gc
import re
import weakref
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import heapscope
from heapscope.objects import picture_dot

pytestmark = pytest.mark.one_version

SVG = "{http://www.w3.org/2000/svg}"


class Teacher:
    def __init__(self) -> None:
        self.name = "Ada"
        self.hostile = type('Its "<b>&\\', (), {})()
        self.lessons: list[Lesson] = []


class Lesson:
    def __init__(self, teacher: Teacher, number: int) -> None:
        self.teacher = teacher
        self.number = number
        teacher.lessons.append(self)


@pytest.fixture(params=["graphviz", "own"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "own":
        monkeypatch.setattr(picture_dot, "find_dot", lambda: None)
    elif picture_dot.find_dot() is None:
        pytest.skip("there is no dot: install graphviz")
    return str(request.param)


@pytest.fixture
def teacher() -> Teacher:
    made = Teacher()
    for number in range(30):
        Lesson(made, number)
    return made


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def arrows(picture: heapscope.Picture) -> set[tuple[str, str, str]]:
    """(type, name of the reference, type) of each arrow, out of the DOT text."""
    boxes = dict(re.findall(r'^  "([\w-]+)" \[label="(.*?)(?:\\n|")', picture.dot, re.MULTILINE))
    found = re.findall(r'^  "([\w-]+)" -> "([\w-]+)" \[label="(.*?)"', picture.dot, re.MULTILINE)
    return {(boxes[source], name, boxes[target]) for source, target, name in found}


def test_references_are_arrows_with_their_names(teacher: Teacher, layout: str) -> None:
    picture = heapscope.show_refs(teacher, max_depth=2)
    here = f"{__name__}.Teacher"
    assert {
        (here, ".name", "str"),
        (here, ".lessons", "list"),
        ("list", "[0]", f"{__name__}.Lesson"),
    } <= arrows(picture)
    shown = texts(picture.svg)
    assert any(".lessons" in text for text in shown)
    assert f'{__name__}.Its "<b>&\\' in shown
    assert any("retains" in text for text in shown)


def test_what_the_limits_leave_out_is_said_in_the_picture(teacher: Teacher, layout: str) -> None:
    picture = heapscope.show_refs(teacher, max_depth=2, too_many=4)
    shown = texts(picture.svg)
    assert "26 more" in shown
    assert any(text.startswith("26 references left out") for text in shown)
    assert any("lie deeper than max_depth=2" in each for each in picture.left_out)


def test_referrers_lead_to_the_object_from_a_variable(teacher: Teacher) -> None:
    lesson = teacher.lessons[3]
    picture = heapscope.show_backrefs(lesson)
    found = arrows(picture)
    here = f"{__name__}.Lesson"
    assert ("list", "[3]", here) in found
    assert any(target == here and name.endswith("lesson") for _, name, target in found)
    assert not any("heapscope" in source for source, _, _ in found), "its own frames"


def test_a_chain_begins_at_a_root_and_ends_at_the_object(teacher: Teacher, layout: str) -> None:
    picture = heapscope.show_chain(teacher.lessons[3])
    found = arrows(picture)
    sources, targets = {each[0] for each in found}, {each[2] for each in found}
    assert f"{__name__}.Lesson" in targets - sources
    assert len(sources - targets) == 1
    assert picture.svg.count("<svg") == 1


def test_a_given_chain_is_drawn_with_the_names_between_its_objects(teacher: Teacher) -> None:
    chain = [teacher, teacher.lessons, teacher.lessons[5]]
    assert arrows(heapscope.show_chain([chain])) == {
        (f"{__name__}.Teacher", ".lessons", "list"),
        ("list", "[5]", f"{__name__}.Lesson"),
    }
    with pytest.raises(heapscope.HeapscopeError, match="does not refer"):
        heapscope.show_chain([[teacher.lessons, teacher.name]])


def test_dominators_show_what_would_go_with_an_object(layout: str) -> None:
    holder = {"only here": [bytearray(100_000)]}
    found = arrows(heapscope.show_dominators(holder))
    assert ("list", "", "bytearray") in {(a, "", b) for a, _, b in found}
    assert ("dict", "", "list") in {(a, "", b) for a, _, b in found}
    biggest = heapscope.show_dominators(max_depth=1, too_many=3)
    assert "biggest" in biggest.title
    assert texts(biggest.svg)


def test_filter_highlight_and_extra_ignore_take_objects(teacher: Teacher) -> None:
    asked: list[Any] = []

    def is_lesson(each: Any) -> bool:
        asked.append(type(each))
        return isinstance(each, Lesson)

    picture = heapscope.show_refs(
        [teacher],
        max_depth=2,
        too_many=50,
        filter=lambda each: not isinstance(each, str),
        highlight=is_lesson,
        extra_ignore=[id(teacher.lessons[0])],
    )
    found = arrows(picture)
    assert not any(target == "str" for _, _, target in found)
    assert Lesson in asked
    names = {name for _, name, target in found if target == f"{__name__}.Lesson"}
    assert names == {f"[{number}]" for number in range(1, 30)}
    assert picture.dot.count('fillcolor="#fef3c7"') == 29


def test_a_picture_keeps_no_object_alive(teacher: Teacher) -> None:
    lesson = Lesson(Teacher(), 1)
    gone = weakref.ref(lesson)
    picture = heapscope.show_refs(lesson, filter=lambda _: True)
    del lesson
    gc.collect()
    assert gone() is None
    assert picture.svg


@pytest.mark.parametrize("name", ["heap.svg", "heap.dot", "heap.gv", "heap.png"])
def test_the_name_of_the_file_chooses_the_format(
    teacher: Teacher, tmp_path: Path, name: str
) -> None:
    if name.endswith("png") and picture_dot.find_dot() is None:
        pytest.skip("there is no dot: install graphviz")
    path = tmp_path / name
    heapscope.show_refs(teacher, max_depth=1, filename=path)
    begin = path.read_bytes()[:300]
    marks = {".svg": b"<svg", ".dot": b"digraph", ".gv": b"digraph", ".png": b"\x89PNG"}
    assert marks[path.suffix] in begin or b"<?xml" in begin
    with pytest.raises(heapscope.HeapscopeError, match="exists"):
        heapscope.show_refs(teacher, max_depth=1, filename=path)


def test_mistakes_are_one_line(teacher: Teacher, tmp_path: Path, layout: str) -> None:
    with pytest.raises(heapscope.HeapscopeError, match=r"a picture is \.svg"):
        heapscope.show_refs(teacher, filename=tmp_path / "heap.jpeg")
    with pytest.raises(heapscope.HeapscopeError, match="no objects"):
        heapscope.show_refs()
    if layout == "own":
        with pytest.raises(heapscope.HeapscopeError, match="Graphviz"):
            heapscope.show_refs(teacher, filename=tmp_path / "heap.png")
    assert not list(tmp_path.iterdir())

"""Pictures of objects: what they show is what refers to what, and what they leave out is said."""

from __future__ import annotations

import gc
import inspect
import re
import weakref
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import heapscope
from heapscope.objects import picture_dot, picture_layout

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


def test_boxes_of_the_own_layout_do_not_overlap(teacher: Teacher) -> None:
    holder = [teacher, {number: [Lesson(Teacher(), number)] for number in range(30)}]
    for picture in (
        heapscope.show_refs(holder, max_depth=5),
        heapscope.show_backrefs(teacher, max_depth=4),
        heapscope.show_dominators(),
    ):
        drawn = ElementTree.fromstring(picture_layout.to_svg(picture._graph))
        found = [rect for rect in drawn.iter(f"{SVG}rect") if rect.get("rx")]
        assert len(found) == len(picture._graph.nodes) > 5
        boxes = [[float(each.attrib[key]) for key in ("x", "y", "width", "height")]
                 for each in found]  # fmt: skip
        for position, (x, y, width, height) in enumerate(boxes):
            for other_x, other_y, other_width, other_height in boxes[position + 1 :]:
                beside = x + width <= other_x or other_x + other_width <= x
                assert beside or y + height <= other_y or other_y + other_height <= y


def test_the_three_pictures_take_the_same_and_say_so() -> None:
    shows = (heapscope.show_refs, heapscope.show_backrefs, heapscope.show_dominators)
    assert len({str(inspect.signature(each)) for each in shows}) == 1
    for each, name in zip(shows, ("show_refs", "show_backrefs", "show_dominators"), strict=True):
        assert each.__name__ == each.__qualname__ == name
        documented = set(re.findall(r"^    (\w+(?:, \w+)*) : ", each.__doc__ or "", re.MULTILINE))
        named = {word for words in documented for word in words.split(", ")} | {"objects"}
        assert set(inspect.signature(each).parameters) <= named


def test_arrows_that_look_alike_are_few_and_counted(teacher: Teacher) -> None:
    picture = heapscope.show_refs(teacher, max_depth=3, too_many=30)
    back = [each for each in picture._graph.edges if each.name == ".teacher"]
    assert len(back) == 2
    assert "28 arrows between boxes that are shown are left out" in picture.left_out


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

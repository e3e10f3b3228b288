"""The heap's browser: places without a screen, and the screen driven by keys."""

from __future__ import annotations

import asyncio

import pytest

import heapscope
from heapscope.browse.places import at_object, at_objects, at_types

pytestmark = pytest.mark.one_version


class Lesson:
    def __init__(self, number: int) -> None:
        self.title = f"lesson {number}"


HELD = [Lesson(index) for index in range(20)]
NAME = f"{__name__}.Lesson"


@pytest.fixture(scope="module")
def heap() -> heapscope.Heap:
    """A snapshot with twenty lessons."""
    return heapscope.heap()


def test_types_lead_to_objects_and_objects_to_what_holds_them(heap: heapscope.Heap) -> None:
    types = at_types(heap)
    assert sum(int(row[0].replace(",", "")) for row in types.rows) == heap.count
    [place] = [index for index, row in enumerate(types.rows) if row[-1] == NAME]
    lead = types.leads[place]
    assert lead is not None
    objects = lead()
    assert len(objects.rows) == 20
    assert all("HELD[" in row[-1] for row in objects.rows)
    follow = objects.leads[0]
    assert follow is not None
    lesson = follow()
    assert lesson.title[0].startswith(f"{NAME}, ")
    holders = [row for row in lesson.rows if row[0] == "held by ←"]
    assert len(holders) == 1
    assert holders[0][-1].endswith("  list")
    held = {row[-1].split("  ")[0] for row in lesson.rows if row[0] == "refers to →"}
    # On 3.10 attributes lie in a dict of their own.
    assert {".title", ".__dict__"} & set(held)


def test_a_place_tells_what_it_leaves_out(heap: heapscope.Heap) -> None:
    place = at_objects(heap["str"], "str")
    assert len(place.rows) == 501
    assert place.rows[-1][-1].endswith(" smaller ones")
    assert place.leads[-1] is None


def test_one_walks_both_ways_with_the_keyboard(heap: heapscope.Heap) -> None:
    pytest.importorskip("textual")
    from heapscope.browse.app import HeapBrowser

    async def drive() -> list[list[str]]:
        app = HeapBrowser(heap, "x.hsnap")
        seen = []
        async with app.run_test(size=(80, 24)) as pilot:
            seen.append(app.place.title)
            await pilot.press("enter")
            seen.append(app.place.title)
            await pilot.press("enter")
            seen.append(app.place.title)
            await pilot.press("backspace")
            seen.append(app.place.title)
            await pilot.press("t")
            seen.append(app.place.title)
            await pilot.press("q")
        return seen

    types, objects, one, back, again = asyncio.run(drive())
    assert types == again
    assert objects == back
    assert len(one) >= 2
    assert at_object(heap, heap.members[0]).rows is not None

"""Each block counts once, in the domain that was asked, whichever allocators lie beneath."""

from __future__ import annotations

from pathlib import Path

import pytest
from ground_truth import assert_whole, compile_library, figures, record

COUNT = 300
LIVE = {
    "of_0": 0,
    "of_1": 1,
    "of_488": 488,
    "of_489": 489,
    "of_512": 512,
    "of_513": 513,
    "of_98821": 98_821,
    "zeroed_0": 0,
    "zeroed_489": 489,
    "zeroed_513": 513,
    "up_to_513": 513,
    "down_to_512": 512,
    "up_to_489": 489,
    "down_to_1": 1,
    "of_null": 600,
}
PASSED_ON = {"small": 512, "large": 513, "small_for_debug": 488, "to_be_one": 70_000, "freed": 490}
ALLOCATORS = {
    "pymalloc": {"PYTHONMALLOC": "pymalloc"},
    "malloc": {"PYTHONMALLOC": "malloc"},
    "pymalloc_debug": {"PYTHONMALLOC": "pymalloc_debug"},
    "malloc_debug": {"PYTHONMALLOC": "malloc_debug"},
    "dev mode": {"PYTHONDEVMODE": "1"},
    "tracemalloc": {"PYTHONTRACEMALLOC": "3"},
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("library"), "blocks")


@pytest.mark.parametrize("domain", ["object", "mem", "raw"])
@pytest.mark.parametrize("allocator", list(ALLOCATORS))
def test_counts_are_exact(tmp_path: Path, library: Path, allocator: str, domain: str) -> None:
    recorded = record(tmp_path, "counts", str(library), domain, environment=ALLOCATORS[allocator])
    assert_whole(recorded.capture)
    # What ctypes itself needs for a call is gone after it; a line without blocks tells how much.
    call = recorded.at("nothing", domain).allocated
    assert recorded.at("nothing", domain).live == (0, 0)
    for mark, size in LIVE.items():
        assert (mark, recorded.at(mark, domain).live) == (mark, (COUNT * size, COUNT))
        others = {site.domain for site in recorded.sites_at(mark) if site.live_blocks}
        # tracemalloc keeps a traceback, by malloc, of an object that comes from a free list.
        assert (mark, others - {"malloc" * (allocator == "tracemalloc")}) == (mark, {domain})
        if mark.startswith(("of_0", "of_1", "of_4", "of_5")):
            allocated = (COUNT * size + call[0], COUNT + call[1])
            assert (mark, recorded.at(mark, domain).allocated) == (mark, allocated)
    for mark, size in PASSED_ON.items():
        assert (mark, recorded.at(mark, domain).live) == (mark, (0, 0))
        allocated = (COUNT * size + call[0], COUNT + call[1])
        assert (mark, recorded.at(mark, domain).allocated) == (mark, allocated)


def test_python_objects_above_512_bytes_keep_their_domain(tmp_path: Path, library: Path) -> None:
    recorded = record(tmp_path, "counts", str(library), "object")
    assert {site.domain for site in recorded.sites_at("of_98821")} == {"object"}
    program = [site for site in recorded.sites if site.file == str(recorded.program)]
    assert figures([site for site in program if site.domain == "malloc"]).live == (0, 0)

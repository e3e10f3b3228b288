"""The stack of an allocation is the one that Python would show there, line by line."""

from __future__ import annotations

import sys

import pytest
from ground_truth import Recorded, assert_whole, marks, record

from heapscope.capture import Site


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("stacks"), "stacks")


def sites_of(stacks: Recorded, size: int) -> list[Site]:
    """The sites with a bytearray's bytes, which may have another domain than its header.

    An import may have a site of as many bytes by chance.
    """
    with_header = size + 1 + sys.getsizeof(bytearray())
    return [
        site
        for site in stacks.sites
        if site.live_bytes in (size + 1, with_header)
        and "keep" in {frame.function for frame in site.stack}
    ]


def site_of(stacks: Recorded, size: int) -> Site:
    """The one that there is."""
    (site,) = sites_of(stacks, size)
    return site


def lines(stacks: Recorded, site: Site) -> list[str]:
    """The marks of a stack's lines from `run` on, other lines of the program by number."""
    names = {line: name for name, line in marks(stacks.program).items()}
    return [
        names.get(frame.line or 0, str(frame.line))
        for frame in site.stack
        if frame.file == str(stacks.program) and frame.function not in ("<module>", "run")
    ]


def caller(stacks: Recorded, site: Site) -> str:
    """The mark of the line of `run`."""
    names = {line: name for name, line in marks(stacks.program).items()}
    (line,) = [frame.line for frame in site.stack if frame.function == "run"]
    return names.get(line or 0, str(line))


def test_the_sums_hold(stacks: Recorded) -> None:
    summary = assert_whole(stacks.capture)
    assert summary["tracker"]["unwalkable_stacks"] == 0


# A comprehension has no frame of its own from CPython 3.12 on.
IN_COMPREHENSION = ["comprehension"] * (1 if sys.version_info >= (3, 12) else 2)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (100_011, ["consuming", "asynchronous", "keep"]),
        (100_020, ["recursion"] * 50 + ["bottom", "keep"]),
        (100_030, ["calls_eq", "compared", "keep"]),
        (100_031, ["calls_del", "finalised", "keep"]),
        (100_032, ["calls_getattr", "looked_up", "keep"]),
        (100_033, ["calls_lt", "ordered", "keep"]),
        (100_034, ["calls_map", "keep"]),
        (100_035, ["calls_partial", "keep"]),
        (100_036, ["calls_lambda", "calls_lambda", "keep"]),
        (100_037, ["comprehension", *IN_COMPREHENSION, "keep"]),
        (100_040, ["entered", "keep"]),
        (100_041, ["left", "keep"]),
        (100_050, ["raising", "raising", "handler", "keep"]),
        (100_060, ["keep"]),
        (100_070, ["keep"]),
    ],
)
def test_a_stack_is_exact(stacks: Recorded, size: int, expected: list[str]) -> None:
    assert lines(stacks, site_of(stacks, size))[-len(expected) :] == expected


def test_a_coroutine_is_under_those_that_await_it(stacks: Recorded) -> None:
    found = [lines(stacks, site) for site in sites_of(stacks, 100_010)]
    assert sorted(found) == [["awaited", "keep"], ["awaiting"] * 3 + ["awaited", "keep"]]


def test_a_generator_is_under_whoever_resumes_it(stacks: Recorded) -> None:
    ways = {
        (size, tuple(lines(stacks, site)), caller(stacks, site))
        for size in (100_000, 100_001, 100_002)
        for site in sites_of(stacks, size)
    }
    assert ways == {
        (100_000, ("drive", "generator_first", "keep"), "drives"),
        (100_001, ("drive", "generator_second", "keep"), "drives"),
        (100_002, ("drive", "delegating", "delegated", "keep"), "drives"),
        (100_000, ("generator_first", "keep"), "starts"),
        (100_001, ("resumed_elsewhere", "generator_second", "keep"), "passes_on"),
        (100_002, ("resumed_elsewhere", "delegating", "delegated", "keep"), "passes_on"),
    }


def test_executed_code_has_its_own_file_and_lines(stacks: Recorded) -> None:
    site = site_of(stacks, 100_060)
    assert [(frame.function, frame.line) for frame in site.stack if frame.file == "made up"] == [
        ("<module>", 4),
        ("made", 2),
    ]
    assert caller(stacks, site) == "executes"


def test_code_that_comes_and_goes_is_never_mistaken_for_other_code(stacks: Recorded) -> None:
    for position in range(400):
        site = site_of(stacks, 200_000 + 100 * position)
        assert [frame.function for frame in site.stack][-2:] == [f"f{position}", "keep"]


def test_columns_tell_the_calls_of_a_line_apart(stacks: Recorded) -> None:
    site = site_of(stacks, 100_020)
    columns = [frame.column for frame in site.stack if frame.function == "recurse"]
    assert columns == ([11] * 50 + [15] if sys.version_info >= (3, 11) else [None] * 51)

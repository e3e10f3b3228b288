"""Lines whose bytes are known are reported to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from ground_truth import Recorded, assert_whole, figures, record


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("lines"), "lines")


def of_bytearray(lines: Recorded, size: int) -> tuple[int, int]:
    """What a bytearray asks for: its header, and its bytes with a zero behind them."""
    return lines.told["bytearray"] + size + 1, 2


def times(count: int, figure: tuple[int, int]) -> tuple[int, int]:
    return count * figure[0], count * figure[1]


def test_the_sums_hold(lines: Recorded) -> None:
    summary = assert_whole(lines.capture)
    assert lines.capture.complete
    assert summary["tracker"]["unwalkable_stacks"] == 0


def test_a_kept_block_is_live_and_at_the_peak(lines: Recorded) -> None:
    here = lines.at("kept")
    assert here.live == here.peak == here.allocated == of_bytearray(lines, 1_000_000)
    assert here.temporary == (0, 0)


def test_a_block_that_nobody_keeps_is_temporary(lines: Recorded) -> None:
    here = lines.at("dropped")
    assert here.live == here.peak == (0, 0)
    assert here.allocated == here.temporary == of_bytearray(lines, 2_000_000)


def test_a_block_freed_later_is_not_temporary(lines: Recorded) -> None:
    here = lines.at("freed")
    assert here.live == (0, 0)
    assert here.temporary == (0, 0)
    assert here.allocated == of_bytearray(lines, 3_000_000)


def test_blocks_of_98821_bytes_are_each_counted_whole(lines: Recorded) -> None:
    size, blocks = of_bytearray(lines, 98_764)
    assert size == 98_821 + lines.told["bytearray"] - 56
    assert lines.at("odd_size").live == (200 * size, 200 * blocks)
    assert lines.at("odd_size").peak == (200 * size, 200 * blocks)


def test_a_loop_counts_each_turn(lines: Recorded) -> None:
    here = lines.at("loop", "object")
    assert here.live == here.allocated == times(5_000, (lines.told["object"], 1))


def test_a_list_that_grows_belongs_to_the_line_that_grew_it(lines: Recorded) -> None:
    here = lines.at("growth", "mem")
    assert here.live == (lines.told["growth"], 1)
    assert here.allocated[0] > here.live[0]
    assert here.allocated[1] > 10
    assert lines.at("loop", "mem").allocated == (0, 0)


def test_one_byte_blocks_are_one_byte(lines: Recorded) -> None:
    here = lines.at("one_byte", "malloc")
    assert here.live == here.peak == here.allocated == (10_000, 10_000)


def test_realloc_frees_the_old_size_and_allocates_the_new_one(lines: Recorded) -> None:
    assert lines.at("small", "malloc").allocated == (100, 1)
    assert lines.at("small", "malloc").live == (0, 0)
    assert lines.at("reallocated", "malloc").live == (500_000, 1)


def test_calloc_counts_its_product(lines: Recorded) -> None:
    assert lines.at("calloc", "malloc").live == (333_000, 1)


def test_a_freed_native_block_is_gone(lines: Recorded) -> None:
    assert lines.at("gone", "malloc").live == (0, 0)
    assert lines.at("gone", "malloc").allocated == (777_777, 1)


def test_mappings_count_what_was_asked_for(lines: Recorded) -> None:
    assert lines.at("mapped", "mmap").live == (5_000_001, 1)
    assert lines.at("unmapped", "mmap").live == (0, 0)
    assert lines.at("unmapped", "mmap").allocated == (6_000_001, 1)


def test_a_resized_mapping_belongs_to_the_line_that_resized_it(lines: Recorded) -> None:
    assert lines.at("before_resize", "mmap").live == (0, 0)
    assert lines.at("resized", "mmap").live == (8_000_000, 1)


def test_a_reservation_of_three_gibibytes_is_reserved_and_not_used(lines: Recorded) -> None:
    assert lines.at("reserved", "mmap").allocated == (0, 0)
    assert lines.capture.peak_bytes < 1 << 28
    reserved = [
        size for size in lines.capture.timeline["mapped_reserved_bytes"] if size is not None
    ]
    assert max(reserved) >= 3 << 30


def test_sixty_threads_have_their_blocks_and_their_names(lines: Recorded) -> None:
    sites = lines.sites_at("in_thread")
    expected = sum(of_bytearray(lines, 10_000 + index)[0] for index in range(60))
    assert figures(sites).live == (expected, 120)
    assert {site.stack[-1].function for site in sites} == {"work"}


@pytest.mark.parametrize("periodic", ["", "1"])
def test_a_file_written_at_ticks_says_the_same(tmp_path: Path, periodic: str) -> None:
    environment = {"HEAPSCOPE_PERIODIC": periodic} if periodic else {}
    recorded = record(tmp_path, "lines", environment=environment)
    assert_whole(recorded.capture)
    assert recorded.at("kept").live == of_bytearray(recorded, 1_000_000)
    assert recorded.at("one_byte", "malloc").live == (10_000, 10_000)

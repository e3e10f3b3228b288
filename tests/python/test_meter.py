"""Meters: what one thread allocated and freed since a moment, and how high it stood."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import heapscope
from heapscope import _tracker, tracking

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _tracked() -> Iterator[None]:
    tracking.ensure_tracking()
    yield
    heapscope.stop()


def metered(function: Any, *args: Any) -> tuple[Any, _tracker.MeterReading]:
    meter = _tracker.Meter()
    meter.start()
    result = function(*args)
    return result, meter.stop()


def buffers(count: int, size: int) -> list[bytearray]:
    return [bytearray(size) for _ in range(count)]


def test_ensure_tracking_starts_tracking_once_and_leaves_no_file(tmp_path: Any) -> None:
    code = (
        "import heapscope, os\n"
        "from heapscope import tracking\n"
        "tracking.ensure_tracking()\n"
        "tracking.ensure_tracking()\n"
        "assert heapscope.is_tracing()\n"
        "assert len(os.listdir(os.environ['TMPDIR'])) == 1\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


def test_a_kept_block_is_net_and_a_freed_one_is_peak() -> None:
    kept, reading = metered(buffers, 3, MIB)
    assert reading.net_bytes == reading.allocated_bytes - reading.freed_bytes
    assert 3 * MIB <= reading.net_bytes < 3 * MIB + 2000
    del kept
    _, reading = metered(lambda: buffers(3, MIB) and None)
    assert abs(reading.net_bytes) < 2000
    assert 3 * MIB <= reading.peak_bytes < 3 * MIB + 4000


def test_the_net_is_what_the_recorder_counted() -> None:
    counters = _tracker.counters
    counters()
    meter = _tracker.Meter()
    before = counters()["live_bytes"]
    meter.start()
    kept = buffers(200, 3000)
    reading = meter.stop()
    after = counters()["live_bytes"]
    # The rest is the dict of counters() and the reading itself.
    assert abs(after - before - reading.net_bytes) < 5000
    assert len(kept) * 3000 <= reading.net_bytes


def test_a_realloc_frees_the_old_size_and_allocates_the_new_one() -> None:
    buffer = bytearray(2 * MIB)

    def grow() -> None:
        buffer.extend(bytes(6 * MIB))

    _, reading = metered(grow)
    assert 6 * MIB <= reading.net_bytes < 8 * MIB
    assert reading.freed_bytes >= 2 * MIB


def test_meters_nest_and_end_in_any_order() -> None:
    outer, middle, inner = _tracker.Meter(), _tracker.Meter(), _tracker.Meter()
    outer.start()
    first = bytearray(MIB)
    middle.start()
    inner.start()
    del first
    second = bytearray(4 * MIB)
    del second
    crossed = middle.stop()
    third = bytearray(2 * MIB)
    last = inner.stop()
    whole = outer.stop()
    assert 3 * MIB <= crossed.peak_bytes < 3 * MIB + 4000  # 1 MiB was freed first
    assert crossed.peak_bytes <= last.peak_bytes < 3 * MIB + 4000
    assert 4 * MIB <= whole.peak_bytes < 4 * MIB + 4000
    assert len(third) <= whole.net_bytes < 2 * MIB + 4000


def test_blocks_of_other_threads_are_theirs() -> None:
    kept: list[Any] = []
    begun, done = threading.Event(), threading.Event()

    def other() -> None:
        begun.wait()
        kept.append(buffers(1, 5 * MIB))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    meter = _tracker.Meter()
    meter.start()
    begun.set()
    done.wait()
    assert meter.read().allocated_bytes < MIB
    kept.clear()  # freed here: this thread's
    reading = meter.stop()
    assert reading.freed_bytes >= 5 * MIB
    assert reading.net_bytes < -4 * MIB
    assert reading.peak_bytes >= 0
    thread.join()


@pytest.mark.parametrize("seed", range(4))
def test_random_blocks_are_read_to_the_byte(seed: int) -> None:
    chance = random.Random(seed)
    sizes = [chance.randrange(600, 20000) for _ in range(300)]
    order = list(range(300))
    chance.shuffle(order)
    blocks: list[bytearray | None] = [None] * 300
    empty = _tracker.Meter()
    meter = _tracker.Meter()
    meter.start()
    for index, size in enumerate(sizes):
        blocks[index] = bytearray(size)
    full = meter.read()
    for index in order[:150]:
        blocks[index] = None
    half = meter.stop()
    empty.start()
    overhead = empty.stop()
    assert overhead.allocations == 0
    header = bytearray(1000).__sizeof__() - 1001  # a bytearray asks for a byte more than it holds
    # Counters of loops and numbers may be live besides.
    expected = sum(sizes) + 300 * (header + 1)
    assert 0 <= full.net_bytes - expected < 700
    left = expected - sum(sizes[index] + header + 1 for index in order[:150])
    assert 0 <= half.net_bytes - left < 1500


def test_what_cannot_be_asked_is_an_error() -> None:
    meter = _tracker.Meter()
    with pytest.raises(RuntimeError, match="was not started"):
        meter.read()
    with pytest.raises(RuntimeError, match="was not started"):
        meter.stop()
    meter.start()
    with pytest.raises(RuntimeError, match="started already"):
        meter.start()
    errors: list[str] = []

    def other() -> None:
        try:
            meter.stop()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert errors == ["this meter belongs to the thread that started it"]
    meter.stop()
    heapscope.stop()
    with pytest.raises(RuntimeError, match="needs tracking"):
        meter.start()


def test_a_meter_outlives_tracking_and_its_own_name() -> None:
    meter = _tracker.Meter()
    meter.start()
    kept = bytearray(MIB)
    heapscope.stop()
    more = bytearray(MIB)
    tracking.ensure_tracking()
    reading = meter.stop()
    assert len(kept) <= reading.net_bytes < len(kept) + len(more)
    _tracker.Meter().start()  # dropped while it runs: nothing is torn
    assert metered(buffers, 1, MIB)[1].net_bytes >= MIB


def test_a_forked_child_goes_on_and_is_not_tracked() -> None:
    read, write = os.pipe()
    meter = _tracker.Meter()
    meter.start()
    kept = bytearray(MIB)
    child = os.fork()
    if child == 0:
        more = bytearray(8 * MIB)
        first = meter.read().net_bytes
        tracking.ensure_tracking()
        again = bytearray(2 * MIB)
        second = meter.stop().net_bytes
        right = MIB <= first < 2 * MIB and 2 * MIB <= second - first < 4 * MIB
        os.write(write, b"y" if right and len(more) and len(again) else b"n")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1) == b"y"
    os.close(read)
    os.close(write)
    assert len(kept) <= meter.stop().net_bytes < 2 * MIB

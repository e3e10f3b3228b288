"""`measure`: a block and every kind of function, to the byte."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import re
import sys
import threading
import types
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

import heapscope
from heapscope.measurement import Measurement, line

HEADER = sys.getsizeof(b"")
LENGTH, SMALL, LARGE = 1_000_000, 4_000, 3_000_000  # of blocks
KEEP, LITTLE, MUCH = LENGTH + HEADER, SMALL + HEADER, LARGE + HEADER  # the bytes asked for them


@pytest.fixture(autouse=True)
def _tracking_ends() -> Iterator[None]:
    yield
    heapscope.stop()


def block(length: int = LENGTH) -> bytes:
    """A block for which `length` and the header are asked, and nothing else is."""
    return b"x" * length


def figures(measured: Measurement) -> tuple[int | None, ...]:
    return (
        measured.allocated_bytes,
        measured.freed_bytes,
        measured.net_bytes,
        measured.peak_bytes,
    )


def test_an_empty_block_is_zero_to_the_byte() -> None:
    with heapscope.measure(quiet=True):
        pass
    with heapscope.measure(quiet=True) as m:
        pass
    assert figures(m) == (0, 0, 0, 0)
    assert (m.allocations, m.frees) == (0, 0)
    assert m.elapsed_s is not None and m.elapsed_s >= 0


def test_a_block_knows_what_was_allocated_freed_left_and_highest() -> None:
    heapscope.start()
    before = block()
    with heapscope.measure(quiet=True) as m:
        first = block()
        second = block(LARGE)
        del first
        del before
        third = block()
    assert figures(m) == (KEEP + MUCH + KEEP, 2 * KEEP, MUCH, KEEP + MUCH)
    assert (m.allocations, m.frees) == (3, 2)
    assert len(second) > len(third)


def test_the_same_call_has_the_same_bytes_however_short_it_is() -> None:
    @heapscope.measure(quiet=True)
    def short() -> None:
        block(SMALL)

    seen = []
    for _ in range(8):
        short()
        seen.append(figures(short.measurement))  # type: ignore[attr-defined]
    # The first may find one of CPython's free lists empty.
    assert set(seen[3:]) == {(LITTLE, LITTLE, 0, LITTLE)}


def test_the_line_of_the_forums(capsys: pytest.CaptureFixture[str]) -> None:
    @heapscope.measure
    def load_digits() -> bytes:
        return block()

    assert load_digits() == block()
    size, span = r" *-?[\d.]+(B|kB|MB|GB)", r" *[\d.]+(ms|s)"
    pattern = (
        rf"Profiling: {'<load_digits>':>20}  RSS: {size} \| VMS: {size} \| SHR {size}"
        rf" \| time: {span}\n"
    )
    assert re.fullmatch(pattern, capsys.readouterr().out)


def test_the_lines_to_the_character() -> None:
    measured = Measurement("load_digits")
    measured.elapsed_s = 0.08999
    measured.note_sizes((50_000_000, 90_000_000, 10_000), (55_070_000, 94_910_400, 83_728))
    assert line(measured, "profiling") == (
        "Profiling:        <load_digits>  RSS:   5.07MB | VMS:   4.91MB | SHR  73.73kB"
        " | time:  89.99ms"
    )
    assert line(measured, "before-after") == (
        "load_digits: memory before: 50,000,000, after: 55,070,000, consumed: 5,070,000; "
        "exec time: 00:00:00.090"
    )
    assert "not tracked" in line(measured, "exact")
    measured.note_blocks(3 << 20, 1 << 20, 3, 1, 5 << 19)
    assert line(measured, "exact") == (
        "load_digits: net +2.00 MiB, peak +2.50 MiB, allocated 3.00 MiB in 3, "
        "freed 1.00 MiB in 1; RSS +4.84 MiB; 89.99ms"
    )


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, "0.00ms"), (0.001, "1.00ms"), (0.999999, "1.00s"), (75.123, "75.12s")],
)
def test_a_time_is_in_milliseconds_or_seconds(seconds: float, written: str) -> None:
    measured = Measurement("x")
    measured.elapsed_s = seconds
    assert line(measured, "profiling").endswith(f"time: {written:>8}")


def test_the_line_goes_where_it_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with heapscope.measure("load", stream=stream, style="before-after") as m:
        pass
    assert stream.getvalue() == line(m, "before-after") + "\n"
    with heapscope.measure("load", quiet=True):
        pass
    assert capsys.readouterr().out == ""


def test_methods_of_every_kind_are_measured() -> None:
    measure = heapscope.measure(quiet=True)

    class Table:
        @measure
        def load(self, length: int, *, large: bool = False) -> bytes:
            """Load it."""
            return block(LARGE if large else length)

        @measure
        @staticmethod
        def make(length: int) -> bytes:
            return block(length)

        @classmethod
        @measure
        def build(cls, length: int) -> tuple[type, bytes]:
            return cls, block(length)

    table = Table()
    assert len(table.load(LENGTH, large=True)) == LARGE
    assert Table.load.__doc__ == "Load it."
    assert Table.load.__name__ == "load"
    passed = Table.load.measurement.net_bytes - MUCH  # type: ignore[attr-defined]
    assert 0 <= passed < 500, "what passes keywords on"
    table.load(LENGTH)
    assert Table.load.measurement.allocated_bytes == KEEP  # type: ignore[attr-defined]
    assert len(Table.make(LENGTH)) == len(table.make(LENGTH)) == LENGTH
    assert Table.make.measurement.label == "make"  # type: ignore[attr-defined]
    made, _ = Table.build(LENGTH)
    assert made is Table


def test_what_raises_is_measured_and_raises() -> None:
    @heapscope.measure(quiet=True)
    def fail() -> None:
        block()
        raise ZeroDivisionError("as before")

    with pytest.raises(ZeroDivisionError, match="as before"):
        fail()
    assert fail.measurement.peak_bytes >= KEEP  # type: ignore[attr-defined]
    with pytest.raises(KeyError), heapscope.measure(quiet=True) as m:
        raise KeyError(block())
    assert m.net_bytes is not None and m.net_bytes >= KEEP


def test_blocks_nest_and_each_has_its_own_peak() -> None:
    with heapscope.measure(quiet=True) as outer:
        kept = block()
        with heapscope.measure(quiet=True) as inner:
            block(LARGE)
        after = block(SMALL)
    assert (inner.net_bytes, inner.peak_bytes) == (0, MUCH)
    assert outer.peak_bytes is not None and outer.net_bytes is not None
    assert 0 <= outer.peak_bytes - (KEEP + MUCH) < 4_000  # what the inner one needs for itself
    assert 0 <= outer.net_bytes - (KEEP + LITTLE) < 4_000
    assert kept is not after


def test_recursion_is_measured_call_by_call() -> None:
    stream = io.StringIO()

    @heapscope.measure(stream=stream, style="exact")
    def descend(depth: int) -> list[bytes]:
        below = descend(depth - 1) if depth else []
        below.append(block())
        return below

    kept = descend(3)
    assert len(kept) == 4
    nets = re.findall(r"^descend: net \+(.*?),", stream.getvalue(), re.MULTILINE)
    assert nets == ["977 KiB", "1.91 MiB", "2.86 MiB", "3.82 MiB"]
    assert 0 <= descend.measurement.net_bytes - 4 * KEEP < 10_000  # type: ignore[attr-defined]


def test_a_generator_is_measured_while_it_runs_and_not_while_it_rests() -> None:
    @heapscope.measure(quiet=True)
    def numbers() -> Generator[int, bytes, int]:
        kept = [block()]
        kept.append((yield 1))
        kept.append((yield 2))
        kept.append(block())
        return sum(map(len, kept))

    running = numbers()
    mine = [next(running)]
    given = block(500_000)
    mine.append(running.send(given))
    foreign = block(7 * LENGTH)
    with pytest.raises(StopIteration) as ended:
        running.send(given)
    assert ended.value.value == 2 * LENGTH + 2 * len(given)
    measured = numbers.measurement  # type: ignore[attr-defined]
    assert inspect.isgeneratorfunction(numbers)
    assert len(foreign) > measured.allocated_bytes
    assert 2 * KEEP <= measured.peak_bytes < 2 * KEEP + 2_000
    assert abs(measured.net_bytes) < 2_000


def test_a_generator_takes_exceptions_and_closes() -> None:
    said: list[str] = []

    @heapscope.measure(quiet=True)
    def patient() -> Generator[int, None, str]:
        try:
            yield 1
        except ValueError:
            said.append("caught")
        try:
            yield 2
        finally:
            said.append("closed")
        return "never"

    running = patient()
    assert next(running) == 1
    assert running.throw(ValueError()) == 2
    assert patient.measurement is None  # type: ignore[attr-defined]
    running.close()
    assert said == ["caught", "closed"]
    assert patient.measurement.elapsed_s >= 0  # type: ignore[attr-defined]


def test_a_coroutine_is_measured_without_the_others_that_run_while_it_waits() -> None:
    @heapscope.measure(quiet=True)
    async def wait(turn: asyncio.Event) -> int:
        kept = block()
        await turn.wait()
        return len(kept)

    async def other(turn: asyncio.Event) -> bytes:
        foreign = block(9 * LENGTH)
        turn.set()
        return foreign

    async def both() -> Any:
        turn = asyncio.Event()
        return await asyncio.gather(wait(turn), other(turn))

    assert inspect.iscoroutinefunction(wait)
    assert asyncio.run(both())[0] == LENGTH
    measured = wait.measurement  # type: ignore[attr-defined]
    assert KEEP <= measured.peak_bytes < KEEP + 5_000


def test_a_coroutine_that_is_cancelled_is_over() -> None:
    @heapscope.measure(quiet=True)
    async def forever() -> None:
        kept = block()
        await asyncio.Event().wait()
        del kept

    async def cancel() -> None:
        task = asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert forever.measurement.peak_bytes >= KEEP  # type: ignore[attr-defined]


def test_an_asynchronous_generator_is_measured_step_by_step() -> None:
    @heapscope.measure(quiet=True)
    async def rows(count: int) -> AsyncIterator[int]:
        for number in range(count):
            kept = block()
            await asyncio.sleep(0)
            yield number
            del kept

    async def take() -> list[int]:
        taken = []
        foreign = []
        async for row in rows(3):
            taken.append(row)
            foreign.append(block(2 * LENGTH))
        return taken

    assert inspect.isasyncgenfunction(rows)
    assert asyncio.run(take()) == [0, 1, 2]
    measured = rows.measurement  # type: ignore[attr-defined]
    assert KEEP <= measured.peak_bytes < KEEP + 10_000
    assert abs(measured.net_bytes) < 10_000


def test_an_old_coroutine_can_still_be_awaited() -> None:
    @heapscope.measure(quiet=True)
    @types.coroutine
    def pause() -> Generator[None, None, int]:
        yield
        return 5

    async def wait() -> int:
        return await pause()

    assert asyncio.run(wait()) == 5


def test_other_threads_are_not_counted() -> None:
    kept: list[bytes] = []
    with heapscope.measure(quiet=True) as m:
        thread = threading.Thread(target=lambda: kept.append(block(20 * LENGTH)))
        thread.start()
        thread.join()
    assert m.peak_bytes is not None and m.peak_bytes < KEEP


def test_with_all_threads_the_peak_is_the_process_s_and_exact() -> None:
    heapscope.start()
    held = threading.Event()
    kept: list[bytes] = []

    def work() -> None:
        first = block(LARGE)
        held.set()
        kept.append(block())
        del first

    with heapscope.measure(quiet=True, threads="all") as outer:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        with heapscope.measure(quiet=True, threads="all") as inner:
            mine = block(SMALL)
            block()
    assert held.is_set() and kept and mine
    assert outer.peak_bytes is not None and outer.net_bytes is not None
    assert 0 <= outer.peak_bytes - (MUCH + KEEP) < 20_000
    assert 0 <= outer.net_bytes - (KEEP + LITTLE) < 20_000
    assert figures(inner) == (LITTLE + KEEP, KEEP, LITTLE, LITTLE + KEEP)


def test_with_all_threads_an_empty_block_is_zero_and_stopping_leaves_it_unknown() -> None:
    with heapscope.measure(quiet=True, threads="all"):
        pass
    with heapscope.measure(quiet=True, threads="all") as empty:
        pass
    assert figures(empty) == (0, 0, 0, 0)
    with heapscope.measure(quiet=True, threads="all") as stopped:
        heapscope.stop()
    assert figures(stopped) == (None, None, None, None)
    with pytest.raises(ValueError, match="threads"):
        heapscope.measure(threads="some")  # type: ignore[call-overload]


def test_one_measure_serves_many_threads() -> None:
    measure = heapscope.measure(quiet=True)
    inside = threading.Barrier(2, timeout=60)
    seen: list[int | None] = []

    def work(length: int) -> None:
        with measure as m:
            kept = block(length)
            inside.wait()
        seen.append(m.net_bytes)
        assert kept

    threads = [threading.Thread(target=work, args=(LENGTH * times,)) for times in (1, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lower, higher = sorted(each or 0 for each in seen)  # both were metered at the same time
    assert KEEP <= lower < KEEP + 10_000
    assert 10 * LENGTH <= higher < 10 * LENGTH + 10_000


def test_what_ends_tracking_leaves_the_figures_unknown() -> None:
    with heapscope.measure(quiet=True) as m:
        block()
        heapscope.stop()
    assert figures(m) == (None, None, None, None)
    assert m.elapsed_s is not None


def test_wrong_use_is_a_plain_error() -> None:
    with pytest.raises(ValueError, match="style"):
        heapscope.measure(style="nice")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="functions and methods"):
        heapscope.measure(int)
    with pytest.raises(TypeError, match="functions and methods"):
        heapscope.measure(3)  # type: ignore[call-overload]


def test_a_builtin_can_be_measured() -> None:
    ordered = heapscope.measure(quiet=True)(sorted)
    assert ordered([3, 1, 2], reverse=True) == [3, 2, 1]
    assert ordered.measurement.label == "sorted"  # type: ignore[attr-defined]

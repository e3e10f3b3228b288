"""The line profile inside a process: increments by line that sum to what a function left behind."""

from __future__ import annotations

import subprocess
import sys
from types import FunctionType
from typing import Any

import pytest
from line_figures import MIB, figures, lines_of, metered, profiled, warm
from line_programs import Program

from heapscope import _tracker

pytestmark = pytest.mark.usefixtures("tracked")


def test_each_line_has_what_it_allocated_freed_and_how_high_it_stood() -> None:
    def work() -> list[bytearray]:
        kept = bytearray(3 * MIB)
        len(bytearray(100 * MIB))
        other = bytearray(2 * MIB)
        del other
        return [kept]

    result = profiled(work)()
    lines = lines_of(work)
    assert lines[1]["increment_bytes"] in range(3 * MIB, 3 * MIB + 500)
    assert lines[2]["peak_bytes"] in range(100 * MIB, 100 * MIB + 500)
    assert lines[2]["increment_bytes"] == 0
    assert lines[2]["allocated_bytes"] == lines[2]["freed_bytes"] >= 100 * MIB
    assert lines[4]["increment_bytes"] in range(-2 * MIB - 500, -2 * MIB + 1)
    found = figures(work)
    assert found["calls"] == 1
    assert found["peak_bytes"] in range(103 * MIB, 103 * MIB + 1000)
    assert found["per_call"]["median"] == found["peak_bytes"]
    assert found["net_per_call"]["max"] == found["net_bytes"] in range(3 * MIB, 3 * MIB + 1000)
    assert all(line["mem_usage_bytes"] > MIB for line in lines.values())
    assert len(result[0]) == 3 * MIB


def test_locals_that_die_with_the_call_are_in_its_net() -> None:
    def work() -> None:
        local = bytearray(5 * MIB)
        len(local)

    call = profiled(work)
    warm(metered, call)
    _tracker.forget_line_profile(work.__code__)
    _, reading = metered(call)
    assert figures(work)["net_bytes"] == reading.net_bytes == 0
    assert figures(work)["peak_bytes"] == reading.peak_bytes


def test_a_line_has_as_many_occurrences_as_it_was_run() -> None:
    def work(count: int) -> int:
        total = 0
        for number in range(count):
            total += number
        return total

    profiled(work)(10)
    occurrences = {line: row["occurrences"] for line, row in lines_of(work).items()}
    assert occurrences == {1: 1, 2: 11, 3: 10, 4: 1}


def test_comprehensions_belong_to_the_line_that_runs_them() -> None:
    kept: list[Any] = []

    def work() -> None:
        kept.append([bytearray(1000) for _ in range(100)])
        kept.append({number: bytearray(1000) for number in range(100)})
        kept.append(sum(len(bytearray(1000)) for _ in range(100)))

    profiled(work)()
    lines = lines_of(work)
    assert lines[1]["increment_bytes"] > 100_000
    assert lines[2]["increment_bytes"] > 100_000
    assert lines[3]["allocated_bytes"] > 100_000
    assert {function["function"].split(".")[-1] for function in _tracker.line_profile()} == {"work"}


def test_recursion_counts_once() -> None:
    def work(depth: int) -> list[Any]:
        block = bytearray(MIB)
        inner = call(depth - 1) if depth else []
        return [block, inner]

    call = profiled(work)
    result, reading = metered(call, 9)
    found = figures(work)
    assert found["calls"] == 10
    assert abs(found["net_bytes"] - reading.net_bytes) < 1000
    assert found["net_bytes"] in range(10 * MIB, 10 * MIB + 20_000)
    assert lines_of(work)[1]["increment_bytes"] in range(10 * MIB, 10 * MIB + 20_000)
    assert lines_of(work)[2]["increment_bytes"] < 20_000
    assert lines_of(work)[2]["peak_bytes"] > 9 * MIB
    assert found["per_call"]["max"] >= 10 * MIB
    assert found["per_call"]["min"] in range(MIB, MIB + 1000)
    assert len(result) == 2


def test_a_caller_has_what_its_profiled_callees_did() -> None:
    kept: list[bytearray] = []

    def inner() -> None:
        kept.append(bytearray(2 * MIB))

    def outer() -> None:
        call()
        call()

    call = profiled(inner)
    profiled(outer)()
    assert figures(inner)["net_bytes"] in range(4 * MIB, 4 * MIB + 1000)
    for line in lines_of(outer).values():
        assert line["increment_bytes"] in range(2 * MIB, 2 * MIB + 1000)


def test_recursion_to_the_limit_ends_as_without_us() -> None:
    def work(depth: int) -> int:
        return call(depth + 1)  # type: ignore[no-any-return]

    call = profiled(work)
    with pytest.raises(RecursionError):
        call(0)
    found = figures(work)
    assert found["calls"] > 50
    assert found["per_call"] is not None
    assert _tracker.line_profile(work.__code__)[0]["calls"] == found["calls"]
    _tracker.forget_line_profile(work.__code__)

    def again() -> bytearray:
        return bytearray(MIB)

    profiled(again)()
    assert figures(again)["net_bytes"] in range(MIB, MIB + 500)


def test_an_exception_ends_the_call_and_its_sums_hold() -> None:
    kept: list[bytearray] = []

    def inner(depth: int) -> None:
        kept.append(bytearray(MIB))
        if depth:
            call_inner(depth - 1)
        raise KeyError(depth)

    def outer() -> None:
        try:  # noqa: SIM105 - its lines are counted
            call_inner(3)
        except KeyError:
            pass
        kept.append(bytearray(MIB))

    call_inner = profiled(inner)
    profiled(outer)()
    assert figures(inner)["net_bytes"] >= 4 * MIB
    assert figures(inner)["calls"] == 4
    lines = lines_of(outer)
    assert lines[2]["increment_bytes"] >= 4 * MIB
    assert lines[5]["increment_bytes"] in range(MIB - 1000, MIB + 1000)  # the exception is freed


def test_system_exit_inside_ends_the_call() -> None:
    def work() -> None:
        sys.exit(3)

    with pytest.raises(SystemExit):
        profiled(work)()
    assert figures(work)["per_call"] is not None


def test_everything_of_the_chosen_files_is_counted_on_every_thread() -> None:
    code = """
import threading
from heapscope import _tracker, tracking
tracking.ensure_tracking()
asked = []
def mine(filename):
    asked.append(filename)
    return filename == "<mine>"
source = '''
kept = []
def helper():
    kept.append(bytearray(1 << 20))
def main():
    helper()
    kept.append([bytearray(10) for _ in range(3)])
    thread = threading.Thread(target=helper)
    thread.start()
    thread.join()
'''
_tracker.profile_everything(mine)
space = {"threading": threading}
exec(compile(source, "<mine>", "exec"), space)
space["main"]()
_tracker.profile_everything(None)
found = {each["function"]: each for each in _tracker.line_profile()}
assert set(found) == {"<module>", "helper", "main"}, set(found)
assert found["helper"]["calls"] == 2, found["helper"]
assert 2 << 20 <= found["helper"]["net_bytes"] < (2 << 20) + 1000
assert 1 << 20 <= found["main"]["net_bytes"] < (1 << 20) + 20000
for each in found.values():
    assert sum(line["increment_bytes"] for line in each["lines"]) == each["net_bytes"]
print("right")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "right\n", ended.stderr


def test_the_machinery_charges_nothing_to_the_program() -> None:
    # Lines beyond 256, so that the interpreter makes an int for each event.
    source = (
        "\n" * 400 + "def work(count):\n    total = None\n    for _ in count:\n        total = _\n"
    )
    space: dict[str, Any] = {}
    exec(source, space)
    call = profiled(space["work"])
    warm(metered, call, range(3))
    _tracker.forget_line_profile(space["work"].__code__)
    _, reading = metered(call, (None,) * 500)
    found = figures(space["work"])
    assert found["lines"][0]["occurrences"] == 1
    # One iterator, in the whole call.
    assert sum(line["allocations"] for line in found["lines"]) <= 1
    assert found["net_bytes"] == reading.net_bytes == 0


@pytest.mark.parametrize("seed", range(40))
def test_increments_of_random_programs_sum_to_what_a_meter_read(seed: int) -> None:
    program = Program(seed)
    space: dict[str, Any] = {}
    exec(compile(program.source, f"<program {seed}>", "exec"), space)
    names = [f"f{index}" for index in range(program.functions)]
    plain: dict[str, FunctionType] = {name: space[name] for name in names}
    for name in names:
        space[name] = profiled(plain[name])
    for name in ("produce", "wait", "fail"):
        _tracker.profile_code(space[name].__code__)
    entry = compile(program.entry, "<entry>", "eval")

    def run() -> None:
        eval(entry, space)

    run()  # caches of the interpreter fill
    run()
    for each in _tracker.line_profile():
        assert sum(line["increment_bytes"] for line in each["lines"]) == each["net_bytes"]
    top = plain[names[-1]].__code__
    for name in names:
        _tracker.forget_line_profile(plain[name].__code__)
    call = space[names[-1]]
    meter = _tracker.Meter()
    meter.start()
    before = meter.read()
    result = call(3)
    after = meter.stop()
    (found,) = _tracker.line_profile(top)
    assert sum(line["increment_bytes"] for line in found["lines"]) == found["net_bytes"]
    # The reading before is an object itself, 88 bytes and its numbers, made before the call.
    own = after.net_bytes - before.net_bytes - found["net_bytes"]
    assert 0 <= own <= 400, program.source
    assert found["net_per_call"]["max"] >= found["net_per_call"]["min"]
    for line in found["lines"]:
        assert line["increment_bytes"] == line["allocated_bytes"] - line["freed_bytes"]
        assert line["peak_bytes"] >= 0
    assert result is None or len(result) == 300

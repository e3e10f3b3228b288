"""The line profile inside a process: increments by line that sum to what a function left behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest
from line_programs import Program

import heapscope
from heapscope import _tracker, tracking

MIB = 1 << 20
MONITORING = sys.version_info >= (3, 12)


@pytest.fixture(autouse=True)
def _tracked() -> Iterator[None]:
    tracking.ensure_tracking()
    yield
    heapscope.stop()


def profiled(
    function: Any, finished: Callable[[CodeType], object] | None = None
) -> _tracker.ProfiledFunction:
    return _tracker.profiled(function, function.__code__, finished)


def figures(function: Any) -> dict[str, Any]:
    function = getattr(function, "__wrapped__", function)
    (found,) = _tracker.line_profile(function.__code__)
    assert sum(line["increment_bytes"] for line in found["lines"]) == found["net_bytes"]
    return found


def lines_of(function: Any) -> dict[int, dict[str, Any]]:
    """Return its lines by number, the `def` line being 0."""
    found = figures(function)
    return {line["line"] - found["first_line"]: line for line in found["lines"]}


def metered(function: Any, *args: Any) -> tuple[Any, _tracker.MeterReading]:
    meter = _tracker.Meter()
    meter.start()
    result = function(*args)
    return result, meter.stop()


def warm(function: Any, *args: Any) -> None:
    """Let caches of the interpreter fill, so that they are in no figure."""
    for _ in range(3):
        function(*args)


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


def test_time_suspended_belongs_to_nobody() -> None:
    elsewhere: list[bytearray] = []
    inside: list[bytearray] = []

    def produce() -> Generator[int, None, None]:
        inside.append(bytearray(MIB))
        yield 1
        inside.append(bytearray(MIB))
        yield 2

    _tracker.profile_code(produce.__code__)

    def drive() -> None:
        generator = produce()
        next(generator)
        elsewhere.append(bytearray(50 * MIB))
        next(generator)
        elsewhere.append(bytearray(50 * MIB))
        list(generator)

    profiled(drive)()
    found = figures(produce)
    assert found["calls"] == 1
    assert found["net_bytes"] in range(2 * MIB, 2 * MIB + 1000)
    assert found["peak_bytes"] in range(2 * MIB, 2 * MIB + 1000)
    assert lines_of(drive)[3]["increment_bytes"] in range(50 * MIB, 50 * MIB + 1000)
    assert lines_of(drive)[4]["increment_bytes"] in range(MIB, MIB + 1000)


def test_a_generator_is_profiled_by_a_wrapper_made_in_python() -> None:
    kept: list[bytearray] = []

    def produce(count: int) -> Generator[int, None, None]:
        for number in range(count):
            kept.append(bytearray(MIB))
            yield number

    code = produce.__code__

    def stretches() -> None:
        generator = produce(3)
        for _ in range(4):
            assert _tracker.profile_enter(code)
            try:
                next(generator, None)
            finally:
                _tracker.profile_leave(code, False)
            kept.append(bytearray(20 * MIB))

    stretches()
    found = figures(produce)
    assert found["calls"] == 1
    assert found["net_bytes"] in range(3 * MIB, 3 * MIB + 1000)


def test_a_generator_may_be_resumed_on_another_thread_and_closed_by_the_collector() -> None:
    def produce() -> Generator[bytearray, None, None]:
        try:
            while True:
                block = bytearray(MIB)
                yield block
        finally:
            bytearray(7 * MIB)

    def step(generator: Generator[bytearray, None, None]) -> None:
        next(generator)

    call = profiled(step)
    _tracker.profile_code(produce.__code__)
    generator = produce()
    call(generator)
    thread = threading.Thread(target=call, args=(generator,))
    thread.start()
    thread.join()
    cycle: list[Any] = [generator]
    cycle.append(cycle)

    def collect() -> None:
        gc.collect()

    del generator, cycle
    profiled(collect)()
    found = figures(produce)
    assert found["calls"] == 1
    assert found["per_call"] is not None
    assert figures(step)["calls"] == 2
    assert found["peak_bytes"] >= 7 * MIB


def test_coroutines_of_one_loop_are_kept_apart() -> None:
    import asyncio

    kept: list[bytearray] = []

    async def work(size: int) -> None:
        for _ in range(5):
            kept.append(bytearray(size))
            await asyncio.sleep(0)

    async def noise() -> None:
        for _ in range(5):
            kept.append(bytearray(9 * MIB))
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(work(MIB), noise(), work(2 * MIB))

    _tracker.profile_code(work.__code__)

    def run() -> None:
        asyncio.run(main())

    profiled(run)()
    found = figures(work)
    assert found["calls"] == 2
    assert found["net_bytes"] in range(15 * MIB, 15 * MIB + 20_000)
    assert found["net_per_call"]["min"] in range(5 * MIB, 5 * MIB + 10_000)


def test_threads_in_one_function_have_their_own_memory() -> None:
    barrier = threading.Barrier(3)
    kept: list[bytearray] = []

    def work(size: int) -> None:
        for _ in range(10):
            barrier.wait()
            kept.append(bytearray(size))

    call = profiled(work)
    threads = [threading.Thread(target=call, args=(size * MIB,)) for size in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = figures(work)
    assert found["calls"] == 3
    assert found["net_bytes"] in range(60 * MIB, 60 * MIB + 100_000)
    assert found["net_per_call"]["min"] in range(10 * MIB, 10 * MIB + 50_000)
    assert found["net_per_call"]["max"] in range(30 * MIB, 30 * MIB + 50_000)
    assert found["per_call"]["max"] < 31 * MIB


def test_a_forked_child_runs_on_unprofiled() -> None:
    read, write = os.pipe()
    told: list[CodeType] = []

    def work() -> None:
        child = os.fork()
        if child == 0:
            nested()
            empty = _tracker.line_profile() == []
            tracking.ensure_tracking()
            nested()
            (again,) = _tracker.line_profile(inner.__code__)
            right = empty and again["calls"] == 1 and not told
            os.write(write, b"y" if right else b"n")
            os._exit(0)
        os.waitpid(child, 0)

    def inner() -> bytearray:
        return bytearray(MIB)

    nested = profiled(inner)
    profiled(work, told.append)()
    assert os.read(read, 1) == b"y"
    os.close(read)
    os.close(write)
    assert told == [work.__code__]
    assert figures(work)["calls"] == 1


def test_tracking_may_stop_and_start_inside() -> None:
    def inner() -> bytearray:
        return bytearray(MIB)

    call = profiled(inner)

    def work() -> None:
        call()
        heapscope.stop()
        call()
        assert _tracker.line_profile() == []
        tracking.ensure_tracking()
        call()

    profiled(work)()
    assert figures(inner)["calls"] == 1


def test_a_function_may_be_deleted_while_it_runs() -> None:
    space: dict[str, Any] = {}
    exec(
        "def work():\n    del space['work']\n    return bytearray(1 << 20)\n",
        {"space": space},
        space,
    )
    code = space["work"].__code__
    space["work"] = profiled(space["work"])
    assert len(space["work"]()) == MIB
    (found,) = _tracker.line_profile(code)
    assert found["net_bytes"] in range(MIB, MIB + 500)


def test_who_finished_is_told_after_the_outermost_call_and_not_metered() -> None:
    told: list[tuple[CodeType, int]] = []

    def finished(code: CodeType) -> None:
        told.append((code, _tracker.line_profile(code)[0]["calls"]))
        noise.append(bytearray(30 * MIB))

    noise: list[bytearray] = []

    def inner(depth: int) -> None:
        if depth:
            call(depth - 1)

    def outer() -> None:
        call(2)

    call = profiled(inner, finished)
    profiled(outer)()
    assert told == [(inner.__code__, 3)]
    assert figures(outer)["peak_bytes"] < MIB
    with pytest.raises(ZeroDivisionError):
        profiled(inner, lambda code: 1 // 0)(0)


def test_what_finished_raises_does_not_hide_the_calls_own_error(
    recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)

    def work() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        profiled(work, lambda code: 1 // 0)()
    assert len(unraisable) == 1


def test_a_profiled_function_is_as_functools_wraps_makes_it() -> None:
    import copy
    import inspect

    class Holder:
        def method(self, value: int = 3) -> tuple[Any, int]:
            """Tell."""
            return self, value

        static = staticmethod(lambda: 5)

    plain = Holder.method
    wrapped = profiled(plain)
    Holder.method = wrapped  # type: ignore[method-assign]
    holder = Holder()
    assert holder.method(4) == (holder, 4)
    assert Holder.method(holder) == (holder, 3)
    assert wrapped.__name__ == "method"
    assert wrapped.__doc__ == "Tell."
    assert wrapped.__wrapped__ is plain
    assert wrapped.__module__ == __name__
    assert inspect.signature(wrapped) == inspect.signature(plain)
    wrapped.extra = 1  # type: ignore[attr-defined]
    assert copy.copy(wrapped) is wrapped
    with pytest.raises(TypeError):
        wrapped()
    with pytest.raises(TypeError):
        _tracker.profiled(5, plain.__code__, None)  # type: ignore[arg-type]


def own_trace(events: list[tuple[str, str]]) -> Any:
    def trace(frame: Any, event: str, arg: Any) -> Any:
        if frame.f_code.co_name in {"work", "helper"}:
            events.append((frame.f_code.co_name, event))
        return trace

    return trace


def test_a_trace_function_that_was_there_sees_what_it_saw() -> None:
    def helper() -> int:
        return 1

    def work() -> int:
        total = helper()
        return total  # noqa: RET504 - lines are counted

    seen: list[list[tuple[str, str]]] = []
    before = sys.gettrace()
    for function in (work, profiled(work)):
        events: list[tuple[str, str]] = []
        trace = own_trace(events)
        sys.settrace(trace)
        try:
            function()
            still = sys.gettrace()
        finally:
            sys.settrace(before)
        assert still is trace
        seen.append(events)
    assert seen[0] == seen[1]
    assert len(seen[0]) > 6
    assert figures(work)["calls"] == 1


def test_a_trace_function_set_and_removed_inside_is_the_programs() -> None:
    events: list[tuple[str, str]] = []
    before = sys.gettrace()

    def helper() -> bytearray:
        return bytearray(MIB)

    call_helper = profiled(helper)

    def work() -> list[bytearray]:
        trace = own_trace(events)
        sys.settrace(trace)
        first = call_helper()
        inside = sys.gettrace()
        sys.settrace(before)
        assert inside is trace
        second = call_helper()
        return [first, second]

    result = profiled(work)()
    assert ("helper", "line") in events
    assert sys.gettrace() is before
    assert figures(helper)["calls"] == 2
    assert figures(work)["net_bytes"] in range(2 * MIB, 2 * MIB + 20_000)
    assert len(result) == 2


def test_a_profile_function_sees_what_it_saw() -> None:
    def work() -> int:
        return len("x")

    seen: list[list[str]] = []
    for function in (work, profiled(work)):
        events: list[str] = []

        def note(frame: Any, event: str, arg: Any, events: list[str] = events) -> None:
            events.append(event)

        sys.setprofile(note)
        try:
            function()
        finally:
            sys.setprofile(None)
        seen.append([event for event in events if "c_" not in event])
    assert seen[0] == seen[1]


@pytest.mark.skipif(not MONITORING, reason="sys.monitoring came with 3.12")
def test_other_tools_of_sys_monitoring_see_what_they_saw() -> None:
    monitoring = sys.monitoring  # type: ignore[attr-defined,unused-ignore]

    def work() -> int:
        total = 0
        for number in range(3):
            total += number
        return total

    seen: list[list[int]] = []
    for function in (work, profiled(work)):
        lines: list[int] = []
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "other")
        try:
            monitoring.register_callback(
                monitoring.COVERAGE_ID,
                monitoring.events.LINE,
                lambda code, line, lines=lines: lines.append(line),
            )
            monitoring.set_local_events(
                monitoring.COVERAGE_ID, work.__code__, monitoring.events.LINE
            )
            function()
            monitoring.set_local_events(monitoring.COVERAGE_ID, work.__code__, 0)
        finally:
            monitoring.free_tool_id(monitoring.COVERAGE_ID)
        seen.append(lines)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 9
    assert sum(line["occurrences"] for line in figures(work)["lines"]) == 9


@pytest.mark.skipif(not MONITORING, reason="sys.monitoring came with 3.12")
def test_without_a_free_tool_id_it_is_said() -> None:
    code = (
        "import sys\n"
        "from heapscope import _tracker\n"
        "for tool in (3, 4): sys.monitoring.use_tool_id(tool, 'other')\n"
        "def work(): pass\n"
        "try: _tracker.profiled(work, work.__code__, None)\n"
        "except RuntimeError as error: print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "use the ids 3 and 4 of sys.monitoring" in ended.stdout, ended.stderr


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

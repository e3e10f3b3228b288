"""Trace functions, profile functions and other tools see what they saw without a line profile."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from line_figures import MIB, figures, profiled

pytestmark = pytest.mark.usefixtures("tracked")

MONITORING = sys.version_info >= (3, 12)


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

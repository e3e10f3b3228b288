"""A profiled function is what it was, and survives what happens to it and to the tracking."""

from __future__ import annotations

import os
import sys
from types import CodeType
from typing import Any

import pytest
from line_figures import MIB, figures, profiled

import heapscope
from heapscope import _tracker, tracking

pytestmark = pytest.mark.usefixtures("tracked")


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

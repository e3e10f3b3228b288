"""The program's side of a timeline: what `profile` and marks write, and what they leave alone."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from heapscope.timeline.dat_reader import Timeline, read

KINDS = """
import asyncio, builtins, threading
from heapscope.timeline import decorator
decorator.install()

@profile
def plain(a, *, b=2):
    "says"
    return a + b

@profile(precision=4)
async def coroutine():
    await asyncio.sleep(0)
    return 3

@profile
def generator():
    got = yield 1
    yield got

@profile
async def asynchronous():
    try:
        got = yield 1
        yield got
    except KeyError:
        yield "caught"

@profile
class Class:
    def method(self):
        return "method"
    @staticmethod
    def static():
        return "static"
    @classmethod
    def of_class(cls):
        return cls.__name__

@profile
def failing():
    raise LookupError("mine")

async def use():
    assert await coroutine() == 3
    one = asynchronous()
    assert [await one.__anext__(), await one.asend("sent")] == [1, "sent"]
    await one.aclose()
    other = asynchronous()
    await other.__anext__()
    assert await other.athrow(KeyError()) == "caught"
    assert [item async for item in other] == []

assert plain(1, b=4) == 5 and plain.__doc__ == "says" and plain.__wrapped__(1) == 3
assert profile(max, 1, 2) == 2
made = generator()
assert [next(made), made.send("x")] == [1, "x"]
made.close()
assert (Class().method(), Class.static(), Class.of_class()) == ("method", "static", "Class")
asyncio.run(use())
try:
    failing()
except LookupError as error:
    assert str(error) == "mine"
with profile.timestamp("a block"):
    pass
"""


def run(directory: Path, program: str, recorded: bool = True) -> Timeline:
    path = directory / "x.dat"
    path.write_text("MEM 1.0 1000.0\n")
    environment = dict(os.environ)
    if recorded:
        environment["HEAPSCOPE_TIMELINE"] = f":1000000000000:{path}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return read(str(path))


def test_everything_that_can_be_called_has_spans_and_behaves_as_before(tmp_path: Path) -> None:
    timeline = run(tmp_path, KINDS)
    names = [span.name.removeprefix("__main__.") for span in timeline.spans]
    assert sorted(set(names)) == [
        "Class.method",
        "Class.of_class",
        "Class.static",
        "a_block",
        "asynchronous",
        "builtins.max",
        "coroutine",
        "failing",
        "generator",
        "plain",
    ]
    assert all(span.end is not None and span.end >= span.start for span in timeline.spans)
    assert timeline.damaged_lines == 0


def test_where_nothing_is_recorded_nothing_is_written(tmp_path: Path) -> None:
    assert run(tmp_path, KINDS, recorded=False).spans == []


def test_decorated_functions_are_of_the_kind_they_were() -> None:
    from heapscope.timeline.decorator import Profile

    profile = Profile()

    async def coroutine() -> None: ...

    def generator() -> object:
        yield 1

    async def asynchronous() -> object:
        yield 1

    assert inspect.iscoroutinefunction(profile(coroutine))
    assert inspect.isgeneratorfunction(profile(generator))
    assert inspect.isasyncgenfunction(profile(asynchronous))
    assert str(inspect.signature(profile(coroutine))) == str(inspect.signature(coroutine))
    with pytest.raises(TypeError, match="can be called"):
        profile(3)


def test_many_short_calls_are_counted_and_long_ones_written(tmp_path: Path) -> None:
    program = """
from heapscope.timeline import spans
for _ in range(2500):
    spans.end(spans.begin("m.short"))
kept = spans.begin("m.short")
kept.started_ns -= 20_000_000
spans.end(kept)
"""
    timeline = run(tmp_path, program)
    calls, seconds = timeline.skipped["m.short"]
    assert calls + len(timeline.spans) == 2501
    assert 1001 <= len(timeline.spans) < 1100  # a busy machine may make a short call long
    assert 0 < seconds < 60


def test_a_forked_process_has_spans_of_its_own(tmp_path: Path) -> None:
    program = """
import os
from heapscope.timeline import spans
outer = spans.begin("m.outer")
if os.fork() == 0:
    spans.end(spans.begin("m.child"))
    spans.end(outer)
    os._exit(0)
os.wait()
spans.end(outer)
"""
    timeline = run(tmp_path, program)
    (outer,) = timeline.spans_of("m.outer")
    (child,) = timeline.spans_of("m.child")
    assert outer.process != child.process
    assert (outer.level, child.level) == (0, 0)


def test_any_name_is_one_word_and_any_label_one_line(tmp_path: Path) -> None:
    program = r"""
from heapscope.timeline import spans
for name in ("a b\n", "ü" * 5000, "\udc80", "", "x\x1b[0m", "MEM 1 2"):
    spans.end(spans.begin(name))
    spans.mark(name)
"""
    timeline = run(tmp_path, program)
    assert timeline.damaged_lines == 0
    assert len(timeline.spans) == len(timeline.marks) == 6
    assert len(timeline.total) == 1
    assert all(len(span.name) <= 400 and " " not in span.name for span in timeline.spans)


@pytest.mark.parametrize(
    "request_", ["", "p", "p:", "p:1", "p:1:", "p:x:/tmp/x", ":1:/nosuch/x.dat"]
)
def test_a_request_that_makes_no_sense_harms_nobody(request_: str) -> None:
    program = "from heapscope.timeline import spans; spans.end(spans.begin('f')); spans.mark('m')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HEAPSCOPE_TIMELINE": request_},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_no_descriptor_stays_open_and_only_the_standard_library_is_loaded(tmp_path: Path) -> None:
    program = """
import os, sys
before = set(os.listdir("/proc/self/fd"))
from heapscope.timeline import decorator, spans
spans.end(spans.begin("f")); spans.mark("m")
assert set(os.listdir("/proc/self/fd")) == before
ours = {name for name in sys.modules if name.startswith("heapscope")}
assert len(ours) == 4, ours
others = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
assert others <= {"heapscope", "__main__"}, others
"""
    path = tmp_path / "x.dat"
    path.write_text("")
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.append({_home()!r})\n{program}"],
        env={**os.environ, "HEAPSCOPE_TIMELINE": f":0:{path}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "FUNC f " in path.read_text()


def _home() -> str:
    import heapscope

    return str(Path(heapscope.__file__).parent.parent)

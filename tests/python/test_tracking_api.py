"""Tracking from inside a program: `track`, `start`, `stop`, `is_tracing`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope import Capture, TrackingError


@pytest.fixture(autouse=True)
def _nothing_is_left_on() -> Iterator[None]:
    yield
    assert not heapscope.is_tracing()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.hscope"


def bytes_of(path: Path, function: str) -> int:
    """Return what a function of this file allocated, as one capture has it."""
    sites = Capture(path).sites(metric="allocated")
    return sum(
        site.allocated_bytes
        for site in sites
        if site.function == function and site.file == __file__
    )


def keep(size: int) -> bytearray:
    return bytearray(size)


def in_new_interpreter(directory: Path, code: str, **options: Any) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    assert ended.stderr == ""
    return ended.stdout


def test_a_block_of_code_is_tracked(path: Path) -> None:
    before = keep(1_000_000)
    with heapscope.track(path) as tracking:
        assert heapscope.is_tracing()
        inside = keep(98_821)
    after = keep(1_000_000)
    assert tracking.path == str(path)
    assert bytes_of(path, "keep") == sys.getsizeof(inside)
    recorded = Capture(path)
    assert recorded.complete
    assert recorded.peak_bytes < 200_000
    assert before == after


def test_a_capture_is_complete_after_an_exception(path: Path) -> None:
    def fail() -> None:
        with heapscope.track(path):
            raise ZeroDivisionError(keep(50_000))

    with pytest.raises(ZeroDivisionError):
        fail()
    assert Capture(path).complete
    assert bytes_of(path, "keep") > 50_000


def test_a_relative_path_is_taken_where_tracking_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with heapscope.track("out.hscope") as tracking:
        os.chdir("elsewhere")
        kept = [bytearray(100) for _ in range(50_000)]
    assert tracking.path == str(tmp_path / "out.hscope")
    assert Capture(tracking.path).peak_bytes > 5_000_000
    assert len(kept) == 50_000


def test_nested_tracking_is_an_error_that_names_the_capture(path: Path, tmp_path: Path) -> None:
    with heapscope.track(path):
        for start in (
            lambda: heapscope.track(tmp_path / "inner.hscope").__enter__(),
            lambda: heapscope.start(tmp_path / "inner.hscope"),
        ):
            with pytest.raises(TrackingError, match=r"out\.hscope"):
                start()
        assert heapscope.is_tracing()
    assert not (tmp_path / "inner.hscope").exists()
    assert Capture(path).complete


def test_an_existing_capture_is_replaced_only_when_asked(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True") as caught:
        heapscope.track(path).__enter__()
    assert caught.value.filename == str(path)
    assert path.read_text() == "precious"
    with heapscope.track(path, overwrite=True):
        pass
    assert Capture(path).complete


def test_a_place_that_cannot_be_written_is_an_oserror_that_names_it(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "out.hscope"
    with pytest.raises(FileNotFoundError) as caught:
        heapscope.start(missing)
    assert caught.value.filename == str(missing)


def test_a_decorated_function_is_tracked_in_each_call(path: Path) -> None:
    @heapscope.track(path, overwrite=True)
    def work(size: int, *, twice: bool = False) -> int:
        """Do it."""
        assert heapscope.is_tracing()
        return len(keep(size)) * (2 if twice else 1)

    assert work.__name__ == "work"
    assert work.__doc__ == "Do it."
    assert work(60_000, twice=True) == 120_000
    assert bytes_of(path, "keep") > 60_000
    assert work(10) == 10
    assert bytes_of(path, "keep") < 1_000


def test_a_second_call_without_overwrite_is_an_error(path: Path) -> None:
    @heapscope.track(path)
    def work() -> int:
        return 1

    assert work() == 1
    with pytest.raises(FileExistsError):
        work()


def test_a_coroutine_is_tracked_to_its_result(path: Path) -> None:
    @heapscope.track(path)
    async def work() -> int:
        await asyncio.sleep(0)
        kept = keep(70_000)
        await asyncio.sleep(0)
        return len(kept)

    coroutine = work()
    assert not heapscope.is_tracing()
    assert asyncio.run(coroutine) == 70_000
    assert bytes_of(path, "keep") > 70_000


def test_a_generator_is_tracked_from_its_first_step_to_its_end(path: Path) -> None:
    @heapscope.track(path)
    def work() -> Generator[int, int, None]:
        got = yield len(keep(40_000))
        yield got

    steps = work()
    assert not heapscope.is_tracing()
    assert next(steps) == 40_000
    assert heapscope.is_tracing()
    assert steps.send(7) == 7
    assert list(steps) == []
    assert not heapscope.is_tracing()
    assert bytes_of(path, "keep") > 40_000


def test_a_generator_that_is_closed_early_ends_its_capture(path: Path) -> None:
    @heapscope.track(path)
    def work() -> Generator[int, None, None]:
        while True:
            yield 1

    steps = work()
    next(steps)
    steps.close()
    assert Capture(path).complete


def test_an_asynchronous_generator_is_refused_when_decorated(path: Path) -> None:
    async def work() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match="asynchronous generator"):
        heapscope.track(path)(work)


def test_start_and_stop_write_a_capture(path: Path) -> None:
    heapscope.start(path)
    assert heapscope.is_tracing()
    kept = keep(30_000)
    heapscope.stop()
    heapscope.stop()
    assert bytes_of(path, "keep") > len(kept)


@pytest.mark.parametrize("arguments", [[], [1], [25], [None]])
def test_without_an_output_no_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[int]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    heapscope.start(*arguments)
    assert len(list(tmp_path.glob("heapscope-*.hscope"))) == 1
    heapscope.stop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames", [0, -1])
def test_a_number_of_frames_below_one_is_refused(frames: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        heapscope.start(frames)


def test_stop_leaves_what_track_records_alone(path: Path) -> None:
    heapscope.stop()
    with heapscope.track(path):
        heapscope.stop()
        assert heapscope.is_tracing()


def test_every_thread_is_tracked_and_named(path: Path) -> None:
    ready, done = threading.Event(), threading.Event()

    def work() -> None:
        kept = keep(80_000)
        ready.set()
        done.wait()
        kept.clear()

    with heapscope.track(path):
        thread = threading.Thread(target=work, name="the worker")
        thread.start()
        ready.wait()
    done.set()
    thread.join()
    recorded = Capture(path)
    assert recorded.metadata[f"thread:{thread.native_id}"] == "the worker"
    (site,) = [site for site in recorded.sites() if site.peak_bytes > 80_000]
    assert site.thread == "the worker"


def test_what_is_not_stopped_is_stopped_at_exit(tmp_path: Path) -> None:
    code = "import heapscope\nheapscope.start('out.hscope')\nkept = bytearray(100_000)\n"
    in_new_interpreter(tmp_path, code)
    recorded = Capture(tmp_path / "out.hscope")
    assert recorded.complete
    assert recorded.live_bytes_at_end > 100_000


def test_a_temporary_capture_is_gone_after_exit(tmp_path: Path) -> None:
    code = "import heapscope\nheapscope.start()\nkept = bytearray(100_000)\n"
    in_new_interpreter(tmp_path, code, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_neither_ends_nor_removes_its_parents_capture(tmp_path: Path) -> None:
    code = (
        "import heapscope, os, sys\n"
        "def fork():\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        kept = bytearray(7_000_000)\n"
        "        assert not heapscope.is_tracing()\n"
        "        heapscope.stop()\n"
        "        sys.exit(5)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5\n"
        "with heapscope.track('out.hscope'):\n"
        "    fork()\n"
        "    assert heapscope.is_tracing()\n"
        "heapscope.start()\n"
        "fork()\n"
        "print(len(os.listdir()))\n"
    )
    text = in_new_interpreter(tmp_path, code, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert text == "2\n"
    assert [file.name for file in tmp_path.iterdir()] == ["out.hscope"]
    recorded = Capture(tmp_path / "out.hscope")
    assert recorded.complete
    assert recorded.peak_bytes < 7_000_000


def test_a_program_under_run_is_told_that_it_is_recorded_already(tmp_path: Path) -> None:
    code = (
        "import heapscope\n"
        "try:\n    heapscope.start('other.hscope')\n"
        "except heapscope.TrackingError as error:\n    print(error)\n"
        "heapscope.stop()\n"
        "print(heapscope.is_tracing())\n"
    )
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", "out.hscope", "-c", code]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.stderr == ""
    message, tracing = ended.stdout.splitlines()
    assert "heapscope run" in message
    assert tracing == "True"
    assert Capture(tmp_path / "out.hscope").complete


LOADED = "import sys; before = set(sys.modules); {}; print(sorted(set(sys.modules) - before))"


def test_importing_the_package_loads_nothing_else(tmp_path: Path) -> None:
    assert in_new_interpreter(tmp_path, LOADED.format("import heapscope")) == (
        "['__future__', 'heapscope']\n"
    )


def test_the_profiled_process_loads_only_the_tracker_and_the_standard_library(
    tmp_path: Path,
) -> None:
    use = "import heapscope; heapscope.start('out.hscope'); heapscope.stop()"
    text = in_new_interpreter(tmp_path, LOADED.format(use))
    loaded = {name.strip("' ") for name in text.strip("[]\n").split(",")}
    others = {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names}
    assert others == {
        "heapscope",
        "heapscope._tracker",
        "heapscope.errors",
        "heapscope.metadata",
        "heapscope.tracking",
    }


@pytest.mark.parametrize("name", heapscope.__all__)
def test_every_public_name_is_there_and_listed(name: str) -> None:
    assert getattr(heapscope, name) is getattr(heapscope, name)
    assert name in dir(heapscope)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        heapscope.nonsense


def test_errors_have_one_base() -> None:
    for kind in (heapscope.TrackingError, heapscope.CaptureError):
        assert issubclass(kind, heapscope.HeapscopeError)

"""The sampler of `run`: what it keeps of a process, and what a long run makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heapscope.cli import sampler
from heapscope.cli.sampler import Sampler

pytestmark = pytest.mark.one_version


def look(watching: Sampler) -> None:
    """Look now, whenever the next look was to be."""
    watching._next = 0
    watching.look()


def test_a_sample_is_what_the_kernel_says_of_the_process() -> None:
    watching = Sampler(os.getpid())
    look(watching)
    (sample,) = watching.samples
    time_ns, rss, highest, shared, pss = sample
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    assert time_ns > 0
    assert abs(rss - int(status["VmRSS"].split()[0]) * 1024) < 16 << 20
    assert 0 < shared < rss <= highest <= int(status["VmHWM"].split()[0]) * 1024
    assert pss is None
    watching.close()


def test_it_is_not_time_to_look_before_the_interval_is_over() -> None:
    watching = Sampler(os.getpid())
    watching.look()
    watching._next = 1 << 62
    watching.look()
    assert len(watching.samples) == 1
    watching.close()


def test_a_peak_between_two_looks_belongs_to_the_second() -> None:
    source = "print(flush=True); input(); bytearray(80 << 20); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        watching = Sampler(process.pid)
        look(watching)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        look(watching)
        look(watching)
        process.stdin.write(b"\n")
        process.stdin.close()
    before, peak, after = watching.samples
    assert peak[2] >= before[1] + (79 << 20)
    assert peak[1] < before[1] + (40 << 20)
    assert after[2] == after[1]


def test_a_process_that_has_ended_has_no_more_samples() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        watching = Sampler(process.pid)
        look(watching)
    look(watching)
    assert len(watching.samples) == 1
    watching.close()
    look(watching)
    assert watching.wait_s() > 1


def test_a_process_that_cannot_be_looked_at_has_none() -> None:
    watching = Sampler(2**22 + 1)
    look(watching)
    assert watching.samples == []
    assert watching.wait_s() > 1


def test_merging_keeps_the_last_of_neighbours_and_the_highest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampler, "_MOST_SAMPLES", 8)
    watching = Sampler(os.getpid())
    watching.samples = [
        (time, 100 - time, 500 if time == 2 else 100 - time, time, 7 if time == 4 else None)
        for time in range(7)
    ]
    interval = watching._interval
    look(watching)
    assert [sample[:4] for sample in watching.samples[:3]] == [
        (1, 99, 100, 1),
        (3, 97, 500, 3),
        (5, 95, 96, 5),
    ]
    assert [sample[4] for sample in watching.samples[:3]] == [None, None, 7]
    assert len(watching.samples) == 4
    assert watching._interval == 2 * interval
    watching.close()


def test_pss_is_read_where_it_may_cost_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "_PSS_AFTER_NS", 0)
    watching = Sampler(os.getpid())
    look(watching)
    look(watching)
    first, second = watching.samples
    assert first[4] is not None
    assert 0 < first[4] <= first[1] + (16 << 20)
    assert second[4] is None
    watching.close()

"""The sampler of timelines: what it tells of a process, and that it tells it in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from allocating_program import AllocatingProgram

from heapscope.timeline import sampler
from heapscope.timeline.process_sizes import ProcessGoneError, ProcessSizes, descendants
from heapscope.timeline.sampler import TimelineSampler, clock_offset_ns

pytestmark = pytest.mark.one_version

MIB = 1048576


class Told:
    def __init__(self) -> None:
        self.samples: list[tuple[int, float]] = []
        self.highs: list[tuple[int, float, float, float]] = []
        self.children: list[tuple[int, int, float]] = []
        self.relatives: list[int] = []
        self.gaps: list[tuple[float, float]] = []

    def sample(self, size: int, at: float) -> None:
        self.samples.append((size, at))

    def high(self, size: int, since: float, until: float, at: float) -> None:
        self.highs.append((size, since, until, at))

    def child(self, process: int, size: int, at: float) -> None:
        self.children.append((process, size, at))

    def kin(self, process: int) -> None:
        self.relatives.append(process)

    def gap(self, since: float, until: float) -> None:
        self.gaps.append((since, until))


@pytest.fixture
def program() -> Iterator[AllocatingProgram]:
    with AllocatingProgram() as started:
        yield started


def watch(process: int, told: Told, **options: object) -> TimelineSampler:
    made = TimelineSampler(process, told, 1000.0, offset_ns=clock_offset_ns(), **options)  # type: ignore[arg-type]
    made.sample_now()
    return made


def look(made: TimelineSampler) -> None:
    made._next_look_ns = made._next_children_ns = 0
    made.look()


def test_a_spike_between_two_looks_has_its_height_and_its_interval(
    program: AllocatingProgram,
) -> None:
    told = Told()
    made = watch(program.process.pid, told)
    program.tell("spike 60")
    made.sample_now()
    (first, began), (second, ended) = told.samples
    ((high, since, until, at),) = [each for each in told.highs if each[1] == began]
    assert (since, until) == (began, ended)
    assert since < at < until
    assert 59 * MIB < high - first < 62 * MIB
    assert second - first < 10 * MIB


def test_a_spike_below_an_earlier_maximum_is_seen_by_a_look(program: AllocatingProgram) -> None:
    told = Told()
    program.tell("spike 150")
    made = watch(program.process.pid, told)
    program.tell("hold it 60")
    look(made)
    program.tell("drop it")
    made.sample_now()
    high, since, until, at = told.highs[-1]
    assert since == until == at < told.samples[-1][1]
    assert 59 * MIB < high - told.samples[0][0] < 70 * MIB


def test_looking_leaves_the_programs_own_maximum_alone(program: AllocatingProgram) -> None:
    program.tell("spike 150")
    before = int(program.tell("highest"))
    assert before > 150 * 1024
    told = Told()
    made = watch(program.process.pid, told)
    for _ in range(5):
        program.tell("spike 20")
        look(made)
        made.sample_now()
    assert int(program.tell("highest")) >= before


def test_a_maximum_after_the_last_sample_is_told_at_the_end(program: AllocatingProgram) -> None:
    told = Told()
    made = watch(program.process.pid, told)
    program.tell("spike 90")
    made.finish(highest=int(program.tell("highest")) * 1024)
    high, since, _, _ = told.highs[-1]
    assert since == told.samples[-1][1]
    assert high > told.samples[-1][0] + 85 * MIB


def test_a_sum_with_children_is_of_one_moment(program: AllocatingProgram) -> None:
    told = Told()
    first, second = program.tell("child 40"), program.tell("child 70").split()[-1]
    made = watch(program.process.pid, told, add_children=True, each_child=True)
    alone = Told()
    watch(program.process.pid, alone).close()
    sizes = {process: size for process, size, _ in told.children}
    assert set(sizes) == {int(first), int(second)} == set(told.relatives)
    assert told.samples[-1][0] == pytest.approx(alone.samples[-1][0] + sum(sizes.values()), abs=MIB)
    program.tell("childless")
    look(made)
    made.sample_now()
    assert told.samples[-1][0] == pytest.approx(alone.samples[-1][0], abs=20 * MIB)
    assert len(told.children) == 2


def test_the_sampling_process_is_no_child(program: AllocatingProgram) -> None:
    told = Told()
    child = int(program.tell("child 10"))
    watch(program.process.pid, told, add_children=True, ignore=child).close()
    assert told.relatives == []
    assert list(descendants(program.process.pid)) == [child]


def test_samples_lie_on_a_grid_however_late_one_was(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000_000]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    told = Told()
    made = TimelineSampler(os.getpid(), told, 0.1, offset_ns=0)
    late = {3: 370_000_000, 5: 20_000_000}
    for turn in range(9):
        made.look()
        while made.wait_s() != 0 or len(told.samples) == turn:
            now[0] += max(int(made.wait_s() * 1e9), 1)
            if made._next_look_ns >= made._next_sample_ns:
                break
            made.look()
        now[0] = max(now[0], made._next_sample_ns) + late.get(turn, 0)
    offsets = [round(at - told.samples[0][1], 3) for _, at in told.samples]
    assert offsets == [0.0, 0.1, 0.2, 0.3, 0.77, 0.8, 0.92, 1.0, 1.1]
    ((since, until),) = told.gaps
    assert round(until - 1, 2) == 0.77
    assert since < until - 0.2


def test_it_looks_often_where_the_mark_cannot_tell(program: AllocatingProgram) -> None:
    told = Told()
    made = watch(program.process.pid, told)
    later = made._begun_ns + sampler._EARLY_NS
    assert made._looks_apart(later) == sampler._LOOKS_AT_HIGHEST_NS
    program.tell("spike 60")
    made.sample_now()
    assert made._looks_apart(later) == sampler._LOOKS_APART_NS
    program.tell("hold it 61")
    made.sample_now()
    assert made._looks_apart(later) == sampler._LOOKS_AT_HIGHEST_NS


def test_a_process_that_ends_ends_its_watching() -> None:
    with AllocatingProgram() as program:
        told = Told()
        made = watch(program.process.pid, told)
    made.sample_now()
    assert not made.running
    assert made.wait_s() > 60
    made.finish()
    assert len(told.samples) == 1
    with pytest.raises(ProcessGoneError):
        ProcessSizes(program.process.pid)


def test_a_process_that_has_ended_but_is_not_waited_for_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        sizes = ProcessSizes(process.pid)
        assert sizes.now() > 0
        assert process.stdin is not None
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ProcessGoneError):
            sizes.now()
        sizes.close()


@pytest.mark.parametrize("metric", ["pss", "uss"])
def test_proportional_sizes_are_those_of_the_kernel(
    program: AllocatingProgram, metric: str
) -> None:
    told = Told()
    program.tell("hold it 30")
    watch(program.process.pid, told, metric=metric).close()
    rss = ProcessSizes(program.process.pid)
    assert 30 * MIB < told.samples[0][0] <= rss.now()
    rss.close()

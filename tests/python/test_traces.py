"""The classes of heapscope.traces are tracemalloc's: random traces through both say the same."""

from __future__ import annotations

import io
import itertools
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope import traces

pytestmark = pytest.mark.one_version

FILES = ("/a/one.py", "/a/two.py", "/b/one.pyc", "<unknown>", "<frozen importlib._bootstrap>")
KEYS = ("lineno", "filename", "traceback")
GROUPINGS = [(key, cumulative) for key in KEYS for cumulative in (False, True)][:-1]


def random_traces(seed: int) -> list[tuple[Any, ...]]:
    choose = random.Random(seed)
    stacks = [
        tuple((choose.choice(FILES), choose.randrange(4)) for _ in range(choose.randint(1, 5)))
        for _ in range(12)
    ]
    return [
        (
            choose.choice((0, 0, 0, 7, 389047)),
            choose.choice((1, 30, 500, 10_239, 10_240, 123_456_789, 10**13)),
            stack,
            len(stack) + choose.randrange(3),
        )
        for stack in choose.choices(stacks, k=choose.randrange(60))
        for _ in range(choose.randint(1, 3))
    ]


def both(seed: int) -> tuple[traces.Snapshot, tracemalloc.Snapshot]:
    made = random_traces(seed)
    return traces.Snapshot(made, 5), tracemalloc.Snapshot(made, 5)  # type: ignore[arg-type]


def texts(statistics: list[Any]) -> list[tuple[str, str]]:
    return [(str(each), repr(each)) for each in statistics]


@pytest.mark.parametrize("seed", range(40))
def test_statistics_and_differences_are_tracemallocs(seed: int) -> None:
    (ours, theirs), (our_old, their_old) = both(seed), both(seed + 1000)
    for key, cumulative in GROUPINGS:
        assert texts(ours.statistics(key, cumulative)) == texts(theirs.statistics(key, cumulative))
        assert texts(ours.compare_to(our_old, key, cumulative)) == texts(
            theirs.compare_to(their_old, key, cumulative)
        )
        assert ours.compare_to(their_old, key, cumulative) == ours.compare_to(
            our_old, key, cumulative
        )


def filters_of(module: Any, seed: int) -> list[Any]:
    choose = random.Random(seed)
    made: list[Any] = []
    for _ in range(choose.randint(0, 3)):
        if choose.random() < 0.3:
            made.append(module.DomainFilter(choose.random() < 0.5, choose.choice((0, 7))))
            continue
        made.append(
            module.Filter(
                choose.random() < 0.5,
                choose.choice(("/a/*", "*.py", "*.pyc", "<unknown>", "/a/one.py", "[!<]*", "")),
                choose.choice((None, None, 0, 2)),
                choose.random() < 0.5,
                choose.choice((None, None, 0, 7)),
            )
        )
    return made


@pytest.mark.parametrize("seed", range(60))
def test_filters_keep_what_tracemallocs_keep(seed: int) -> None:
    ours: Any
    theirs: Any
    ours, theirs = both(seed)
    kept = ours.filter_traces(filters_of(traces, seed))
    assert kept.traces._traces == theirs.filter_traces(filters_of(tracemalloc, seed)).traces._traces
    assert ours.traces._traces == theirs.traces._traces
    assert kept.traceback_limit == 5


def test_a_filter_of_the_programs_own_sees_every_size() -> None:
    class Large(traces.BaseFilter):
        def _match(self, trace: Any) -> bool:
            return bool(trace[1] > 400)

    ours, _ = both(3)
    sizes = [trace.size for trace in ours.filter_traces([Large(True)]).traces]
    assert sizes == [trace.size for trace in ours.traces if trace.size > 400]


@pytest.mark.parametrize("seed", range(10))
def test_traces_are_a_sequence_of_all_blocks(seed: int) -> None:
    ours, theirs = both(seed)
    assert len(ours.traces) == len(theirs.traces)
    assert texts(list(ours.traces)) == texts(list(theirs.traces))
    for at in (*range(-len(ours.traces), len(ours.traces)), slice(2, 9), slice(None, None, -2)):
        assert repr(ours.traces[at]) == repr(theirs.traces[at])
    for outside in (len(ours.traces), -len(ours.traces) - 1):
        with pytest.raises(IndexError):
            ours.traces[outside]
    assert all(trace in ours.traces for trace in ours.traces)
    assert traces.Trace((9, 1, (("x", 1),), 1)) not in ours.traces
    assert repr(ours.traces) == repr(theirs.traces)


def test_equal_places_are_equal_and_ordered() -> None:
    one, same, other = (traces.Frame(("f.py", line)) for line in (1, 1, 2))
    assert (one, hash(one)) == (same, hash(same))
    assert one < other
    assert other >= same
    assert one != ("f.py", 1)
    older, newer = (traces.Traceback((("f.py", line), ("g.py", 9))) for line in (1, 2))
    assert older < newer
    assert traces.Traceback((("f.py", 1), ("g.py", 9)), 4) == older
    assert hash(traces.Traceback((("f.py", 1), ("g.py", 9)), 4)) == hash(older)
    assert older[-1] == one
    assert one in older
    assert [str(frame) for frame in older] == ["g.py:9", "f.py:1"]
    assert {traces.Statistic(older, 1, 2), traces.Statistic(older, 1, 2)} == {
        traces.Statistic(older, 1, 2)
    }
    assert traces.StatisticDiff(older, 1, 2, 3, 4) != traces.StatisticDiff(older, 1, 2, 3, 5)
    with pytest.raises(TypeError):
        _ = one < 3


@pytest.mark.parametrize("limit", [None, 1, 2, 5, 0, -1, -2])
@pytest.mark.parametrize("most_recent_first", [False, True])
def test_a_traceback_is_formatted_as_tracemallocs(
    limit: int | None, most_recent_first: bool
) -> None:
    frames = ((__file__, 1), (__file__, 3), ("nowhere.py", 7))
    ours, theirs = traces.Traceback(frames, 9), tracemalloc.Traceback(frames, 9)  # type: ignore[call-arg]
    assert ours.format(limit, most_recent_first) == theirs.format(limit, most_recent_first)
    assert ours.total_nframe == 9


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("nonsense",), "unknown key_type: 'nonsense'"), (("traceback", True), "cumulative mode")],
)
def test_another_grouping_is_refused(arguments: tuple[Any, ...], error: str) -> None:
    snapshot, _ = both(1)
    with pytest.raises(ValueError, match=error):
        snapshot.statistics(*arguments)


def test_one_filter_instead_of_a_list_is_refused() -> None:
    snapshot, _ = both(1)
    with pytest.raises(TypeError, match="must be a list of filters, not Filter"):
        snapshot.filter_traces(traces.Filter(True, "*"))  # type: ignore[arg-type]


def test_display_top_prints_the_recipe() -> None:
    here = Path(__file__)
    made = [
        (0, 6_000_000, ((str(here), 3),), 1),
        (0, 2048, (("/nowhere/at/all.py", 8),), 1),
        (0, 1024, (("/nowhere/at/all.py", 9),), 1),
        (0, 5_000_000, (("<unknown>", 0),), 1),
        (0, 5_000_000, (("<frozen importlib._bootstrap>", 8),), 1),
    ]
    out = io.StringIO()
    heapscope.display_top(traces.Snapshot(made, 1), limit=2, file=out)
    assert out.getvalue() == (
        "Top 2 lines\n"
        "#1: python/test_traces.py:3: 5859.4 KiB\n"
        "    from __future__ import annotations\n"
        "#2: at/all.py:8: 2.0 KiB\n"
        "1 other: 1.0 KiB\n"
        "Total allocated size: 5862.4 KiB\n"
    )


# ---- files


@pytest.mark.parametrize("seed", range(5))
def test_a_written_snapshot_reads_back_equal(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "snapshot.json"
    ours, _ = both(seed)
    ours.note = ["of", {"the": None}]  # type: ignore[attr-defined]
    ours.dump(path)
    ours.dump(path)  # in place of the first
    read = traces.Snapshot.load(path)
    assert read.traces == ours.traces
    assert read.traceback_limit == 5
    assert read.note == ["of", {"the": None}]  # type: ignore[attr-defined]
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.json"]


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    made = [("malloc", 5, (("\udc80 \U0001f40d\n.py", 1),), 1)]
    traces.Snapshot(made, 1).dump(tmp_path / "odd")
    assert traces.Snapshot.load(tmp_path / "odd").traces._traces == made


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("old")
    ours, _ = both(1)
    ours.bad = object()  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="not JSON serializable"):
        ours.dump(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("snapshot.json", "old")
    ]


def test_a_pickle_is_refused_and_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    import pickle

    path = tmp_path / "hostile"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(heapscope.CaptureError, match="from_tracemalloc"):
        traces.Snapshot.load(path)
    assert not (tmp_path / "executed").exists()


def test_every_damage_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    made = [(0, 5, (("a.py", 1), ("b.py", 2)), 2), ("mmap", 6, (("a.py", 3),), 1)]
    traces.Snapshot(made, 2).dump(path)
    document = json.loads(path.read_text())

    def places(value: Any, at: tuple[Any, ...] = ()) -> Any:
        yield at
        keys = (
            value
            if isinstance(value, dict)
            else range(len(value) if isinstance(value, list) else 0)
        )
        for key in keys:
            yield from places(value[key], (*at, key))

    wrong: tuple[Any, ...] = (
        None,
        -1,
        1.5,
        "x",
        [],
        {},
        True,
        10**30,
        [[]],
        {"__class__": 1},
        {"_blocks": 1},
    )
    read = refused = 0
    for place, value in itertools.product(places(document), wrong):
        damaged: Any = json.loads(json.dumps(document))
        if not place:
            damaged = value
        else:
            inner = damaged
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
        path.write_text(json.dumps(damaged))
        try:
            snapshot = traces.Snapshot.load(path)
        except heapscope.CaptureError as error:
            refused += (str(error).startswith(str(path)), "\n" in str(error)) == (True, False)
        else:  # a name, a domain or an attribute may be anything
            read += 1
            snapshot.statistics("lineno")
            assert len(list(itertools.islice(snapshot.traces, 3))) <= 3
    assert refused > 200
    assert read < 40
    text = json.dumps(document)
    for cut in range(len(text) - 1):
        path.write_text(text[:cut])
        with pytest.raises(heapscope.CaptureError):
            traces.Snapshot.load(path)
    path.write_text("[" * 100_000)
    with pytest.raises(heapscope.CaptureError):
        traces.Snapshot.load(path)


def test_snapshots_go_to_tracemalloc_and_back() -> None:
    ours, theirs = both(5)
    assert ours.to_tracemalloc().traces == theirs.traces
    assert traces.Snapshot.from_tracemalloc(theirs).traces == ours.traces
    native = traces.Snapshot([("malloc", 5, (("a", 1),), 1), ("mmap", 5, (("a", 1),), 1)], 1)
    assert [trace.domain for trace in native.to_tracemalloc().traces] == [1, 2]

"""The benchmarks run and their tables say what the results hold; speed itself is not tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_version

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
WORKLOADS = sorted(
    path.stem for path in (BENCHMARKS / "workloads").glob("*.py") if path.stem != "measure"
)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_runs_in_a_tiny_size_and_records_its_cost(workload: str, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    script = BENCHMARKS / "workloads" / f"{workload}.py"
    environment = {**os.environ, "BENCH_RECORD": str(record), "BENCH_SCALE": "0.001"}
    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, check=True)
    assert run.stdout == b""
    cost = json.loads(record.read_text(encoding="utf-8"))
    assert cost["cpu_s"] > 0
    assert cost["peak_rss_bytes"] >= cost["setup_peak_rss_bytes"] > 0


def run_of(tool: str, repetition: int, cpu_s: float, rss_mib: float) -> dict[str, object]:
    return {
        "tool": tool,
        "workload": "fib",
        "repetition": repetition,
        "exit_code": 0,
        "cpu_s": cpu_s,
        "wall_s": cpu_s,
        "peak_rss_bytes": int(rss_mib * 2**20),
        "details": {},
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three repetitions in which heapscope costs 1.5, 2.0 and 4.0 times the untracked run."""
    runs = []
    for repetition, (base, tracked) in enumerate(((2.0, 3.0), (1.0, 2.0), (0.5, 2.0))):
        runs.append(run_of("untracked", repetition, base, 10))
        runs.append(run_of("heapscope", repetition, tracked, 12.5))
    runs[1]["file_bytes"] = 3 * 2**20
    runs[1]["answers"] = {"summary": [0.3, 0.1, 0.2], "tree": [0.25], "table": []}
    document = {
        "schema": "heapscope/benchmarks/1",
        "started_at": "2026-01-02T03:04:05+00:00",
        "machine": {
            "processor": "a processor",
            "cores": 2,
            "kernel": "6.1",
            "python": "CPython 3.11.7, no PGO",
            "versions": {"heapscope": "0.1.0"},
        },
        "repeats": 3,
        "runs": runs,
        "empty": [
            {"tool": "untracked", "repetition": 0, "cpu_s": 0.01, "wall_s": 0.010},
            {"tool": "heapscope", "repetition": 0, "cpu_s": 0.03, "wall_s": 0.045},
        ],
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def tables(*arguments: str | Path) -> str:
    command = [sys.executable, BENCHMARKS / "table.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def test_a_ratio_is_the_median_over_the_untracked_run_of_the_same_repetition(results: Path) -> None:
    (row,) = (line for line in tables(results).splitlines() if line.startswith("| fib | 1.000 s"))
    assert cells(row) == ["fib", "1.000 s", "2.00 (1.50-4.00)"]


def test_added_memory_is_the_difference_of_the_peaks(results: Path) -> None:
    assert "| fib | 10.0 | +2.5 |" in tables(results)


def test_the_summary_has_a_row_for_each_tool_but_the_baseline(results: Path) -> None:
    header, _, *rows = tables(results, "--only", "summary").strip().splitlines()
    assert len(rows) == 1
    found = dict(zip(cells(header), cells(rows[0]), strict=True))
    assert found == {
        "": "heapscope",
        "CPU, six workloads": "2.00 (1.50-4.00)",
        "worst of them": "2.00",
        "calls only (fib)": "2.00",
        "CPU, six others": "-",
        "added RSS, MiB, at most": "2",
        "file, MiB, at most": "3",
        "first answer, s, at most": "0.20",
        "start and end, ms": "35",
    }


def test_a_run_that_failed_is_left_out_of_every_table(results: Path) -> None:
    document = json.loads(results.read_text(encoding="utf-8"))
    for run in document["runs"]:
        if run["tool"] == "heapscope":
            del run["cpu_s"]
            run["exit_code"] = 1
    results.write_text(json.dumps(document), encoding="utf-8")
    assert "| fib | 1.000 s |" in tables(results)
    assert "heapscope |" not in tables(results, "--only", "summary")


def test_the_tables_of_a_page_are_renewed_and_its_text_is_kept(
    results: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- table: rss -->\nold\n<!-- end of table -->\nafter\n", encoding="utf-8"
    )
    tables(results, "--write", page)
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["before", "<!-- table: rss -->"]
    assert "| fib | 10.0 | +2.5 |" in lines
    assert lines[-2:] == ["<!-- end of table -->", "after"]
    assert "old" not in lines

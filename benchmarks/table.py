"""Turns a results file of run.py into Markdown tables.

``python benchmarks/table.py [RESULTS]`` prints every table; ``--summary`` the one for the README.

Each figure is the median over the repetitions, with the lowest and highest in brackets where the
spread says something. A CPU ratio divides a run by the untracked run of the same repetition; the
means over workloads are geometric and taken within a repetition. Added RSS is the peak (VmHWM) of
the tracked process less that of the untracked one, resident pages of a mapped capture included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from peers import BASELINE, OTHERS, SIX, TOOLS, WORKLOADS

Results = dict[str, Any]
LATEST = Path(__file__).resolve().parent / "results" / "latest.json"
MEBIBYTE = 2**20


class Figures:
    """The runs of a results file by tool, workload and repetition."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._runs = {
            (run["tool"], run["workload"], run["repetition"]): run
            for run in results["runs"]
            if "cpu_s" in run
        }
        self.tools = [name for name in TOOLS if any(key[0] == name for key in self._runs)]
        self.workloads = [name for name in WORKLOADS if any(key[1] == name for key in self._runs)]
        self.repetitions = sorted({key[2] for key in self._runs})

    def values(self, tool: str, workload: str, name: str) -> list[float]:
        """The figure `name` in every repetition that has it."""
        runs = (self._runs.get((tool, workload, repetition)) for repetition in self.repetitions)
        return [run[name] for run in runs if run is not None and run.get(name) is not None]

    def pairs(self, tool: str, workload: str) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
        """A tool's run and the untracked one of the same repetition."""
        for repetition in self.repetitions:
            run = self._runs.get((tool, workload, repetition))
            base = self._runs.get((BASELINE, workload, repetition))
            if run is not None and base is not None:
                yield run, base

    def ratios(self, tool: str, workload: str) -> list[float]:
        """CPU of the work over the untracked one's."""
        return [run["cpu_s"] / base["cpu_s"] for run, base in self.pairs(tool, workload)]

    def mean_ratios(self, tool: str, workloads: Sequence[str]) -> list[float]:
        """Geometric mean over `workloads`, for each repetition that has them all."""
        means = []
        for repetition in self.repetitions:
            runs = [self._runs.get((tool, workload, repetition)) for workload in workloads]
            bases = [self._runs.get((BASELINE, workload, repetition)) for workload in workloads]
            pairs = zip(runs, bases, strict=True)
            ratios = [run["cpu_s"] / base["cpu_s"] for run, base in pairs if run and base]
            if ratios and len(ratios) == len(workloads):
                means.append(statistics.geometric_mean(ratios))
        return means

    def added_rss(self, tool: str, workload: str) -> list[float]:
        """Added peak RSS in MiB."""
        return [
            (run["peak_rss_bytes"] - base["peak_rss_bytes"]) / MEBIBYTE
            for run, base in self.pairs(tool, workload)
        ]

    def depth_ns(self, tool: str) -> dict[str, float]:
        """CPU nanoseconds of one call of the deep recursion, by depth."""
        found: dict[str, list[float]] = {}
        for repetition in self.repetitions:
            run = self._runs.get((tool, "deep_recursion", repetition), {"details": {}})
            for name, value in run["details"].items():
                found.setdefault(name, []).append(value)
        return {name: statistics.median(values) for name, values in found.items()}

    def answers(self, tool: str, workload: str) -> dict[str, float]:
        """Median wall seconds of each command that answers from the capture."""
        run = self._runs.get((tool, workload, self.repetitions[0]), {})
        found = run.get("answers") or {}
        return {name: statistics.median(times) for name, times in found.items() if times}

    def empty(self, tool: str, name: str) -> list[float]:
        return [run[name] for run in self.results.get("empty", []) if run["tool"] == tool]


def with_spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Median, and lowest and highest where there are several: ``1.17 (1.15-1.20)``."""
    if not values:
        return "-"
    median = form.format(statistics.median(values))
    if len(values) == 1:
        return median
    return f"{median} ({form.format(min(values))}-{form.format(max(values))})"


def middle(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Median alone."""
    return form.format(statistics.median(values)) if values else "-"


def megabytes(size: float) -> str:
    """A file's size in MiB, three digits."""
    return f"{size / MEBIBYTE:.3g}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right-aligned."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def summary(figures: Figures) -> str:
    """One row a tool: what a reader compares first."""
    six = [name for name in SIX if name in figures.workloads]
    others = [name for name in OTHERS if name in figures.workloads]
    rows = []
    for tool in figures.tools:
        if tool == BASELINE:
            continue
        medians = [statistics.median(r) for name in six if (r := figures.ratios(tool, name))]
        added = [statistics.median(r) for name in six if (r := figures.added_rss(tool, name))]
        sizes = [max(s) for name in six if (s := figures.values(tool, name, "file_bytes"))]
        first = [min(a.values()) for name in six if (a := figures.answers(tool, name))]
        start = added_start_ms(figures, tool)
        rows.append(
            [
                TOOLS[tool].label,
                with_spread(figures.mean_ratios(tool, six)),
                f"{max(medians):.2f}" if medians else "-",
                middle(figures.ratios(tool, "fib")),
                middle(figures.mean_ratios(tool, others)),
                f"{max(added):.0f}" if added else "-",
                megabytes(max(sizes)) if sizes else "-",
                f"{max(first):.2f}" if first else "-",
                middle(start, "{:.0f}"),
            ]
        )
    header = [
        "",
        "CPU, six workloads",
        "worst of them",
        "calls only (fib)",
        "CPU, six others",
        "added RSS, MiB, at most",
        "file, MiB, at most",
        "first answer, s, at most",
        "start and end, ms",
    ]
    return markdown(header, rows)


def added_start_ms(figures: Figures, tool: str) -> list[float]:
    """Wall milliseconds that a tool adds to an empty program, run by run."""
    tracked = figures.empty(tool, "wall_s")
    base = figures.empty(BASELINE, "wall_s")
    return [(a - b) * 1e3 for a, b in zip(tracked, base, strict=False)]


def by_workload(
    figures: Figures, cell: Callable[[str, str], str], base: Callable[[str], str] | None = None
) -> tuple[list[str], list[list[str]]]:
    """Header and rows with one row a workload and one column a tool."""
    tools = [tool for tool in figures.tools if tool != BASELINE]
    header = ["workload", *(["untracked"] if base else []), *(TOOLS[tool].label for tool in tools)]
    rows = [
        [name, *([base(name)] if base else []), *(cell(tool, name) for tool in tools)]
        for name in figures.workloads
    ]
    return header, rows


def cpu(figures: Figures) -> str:
    header, rows = by_workload(
        figures,
        lambda tool, name: with_spread(figures.ratios(tool, name)),
        lambda name: middle(figures.values(BASELINE, name, "cpu_s"), "{:.3f} s"),
    )
    tools = [tool for tool in figures.tools if tool != BASELINE]
    for label, group in (("the six", SIX), ("six others", OTHERS)):
        if all(name in figures.workloads for name in group):
            means = [with_spread(figures.mean_ratios(tool, group)) for tool in tools]
            rows.append([f"*geometric mean of {label}*", "", *means])
    return markdown(header, rows)


def rss(figures: Figures) -> str:
    header, rows = by_workload(
        figures,
        lambda tool, name: middle(figures.added_rss(tool, name), "{:+.1f}"),
        lambda name: middle(
            [size / MEBIBYTE for size in figures.values(BASELINE, name, "peak_rss_bytes")], "{:.1f}"
        ),
    )
    return markdown(header, rows)


def files(figures: Figures) -> str:
    def cell(tool: str, name: str) -> str:
        sealed = figures.values(tool, name, "file_bytes")
        raw = figures.values(tool, name, "capture_bytes")
        if not sealed:
            return "-"
        end = megabytes(statistics.median(sealed))
        return f"{end} ({megabytes(statistics.median(raw))})" if raw else end

    return markdown(*by_workload(figures, cell))


def answers(figures: Figures) -> str:
    columns = [(tool, name) for tool in figures.tools for name in TOOLS[tool].answers]
    rows = []
    for workload in figures.workloads:
        cells = []
        for tool, name in columns:
            seconds = figures.answers(tool, workload).get(name)
            cells.append("-" if seconds is None else f"{seconds:.2f}")
        rows.append([workload, *cells])
    return markdown(["workload", *(f"{TOOLS[t].label} {n}" for t, n in columns)], rows)


def depth(figures: Figures) -> str:
    columns = list(figures.depth_ns(BASELINE))
    rows = []
    for tool in figures.tools:
        ns = figures.depth_ns(tool)
        if ns:
            rows.append([TOOLS[tool].label, *(f"{ns[name]:.0f}" for name in columns)])
    return markdown(["ns a call", *(name.split("_")[1] for name in columns)], rows)


def empty(figures: Figures) -> str:
    rows = [
        [
            TOOLS[tool].label,
            with_spread([s * 1e3 for s in figures.empty(tool, "wall_s")], "{:.0f}"),
            with_spread([s * 1e3 for s in figures.empty(tool, "cpu_s")], "{:.0f}"),
            middle(added_start_ms(figures, tool), "{:+.0f}"),
        ]
        for tool in figures.tools
    ]
    return markdown(["empty program", "wall, ms", "CPU, ms", "added wall, ms"], rows)


def memory(figures: Figures) -> str:
    """heapscope's own table: what it adds to a heap of known size, and how long sealing takes."""
    rows = []
    for name in figures.workloads:
        peak = figures.values("heapscope", name, "heap_peak_bytes")
        sealing = figures.values("heapscope", name, "sealing_s")
        added = figures.added_rss("heapscope", name)
        if not peak or not added:
            continue
        heap = peak[0] / MEBIBYTE
        rest = statistics.median(added) - 0.25 * heap
        seal = middle([s * 1e3 for s in sealing], "{:.0f}")
        rows.append([name, f"{heap:.1f}", middle(added, "{:+.1f}"), f"{rest:+.1f}", seal])
    header = ["heapscope", "peak heap, MiB", "added RSS, MiB", "less 25 % of the heap", "seal, ms"]
    return markdown(header, rows)


def machine(results: Results) -> str:
    about = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['python']}, Linux {about['kernel']}, {about['cores']} cores of "
        f"{about['processor']}; {versions}; "
        f"{results['repeats']} repetitions, {results['started_at'][:10]}."
    )


def document(results: Results) -> str:
    """Every table of a results file."""
    figures = Figures(results)
    parts = [machine(results), "## Summary", summary(figures)]
    parts += ["## CPU, ratio to the untracked run", cpu(figures)]
    parts += ["## Added peak RSS, MiB", rss(figures)]
    parts += ["## Capture when the tool has ended, MiB (while the program ran)", files(figures)]
    parts += ["## Time to an answer, wall seconds", answers(figures)]
    if "heapscope" in figures.tools:
        parts += ["## Memory and sealing", memory(figures)]
    if "deep_recursion" in figures.workloads:
        parts += ["## Depth of the recursion", depth(figures)]
    if results.get("empty"):
        parts += ["## Start and end", empty(figures)]
    return "\n\n".join(parts)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Markdown tables of a results file.")
    parser.add_argument("results", type=Path, nargs="?", default=LATEST)
    parser.add_argument("--summary", action="store_true", help="only the table for the README")
    options = parser.parse_args(arguments)
    results = json.loads(options.results.read_text(encoding="utf-8"))
    print(summary(Figures(results)) if options.summary else document(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

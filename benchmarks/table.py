"""Turns a results file of run.py into Markdown tables.

``python benchmarks/table.py [RESULTS]`` prints every table, ``--only NAME`` one, ``--write PAGE``
renews those of a page.

Each figure is the median over the repetitions, with the lowest and highest in brackets where the
spread says something. A CPU ratio divides a run by the untracked run of the same repetition; the
means over workloads are geometric and taken within a repetition. Added RSS is the peak (VmHWM) of
the tracked process less that of the untracked one, resident pages of a mapped capture included.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from figures import MEBIBYTE, Figures, Results
from peers import BASELINE, OTHERS, SIX, TOOLS

LATEST = Path(__file__).resolve().parent / "results" / "latest.json"


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
        start = figures.added_start_ms(tool)
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
            middle(figures.added_start_ms(tool), "{:+.0f}"),
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


def machine(figures: Figures) -> str:
    """What was measured where, in one sentence."""
    about = figures.results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['python']}, Linux {about['kernel']}, {about['cores']} cores of "
        f"{about['processor']}; {versions}; "
        f"{figures.results['repeats']} repetitions, {figures.results['started_at'][:10]}."
    )


SECTIONS: dict[str, tuple[str, Callable[[Figures], str]]] = {
    "summary": ("Summary", summary),
    "cpu": ("CPU, ratio to the untracked run", cpu),
    "rss": ("Added peak RSS, MiB", rss),
    "memory": ("Heap, added memory and sealing", memory),
    "files": ("Capture after the tool has ended, MiB (while the program runs)", files),
    "answers": ("Time to an answer, wall seconds", answers),
    "depth": ("Depth of a recursion", depth),
    "empty": ("Start and end of an empty program", empty),
    "machine": ("Measured on", machine),
}


def document(results: Results) -> str:
    """Every section of a results file."""
    figures = Figures(results)
    return "\n\n".join(f"## {title}\n\n{section(figures)}" for title, section in SECTIONS.values())


def filled(page: str, figures: Figures) -> str:
    """Renew what stands between ``<!-- table: NAME -->`` and ``<!-- end of table -->``."""

    def section(match: re.Match[str]) -> str:
        _, render = SECTIONS[match[2]]
        return f"{match[1]}\n\n{render(figures)}\n\n{match[3]}"

    pattern = r"(<!-- table: (\w+) -->).*?(<!-- end of table -->)"
    return re.sub(pattern, section, page, flags=re.DOTALL)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Markdown tables of a results file.")
    parser.add_argument("results", type=Path, nargs="?", default=LATEST)
    parser.add_argument("--only", choices=SECTIONS, help="one section, without its title")
    parser.add_argument("--write", type=Path, action="append", help="renew the tables of a page")
    options = parser.parse_args(arguments)
    results = json.loads(options.results.read_text(encoding="utf-8"))
    if options.write:
        for page in options.write:
            text = filled(page.read_text(encoding="utf-8"), Figures(results))
            page.write_text(text, encoding="utf-8")
    elif options.only:
        print(SECTIONS[options.only][1](Figures(results)))
    else:
        print(document(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

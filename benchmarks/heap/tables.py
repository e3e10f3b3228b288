"""Turns the results of run.py into Markdown tables.

``python benchmarks/heap/tables.py [RESULTS]`` prints them; ``--write PAGE`` renews those of a page.
Figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

LATEST = Path(__file__).resolve().parents[1] / "results" / "heap.json"
LABELS = {
    "heapscope_walk": "heapscope: the walk, all references kept",
    "heapscope_heap": "heapscope `heap()` and print",
    "heapscope_sizeof": "heapscope `deep_sizeof`",
    "heapscope_file": "heapscope `heap().save()`",
    "guppy": "guppy3 `heap()` and print",
    "pympler_summary": "Pympler muppy and summary",
    "pympler_asizeof": "Pympler `asizeof`",
    "objgraph": "objgraph `most_common_types`: tracked objects only",
}
Results = dict[str, Any]


class Figures:
    """Medians by tool and heap."""

    def __init__(self, results: Results) -> None:
        self._runs = [run for run in results["runs"] if "error" not in run]
        self.heaps = list(
            dict.fromkeys((run["shape"], run["asked_objects"], run["order"]) for run in self._runs)
        )

    def median(self, tool: str, heap: tuple[str, int, str], name: str) -> float | None:
        values = [
            run[name]
            for run in self._runs
            if run["tool"] == tool
            and (run["shape"], run["asked_objects"], run["order"]) == heap
            and run.get(name) is not None
        ]
        return statistics.median(values) if values else None

    def per_object(self, tool: str, heap: tuple[str, int, str], name: str) -> float | None:
        """Divided by the objects that heapscope counts in that heap."""
        value = self.median(tool, heap, name)
        objects = self.median("heapscope_walk", heap, "objects")
        return None if value is None or not objects else value / objects


def name_of(heap: tuple[str, int, str]) -> str:
    shape, objects, order = heap
    kind = "" if shape == "records" else f" ({shape})"
    return f"{objects / 1e6:g} million objects{kind}, {order}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def look(figures: Figures) -> str:
    """Processor nanoseconds an object."""
    return by_heap(figures, lambda tool, heap: per(figures, tool, heap, "cpu_s", 1e9, "{:,.0f}"))


def memory(figures: Figures) -> str:
    """Added bytes an object."""
    return by_heap(figures, lambda tool, heap: per(figures, tool, heap, "added_bytes", 1, "{:.0f}"))


def by_heap(figures: Figures, cell: Callable[[str, tuple[str, int, str]], str]) -> str:
    tools = [
        tool
        for tool in LABELS
        if any(figures.median(tool, heap, "cpu_s") is not None for heap in figures.heaps)
    ]
    rows = [[LABELS[tool], *(cell(tool, heap) for heap in figures.heaps)] for tool in tools]
    return markdown(["", *map(name_of, figures.heaps)], rows)


def per(
    figures: Figures, tool: str, heap: tuple[str, int, str], name: str, unit: float, form: str
) -> str:
    value = figures.per_object(tool, heap, name)
    return "-" if value is None else form.format(value * unit)


def ratios(figures: Figures) -> str:
    """How many times the peer's processor time is ours, for the same question."""
    questions = (
        ("guppy3's `heap()` and print, over the walk", "guppy", "heapscope_walk"),
        ("guppy3's `heap()` and print, over `heap()` and print", "guppy", "heapscope_heap"),
        ("Pympler's summary, over `heap()` and print", "pympler_summary", "heapscope_heap"),
        ("Pympler's summary, over the walk", "pympler_summary", "heapscope_walk"),
        ("Pympler's `asizeof`, over `deep_sizeof`", "pympler_asizeof", "heapscope_sizeof"),
    )
    rows = []
    for label, peer, own in questions:
        cells = []
        for heap in figures.heaps:
            theirs, ours = (figures.median(tool, heap, "cpu_s") for tool in (peer, own))
            cells.append("-" if theirs is None or not ours else f"{theirs / ours:.1f}x")
        rows.append([label, *cells])
    return markdown(["", *map(name_of, figures.heaps)], rows)


def analysis(figures: Figures) -> str:
    """The saved snapshot: its size, and what its answers cost."""
    tool = "heapscope_analysis"
    rows = []
    for heap in figures.heaps:
        dominators = figures.median(tool, heap, "dominators_cpu_s")
        load = figures.median(tool, heap, "load_cpu_s")
        engine = figures.median("devtools_engine", heap, "cpu_s")
        rows.append(
            [
                name_of(heap),
                per(figures, tool, heap, "file_bytes", 1, "{:.2f}"),
                "-" if load is None else f"{load:.2f} s",
                "-" if dominators is None else f"{dominators:.2f} s",
                per(figures, tool, heap, "peak_bytes", 1, "{:.0f}"),
                "-" if engine is None else f"{engine:.1f} s",
                pause(figures, heap, "parent_cpu_ns"),
                pause(figures, heap, "bare_clone_cpu_ns"),
            ]
        )
    header = [
        "",
        "file, B/object",
        "load",
        "dominators, retained sizes of all",
        "peak memory, B/object",
        "DevTools engine: load and the same",
        "fork: pause, CPU per GB",
        "a bare clone by the kernel",
    ]
    return markdown(header, rows)


def pause(figures: Figures, heap: tuple[str, int, str], name: str) -> str:
    """Processor time of the copied process for each gigabyte (10**9 bytes) that is resident."""
    spent = figures.median("heapscope_fork", heap, name)
    resident = figures.median("heapscope_fork", heap, "rss_bytes")
    return "-" if spent is None or not resident else f"{spent / 1e6 / (resident / 1e9):.0f} ms"


def machine(results: Results) -> str:
    peers = ", ".join(f"{name} {version}" for name, version in results["peers"].items())
    rounds = f"{results['rounds']} rounds"
    large = results.get("large_rounds", results["rounds"])
    if large != results["rounds"]:
        rounds += f" ({large} of heaps above a million)"
    return (
        f"CPython {results['python']}, Linux {results['kernel']}, {results['cores']} cores; "
        f"{peers or 'no peers'}; {rounds}, {results['started_at'][:10]}."
    )


SECTIONS: dict[str, tuple[str, Callable[[Figures], str]]] = {
    "look": ("A first look, processor time in ns an object", look),
    "ratios": ("Processor time of the peer over heapscope's", ratios),
    "memory": ("Added memory at most, bytes an object", memory),
    "analysis": ("A saved snapshot", analysis),
}


def render(name: str, results: Results) -> str:
    return machine(results) if name == "machine" else SECTIONS[name][1](Figures(results))


def document(results: Results) -> str:
    """Every table."""
    parts = [f"## {title}\n\n{render(name, results)}" for name, (title, _) in SECTIONS.items()]
    return "\n\n".join([*parts, machine(results)])


def filled(page: str, results: Results) -> str:
    """Renew what stands between ``<!-- heap table: NAME -->`` and ``<!-- end of table -->``."""
    return re.sub(
        r"(<!-- heap table: (\w+) -->).*?(<!-- end of table -->)",
        lambda match: f"{match[1]}\n\n{render(match[2], results)}\n\n{match[3]}",
        page,
        flags=re.DOTALL,
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Markdown tables of a results file.")
    parser.add_argument("results", type=Path, nargs="?", default=LATEST)
    parser.add_argument("--write", type=Path, action="append", help="renew the tables of a page")
    options = parser.parse_args(arguments)
    results = json.loads(options.results.read_text(encoding="utf-8"))
    for page in options.write or []:
        page.write_text(filled(page.read_text(encoding="utf-8"), results), encoding="utf-8")
    if not options.write:
        print(document(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

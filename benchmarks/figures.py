"""The figures of a results file: by tool and workload, one for each repetition."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from peers import BASELINE, TOOLS, WORKLOADS

Results = dict[str, Any]
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

    def added_start_ms(self, tool: str) -> list[float]:
        """Wall milliseconds that a tool adds to an empty program, run by run."""
        tracked, base = self.empty(tool, "wall_s"), self.empty(BASELINE, "wall_s")
        return [(a - b) * 1e3 for a, b in zip(tracked, base, strict=False)]

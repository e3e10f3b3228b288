"""Measures heapscope and its peers on the workloads: one results file, one table.

Every repetition runs every workload under every tool, one after the other, so that a slow minute
of the machine falls on all of them; ratios are to the untracked run of the same repetition.

Examples
--------
``python benchmarks/run.py``                       everything, about an hour
``python benchmarks/run.py --quick``               a tenth of the work, once: does it all still run?
``python benchmarks/run.py --tools heapscope --workloads fib,method_calls --repeats 9``
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import captures
import environment
import table
from peers import BASELINE, TOOLS, WORKLOADS, Tool
from process import cost

SCHEMA = "heapscope/benchmarks/1"
EMPTY_TIMES = 5  # empty programs in each repetition
RESULTS = environment.HERE / "results"  # latest.json holds the last run of everything


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    programs = environment.programs(options.python, install=options.install)
    tools = [tool for tool in options.tools if (programs / tool.program).exists()]
    for tool in options.tools:
        if tool not in tools:
            say(f"{tool.label} is not installed and left out")
    runs: list[dict[str, object]] = []
    empty: list[dict[str, object]] = []
    results: dict[str, object] = {
        "schema": SCHEMA,
        "started_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": environment.describe(programs),
        "scale": options.scale,
        "repeats": options.repeats,
        "runs": runs,
        "empty": empty,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for repetition in range(options.repeats):
        if options.empty:
            empty.extend(measure_empty(tools, programs, repetition))
        for workload in options.workloads:
            for tool in tools:
                ask = options.answers if repetition == 0 else 0
                run = measure(tool, workload, programs, options.scale, ask)
                runs.append({**run, "repetition": repetition})
                report(runs[-1])
        options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table.document(results))
    say(f"results in {options.output}")
    return 0 if all(run["exit_code"] == 0 for run in runs) else 1


def measure(tool: Tool, workload: str, programs: Path, scale: float, ask: int) -> dict[str, object]:
    """Run `workload` once under `tool` and time the answers from its capture up to `ask` times."""
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        record = directory / "record.json"
        variables = environment.clean_variables(
            BENCH_RECORD=str(record),
            BENCH_SCALE=str(scale),
            BENCH_CAPTURE=str(directory / (tool.capture or "none")),
        )
        script = environment.WORKLOADS / f"{workload}.py"
        command = tool.fill(tool.command, programs, directory)
        total = cost([*command, str(script)], variables)
        run: dict[str, object] = {
            "workload": workload,
            "tool": tool.name,
            "exit_code": total.exit_code,
            "process_cpu_s": total.cpu_s,
            "process_wall_s": total.wall_s,
        }
        if not record.exists():
            return {**run, "exit_code": total.exit_code or 1, "error": total.complaint}
        capture = directory / (tool.capture or "none")
        if tool.capture and not capture.exists():
            return {**run, "exit_code": total.exit_code or 1, "error": total.complaint}
        run.update(json.loads(record.read_text(encoding="utf-8")))
        if tool.capture:
            run["file_bytes"] = capture.stat().st_size
            if ask:
                times, complaints = captures.answer_times(tool, programs, directory, ask)
                run["answers"] = times
                for complaint in complaints:
                    say(complaint)
                if tool.name == "heapscope":
                    run["heap_peak_bytes"] = captures.heap_peak_bytes(programs, capture)
                    run["sealing_s"] = captures.sealing_s(programs, workload, scale)
        return run
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure_empty(
    tools: list[Tool], programs: Path, repetition: int
) -> Iterator[dict[str, object]]:
    """Start and end of a program that does nothing, under each tool."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        script = directory / "empty.py"
        script.write_text("", encoding="utf-8")
        for _ in range(EMPTY_TIMES):
            for tool in tools:
                capture = directory / (tool.capture or "none")
                capture.unlink(missing_ok=True)
                command = tool.fill(tool.command, programs, directory)
                total = cost([*command, str(script)], environment.clean_variables())
                yield {
                    "tool": tool.name,
                    "repetition": repetition,
                    "cpu_s": total.cpu_s,
                    "wall_s": total.wall_s,
                }


def report(run: dict[str, object]) -> None:
    if "cpu_s" in run:
        peak = int(str(run["peak_rss_bytes"])) / 2**20
        say(f"{run['workload']:20} {run['tool']:14} {run['cpu_s']:7.3f} s {peak:7.1f} MiB")
    else:
        say(f"{run['workload']:20} {run['tool']:14} failed: {str(run['error']).strip()[-300:]}")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workloads", type=partial(names, WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--tools", type=partial(names, TOOLS), default=list(TOOLS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure with")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the workloads' rounds")
    parser.add_argument(
        "--answers", type=int, default=3, help="how often a capture is asked the same, 0: never"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, once")
    parser.add_argument("--output", type=Path, help="results file")
    parser.add_argument(
        "--no-install", dest="install", action="store_false", help="measure what is installed"
    )
    parser.add_argument("--no-empty", dest="empty", action="store_false", help="no empty program")
    options = parser.parse_args(arguments)
    if options.quick:
        options.repeats, options.scale, options.answers = 1, options.scale / 10, 1
    everything = set(options.tools) == set(TOOLS) and set(options.workloads) == set(WORKLOADS)
    if options.output is None:
        full = everything and options.scale == 1.0 and options.empty
        options.output = RESULTS / ("latest.json" if full else "partial.json")
    wanted = {BASELINE, *options.tools}
    options.tools = [tool for name, tool in TOOLS.items() if name in wanted]
    return options


def names(known: Collection[str], text: str) -> list[str]:
    """Comma-separated names, all of which have to be known."""
    chosen = text.split(",")
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

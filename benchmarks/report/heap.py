"""How a report of a large heap is made and opens: seconds, memory, bytes; JSON and a table.

A process builds a heap of so many objects (rows of a table, and a graph of nodes) and saves two
snapshots of it, the second with a tenth more; then `heapscope report` makes the page of the second,
and of both compared, and `measure.mjs` opens them in Chromium.

Examples
--------
``python benchmarks/report/heap.py``                       5 million objects, some minutes
``python benchmarks/report/heap.py --objects 200000``      to see that it works
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tools.house import web  # noqa: E402
from tools.house.interpreters import find  # noqa: E402

SCHEMA = "heapscope/heap-report-benchmark/1"
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import shapes
import heapscope
objects, tracked, paths = int(sys.argv[2]), sys.argv[3] == "True", sys.argv[4:]
if tracked:
    heapscope.start()
kept = [shapes.records(objects // 2, False), shapes.nodes(objects // 2, False)]
heapscope.heap().save(paths[0])
kept.append(shapes.records(objects // 10, False))
heapscope.heap().save(paths[1])
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--objects", type=int, default=5_000_000)
    parser.add_argument("--python", default=sys.executable, help="where heapscope is installed")
    parser.add_argument("--tracked", action="store_true", help="with where objects were allocated")
    options = parser.parse_args(arguments)
    node = web.find_node(find()[0])
    with tempfile.TemporaryDirectory() as directory:
        snapshots = [str(Path(directory, name)) for name in ("before.hsnap", "after.hsnap")]
        command = [options.python, "-c", PROGRAM, str(HERE.parent / "heap"), str(options.objects)]
        subprocess.run([*command, str(options.tracked), *snapshots], check=True)
        results: dict[str, object] = {"schema": SCHEMA, "load_average": os.getloadavg()}
        results["snapshots"] = [os.stat(each).st_size for each in snapshots]
        reports = {}
        for name, inputs in (("heap", snapshots[1:]), ("heap compared", snapshots)):
            page = str(Path(directory, f"{name}.html"))
            made = [options.python, "-m", "heapscope", "report", "-q", "-o", page, *inputs]
            reports[name] = {**cost(made), "bytes": os.stat(page).st_size, "page": page}
        pages = [f"{name}={report.pop('page')}" for name, report in reports.items()]
        command = [str(node / "node"), str(HERE / "measure.mjs"), *pages]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        for name, times in json.loads(answer).items():
            reports[name] |= times
        results["reports"] = reports
    print(json.dumps(results, indent=1), file=sys.stderr)
    print(table(reports))
    return 0


def cost(command: list[str]) -> dict[str, float]:
    """Seconds and the peak of the resident memory of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return {"wall_s": wall_s, "cpu_s": cpu_s, "peak_bytes": usage.ru_maxrss * 1024}


def table(reports: dict[str, dict]) -> str:
    """The results as the table of docs/performance.md."""
    lines = [
        "| report | made in | CPU | peak RSS | page | first view, median | view to view, p95 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, each in reports.items():
        lines.append(
            f"| {name} | {each['wall_s']:.1f} s | {each['cpu_s']:.1f} s "
            f"| {each['peak_bytes'] / 2**20:.0f} MiB | {each['bytes'] / 2**20:.2f} MiB "
            f"| {each['first_ms']['median']:.0f} ms | {each['view_ms']['p95']:.0f} ms |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

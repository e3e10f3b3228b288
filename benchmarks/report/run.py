"""How fast reports open, ours and memray's of the same programs: a JSON file and a table.

Each workload is recorded by both, Python objects included, and reported by both; the reports are
timed in Chromium by ``measure.mjs``. A made-up profile of 200,001 nodes stands for large programs.

Examples
--------
``python benchmarks/report/run.py``                    all, some minutes
``python benchmarks/report/run.py --workloads fib``    one, to see that it works
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parents[1]))

import environment  # noqa: E402
from process import cost  # noqa: E402
from tools.house import web  # noqa: E402
from tools.house.interpreters import find  # noqa: E402

SCHEMA = "heapscope/report-benchmark/1"
WORKLOADS = ("django_templates", "many_stacks", "numpy_pandas", "pygments_highlight")
RESULTS = HERE.parent / "results" / "report.json"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--programs", type=Path, help="where heapscope and memray are installed")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    interpreter = find()[0]
    programs = options.programs or environment.programs(str(interpreter.program))
    web.build(interpreter)
    node = web.find_node(interpreter)
    results: dict[str, object] = {
        "schema": SCHEMA,
        "started_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": environment.describe(programs),
        "load_average": os.getloadavg(),
    }
    with tempfile.TemporaryDirectory() as directory:
        reports: list[dict[str, object]] = []
        for workload in filter(None, options.workloads.split(",")):
            reports += made(programs, workload, Path(directory))
        results["reports"] = reports
        pages = [f"{report['tool']} {report['workload']}={report['page']}" for report in reports]
        results["pages"] = {**timed(node, []), **(timed(node, pages) if pages else {})}
        for report in reports:
            del report["page"]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    return 0


def made(programs: Path, workload: str, directory: Path) -> list[dict[str, object]]:
    """Both tools' reports of a workload: their size, and the CPU seconds it took to make them."""
    script = str(environment.WORKLOADS / f"{workload}.py")
    ours, theirs = directory / f"{workload}.hscope", directory / f"{workload}.bin"
    record = [str(programs / "heapscope"), "run", "-q", "--force", "-o", str(ours), script]
    peer = [str(programs / "memray"), "run", "-q", "-f", "--trace-python-allocators"]
    variables = environment.clean_variables()
    for command in (record, [*peer, "-o", str(theirs), script]):
        subprocess.run(command, check=True, env=variables, stdout=subprocess.DEVNULL)
    found: list[dict[str, object]] = []
    page = directory / f"{workload}.html"
    peer_page = directory / f"{workload}-memray.html"
    for tool, output, command in (
        ("heapscope", page, ["heapscope", "report", "-q", "-o", str(page), str(ours)]),
        (
            "memray",
            peer_page,
            ["memray", "flamegraph", "--no-web", "-f", "-o", str(peer_page), str(theirs)],
        ),
    ):
        done = cost([str(programs / command[0]), *command[1:]], variables)
        found.append(
            {
                "tool": tool,
                "workload": workload,
                "cpu_s": done.cpu_s,
                "bytes": output.stat().st_size,
                "page": str(output),
            }
        )
    return found


def timed(node: Path, pages: list[str]) -> dict[str, object]:
    """What ``measure.mjs`` says of pages."""
    command = [str(node / "node"), str(HERE / "measure.mjs"), *pages]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured: dict[str, object] = json.loads(answer)
    return measured


def table(results: dict) -> str:
    """The results as the table of docs/performance.md."""
    lines = [
        "| report | made in, CPU | size | first flame, median | zoom, p95 | new range, p95 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    made_of = {f"{r['tool']} {r['workload']}": r for r in results["reports"]}
    for name, times in results["pages"].items():
        report = made_of.get(name)
        cells = [
            name,
            f"{report['cpu_s']:.1f} s" if report else "",
            f"{report['bytes'] / 2**20:.2f} MiB" if report else "",
            f"{times['first_ms']['median']:.0f} ms",
            *(
                f"{times[key]['p95']:.0f} ms" if key in times else ""
                for key in ("zoom_ms", "brush_ms")
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

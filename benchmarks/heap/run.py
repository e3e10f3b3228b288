"""What looking at the heap costs: heapscope beside guppy3, Pympler and objgraph, in one run.

Each tool looks once at each heap, in a process of its own that made the heap first: a cold first
look, as a user's is. Every round runs all tools, one after the other; tables show medians. The
analysis of a saved snapshot is timed beside the engine of Chrome's DevTools, which computes the
same from its own format, under Node.

Examples
--------
``python benchmarks/heap/run.py --peers PY``                    1, 5 and 10 million objects
``python benchmarks/heap/run.py --peers PY --millions 0.2 --rounds 1``    does it all still run?
``python benchmarks/heap/run.py --peers PY --write``            and puts it into docs/performance.md

PY is a Python of the same version with guppy3, Pympler and objgraph: ``requirements.txt`` beside
this file has the versions. heapscope is that of the interpreter that runs this.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import tables
from shapes import SHAPES

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
RESULTS = HERE.parent / "results"
PAGES = (TREE / "docs" / "performance.md", TREE / "README.md")
SCHEMA = "heapscope/heap-benchmark/1"
OURS = ("heapscope_walk", "heapscope_heap", "heapscope_sizeof", "heapscope_file", "heapscope_fork")
PEERS = ("guppy", "pympler_summary", "pympler_asizeof", "objgraph")
DEADLINE_S = 1800
LARGE = 1_000_000  # objects


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "started_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "rounds": options.rounds,
        "large_rounds": options.large_rounds,
        "peers": versions(options.peers),
        "runs": [],
    }
    output = options.output or RESULTS / ("heap.json" if options.write else "heap-partial.json")
    failed = False
    for turn in range(options.rounds):
        for shape, objects, order in options.heaps:
            if turn >= options.large_rounds and objects > LARGE:
                continue
            for run in looks(options, shape, objects, order):
                run.update(shape=shape, asked_objects=objects, order=order, round=turn)
                results["runs"].append(run)
                failed |= "error" in run
                say(run)
                output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(tables.document(results))
    if options.write:
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            page.write_text(tables.filled(text, results), encoding="utf-8")
    return 1 if failed else 0


def looks(
    options: argparse.Namespace, shape: str, objects: int, order: str
) -> list[dict[str, Any]]:
    """Every tool once, on one heap."""
    runs = []
    with tempfile.TemporaryDirectory(prefix="heap-bench-") as name:
        heap = [shape, str(objects), order, name]
        for tool in OURS:
            runs.append(look(tool, [sys.executable, str(HERE / "probe.py"), tool, *heap]))
        saved = Path(name) / "heap.hsnap"
        if saved.exists():
            command = [sys.executable, str(HERE / "analyse.py"), str(saved)]
            runs.append(look("heapscope_analysis", command))
            if options.engine and objects <= options.engine_at_most:
                runs += engine(options, saved)
        if options.peers and objects <= options.peers_at_most:
            for tool in PEERS:
                runs.append(look(tool, [options.peers, str(HERE / "probe.py"), tool, *heap]))
    return runs


def engine(options: argparse.Namespace, saved: Path) -> list[dict[str, Any]]:
    """The DevTools engine on the same snapshot, in its own format; its processor time is Node's."""
    sys.path.insert(0, str(TREE / "tests" / "e2e"))
    from export_consumers import CONSUMERS, TOOLS, node_packages

    node, packages = node_packages()
    exported = saved.with_suffix(".heapsnapshot")
    export = [sys.executable, "-m", "heapscope", "export", str(saved), "--format", "heapsnapshot"]
    subprocess.run([*export, "-q", "-o", str(exported)], check=True)
    script, bundle = (place / "heapsnapshot_engine.mjs" for place in (CONSUMERS, TOOLS))
    command = [node, "--max-old-space-size=16000", script, packages, bundle]
    if not bundle.exists():
        subprocess.run(command, check=True)  # with no file it only makes the bundle
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    ended = subprocess.run(
        [*map(str, command), "--classes", str(exported)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    run: dict[str, Any] = {"tool": "devtools_engine"}
    if ended.returncode:
        return [{**run, "error": ended.stderr[-300:]}]
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = exported.stat().st_size
    return [{**run, "cpu_s": spent, "wall_s": time.perf_counter() - started, "file_bytes": size}]


def look(tool: str, command: list[str]) -> dict[str, Any]:
    variables = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "HEAPSCOPE_", "MALLOC_", "LD_"))
    }
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        env={**variables, "PYTHONHASHSEED": "0"},
    )
    if ended.returncode:
        return {"tool": tool, "error": ended.stderr.strip().rpartition("\n")[2][:300]}
    return {"tool": tool, **json.loads(ended.stdout.splitlines()[-1])}


def versions(peers: str | None) -> dict[str, str]:
    if peers is None:
        return {}
    asks = (
        "import importlib.metadata as m, json\n"
        "print(json.dumps({n: m.version(n) for n in ('guppy3', 'Pympler', 'objgraph')}))"
    )
    ended = subprocess.run([peers, "-c", asks], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(ended.stdout)
    return found


def say(run: dict[str, Any]) -> None:
    heap = f"{run['shape']} {run['asked_objects'] / 1e6:g}M {run['order']}"
    if "error" in run:
        told = f"failed: {re.sub(chr(10), ' ', run['error'])}"
    else:
        cpu = run.get("cpu_s", run.get("dominators_cpu_s", 0.0))
        added = run.get("added_bytes", run.get("peak_bytes", 0)) / 2**20
        told = f"{cpu:8.3f} s {added:8.1f} MiB"
    print(f"{time.strftime('%H:%M:%S')} {heap:24} {run['tool']:20} {told}", file=sys.stderr)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", help="a Python with guppy3, Pympler and objgraph")
    parser.add_argument("--millions", default="1,5,10", help="of objects, in each heap")
    parser.add_argument("--shapes", default="records", help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--orders", default="ordered,shuffled")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large-rounds", type=int, help="of heaps above a million objects")
    parser.add_argument("--peers-at-most", type=float, default=10, help="million objects")
    parser.add_argument("--engine-at-most", type=float, default=5, help="million objects")
    parser.add_argument("--engine", action="store_true", help="also the engine of DevTools")
    parser.add_argument("--output", type=Path, help="results file")
    parser.add_argument("--write", action="store_true", help="renew the tables of the pages")
    options = parser.parse_args(arguments)
    options.large_rounds = min(options.large_rounds or options.rounds, options.rounds)
    options.peers_at_most *= 1e6
    options.engine_at_most *= 1e6
    options.heaps = [
        (shape, int(float(millions) * 1e6), order)
        for millions in options.millions.split(",")
        for shape in options.shapes.split(",")
        for order in options.orders.split(",")
    ]
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the tracker's memory is: bytes for each node of the trie, and what a large heap adds.

``python benchmarks/memory.py`` runs ``many_stacks`` and ``large_heap`` untracked and tracked. A
node is one frame of one stack. What it costs is told three ways: chunks of the capture that
hold nodes, sites and their keys; the tracker's anonymous memory (index of the trie, table of
blocks, log); and what the process has become larger by (peak RSS, VmHWM).
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import environment
from figures import MEBIBYTE
from process import cost
from table import markdown

# docs/capture-format.md: the superblock's words and the directory of chunks
LIVE_MAGIC = b"HSCOPEL\n"
DIRECTORY_OFFSET = 4096
WORD = struct.Struct("<Q")
WORDS_OF = {"chunk_count": 2, "node_count": 8, "site_count": 9, "own_bytes": 34}
KINDS = ("free", "nodes", "sites", "site keys", "codes", "strings", "lanes", "ticks", "log")


@dataclass(frozen=True)
class Measured:
    """One run: its peak RSS and, of a tracked one, what the live capture holds."""

    peak_rss_bytes: int
    words: dict[str, int]
    chunk_bytes: Counter[str]


def measure(programs: Path, workload: str, scale: float, *, tracked: bool) -> Measured:
    """Run `workload` once; the capture is read as the program left it, before anyone seals it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        record = Path(name) / "record.json"
        capture = Path(name) / "out.hscope"
        more = {"HEAPSCOPE_RUN": f"f:{capture}"} if tracked else {}
        variables = environment.clean_variables(
            BENCH_RECORD=str(record), BENCH_SCALE=str(scale), **more
        )
        script = environment.WORKLOADS / f"{workload}.py"
        total = cost([str(programs / "python"), str(script)], variables)
        if total.exit_code != 0:
            raise SystemExit(f"{workload} failed: {total.complaint.strip()}")
        peak = int(json.loads(record.read_text(encoding="utf-8"))["peak_rss_bytes"])
        if not tracked:
            return Measured(peak, {}, Counter())
        if not capture.exists():
            raise SystemExit(f"{workload} was not recorded: {total.complaint.strip()}")
        return Measured(peak, *read_live(capture.read_bytes()))


def read_live(capture: bytes) -> tuple[dict[str, int], Counter[str]]:
    """Words of a live capture's superblock, and bytes of its chunks by the table they belong to."""
    if capture[: len(LIVE_MAGIC)] != LIVE_MAGIC:
        raise SystemExit("the capture is not a live one")
    words = {name: WORD.unpack_from(capture, 8 * at)[0] for name, at in WORDS_OF.items()}
    chunk_bytes = struct.unpack_from("<I", capture, 12)[0]
    kinds: Counter[str] = Counter()
    for chunk in range(1, words["chunk_count"]):
        kind = capture[DIRECTORY_OFFSET + 8 * chunk]
        kinds[KINDS[kind] if kind < len(KINDS) else "unknown"] += chunk_bytes
    return words, kinds


def per_node(programs: Path, scale: float) -> str:
    base = measure(programs, "many_stacks", scale, tracked=False)
    run = measure(programs, "many_stacks", scale, tracked=True)
    nodes = run.words["node_count"]
    stacks = run.chunk_bytes["nodes"] + run.chunk_bytes["sites"] + run.chunk_bytes["site keys"]
    added = run.peak_rss_bytes - base.peak_rss_bytes
    rows = [
        [name, f"{size / MEBIBYTE:.1f}", f"{size / nodes:.1f}"]
        for name, size in (
            *((f"capture: {kind}", size) for kind, size in run.chunk_bytes.most_common()),
            ("nodes, sites, site keys", stacks),
            ("anonymous memory of the tracker", run.words["own_bytes"]),
            ("added peak RSS", added),
        )
    ]
    title = f"many_stacks: {nodes:,} nodes, {run.words['site_count']:,} sites"
    return f"{title}\n\n{markdown(['', 'MiB', 'bytes a node'], rows)}"


def large_heap(programs: Path, scale: float) -> str:
    base = measure(programs, "large_heap", scale, tracked=False)
    run = measure(programs, "large_heap", scale, tracked=True)
    added = run.peak_rss_bytes - base.peak_rss_bytes
    share = added / base.peak_rss_bytes
    return (
        f"large_heap: {base.peak_rss_bytes / MEBIBYTE:.0f} MiB untracked, "
        f"{added / MEBIBYTE:+.1f} MiB tracked ({share:.1%}), of which anonymous memory of the "
        f"tracker {run.words['own_bytes'] / MEBIBYTE:.1f} MiB"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the workloads' rounds")
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure with")
    parser.add_argument("--no-install", dest="install", action="store_false")
    options = parser.parse_args(arguments)
    programs = environment.programs(options.python, install=options.install)
    print(per_node(programs, options.scale), large_heap(programs, options.scale), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a saved snapshot answers, in a process of its own: prints a line of JSON.

``analyse.py FILE``: loads it, then dominators with the retained size of every object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from probe import Stopwatch, resident


def main(arguments: list[str]) -> int:
    from heapscope import _analysis

    before = resident("VmRSS")
    with Stopwatch() as loading:
        graph = _analysis.HeapGraph(arguments[0])
    with Stopwatch() as dominating:
        kinds = graph.retained_by_type()
    answer = {
        "file_bytes": Path(arguments[0]).stat().st_size,
        "objects": graph.object_count,
        "references": graph.reference_count,
        "load_cpu_s": loading.cpu_s,
        "dominators_cpu_s": dominating.cpu_s,
        "dominators_wall_s": dominating.wall_s,
        "peak_bytes": max(loading.added_bytes, resident("VmHWM") - before),
        "kinds": len(kinds),
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""By hand: ``python -m cpython_suite DIRECTORY [MODULE…]``; one line a module, differences below.

Run it in ``tests/e2e`` with an interpreter that has heapscope installed. Without modules: all.
"""

from __future__ import annotations

import collections
import json
import sys
from pathlib import Path

from cpython_suite import attempt, modules
from cpython_suite.comparison import Comparison, compare


def main() -> int:
    directory = Path(sys.argv[1])
    chosen = sys.argv[2:] or modules.present()
    differ = 0
    for module in chosen:
        result = compare(module, directory)
        differ += len(result.differences())
        _say(result, directory)
    return 1 if differ else 0


def _say(result: Comparison, directory: Path) -> None:
    verdicts = result.verdicts()
    counts = collections.Counter(verdicts[name] for name in verdicts if name != attempt.PROCESS)
    differences = result.differences()
    attempts = len(result.recorded)
    print(f"{result.module}: {dict(counts)} attempts {attempts} differ {len(differences)}")
    for name, text in differences.items():
        print(f"  DIFFERS {name}: {text}")
    for name in result.unsteady():
        print(f"  unsteady {name}")
    for name, verdict in verdicts.items():
        if verdict in ("failed", "error"):
            print(f"  fails without the tracker, too: {name}")
    sys.stdout.flush()
    summary = {"verdicts": verdicts, "differences": differences, "attempts": attempts}
    (directory / f"{result.module}.json").write_text(json.dumps(summary, indent=1))


if __name__ == "__main__":
    sys.exit(main())

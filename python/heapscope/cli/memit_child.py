"""The process in which `heapscope memit` runs one candidate, for its bytes or for its time.

It reads what to do as JSON from stdin and writes what it found as JSON to a descriptor of its own:
stdout is the statement's, and goes where stderr goes.
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def serve(answer: int) -> None:
    """Measure one candidate; the program's ``__main__`` is its namespace."""
    task = json.loads(sys.stdin.buffer.read())
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
    os.dup2(sys.stdin.fileno(), 0)
    os.dup2(2, 1)
    try:
        found = _measure(task)
    except KeyboardInterrupt:
        os._exit(130)
    with os.fdopen(answer, "w") as file:
        json.dump(found, file)
    # What the statement has registered for the interpreter's end is not what was to be measured.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _measure(task: dict[str, Any]) -> dict[str, Any]:
    from heapscope import statements
    from heapscope.errors import TrackingError

    try:
        namespace = vars(sys.modules["__main__"])
        statement = statements.Statement(task["statement"], task["setup"], namespace)
        if task["wanted"] == "seconds":
            return statements.measure_seconds(statement)
        from heapscope import _tracker, tracking

        tracking.start()
        try:
            return statements.measure_bytes(statement, task["runs"], _tracker.ProcessMeter)
        finally:
            tracking.stop()
    except statements.StatementError as error:
        return {"error": str(error), "in_setup": error.in_setup}
    except (ImportError, OSError, TrackingError) as error:
        return {"error": str(error), "in_setup": None}

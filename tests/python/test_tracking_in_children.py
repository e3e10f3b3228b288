"""A child made by fork records itself into a capture of its own, and leaves its parent's alone."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import heapscope

PROGRAM = textwrap.dedent(
    """
    import os, sys
    import heapscope

    parent_path, child_path = sys.argv[1:]
    heapscope.start(parent_path)
    kept = [bytearray(1000) for _ in range(2000)]
    pid = os.fork()
    if pid == 0:
        heapscope.start(child_path)
        def keep():
            return [bytearray(5000) for _ in range(100)]
        mine = keep()
        for number in range(50):
            exec(f"def made(): return [1.5 * i for i in range({number})]\\nmade()")
        heapscope.stop()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    heapscope.stop()
    sys.exit(status)
    """
)


def record(directory: pathlib.Path) -> tuple[heapscope.Capture, heapscope.Capture]:
    parent, child = directory / "parent.hscope", directory / "child.hscope"
    command = [sys.executable, "-c", PROGRAM, os.fspath(parent), os.fspath(child)]
    subprocess.run(command, check=True, timeout=60)
    return heapscope.Capture(parent), heapscope.Capture(child)


def test_a_child_records_what_it_allocated_itself(tmp_path: pathlib.Path) -> None:
    _, child = record(tmp_path)
    rows = child.table(group_by="function", metric="live")["rows"]
    assert child.complete
    # 3.10 has no qualified names; from 3.12 on a comprehension is part of its function.
    names = {(3, 10): "<listcomp>", (3, 11): "keep.<locals>.<listcomp>"}
    name = names.get(sys.version_info[:2], "keep")
    assert sum(row["live_bytes"] for row in rows if row["function"] == name) >= 100 * 5000


def test_the_parents_capture_knows_nothing_of_it(tmp_path: pathlib.Path) -> None:
    parent, _ = record(tmp_path)
    functions = {row["function"] for row in parent.table(group_by="function")["rows"]}
    assert parent.complete
    assert not any(name.startswith("keep") for name in functions)
    assert parent.live_bytes_at_end >= 2000 * 1000

"""``heapscope memit``: for memory what ``python -m timeit`` is for time.

Each candidate runs in processes of its own, one that is tracked, for the bytes, and one that is
not, for the time. So neither candidates nor tracking disturb what is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from heapscope.cli import output, places, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.invocation import interpreter_options
from heapscope.cli.options import Parser
from heapscope.statement_figures import duration
from heapscope.statements import RUNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Candidate = dict[str, Any]

_EXAMPLE = """\
  heapscope memit "[n * n for n in range(100_000)]"
  heapscope memit -s "import zlib; text = b'abc' * 100_000" "zlib.compress(text)"
  heapscope memit "list(range(10**6))" "tuple(range(10**6))" --json"""
_DESCRIPTION = """\
Exact memory of statements, beside their time; several candidates in one table.

Each candidate runs in a fresh process: the setup, a first run, one to warm up, and those that the
figures are of. Its time is taken in another process, without tracking."""
_CHILD = "import heapscope.cli.memit_child as _heapscope_child; _heapscope_child.serve({})"
_FIGURES = ("peak_bytes", "net_bytes", "allocated_bytes", "allocations", "freed_bytes", "frees")


def run(arguments: list[str]) -> int:
    """Measure and print; `arguments` are those after the verb."""
    parser = Parser("memit", _DESCRIPTION, _EXAMPLE, captures="")
    parser.add_argument(
        "statements",
        metavar="STMT",
        nargs="+",
        help="what to measure; peak, net, … are of one run of it",
    )
    parser.add_argument(
        "-s",
        "--setup",
        metavar="SETUP",
        action="append",
        default=[],
        help="what to run before, not counted; given again, another line of it",
    )
    parser.add_argument(
        "-r",
        "--repeat",
        metavar="N",
        type=_runs,
        default=RUNS,
        help=f"how many runs the bytes are of, after the first two (default: {RUNS})",
    )
    options = parser.parse_args(arguments)
    if not sys.executable:
        raise CommandError("this interpreter does not know its own path (sys.executable is empty)")
    setup = "\n".join(options.setup)
    measured = [
        _measure(statement, setup, options.repeat, number if len(options.statements) > 1 else None)
        for number, statement in enumerate(options.statements, 1)
    ]
    output.prepare_stdout()
    if options.json:
        output.write_json({"schema": "heapscope/memit/1", "setup": setup, "statements": measured})
        return 0
    console = output.make_console(options.no_color)
    _print(console, measured, setup)
    if not options.quiet:
        _remark(measured)
    return 0


def _measure(statement: str, setup: str, runs: int, number: int | None) -> Candidate:
    """Return what is known of a candidate: the keys of the JSON."""
    task = {"statement": statement, "setup": setup, "runs": runs}
    counted = _ask({**task, "wanted": "bytes"}, number)
    timed = _ask({**task, "wanted": "seconds"}, number)
    return {
        "statement": statement,
        "runs": counted["runs"],
        **{key: counted[key] for key in _FIGURES},
        "seconds": timed["seconds"],
        "timings": timed["timings"],
        "loops": timed["loops"],
        "first": {**counted["first"], "seconds": timed["first_seconds"]},
        "setup": counted["setup"],
        "ranges": counted["ranges"],
    }


def _ask(task: dict[str, Any], number: int | None) -> dict[str, Any]:
    """Have a new process do it.

    Raises
    ------
    CommandError
        The statement does not compile, raises, or ends the process.
    """
    which = "the statement" if number is None else f"statement {number}"
    ours, theirs = os.pipe()
    try:
        with subprocess.Popen(
            [sys.executable, *interpreter_options(), "-c", _CHILD.format(theirs)],
            stdin=subprocess.PIPE,
            pass_fds=(theirs,),
            env={"PYTHONHASHSEED": "0", **os.environ},  # else sets differ from run to run
        ) as child:
            os.close(theirs)
            theirs = -1
            child.communicate(json.dumps(task).encode())
            with os.fdopen(ours, "rb") as file:
                ours = -1
                answer = file.read()
    except OSError as error:
        raise CommandError(f"cannot start {sys.executable}: {error.strerror or error}") from None
    finally:
        for descriptor in (ours, theirs):
            if descriptor >= 0:
                os.close(descriptor)
    if child.returncode == 130:
        raise KeyboardInterrupt
    if not answer:
        _remove_capture(child.pid)
        raise CommandError(f"{which} {_ended(child.returncode)}")
    found: dict[str, Any] = json.loads(answer)
    if "error" in found:
        if found["in_setup"] is None:
            raise CommandError(found["error"])
        raise CommandError(f"{'the setup' if found['in_setup'] else which}: {found['error']}")
    return found


def _remove_capture(process: int) -> None:
    """Remove what a process that was killed while it was tracked has left."""
    directory = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - as module tracking does
    with contextlib.suppress(OSError):
        for left in directory.glob(f"heapscope-{process}-*.hscope"):
            left.unlink()


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended its process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}"


def _print(console: Console, measured: list[Candidate], setup: str) -> None:
    from rich.text import Text

    runs = measured[0]["runs"]
    title = f"one run{' of each' if len(measured) > 1 else ''} (median of {runs})"
    console.print(Text(title, style="bold"), soft_wrap=True)
    if setup:
        held = measured[0]["setup"]
        told = f"the setup holds {units.size(held['net_bytes'])}"
        if held["peak_bytes"] != held["net_bytes"]:
            told += f" and needed {units.size(held['peak_bytes'])}"
        console.print(told, soft_wrap=True)
    console.print()
    rows = [
        (
            (
                units.size(each["peak_bytes"]),
                units.size(each["net_bytes"]),
                units.size(each["allocated_bytes"]),
                units.count(each["allocations"]),
                duration(each["seconds"]),
            ),
            _label(each),
        )
        for each in measured
    ]
    output.print_rows(console, ["peak", "net", "allocated", "blocks", "time", "statement"], rows)


def _label(each: Candidate) -> Callable[[int], Text]:
    """Return what makes a row's label: the statement, then its first run if that was another."""
    first = each["first"]
    other = [key for key in ("peak_bytes", "net_bytes") if first[key] != each[key]]

    def make(width: int) -> Text:
        from rich.text import Text

        lines = [line for line in each["statement"].splitlines() if line.strip()]
        label = Text("\n".join(places.fit_end(line, width) for line in lines))
        if other:
            told = [f"{key.partition('_')[0]} {units.size(first[key])}," for key in other]
            for text in _filled(["first run:", *told, duration(first["seconds"])], width):
                label.append("\n" + places.fit_end(text, width), style="dim")
        return label

    return make


def _filled(parts: list[str], width: int) -> list[str]:
    """Join parts to lines, none of which is broken inside a part."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 1 + len(part) <= width:
            lines[-1] += " " + part
        else:
            lines.append(part)
    return lines


def _remark(measured: list[Candidate]) -> None:
    from heapscope.cli.main import say

    say("time is that of runs without tracking, the fastest of several timings")
    for each in measured:
        if each["ranges"]:
            varied = ", ".join(
                f"{key.removesuffix('_bytes')} {_write(key, low)} to {_write(key, high)}"
                for key, (low, high) in each["ranges"].items()
            )
            say(f"the runs of {each['statement'].split(chr(10))[0]!r} differ: {varied}")


def _write(key: str, figure: int) -> str:
    return units.size(figure) if key.endswith("_bytes") else units.count(figure)


def _runs(text: str) -> int:
    import argparse

    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"not a number of runs: {text!r}")
    return number

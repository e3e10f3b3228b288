"""``heapscope timeline``: memory of any program over time, measured from outside."""

from __future__ import annotations

import sys
from pathlib import Path

from heapscope.cli import (
    output,
    program_options,
    subverbs,
    timeline_options,
    timeline_verbs,
    units,
)
from heapscope.cli import run as recorded_run
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser
from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from heapscope.cli.supervisor import Supervisor
    from heapscope.cli.timeline_options import Program
    from heapscope.timeline.dat_reader import Timeline
    from heapscope.timeline.picture import Wanted
    from heapscope.timeline.recording import Options, Recorded

HELP = """\
usage: heapscope timeline run [options] PROGRAM ARGS…
       heapscope timeline attach PID|NAME
       heapscope timeline plot [FILE…] [-o OUT.png]
       heapscope timeline peak [FILE…]
       heapscope timeline list | rm FILE… | clean

Memory over time, of any program: samples of RSS from outside, each interval's highest, children,
and the calls of functions that are decorated with `profile`. Files are those of mprof.

  run      start a program and record it until it ends
  attach   record a process that runs, until it ends or Ctrl-C
  plot     draw it: one run, or several on top of each other
  peak     the highest
  list     the files of this directory
  rm       remove files, by name or number
  clean    remove all files of this directory that have a name by the time of day

example:
  heapscope timeline run -T 0.05 work.py --size 100
  heapscope timeline plot --slope

`heapscope timeline run --help` and so on tell more.
"""
_EXAMPLES = {
    "run": """\
  heapscope timeline run work.py --size 100
  heapscope timeline run --include-children -o build.dat make -j4""",
    "attach": "  heapscope timeline attach --timeout 60 1234",
    "plot": """\
  heapscope timeline plot                     the newest of this directory
  heapscope timeline plot a.dat --window 2,8 --slope -o a.svg
  heapscope timeline plot before.dat after.dat -o change.png""",
    "peak": "  heapscope timeline peak --func work.load",
    "list": "  heapscope timeline list",
    "rm": "  heapscope timeline rm 0 old.dat",
    "clean": "  heapscope timeline clean --dry-run",
}
_FLAGS, _VALUED = "CMqh", "Tot"
_LONG_VALUED = frozenset({"--interval", "--output", "--timeout", "--metric", "--capture"})
_METRICS = ("rss", "pss", "uss")


def run(arguments: list[str]) -> int:
    """Do one of the verbs; `arguments` are those after ``timeline``."""
    return subverbs.dispatch("timeline", _VERBS, HELP, arguments)


def _run(arguments: list[str]) -> int:
    own, words = program_options.split(arguments, _FLAGS, _VALUED, _LONG_VALUED, modules=True)
    parser = _recording_parser("run", "Starts a program, passes signals to it, and records it.")
    parser.add_argument(
        "--capture",
        metavar="OUT.hscope",
        help="also record every allocation of a Python program there, as `heapscope run` does: "
        "the picture then names the line that holds most at the peak",
    )
    parser.epilog = f"PROGRAM: an executable, SCRIPT.py, -m MODULE or -c CODE\n\n{parser.epilog}"
    options = parser.parse_args(own)
    program = timeline_options.Program(words)
    from heapscope.timeline import recording

    capture = _Capture(options.capture, program, force=options.force) if options.capture else None
    try:
        recorded = recording.run(
            program.executable,
            program.arguments,
            program.shown,
            recording_options(options, options.metric),
            decorate=program.is_python,
            additions=None if capture is None else capture.additions,
            ended=None if capture is None else capture.seal,
        )
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    timeline_options.announce(recorded, quiet=options.quiet, verb="timeline")
    return timeline_options.exit_code(recorded)


class _Capture:
    """The capture that is made beside a timeline.

    Attributes
    ----------
    additions : dict of str to str
        What the program's environment has for it.
    """

    def __init__(self, path: str, program: Program, *, force: bool) -> None:
        if program.executable != sys.executable:
            raise CommandError("--capture needs SCRIPT.py, -m MODULE or -c CODE")
        pattern = recorded_run.beside_pattern(path, force=force)
        self._path = Path(path).absolute()
        self._former = recorded_run.identity(str(self._path))
        self.additions = {"HEAPSCOPE_RUN": f"{'f' if force else ''}:{pattern}"}

    def seal(self, supervisor: Supervisor, status: int | None) -> None:
        """Seal it once the program has ended."""
        from heapscope.cli import sealing

        if recorded_run.identity(str(self._path)) in (None, self._former):
            sealing.say_unrecorded()
        else:
            sealing.finish(str(self._path), status, supervisor, announce=False)


def _attach(arguments: list[str]) -> int:
    parser = _recording_parser("attach", "Records a process that runs, from outside.")
    parser.add_argument("process", metavar="PID|NAME", help="its id or its name")
    options = parser.parse_args(arguments)
    process = timeline_options.find_process(options.process, first=False)
    return attach(process, recording_options(options, options.metric), options, "timeline")


def attach(process: int, how: Options, options: argparse.Namespace, verb: str) -> int:
    """Record a process that runs; an interrupt ends that, and 130 is returned."""
    from heapscope.timeline import recording

    recorded: list[Recorded] = []
    code = 0
    try:
        recording.attach(process, how, recorded.append)
    except KeyboardInterrupt:
        code = 130
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    for each in recorded:
        timeline_options.announce(each, quiet=options.quiet, verb=verb)
    return code


def recording_options(options: argparse.Namespace, metric: str) -> Options:
    """Return how to record, as the command line says."""
    from heapscope.timeline.recording import Options

    return Options(
        options.interval,
        metric,
        options.include_children,
        options.multiprocess,
        options.timeout,
        options.output,
        options.force,
    )


def _recording_parser(verb: str, description: str) -> Parser:
    parser = Parser(f"timeline {verb}", description, _EXAMPLES[verb], "", tables=False)
    add_recording_options(parser)
    parser.add_argument(
        "--metric", choices=_METRICS, default="rss", help="the size sampled (default: rss)"
    )
    return parser


def add_recording_options(parser: argparse.ArgumentParser) -> None:
    """Add what ``run`` and ``attach`` have."""
    parser.add_argument(
        "-T",
        "--interval",
        type=timeline_options.interval,
        default=0.1,
        metavar="SECONDS",
        help="between samples (default: 0.1); each interval's highest is seen besides",
    )
    parser.add_argument(
        "-C", "--include-children", action="store_true", help="sum up with all descendants"
    )
    parser.add_argument(
        "-M", "--multiprocess", action="store_true", help="a curve of its own for each descendant"
    )
    parser.add_argument(
        "-t",
        "--timeout",
        type=timeline_options.seconds,
        metavar="SECONDS",
        help="stop sampling then; the program goes on",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="default: mprofile_YYYYMMDDhhmmss.dat, here"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")


def _plot(arguments: list[str]) -> int:
    parser = Parser(
        "timeline plot",
        "Draws memory over time: curve, peak, children, calls of functions, marks. Of several "
        "files the curves, on top of each other.",
        _EXAMPLES["plot"],
        "",
        tables=False,
    )
    add_picture_options(parser)
    parser.add_argument(
        "--with-capture",
        metavar="CAPTURE",
        help="name the line that holds most at the peak (default: a capture of the same run that "
        "is in the directory of FILE)",
    )
    options = parser.parse_intermixed_args(arguments)
    paths = timeline_verbs.chosen(options.files)
    timelines = [timeline_options.read(path) for path in paths]
    timeline_verbs.check_drawable(timelines)
    wanted = wanted_of(options, _remark(timelines, options.with_capture))
    written = options.output or str(Path(paths[0]).with_suffix(".png"))
    timeline_verbs.write_picture(
        timelines, wanted, written, force=options.force, quiet=options.quiet
    )
    return timeline_verbs.remark_all(timelines, quiet=options.quiet)


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add what ``plot`` has."""
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="a .dat file, or its number (default: the newest)"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="a .png, .svg or .pdf")
    parser.add_argument("-t", "--title", help="above the picture (default: the command)")
    parser.add_argument(
        "-w",
        "--window",
        type=timeline_options.window,
        metavar="A,B",
        help="from A to B seconds after the start",
    )
    parser.add_argument(
        "-s", "--slope", action="store_true", help="a straight line through it, in MiB/s"
    )
    parser.add_argument(
        "-f", "--flame", action="store_true", help="calls as they nest, not by function"
    )
    parser.add_argument(
        "-n", "--no-function-ts", dest="no_spans", action="store_true", help="no calls"
    )
    parser.add_argument("--force", action="store_true", help="replace OUT if it is there")


def wanted_of(options: argparse.Namespace, remark: str | None) -> Wanted:
    """Return what the picture is to show."""
    from heapscope.timeline.picture import Wanted

    return Wanted(
        options.title, options.window, options.slope, options.flame, not options.no_spans, remark
    )


def _remark(timelines: list[Timeline], named: str | None) -> str | None:
    """Return which line holds most of the heap's peak, as a capture of the same run tells."""
    from heapscope.cli import reading
    from heapscope.timeline.beside import capture_beside, line_of_peak

    if named is not None:
        return line_of_peak(reading.open_capture(named))
    if len(timelines) != 1:
        return None
    capture = capture_beside(timelines[0])
    return None if capture is None else line_of_peak(capture)


def _peak(arguments: list[str]) -> int:
    parser = Parser("timeline peak", "Prints the highest of each file.", _EXAMPLES["peak"], "")
    parser.add_argument("files", metavar="FILE", nargs="*", help="default: the newest")
    parser.add_argument("--func", metavar="NAME", help="only while calls of this function ran")
    options = parser.parse_intermixed_args(arguments)
    timelines = [timeline_options.read(path) for path in timeline_verbs.chosen(options.files)]
    rows = [_peak_row(timeline, options.func) for timeline in timelines]
    if options.json:
        output.write_json({"schema": "heapscope/timeline-peak/1", "rows": rows})
    else:
        for row in rows:
            if row["peak_bytes"] is None:
                sys.stdout.write(f"{row['file']}  not sampled\n")
                continue
            at = units.duration(row["peak_at_s"])
            sys.stdout.write(f"{row['file']}  {units.size(row['peak_bytes'])} at {at}\n")
            for child in row["children"]:
                sys.stdout.write(f"  child {child['pid']}  {units.size(child['peak_bytes'])}\n")
    return timeline_verbs.remark_all(timelines, quiet=options.quiet)


def _peak_row(timeline: Timeline, function: str | None) -> dict[str, Any]:
    if function is not None and not timeline.spans_of(function):
        raise CommandError(f"{timeline.path}: no call of {function!r} was recorded")
    peak = timeline.peak(function)
    return {
        "file": timeline.path,
        "command": timeline.command,
        "function": function,
        "peak_bytes": None if peak is None else int(peak[1]),
        "peak_at_s": None if peak is None else peak[0] - timeline.start,
        "children": [
            {"pid": process, "peak_bytes": int(curve.peak()[1])}
            for process, curve in timeline.children.items()
            if function is None
        ],
    }


def _list(arguments: list[str]) -> int:
    parser = Parser(
        "timeline list", "Lists the files of this directory, oldest first.", _EXAMPLES["list"], ""
    )
    options = parser.parse_args(arguments)
    rows = timeline_verbs.listing()
    if options.json:
        output.write_json({"schema": "heapscope/timeline-list/1", "rows": rows})
        return 0
    for row in rows:
        sys.stdout.write(f"{row['index']}  {row['file']}  {row['made_at'] or '-'}\n")
    return 0


def _rm(arguments: list[str]) -> int:
    parser = Parser("timeline rm", "Removes .dat files.", _EXAMPLES["rm"], "", tables=False)
    parser.add_argument("files", metavar="FILE", nargs="+", help="by name, or by number as listed")
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    options = parser.parse_intermixed_args(arguments)
    timeline_verbs.remove(timeline_verbs.chosen(options.files), dry_run=options.dry_run)
    return 0


def _clean(arguments: list[str]) -> int:
    parser = Parser(
        "timeline clean",
        "Removes all mprofile_YYYYMMDDhhmmss.dat of this directory.",
        _EXAMPLES["clean"],
        "",
        tables=False,
    )
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    options = parser.parse_args(arguments)
    timeline_verbs.clean(dry_run=options.dry_run)
    return 0


_VERBS = {
    "run": _run,
    "attach": _attach,
    "plot": _plot,
    "peak": _peak,
    "list": _list,
    "rm": _rm,
    "clean": _clean,
}

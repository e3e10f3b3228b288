"""``heapscope mprof``: the verbs, options and files of memory_profiler's mprof."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from heapscope.cli import program_options, subverbs, timeline, timeline_options, timeline_verbs
from heapscope.cli.command_error import CommandError
from heapscope.cli.main import say
from heapscope.cli.options import Parser
from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.timeline.dat_reader import Timeline

HELP = """\
usage: heapscope mprof run [options] PROGRAM ARGS…
       heapscope mprof attach [options] PID|NAME
       heapscope mprof plot [options] [FILE…]
       heapscope mprof peak [--func NAME] [FILE…]
       heapscope mprof list | rm [--dry-run] FILE… | clean [--dry-run]

What mprof does, with its options and its files. `heapscope timeline` does the same with more.

example:
  heapscope mprof run work.py
  heapscope mprof plot --slope

`heapscope mprof run --help` and so on tell more.
"""
_EXAMPLES = {
    "run": "  heapscope mprof run -M --interval 0.05 work.py",
    "attach": "  heapscope mprof attach 1234",
    "plot": "  heapscope mprof plot -s -w 0,20.5 -o out.png",
    "peak": "  heapscope mprof peak --func work.load",
    "list": "  heapscope mprof list",
    "rm": "  heapscope mprof rm -1",
    "clean": "  heapscope mprof clean",
}
_BACKENDS = {
    "psutil": "rss",
    "posix": "rss",
    "psutil_pss": "pss",
    "psutil_uss": "uss",
    "tracemalloc": None,
}
_FLAGS, _VALUED = "CMEaqh", "Tot"
_LONG_VALUED = frozenset({"--interval", "--output", "--timeout", "--backend"})
_HOUR = 3600.0


def run(arguments: list[str]) -> int:
    """Do one of the verbs; `arguments` are those after ``mprof``."""
    return subverbs.dispatch("mprof", _VERBS, HELP, arguments)


def _parser(verb: str, description: str) -> Parser:
    parser = Parser(f"mprof {verb}", description, _EXAMPLES[verb], "", tables=False)
    parser.add_argument("--version", action="store_true", help="print heapscope's version")
    return parser


def _is_version(options: argparse.Namespace) -> bool:
    if options.version:
        import heapscope

        sys.stdout.write(f"{heapscope.__version__}\n")
    return bool(options.version)


def _run(arguments: list[str]) -> int:
    own, words = program_options.split(arguments, _FLAGS, _VALUED, _LONG_VALUED, modules=True)
    parser = _parser("run", "Runs a program and records its memory over time.")
    timeline.add_recording_options(parser)
    parser.add_argument(
        "-a", "--attach", action="store_true", help="PROGRAM is the id or name of a process"
    )
    parser.add_argument(
        "-E", "--exit-code", action="store_true", help="say an exit code that is not 0"
    )
    parser.add_argument(
        "--python",
        action="store_true",
        help="PROGRAM is Python: a python with its arguments, a script, or a module",
    )
    parser.add_argument(
        "--nopython", action="store_true", help="a SCRIPT.py too is run as an executable"
    )
    parser.add_argument(
        "--backend", choices=tuple(_BACKENDS), default="psutil", help="the size sampled"
    )
    options = parser.parse_args(own)
    if _is_version(options):
        return 0
    if not words:
        raise CommandError("a program to run must be provided; `heapscope mprof run --help`")
    metric = _metric(options.backend)
    if options.attach:
        return _attach_to(words[0], options, metric)
    python = False if options.nopython else True if options.python else None
    program = timeline_options.Program(words, python)
    from heapscope.timeline import recording

    if not options.quiet:
        say(f"sampling memory every {options.interval:g} s")
    try:
        recorded = recording.run(
            program.executable,
            program.arguments,
            program.shown,
            timeline.recording_options(options, metric),
            decorate=program.is_python and not options.nopython,
        )
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    timeline_options.announce(recorded, quiet=options.quiet, verb="mprof")
    code = timeline_options.exit_code(recorded)
    if options.exit_code and code:
        say(f"the program ended with exit code {code}")
    return code


def _attach(arguments: list[str]) -> int:
    return _run(["--attach", *arguments])


def _attach_to(hint: str, options: argparse.Namespace, metric: str) -> int:
    process = timeline_options.find_process(hint, first=True)
    how = timeline.recording_options(options, metric)
    if how.timeout is None:
        how = how._replace(timeout=_HOUR)
    return timeline.attach(process, how, options, "mprof")


def _metric(backend: str) -> str:
    metric = _BACKENDS[backend]
    if metric is None:
        raise CommandError(
            "--backend tracemalloc cannot measure another process; `heapscope run` records every "
            "allocation of a program"
        )
    return metric


def _plot(arguments: list[str]) -> int:
    parser = _parser("plot", "Draws a file that `mprof run` made; without -o in a window.")
    timeline.add_picture_options(parser)
    parser.add_argument("--backend", help="of matplotlib, for the window")
    options = parser.parse_intermixed_args(arguments)
    if _is_version(options):
        return 0
    paths = timeline_verbs.chosen(options.files)
    timelines = [timeline_options.read(path) for path in paths]
    timeline_verbs.check_drawable(timelines)
    wanted = timeline.wanted_of(options, None)
    shown = options.output is None and timeline_verbs.show(timelines, wanted, options.backend)
    if not shown:
        written = options.output or str(Path(paths[0]).with_suffix(".png"))
        timeline_verbs.write_picture(
            timelines, wanted, written, force=options.force, quiet=options.quiet
        )
    return timeline_verbs.remark_all(timelines, quiet=options.quiet)


def _peak(arguments: list[str]) -> int:
    parser = _parser("peak", "Prints the highest of a file that `mprof run` made.")
    parser.add_argument("files", metavar="FILE", nargs="*", help="default: the newest")
    parser.add_argument("--func", metavar="NAME", help="only while calls of this function ran")
    options = parser.parse_intermixed_args(arguments)
    if _is_version(options):
        return 0
    paths = timeline_verbs.chosen(options.files)
    timelines = [timeline_options.read(path) for path in paths]
    if not options.files:
        sys.stdout.write("Using last profile data.\n")
    for each in timelines:
        sys.stdout.write(_peak_lines(each, options.func))
    return timeline_verbs.remark_all(timelines, quiet=options.quiet)


def _peak_lines(profile: Timeline, function: str | None) -> str:
    peak = profile.peak(function)
    if peak is None:
        return f"{profile.path}\tNaN MiB\n"
    lines = f"{profile.path}\t{peak[1] / 1048576:.3f} MiB\n"
    for process, curve in profile.children.items():
        lines += f"  Child {process}\t\t\t{curve.peak()[1] / 1048576:.3f} MiB\n"
    return lines


def _list(arguments: list[str]) -> int:
    options = _parser("list", "Lists the files of this directory, oldest first.").parse_args(
        arguments
    )
    if _is_version(options):
        return 0
    for row in timeline_verbs.listing():
        name = str(row["file"])
        stamp = name[len("mprofile_") : -len(".dat")]
        year, month, day = stamp[:4], stamp[4:6], stamp[6:8]
        time = ":".join((stamp[8:10], stamp[10:12], stamp[12:14]))
        sys.stdout.write(f"{row['index']} {name} {time} {day}/{month}/{year}\n")
    return 0


def _rm(arguments: list[str]) -> int:
    parser = _parser("rm", "Removes files.")
    parser.add_argument("files", metavar="FILE", nargs="*", help="by name, or number as listed")
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    options = parser.parse_intermixed_args(arguments)
    if _is_version(options):
        return 0
    if not options.files:
        raise CommandError("a profile to remove must be provided (number or file name)")
    timeline_verbs.remove(timeline_verbs.chosen(options.files), dry_run=options.dry_run)
    return 0


def _clean(arguments: list[str]) -> int:
    parser = _parser("clean", "Removes all mprofile_YYYYMMDDhhmmss.dat of this directory.")
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    options = parser.parse_args(arguments)
    if _is_version(options):
        return 0
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

"""``heapscope VERB …``: finds the verb's module, and turns what it raises into one line.

This module and ``run`` are on the way to a program's start, so they import nothing that an
interpreter has not loaded by itself; every other verb imports what it needs.
"""

from __future__ import annotations

import os
import sys

from heapscope.cli.command_error import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VERBS = {
    "run": "record every allocation of a program",
    "peak": "run a program and tell what was live at its highest moment, by line",
    "summary": "the peak, who holds it, and what the figures rest on",
    "tree": "the call tree of the peak (or of another metric)",
    "table": "the heaviest lines, functions, files, modules, …",
    "rss": "what resident memory is made of, slack and the unexplained rest too",
    "leaks": "what keeps growing, and why it is suspected",
    "export": "the capture in the format of another tool: pprof, speedscope, CSV, …",
    "top": "full screen: look around with the keyboard",
    "heap": "the objects that live: by type, who holds them, what leaks",
    "report": "all of it as one HTML file, of a run or of what changed between two",
    "diff": "what changed between two captures; checks for CI",
    "query": "SQL over captures",
    "plot": "a picture of memory over time",
    "lines": "what each line of a program's functions did to memory",
    "timeline": "memory over time of any program, from outside",
    "mprof": "the same with mprof's verbs, options and files",
    "memit": "the memory of statements, as `python -m timeit` tells their time",
    "monitor": "the sizes of a running process, live",
}

USAGE = """\
usage: heapscope VERB …

Where the memory of a Python program went.

{verbs}

  heapscope VERB --help tells more.

example:
  heapscope run -o work.hscope work.py
  heapscope summary work.hscope
"""


def main(argv: list[str] | None = None) -> int:
    """Run one verb.

    Parameters
    ----------
    argv : list of str, optional
        Verb and arguments; ``sys.argv[1:]`` when absent.

    Returns
    -------
    int
        The exit code: 0 done, 1 a check failed, 2 wrong usage or unusable input, 3 a damaged file,
        130 interrupted; ``run`` returns the program's own.
    """
    return guard(_dispatch, sys.argv[1:] if argv is None else argv)


def guard(verb: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Run a verb; what it raises becomes one line and an exit code."""
    try:
        return verb(arguments)
    except CommandError as failure:
        say(str(failure))
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`heapscope table … | head`): not an error of ours, but
        # the interpreter's own flush at exit must not find the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


def say(message: str) -> None:
    """Print one line on stderr; what a name holds of escape sequences shows as text."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in message)
    try:
        sys.stderr.write(f"heapscope: {shown}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # closed, full, or None: nobody to tell
        pass


def _dispatch(arguments: list[str]) -> int:
    verb = arguments[0] if arguments else ""
    if verb == "run":
        from heapscope.cli import run

        return run.run(arguments[1:])
    if verb in VERBS:
        module = __import__(f"heapscope.cli.{verb}", fromlist=["run"])
        code: int = module.run(arguments[1:])
        sys.stdout.flush()
        return code
    if verb in ("-h", "--help", "help"):
        sys.stdout.write(_usage())
        return 0
    if verb in ("-V", "--version"):
        import heapscope

        sys.stdout.write(f"heapscope {heapscope.__version__}\n")
        return 0
    if not verb:
        sys.stderr.write(_usage())
        return 2
    raise CommandError(f"no such verb: {verb!r}; `heapscope --help` lists them")


def _usage() -> str:
    verbs = "\n".join(f"  {verb:9} {does}" for verb, does in VERBS.items())
    return USAGE.format(verbs=verbs)

# ruff: noqa: PTH100, PTH119
# Pathlib is not loaded on the way to a program's start.
"""Reads ``heapscope run``'s command line and this interpreter's own options.

Written by hand because it is on the way to the program's start, and because everything after the
program's name is the program's, whatever it looks like.
"""

from __future__ import annotations

import os
import sys

from heapscope.cli.command_error import CommandError

HELP = """\
usage: heapscope run [-o OUT.hscope] [--force] [-q] SCRIPT.py ARGS…
       heapscope run [-o OUT.hscope] [--force] [-q] -m MODULE ARGS…
       heapscope run [-o OUT.hscope] [--force] [-q] -c CODE ARGS…

Runs a program as `python` does, records every allocation, and exits with its exit code
(128+n when signal n ended it). The interpreter's own options go before -m heapscope:
`python -X dev -m heapscope run SCRIPT.py`.

  -o, --output OUT.hscope  where the capture goes; else SCRIPT.PID.hscope in this directory
  --force                  replace an existing capture
  -q, --quiet              do not name the capture at the end
  --snapshot-at SIZE       when the heap or RSS passes SIZE (500MiB, 2000000), once, keep a
                           capture of that moment, OUT.at-SIZE.hscope, and go on
  --pdb-at SIZE            when it passes SIZE, once, stop in the debugger, in the frame that
                           allocated
  --at-exit                keep a snapshot of all objects too, when the program ends:
                           OUT.exit.hsnap, for `heapscope heap`
  --at-peak                one each time the heap passes the last one's by 10 %: OUT.peak.hsnap
  --on-memory-error        one at the first MemoryError: OUT.memory-error.hsnap
  --on-signal[=SIGNAL]     one at each USR2, or SIGNAL: OUT.signal-1.hsnap
  --gc-events[=all]        record garbage collections as spans, and what they freed as marks; with
                           =all those of the youngest generation too. It is an entry in the
                           program's gc.callbacks
  --no-color               accepted by every verb; run prints no colour
  -h, --help               this

example:
  heapscope run -o work.hscope work.py --size 100
  heapscope summary work.hscope
"""


class Invocation:
    """What to run and where its capture goes.

    Attributes
    ----------
    output : str or None
        The capture's path as given.
    force, quiet, help : bool
        The switches.
    program : list of str
        The interpreter's arguments: ``[SCRIPT, ARGS…]``, ``["-m", MODULE, ARGS…]`` or
        ``["-c", CODE, ARGS…]``.
    script : str or None
        The script's path, where it is one.
    name : str
        The program's name for the capture's default name.
    snapshot_at, pdb_at : int or None
        Limits, in bytes.
    heap_words : list of str
        When to take snapshots of the heap, as module _heapstart has it.
    collections : str or None
        Whose collections are recorded: "older" generations', "all", None: nobody's.
    """

    def __init__(self) -> None:
        self.output: str | None = None
        self.force = False
        self.quiet = False
        self.help = False
        self.program: list[str] = []
        self.script: str | None = None
        self.name = ""
        self.snapshot_at: int | None = None
        self.pdb_at: int | None = None
        self.heap_words: list[str] = []
        self.collections: str | None = None


def parse(arguments: list[str]) -> Invocation:
    """Read the arguments of ``run``; the first that is no option of ours names the program.

    Raises
    ------
    CommandError
        Wrong usage.
    """
    invocation = Invocation()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument in ("-h", "--help"):
            invocation.help = True
            return invocation
        if argument == "--force":
            invocation.force = True
        elif argument in ("-q", "--quiet"):
            invocation.quiet = True
        elif argument == "--no-color":
            pass
        elif argument in ("-o", "--output"):
            if not rest:
                raise CommandError(f"{argument} needs a file name")
            invocation.output = rest.pop(0)
        elif argument in ("--at-exit", "--at-peak", "--on-memory-error"):
            invocation.heap_words.append(argument.removeprefix("--at-").removeprefix("--on-"))
        elif argument.split("=")[0] == "--on-signal":
            from heapscope.cli.heap_run import number_of_signal

            name = argument.partition("=")[2] or "USR2"
            invocation.heap_words.append(f"signal={number_of_signal(name)}")
        elif argument.split("=")[0] == "--gc-events":
            invocation.collections = argument.partition("=")[2] or "older"
            if invocation.collections not in ("older", "all"):
                raise CommandError("--gc-events takes nothing or =all")
        elif argument.split("=")[0] in ("--snapshot-at", "--pdb-at"):
            _take_limit(invocation, argument, rest)
        elif argument.startswith("--output="):
            invocation.output = argument[len("--output=") :]
        elif argument[:2] in ("-m", "-c"):
            _take_module_or_code(invocation, argument, rest)
            break
        elif argument.startswith("-o"):
            invocation.output = argument[2:]
        elif argument == "--":
            _take_script(invocation, rest)
            break
        elif argument.startswith("-") and argument != "-":
            raise CommandError(f"run has no option {argument}; `heapscope run --help` lists them")
        else:
            _take_script(invocation, [argument, *rest])
            break
    if not invocation.program:
        raise CommandError("nothing to run: give SCRIPT.py, -m MODULE or -c CODE")
    if invocation.output == "":
        raise CommandError("-o needs a file name, not an empty one")
    return invocation


def _take_limit(invocation: Invocation, argument: str, rest: list[str]) -> None:
    from heapscope.cli.units import parse_size

    option, given, value = argument.partition("=")
    if not given:
        if not rest:
            raise CommandError(f"{option} needs a size, like 500MiB")
        value = rest.pop(0)
    try:
        limit = parse_size(value)
    except ValueError as error:
        raise CommandError(f"{option}: {error}") from None
    if option == "--pdb-at":
        invocation.pdb_at = limit
    else:
        invocation.snapshot_at = limit


def _take_module_or_code(invocation: Invocation, argument: str, rest: list[str]) -> None:
    option = argument[:2]
    value = argument[2:] or (rest.pop(0) if rest else None)
    if value is None:
        raise CommandError(f"{option} needs {'a module' if option == '-m' else 'code'}")
    invocation.program = [option, value, *rest]
    invocation.name = value.replace("/", "_") if option == "-m" else "command"


def _take_script(invocation: Invocation, rest: list[str]) -> None:
    if not rest:
        return
    script = rest[0]
    invocation.program = list(rest)
    if script == "-":
        invocation.name = "stdin"
        return
    if script.startswith("-"):
        invocation.program.insert(0, "--")
    invocation.script = script
    invocation.name = os.path.basename(os.path.abspath(script))


def interpreter_options() -> list[str]:
    """Return the options this interpreter was started with, as they were given.

    Options that came through the environment are not among them: the program inherits those.
    """
    options: list[str] = []
    rest = list(sys.orig_argv[1:])
    while rest:
        argument = rest.pop(0)
        if argument == "--check-hash-based-pycs" and rest:
            options += [argument, rest.pop(0)]
        elif argument.startswith("--") and argument != "--":
            options.append(argument)
        elif len(argument) < 2 or argument[0] != "-" or argument == "--":
            break
        else:
            flags, value, ends = _split_cluster(argument)
            if flags:
                options.append("-" + flags)
            if ends:
                break
            if value is not None:
                options.append(value or (rest.pop(0) if rest else ""))
    return options


def _split_cluster(argument: str) -> tuple[str, str | None, bool]:
    """Split ``-BXdev`` into ``BX``, its value, and whether the options end here, as at -m and -c.

    The value is "" when it is the next argument, None when there is none.
    """
    for index, letter in enumerate(argument[1:], 1):
        if letter in "mc":
            return argument[1:index], None, True
        if letter in "WX":
            return argument[1 : index + 1], argument[index + 1 :], False
    return argument[1:], None, False

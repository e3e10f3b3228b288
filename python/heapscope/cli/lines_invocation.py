"""Reads the command line of ``heapscope lines`` and of its drop-in for memory_profiler.

By hand, as ``run``'s: what follows the program's name is the program's, whatever it looks like.
"""

from __future__ import annotations

from heapscope.cli.command_error import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

HELP = """\
usage: heapscope lines [OPTIONS] SCRIPT.py ARGS…
       heapscope lines [OPTIONS] -m MODULE ARGS…
       heapscope lines [OPTIONS] -c CODE ARGS…
       heapscope lines CAPTURE [OPTIONS]

Runs a program as `python` does and prints, after it, what each line of its functions did to
memory: those marked @profile (a builtin here), and those asked for. Exits with the program's exit
code. Of a capture that has no such figures it prints what each line allocated.

      --all               the script's own functions and its module's body
  -p, --module MODULE     the functions of a module or package; may be repeated
  -f, --function FUNC     a function: NAME, CLASS.NAME, MODULE:NAME or FILE.py:NAME; may be repeated
      --json              one JSON document
      --html FILE         one HTML file, in place of the table
  -o, --output FILE       the table or the JSON goes there
      --keep FILE.hscope  keep the capture
      --force             replace files that are there
      --precision N       digits behind the point of MiB (default: 1)
      --limit N           at most N functions, those with the highest peak
      --pdb-at SIZE       when the heap or RSS passes SIZE (500MiB), once, stop in the debugger
      --snapshot-at SIZE  then keep a capture of that moment, beside that of --keep, and go on
  -q, --quiet             no remarks on stderr
      --no-color          accepted by every verb; the tables have no colour
  -h, --help              this

example:
  heapscope lines work.py --size 100
  heapscope lines --all --json -o lines.json work.py
  heapscope lines work.hscope -f load
"""


class LinesInvocation:
    """What to run or to read, and what to show of it.

    Attributes
    ----------
    program : list of str
        The interpreter's arguments: ``[SCRIPT, ARGS…]``, ``["-m", …]`` or ``["-c", …]``.
    script : str or None
        The first argument, where it is a file's name.
    all, json, force, quiet, help : bool
        The switches.
    modules, functions : list of str
        What is asked for.
    output, html, keep : str or None
        Files to write.
    precision : int
        Digits behind the point.
    limit : int or None
        How many functions at most.
    pdb_at, snapshot_at : int or None
        Limits, in bytes.
    allocations : bool
        Whether allocations are shown where no line was counted.
    stamps : bool
        Count nothing: write when functions began and ended.
    """

    def __init__(self) -> None:
        self.program: list[str] = []
        self.script: str | None = None
        self.all = False
        self.json = False
        self.force = False
        self.quiet = False
        self.help = False
        self.modules: list[str] = []
        self.functions: list[str] = []
        self.output: str | None = None
        self.html: str | None = None
        self.keep: str | None = None
        self.precision = 1
        self.limit: int | None = None
        self.pdb_at: int | None = None
        self.snapshot_at: int | None = None
        self.allocations = True
        self.stamps = False


_SWITCHES = {
    "--all": "all",
    "--json": "json",
    "--force": "force",
    "-q": "quiet",
    "--quiet": "quiet",
    "-h": "help",
    "--help": "help",
    "--no-color": "",
}
_VALUES = {
    "-p": "modules",
    "--module": "modules",
    "-f": "functions",
    "--function": "functions",
    "-o": "output",
    "--output": "output",
    "--html": "html",
    "--keep": "keep",
    "--precision": "precision",
    "--limit": "limit",
    "--pdb-at": "pdb_at",
    "--snapshot-at": "snapshot_at",
}


def parse(arguments: list[str], is_capture: Callable[[str], bool]) -> LinesInvocation:
    """Read the arguments of ``lines``.

    Parameters
    ----------
    arguments : list of str
        Those after the verb.
    is_capture : callable
        Whether a file is a capture: options may then follow it.

    Raises
    ------
    CommandError
        Wrong usage.
    """
    found = LinesInvocation()
    rest = list(arguments)
    _take_options(found, rest)
    if found.help:
        return found
    if not rest:
        raise CommandError("nothing to run: give SCRIPT.py, -m MODULE, -c CODE or a capture")
    first = rest[0]
    if first[:2] in ("-m", "-c"):
        value = first[2:] or (rest[1] if len(rest) > 1 else None)
        if value is None:
            raise CommandError(f"{first} needs {'a module' if first == '-m' else 'code'}")
        found.program = [first[:2], value, *(rest[1:] if first[2:] else rest[2:])]
        return found
    if first == "--":
        rest.pop(0)
        if not rest:
            raise CommandError("nothing to run: give SCRIPT.py, -m MODULE, -c CODE or a capture")
        first = rest[0]
    found.program = ["--", *rest] if first.startswith("-") and first != "-" else rest
    if first == "-":
        return found
    found.script = first
    if is_capture(first):
        following = rest[1:]
        _take_options(found, following)
        if following:
            raise CommandError(f"lines has no use for {following[0]!r} beside a capture")
    return found


def _take_options(found: LinesInvocation, rest: list[str]) -> None:
    """Take our options off the start of `rest`."""
    while rest:
        argument = rest[0]
        if argument in _SWITCHES:
            if _SWITCHES[argument]:
                setattr(found, _SWITCHES[argument], True)
            rest.pop(0)
            if found.help:
                return
            continue
        option, value = _split(argument)
        if option not in _VALUES:
            if argument.startswith("-") and argument not in ("-", "--"):
                if argument[:2] in ("-m", "-c"):
                    return
                raise CommandError(
                    f"lines has no option {argument}; `heapscope lines --help` lists them"
                )
            return
        rest.pop(0)
        if value is None:
            if not rest:
                raise CommandError(f"{option} needs a value")
            value = rest.pop(0)
        _set(found, option, value)


def _split(argument: str) -> tuple[str, str | None]:
    """Split ``--html=x`` and ``-fNAME``; the value is None when it is the next argument."""
    if argument.startswith("--"):
        option, given, value = argument.partition("=")
        return option, value if given else None
    if argument[:2] in _VALUES and len(argument) > 2:
        return argument[:2], argument[2:]
    return argument, None


def _set(found: LinesInvocation, option: str, value: str) -> None:
    name = _VALUES[option]
    if not value:
        raise CommandError(f"{option} needs a value, not an empty one")
    if name in ("modules", "functions"):
        getattr(found, name).append(value)
    elif name == "precision":
        found.precision = _number(option, value, 0, 9)
    elif name in ("pdb_at", "snapshot_at"):
        setattr(found, name, _size(option, value))
    elif name == "limit":
        found.limit = _number(option, value, 1, 1 << 31)
    else:
        setattr(found, name, value)


def _size(option: str, value: str) -> int:
    from heapscope.cli.units import parse_size

    try:
        return parse_size(value)
    except ValueError as error:
        raise CommandError(f"{option}: {error}") from None


def _number(option: str, value: str, least: int, most: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise CommandError(f"{option} needs a number from {least} to {most}, not {value!r}")
    return number

"""What the reading verbs' command lines have in common."""

from __future__ import annotations

import argparse

from heapscope.cli.command_error import CommandError
from heapscope.cli.metrics import METRICS
from heapscope.cli.units import parse_share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser of one verb whose mistakes are one line and exit code 2.

    Parameters
    ----------
    verb, description, example : str
        What ``--help`` shows.
    captures : str
        What the verb reads: ``1`` capture, ``+`` for one or more, ``AB`` for two to compare, "" for
        none.
    tables : bool
        Whether the verb prints tables, and so has ``--json``.
    """

    def __init__(
        self, verb: str, description: str, example: str, captures: str = "1", *, tables: bool = True
    ) -> None:
        super().__init__(
            prog=f"heapscope {verb}",
            description=description,
            epilog=f"example:\n{example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._verb = verb
        if captures == "AB":
            self.add_argument("a", metavar="A", help="a file that `heapscope run` wrote")
            self.add_argument("b", metavar="B", help="another one")
        elif captures:
            count = None if captures == "1" else captures
            what = "a file that `heapscope run` wrote"
            self.add_argument("capture", metavar="CAPTURE", nargs=count, help=what)
        if tables:
            self.add_argument("--json", action="store_true", help="one JSON document on stdout")
        self.add_argument("--no-color", action="store_true", help="plain text; so does NO_COLOR")
        self.add_argument(
            "-q", "--quiet", action="store_true", help="no remarks about the capture on stderr"
        )

    def add_metric(self) -> None:
        """Add ``--metric``."""
        self.add_argument(
            "--metric",
            choices=tuple(METRICS),
            default="peak",
            help="bytes at the peak (default), live at the end, allocated in all, temporary "
            "(freed before the same thread's 8th later allocation), or the number of allocations",
        )

    def error(self, message: str) -> NoReturn:
        """Raise the mistake as a CommandError."""
        raise CommandError(f"{message}; `heapscope {self._verb} --help` shows an example")


def fraction(text: str) -> float:
    """Read ``1%`` for argparse."""
    try:
        return parse_share(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a share of the total like 1%: {text!r}") from None


def positive(text: str) -> int:
    """Read a number of rows for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"not a number of rows: {text!r}")
    return number

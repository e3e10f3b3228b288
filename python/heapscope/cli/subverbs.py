"""Verbs that have verbs of their own: ``heapscope timeline run``, ``heapscope mprof plot``."""

from __future__ import annotations

import sys

from heapscope.cli import output
from heapscope.cli.command_error import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["dispatch"]


def dispatch(
    name: str,
    verbs: Mapping[str, Callable[[list[str]], int]],
    help_text: str,
    arguments: list[str],
) -> int:
    """Do the verb that the first argument names, with the others, and return its exit code.

    Raises
    ------
    CommandError
        There is no such verb.
    """
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        (sys.stdout if arguments else sys.stderr).write(help_text)
        return 0 if arguments else 2
    verb = verbs.get(arguments[0])
    if verb is None:
        raise CommandError(
            f"{name} has no verb {arguments[0]!r}; `heapscope {name} --help` lists them"
        )
    output.prepare_stdout()
    return verb(arguments[1:])

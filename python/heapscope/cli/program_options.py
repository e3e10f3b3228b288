"""Splits the command line of a verb that runs a program: what is the verb's, what the program's."""

from __future__ import annotations

from heapscope.cli.command_error import CommandError


def split(
    arguments: list[str], flags: str, valued: str, long_valued: frozenset[str], *, modules: bool
) -> tuple[list[str], list[str]]:
    """Return the verb's own arguments, and the program with all that follows it.

    Parameters
    ----------
    arguments : list of str
        Everything after the verb.
    flags, valued : str
        The letters of its short options, without and with a value.
    long_valued : frozenset of str
        Its long options with a value.
    modules : bool
        Whether ``-m MODULE`` and ``-c CODE`` are programs.

    Raises
    ------
    CommandError
        An option that the verb does not have.
    """
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            return arguments[:position], arguments[position + 1 :]
        if not argument.startswith("-") or argument == "-":
            break
        if modules and argument[:2] in ("-m", "-c"):
            return arguments[:position], _one_word_each(arguments[position:])
        if argument.startswith("--"):
            position += 2 if argument in long_valued else 1
            continue
        position += 1 + _takes_next(argument, flags, valued)
    return arguments[:position], arguments[position:]


def _takes_next(cluster: str, flags: str, valued: str) -> bool:
    """Whether the value of the last option of ``-xyz`` is the next argument."""
    for index, letter in enumerate(cluster[1:], 1):
        if letter in valued:
            return index == len(cluster) - 1
        if letter not in flags:
            raise CommandError(f"no such option: -{letter}")
    return False


def _one_word_each(program: list[str]) -> list[str]:
    """Write ``-mMODULE`` as ``-m MODULE``."""
    if len(program[0]) > 2:
        return [program[0][:2], program[0][2:], *program[1:]]
    if len(program) == 1:
        raise CommandError(f"{program[0]} needs {'a module' if program[0] == '-m' else 'code'}")
    return program

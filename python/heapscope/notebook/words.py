"""The options of a magic: what comes before a statement that is to stay as it was typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

if TYPE_CHECKING:
    Options = dict[str, Any]

_FLAGS = re.compile(r"-([A-Za-z]+)(?=\s|$)\s*")
_VALUED = re.compile(r"""-([A-Za-z])\s*("[^"]*"|'[^']*'|\S+)\s*""")


def take_options(
    line: str, *, valued: str, flags: str, magic: str, repeated: str = ""
) -> tuple[Options, str]:
    """Part a line into options and the rest.

    Parameters
    ----------
    line : str
        What stands behind the magic's name.
    valued, flags : str
        The letters of the options with a value and of those without.
    magic : str
        The name, for what is said of mistakes.
    repeated : str
        Those of `valued` that may be given more than once: their values are a list.

    Raises
    ------
    UsageError
        No such option, or one without its value.
    """
    options: Options = {}
    rest = line.strip()
    while rest.startswith("-") and rest[1:2].isalpha():
        letter = rest[1]
        if letter in valued:
            match = _VALUED.match(rest)
            if match is None:
                raise UsageError(f"-{letter} of %{magic} needs a value")
            value = match[2].strip("\"'") if match[2][0] in "\"'" else match[2]
            if letter in repeated:
                options.setdefault(letter, []).append(value)
            else:
                options[letter] = value
        else:
            match = _FLAGS.match(rest)
            unknown = set(match[1] if match else letter) - set(flags)
            if match is None or unknown:
                raise UsageError(f"%{magic} has no option -{min(unknown, default=letter)}")
            options.update(dict.fromkeys(match[1], True))
        rest = rest[match.end() :]
    if rest.startswith("-- "):
        rest = rest[3:]
    return options, rest

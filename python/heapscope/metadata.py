# ruff: noqa: PTH100, PTH109, PTH120
# Pathlib is not loaded into a program that does not use it.
"""What a capture says about the process it was taken of.

Runs inside the profiled program, before the program's first line: it imports nothing that an
interpreter has not loaded at that point, which is why it writes its few lines of JSON itself.
"""

from __future__ import annotations

import os
import sys

import heapscope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def describe_process() -> dict[str, str]:
    """Describe this process: the entries of a capture's metadata that are known at its start.

    Returns
    -------
    dict
        Keys as in the capture format: ``command`` and ``flags`` are JSON, the others plain text.
    """
    described = {
        "command": json_text(list(sys.orig_argv)),
        "python_version": sys.version.split()[0],
        "python_build": sys.version,
        "heapscope_version": heapscope.__version__,
        "process_id": str(os.getpid()),
        "host": os.uname().nodename,
        "executable": sys.executable,
        "directory": _directory(),
        "package_directory": os.path.dirname(os.path.abspath(__file__)),
        "allocator": allocator_in_use(),
        "flags": json_text(_flags()),
    }
    return {key: _encodable(value) for key, value in described.items()}


def name_threads(set_metadata: Callable[[str, str], None]) -> None:
    """Write the names of the Python threads that run now, as ``thread:KERNEL_ID``.

    Never raises: a program's own Thread subclass may fail to name itself, and its name is worth
    less than the rest of the capture.
    """
    threading = sys.modules.get("threading")
    if threading is None:
        set_metadata(f"thread:{os.getpid()}", "MainThread")
        return
    try:
        for thread in threading.enumerate():
            if thread.native_id is not None:
                set_metadata(f"thread:{thread.native_id}", _encodable(str(thread.name)))
    except Exception:  # noqa: S110
        pass


def allocator_in_use() -> str:
    """Name CPython's allocator as PYTHONMALLOC would."""
    name = "" if sys.flags.ignore_environment else os.environ.get("PYTHONMALLOC", "")
    if name in ("", "default"):
        name = "debug" if sys.flags.dev_mode else "pymalloc"
    return "pymalloc_debug" if name == "debug" else name


def json_text(value: object) -> str:
    """Write strings, integers, booleans, None, and lists and dicts of them as JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, dict):
        members = (f"{_json_string(str(key))}: {json_text(item)}" for key, item in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(json_text(item) for item in value) + "]"
    return _json_string(str(value))


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def _json_string(text: str) -> str:
    return '"' + "".join(_escaped(text)) + '"'


def _escaped(text: str) -> Iterable[str]:
    for character in text:
        if character in '"\\':
            yield "\\" + character
        elif character < " " or "\ud800" <= character <= "\udfff" or character == "\x7f":
            # Undecodable bytes of a command line are lone surrogates: no UTF-8, but JSON has them.
            yield f"\\u{ord(character):04x}"
        else:
            yield character


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _flags() -> dict[str, object]:
    flags: dict[str, object] = {name: getattr(sys.flags, name) for name in _flag_names()}
    flags["warnoptions"] = list(sys.warnoptions)
    flags["xoptions"] = dict(sys._xoptions)
    return flags


def _flag_names() -> tuple[str, ...]:
    names: tuple[str, ...] = type(sys.flags).__match_args__
    return names

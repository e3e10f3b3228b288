"""The source files of a report: which ones, read with care, and coloured.

The names come from a capture, which may be anybody's: only regular files that look like Python
sources are read, and nothing else is opened.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import stat
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from heapscope import _analysis

LEAST_SHARE = 0.001  # of a metric, for files of libraries
MOST_BYTES = 2_000_000  # of one file
_MOST_BYTES_TOGETHER = 16_000_000
_MOST_COLOURED = 400_000  # characters in all: a second of Pygments, which reads 0.4 MB/s
_SUFFIXES = (".py", ".pyw", ".pyi")
_PROGRAM = 0  # index of "program" in the manifest's owners


class Embedded(NamedTuple):
    """Sources ready for the report.

    Attributes
    ----------
    document : bytes
        JSON: ``files``, by index of the file.
    summary : dict
        For the manifest: ``files, left_out, reason, changed``.
    """

    document: bytes
    summary: dict[str, Any]


class _Unreadable(Exception):
    """Why a file is left out, in a word or two."""


def collect_sources(
    files: list[dict[str, Any]],
    capture: _analysis.Capture,
    *,
    wanted: bool,
    texts: Mapping[str, str] | None = None,
) -> Embedded:
    """Read and colour the sources that belong into a report.

    Parameters
    ----------
    files : list of dict
        ``file, owner, share``, as `report_data` gives them.
    capture : heapscope._analysis.Capture
        Whose directory relative names start from, and whose start a file is changed after.
    wanted : bool
        Whether sources are to be in the report at all.
    texts : mapping of str to str, optional
        Sources that no file holds, by name.
    """
    texts = texts or {}
    chosen = [
        (index, file["file"])
        for index, file in enumerate(files)
        if (not file["file"].startswith("<") or file["file"] in texts)
        and (file["owner"] == _PROGRAM or file["share"] >= LEAST_SHARE)
    ]
    if not wanted:
        return _embedded({}, [], {"--no-source was given": len(chosen)})
    # The heaviest first, so that they are within every limit; the program's own before all others.
    chosen.sort(key=lambda each: (files[each[0]]["owner"] != _PROGRAM, -files[each[0]]["share"]))
    directory = capture.metadata.get("directory", "")
    started = _seconds(capture.summary()["started_at"])
    room, colour = _MOST_BYTES_TOGETHER, _MOST_COLOURED
    documents: dict[str, Any] = {}
    changed: list[int] = []
    left_out: dict[str, int] = {}
    for index, name in chosen:
        try:
            if name in texts:
                text, modified = texts[name], 0.0
            else:
                text, modified = _read(name, directory, room)
        except _Unreadable as error:
            left_out[str(error)] = left_out.get(str(error), 0) + 1
            continue
        room -= len(text)
        if started is not None and modified > started:
            changed.append(index)
        if len(text) <= colour:
            colour -= len(text)
            lines = _coloured(text)
        else:
            lines = [[line, ""] if line else [] for line in text.split("\n")]
        documents[str(index)] = {"first_line": 1, "lines": lines}
    return _embedded(documents, sorted(changed), left_out)


def _embedded(documents: dict[str, Any], changed: list[int], left_out: dict[str, int]) -> Embedded:
    reasons = [f"{count}: {reason}" for reason, count in sorted(left_out.items()) if count]
    summary = {
        "files": len(documents),
        "left_out": sum(left_out.values()),
        "reason": "; ".join(reasons) or None,
        "changed": changed,
    }
    return Embedded(json.dumps({"files": documents}, separators=(",", ":")).encode(), summary)


def _read(name: str, directory: str, room: int) -> tuple[str, float]:
    """Return the text of a source file and when it was last written to, in seconds since 1970."""
    try:
        path = Path(directory, name).resolve()  # a link's target must look like a source as well
        if not (name.endswith(_SUFFIXES) and path.name.endswith(_SUFFIXES)):
            raise _Unreadable("not Python source")
        # Looked at before it is opened: opening some devices does something.
        if not stat.S_ISREG(path.stat().st_mode):
            raise _Unreadable("not a file")
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _Unreadable("not a file")
            if status.st_size > min(MOST_BYTES, room):
                raise _Unreadable("too large")
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise _Unreadable("not found here") from None
    except (OSError, ValueError, RuntimeError):
        raise _Unreadable("cannot be read") from None
    if len(data) > min(MOST_BYTES, room):
        raise _Unreadable("too large")
    return _decoded(data), status.st_mtime


def _decoded(data: bytes) -> str:
    """Text with the lines that the compiler saw."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding, errors="replace")
    except (SyntaxError, LookupError, ValueError):
        text = data.decode("utf-8", errors="replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _coloured(text: str) -> list[list[str]]:
    """Split into lines of text and Pygments' short class, in turn."""
    lines: list[list[str]] = [[]]
    for kind, token in _tokens(text):
        first, *others = token.split("\n")
        _append(lines[-1], first, kind)
        for piece in others:
            lines.append([])
            _append(lines[-1], piece, kind)
    return lines


def _append(line: list[str], text: str, kind: str) -> None:
    if not text:
        return
    kind = "" if text.isspace() else kind
    if line and line[-1] == kind:
        line[-2] += text
    else:
        line += [text, kind]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]
    from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped]

    for kind, token in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        yield STANDARD_TYPES.get(kind, ""), token


def _seconds(started_at: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(started_at.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None

"""The report of a cell, made in a process of its own: the session loads no reader of captures.

``python -m heapscope.notebook.inline CAPTURE`` takes the sources of cells as JSON on stdin and
writes the frame that a notebook shows to stdout.
"""

from __future__ import annotations

import json
import subprocess
import sys

from heapscope.errors import HeapscopeError


class InlineReport:
    """A report that a notebook shows in a frame, whole and offline.

    Parameters
    ----------
    frame : str
        The HTML of the frame, which holds the report.
    title : str
        What is shown where there is no HTML.
    """

    def __init__(self, frame: str, title: str) -> None:
        self._frame = frame
        self._title = title

    def __repr__(self) -> str:
        return self._title

    def _repr_html_(self) -> str:
        return self._frame


def make_report(path: str, sources: dict[str, str]) -> InlineReport:
    """Make the report of a capture.

    Parameters
    ----------
    path : str
        The capture.
    sources : dict of str to str
        Texts of code that has no file, by the code's file name.

    Raises
    ------
    heapscope.HeapscopeError
        It cannot be made.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope.notebook.inline", path],
        input=json.dumps(sources).encode(),
        capture_output=True,
        check=False,
    )
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise HeapscopeError(said[-1] if said else "the report could not be made")
    made = json.loads(ended.stdout)
    return InlineReport(made["frame"], made["title"])


def main() -> int:
    """Make the report; the process's arguments name the capture."""
    try:
        from heapscope import _analysis
        from heapscope.cli.units import size
        from heapscope.report import Report

        capture = _analysis.Capture(sys.argv[1])
        texts = json.loads(sys.stdin.buffer.read())
        frame = Report(capture, texts=texts)._repr_html_()
        title = f"<heapscope report: peak {size(capture.summary()['peak_bytes'])}>"
    except (HeapscopeError, ImportError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    json.dump({"frame": frame, "title": title}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())

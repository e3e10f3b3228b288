"""One HTML file out of the page, which is built from ``web/``, and the data of a capture.

What goes where is the contract of ``docs/dev/report-payload.md``.
"""

from __future__ import annotations

import base64
import html
import importlib.resources
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from heapscope.errors import HeapscopeError
from heapscope.report.files import write_new
from heapscope.report.manifest import SCHEMA, make_manifest
from heapscope.report.sources import collect_sources

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from heapscope import _analysis

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_NOTEBOOK_HEIGHT = 800
_LARGE = 8_000_000  # bytes, beyond which a third of the time is worth a twentieth of the size


class Report:
    """The HTML report of a run, or of the difference of two.

    Parameters
    ----------
    capture : heapscope._analysis.Capture
        The run.
    base : heapscope._analysis.Capture, optional
        The earlier run that it is compared with.
    sources : bool
        Whether source files are put into the report: the program's own, and those of libraries
        that hold at least 0.1 % of the memory.
    texts : mapping of str to str, optional
        Sources that no file holds, a notebook's cells, by the code's file name.
    heap : mapping, optional
        What `heap_data.make_heap_data` made of a heap snapshot of the same run.

    Attributes
    ----------
    html : str
        The whole document, about a megabyte. It opens from a disk, loads nothing and sends nothing.

    Raises
    ------
    heapscope.HeapscopeError
        This installation has no report page.

    Notes
    -----
    In a notebook it is shown in a frame that can reach neither the notebook nor the network.
    """

    def __init__(
        self,
        capture: _analysis.Capture,
        base: _analysis.Capture | None = None,
        *,
        sources: bool = True,
        texts: Mapping[str, str] | None = None,
        heap: Mapping[str, Any] | None = None,
    ) -> None:
        page = _template()
        data = capture.report_data(base)
        embedded = collect_sources(data["files"], capture, wanted=sources, texts=texts)
        manifest = make_manifest(capture, base, data, embedded.summary)
        if heap is not None:
            manifest["heap"] = _compressed(json.dumps(heap, allow_nan=False).encode())
        self.html = _fill(
            page,
            {
                "heapscope-manifest": _json(manifest),
                "heapscope-columns": _compressed(data["data"]),
                "heapscope-sources": _compressed(embedded.document),
            },
        )

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the report: wholly, or not at all.

        Parameters
        ----------
        path : str or os.PathLike
            The file.
        force : bool
            Replace a file that is there.

        Raises
        ------
        heapscope.HeapscopeError
            There is a file already, or it cannot be written.
        """
        write_new(path, self.html.encode(), force=force)

    def _repr_html_(self) -> str:
        return (
            '<iframe sandbox="allow-scripts" title="heapscope report" '
            f'style="width: 100%; height: {_NOTEBOOK_HEIGHT}px; border: 0" '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )


class HeapReport(Report):
    """The HTML report of a heap snapshot, or of two that are compared.

    Parameters
    ----------
    heap : mapping
        What `heap_data.make_heap_data` made of it.
    """

    def __init__(self, heap: Mapping[str, Any]) -> None:
        manifest = {
            "schema": SCHEMA,
            "kind": "heap",
            "title": heap["title"],
            "heap": _compressed(json.dumps(heap, allow_nan=False).encode()),
            "columns": [],
        }
        self.html = _fill(
            _template(),
            {
                "heapscope-manifest": _json(manifest),
                "heapscope-columns": _compressed(b""),
                "heapscope-sources": "",
            },
        )


def _template() -> str:
    try:
        page = importlib.resources.files("heapscope.report") / "template.html"
        return page.read_text(encoding="utf-8")
    except OSError:
        raise HeapscopeError(
            "this installation lacks the report's page (heapscope/report/template.html): "
            "install heapscope from a wheel, or build it where Node is"
        ) from None


def _fill(page: str, contents: dict[str, str]) -> str:
    """Put each text into the empty script element of that id, all in one pass."""
    element = re.compile(r'(<script\b[^>]*\bid="?([\w-]+)"?[^>]*>)\s*(?=</script>)')
    filled: set[str] = set()

    def fill(match: re.Match[str]) -> str:
        name = match[2]
        if name not in contents or name in filled:
            return match[0]
        filled.add(name)
        return match[1] + contents[name]

    document = element.sub(fill, page)
    missing = contents.keys() - filled
    if missing:
        raise HeapscopeError(
            f"the report's page has no element {sorted(missing)[0]}: it is of another version; "
            "install heapscope again"
        )
    return document


def _json(value: object) -> str:
    """JSON in ASCII in which nothing can end a script element."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def _compressed(data: bytes) -> str:
    level = 6 if len(data) < _LARGE else 3
    compressor = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(compressor.compress(data) + compressor.flush()).decode()

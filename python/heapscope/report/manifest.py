"""What the report's page reads first: figures, findings, names, and what lies in the columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heapscope import _analysis

SCHEMA = "heapscope/report/1"
DOMAINS = ["object", "mem", "raw", "malloc", "mmap"]
OWNERS = ["program", "library", "interpreter", "import"]
_PEAKS = 10
_LEAKS = 200  # rows; the rest are counted


def make_manifest(
    capture: _analysis.Capture,
    base: _analysis.Capture | None,
    data: dict[str, Any],
    sources: dict[str, Any],
) -> dict[str, Any]:
    """Make the manifest; `data` is what `report_data` gave, `sources` what was embedded."""
    summary = capture.summary()
    return {
        "schema": SCHEMA,
        "kind": "run" if base is None else "diff",
        "title": title_of(summary),
        "summary": summary,
        "base_summary": None if base is None else base.summary(),
        "leaks": capture.leaks(limit=_LEAKS),
        "rss": capture.rss(),
        "rss_over_time": capture.rss_over_time(),
        "peaks": capture.peaks(limit=_PEAKS),
        "threads": data["threads"],
        "domains": DOMAINS,
        "owners": OWNERS,
        "events": capture.events(),
        "sources": sources,
        "columns": data["columns"],
    }


def title_of(summary: dict[str, Any]) -> str:
    """Name a run after its script or module; after the capture where the command is unknown."""
    command = summary.get("command")
    words = [str(word) for word in command] if isinstance(command, list) else []
    for position, word in enumerate(words[1:], 1):
        if word == "-c":
            return "python -c"
        if word == "-m" and position + 1 < len(words):
            return words[position + 1]
        if not word.startswith("-"):
            return Path(word).name or word
    return Path(str(summary["capture"])).stem

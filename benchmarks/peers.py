"""heapscope and its peers: how each runs a script, where its capture is, how it is asked.

In commands ``{bin}`` is the directory of the bench environment's programs, ``{capture}`` the path
of the capture and ``{directory}`` a directory that exists for one run. The script's path is
appended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Tool:
    """One tool in one mode.

    Attributes
    ----------
    name : str
        What ``--tools`` and the results call it.
    label : str
        What the tables call it.
    command : tuple of str
        Runs a script under the tool.
    program : str
        The program of the environment that has to exist.
    capture : str or None
        File name of the capture, None where the tool leaves none.
    answers : mapping of str to tuple of str
        Commands that turn the capture into something to read.
    """

    name: str
    label: str
    command: tuple[str, ...]
    program: str
    capture: str | None = None
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fill(self, command: tuple[str, ...], programs: Path, directory: Path) -> list[str]:
        """Replace the placeholders of `command`."""
        values = {
            "bin": str(programs),
            "directory": str(directory),
            "capture": str(directory / (self.capture or "none")),
        }
        return [part.format(**values) for part in command]


def _heapscope() -> Tool:
    program = "{bin}/heapscope"
    return Tool(
        name="heapscope",
        label="heapscope",
        command=(program, "run", "-q", "-o", "{capture}"),
        program="heapscope",
        capture="out.hscope",
        answers={verb: (program, verb, "{capture}") for verb in ("summary", "tree", "table")},
    )


def _memray(name: str, label: str, *options: str) -> Tool:
    program = "{bin}/memray"
    page = ("-f", "-o", "{directory}/report.html", "{capture}")
    return Tool(
        name=name,
        label=label,
        command=(program, "run", "-q", "-f", *options, "-o", "{capture}"),
        program="memray",
        capture="out.bin",
        answers={
            "stats": (program, "stats", "{capture}"),
            "flamegraph": (program, "flamegraph", *page),
            "table": (program, "table", *page),
        },
    )


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("untracked", "untracked", ("{bin}/python",), "python"),
        _heapscope(),
        _memray("memray", "memray"),
        _memray("memray_python", "memray, Python objects", "--trace-python-allocators"),
        _memray("memray_native", "memray --native", "--native"),
        Tool("tracemalloc", "tracemalloc(1)", ("{bin}/python", "-X", "tracemalloc=1"), "python"),
        Tool(
            "scalene",
            "scalene",
            ("{bin}/scalene", "run", "-o", "{capture}"),
            "scalene",
            capture="out.json",
        ),
        Tool(
            "fil",
            "fil",
            ("{bin}/fil-profile", "--no-browser", "-o", "{directory}/fil", "run"),
            "fil-profile",
        ),
    )
}
BASELINE = "untracked"

SIX = (
    "small_objects",
    "fib",
    "json_documents",
    "numpy_pandas",
    "django_templates",
    "pygments_highlight",
)
OTHERS = (
    "ast_walk",
    "sqlite_rows",
    "word_count",
    "asyncio_queue",
    "fractions_decimals",
    "method_calls",
)
EXTREMES = ("many_stacks", "deep_recursion")
WORKLOADS = SIX + OTHERS + EXTREMES

"""Line profiles as one small HTML file: no script, nothing loaded, nothing sent."""

from __future__ import annotations

import html

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from heapscope.lines.source import Block

    Function = Mapping[str, Any]

_MIB = float(1 << 20)
_COLUMNS = (
    ("Mem usage", "mem_usage_bytes", "RSS after the line, the highest"),
    ("Increment", "increment_bytes", "allocated less freed while it ran, callees included"),
    ("Peak", "peak_bytes", "the highest above the start of one execution"),
    ("Allocated", "allocated_bytes", "by the line and what it called"),
    ("Freed", "freed_bytes", "by the line and what it called"),
)
_STYLE = """
:root { color-scheme: light dark; --bar: #c9dcf7; --less: #cfe8d3; --line: #d9dde3; --dim: #667; }
@media (prefers-color-scheme: dark) {
  :root { --bar: #24456e; --less: #23482c; --line: #3a4049; --dim: #9aa3ad; }
}
body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem; }
h1 { font-size: 1.2rem; margin: 0 0 .3rem; }
h2 { font-size: 1rem; margin: 2rem 0 .2rem; overflow-wrap: anywhere; }
p { color: var(--dim); margin: .2rem 0 .6rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th { color: var(--dim); font-weight: 500; text-align: right; white-space: nowrap; }
th, td { padding: 1px .6rem; vertical-align: top; }
thead th { border-bottom: 1px solid var(--line); }
td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td:last-child, th:last-child { text-align: left; }
td:last-child { font: 13px/1.5 ui-monospace, monospace; white-space: pre; tab-size: 8; }
tr.blank td { color: var(--dim); }
tr:hover td { background-color: color-mix(in srgb, var(--line) 45%, transparent); }
"""


def make_page(
    functions: Sequence[Function],
    *,
    title: str,
    remark: str,
    block: Callable[[Function], Block],
    precision: int = 1,
) -> bytes:
    """Return the page.

    Parameters
    ----------
    functions : sequence of mapping
        Entries of a line profile.
    title : str
        What ran.
    remark : str
        What the figures are; may be empty.
    block : callable
        Returns the source of an entry.
    precision : int
        Digits behind the point of MiB.
    """
    parts = [
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>",
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        "<link rel='icon' href='data:,'>",
        f"<title>{_text(title)} · lines</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(remark)}</p>" if remark else "",
    ]
    for function in functions:
        parts += _function(function, block(function), max(int(precision), 0))
    parts.append("</body></html>\n")
    return "".join(parts).encode("utf-8", "backslashreplace")


def _function(function: Function, source: Block, precision: int) -> list[str]:
    rows = {row["line"]: row for row in function["lines"]}
    sizes = [abs(row[key] or 0) for row in rows.values() for _, key, _ in _COLUMNS[1:]]
    most = max(sizes, default=0)  # one scale for all bars of a function
    parts = [
        f"<h2>{_text(function['function'])}</h2>",
        f"<p>{_text(function['file'])}<br>{_text(_calls(function))}</p>",
        f"<p>{_text(source.remark)}</p>" if source.remark else "",
        "<div class='wide'><table><thead><tr><th>Line #</th>",
        *(f"<th title='{_text(told)}'>{name}</th>" for name, _, told in _COLUMNS),
        "<th title='blocks allocated'>Allocations</th><th>Occurrences</th>"
        "<th>Line Contents</th></tr></thead><tbody>\n",
    ]
    shown: list[tuple[int | None, str]] = [(None, "")] if None in rows else []
    for number, text in shown + _around(function, source, rows):
        row = rows.get(number)
        if row is None:
            parts.append(f"<tr class='blank'><td>{number}<td><td><td><td><td><td><td><td>")
        else:
            parts.append(f"<tr><td>{'' if number is None else number}")
            parts.append(_figure(row["mem_usage_bytes"], 0, precision))
            parts += [_figure(row[key], most, precision) for _, key, _ in _COLUMNS[1:]]
            parts += [_count(row["allocations"]), _count(row["occurrences"]), "<td>"]
        parts.append(_text(text) + "\n")
    parts.append("</tbody></table></div>")
    return parts


def _around(function: Function, source: Block, rows: Mapping[int, object]) -> list[tuple[int, str]]:
    """Return the lines shown: of a module's body only its own."""
    if function["function"] != "<module>":
        return source.rows
    return [row for row in source.rows if row[0] in rows]


def _figure(count: int | None, most: int, precision: int) -> str:
    if count is None:
        return "<td>"
    text = f"{count / _MIB:,.{precision}f} MiB"
    if not text.strip("-0. MiB"):
        text = text.lstrip("-")
    share = abs(count) / most if most else 0
    if share < 0.01:
        return f"<td>{text}"
    colour = "--less" if count < 0 else "--bar"
    style = f"background:linear-gradient(to left,var({colour}) {share:.0%},transparent 0)"
    return f"<td style='{style}'>{text}"


def _count(number: int | None) -> str:
    return "<td>" if number is None else f"<td>{number:,}"


def _calls(function: Function) -> str:
    from heapscope.lines.table import summary

    return summary(function).partition(": ")[2]


def _text(text: object) -> str:
    from heapscope.lines.table import visible

    return html.escape(visible(str(text)))

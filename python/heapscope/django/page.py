"""The page: HTML without a script that asks for nothing, from what is remembered."""

from __future__ import annotations

import html
import linecache
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapscope import __version__
from heapscope.cli.units import count, size
from heapscope.django.style import STYLE
from heapscope.lines.table import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapscope.django.middleware import HeapscopeMiddleware
    from heapscope.django.records import Record

_MOST_SOURCE = 200  # characters of a line


@dataclass(frozen=True)
class Form:
    """Where the page is, and what its buttons carry."""

    base: str
    nonce: str

    def button(self, place: str, label: str) -> str:
        """Return a button that does something."""
        return (
            f"<form method='post' action='{_text(self.base + place)}'>"
            f"<input type='hidden' name='nonce' value='{_text(self.nonce)}'>"
            f"<button>{_text(label)}</button></form>"
        )


def requests(middleware: HeapscopeMiddleware, form: Form) -> str:
    """Return the page of the last requests, and of the routes."""
    records = middleware.memory.records.last()
    body = [f"<h1>Requests</h1>{_process_cards(middleware)}"]
    if not records:
        body.append(
            "<div class='wide'><div class='empty'>No request yet: open a page of the site, then "
            "reload this one.</div></div>"
        )
        return _page(form, "Requests", "".join(body))
    body.append(_request_table(records, form))
    body.append(
        f"<p class='dim'>The last {count(len(records))} of "
        f"{count(middleware.memory.records.count)} in this process. "
        "<b>Net</b> is what a request left behind, <b>peak</b> what it needed at once above what "
        "was there, both in bytes asked of the allocator by the request's own threads. "
        f" {_census_note(middleware)}</p>"
    )
    body.append("<h2>By route</h2>")
    body.append(_route_table(middleware))
    return _page(form, "Requests", "".join(body))


def request(middleware: HeapscopeMiddleware, form: Form, record: Record) -> str:
    """Return the page of one request."""
    cards = [
        ("net", _signed(record.net_bytes), "left behind"),
        ("peak", ("≥ " if record.peak_is_least else "") + _size(record.peak_bytes), "needed"),
        ("allocated", _size(record.allocated_bytes), f"{_count(record.allocations)} blocks"),
        ("freed", _size(record.freed_bytes), f"{_count(record.frees)} blocks"),
        ("time", f"{record.elapsed_s * 1000:,.1f} ms", "measured, lines counted"),
    ]
    body = [
        f"<h1>{_text(record.method)} {_text(record.route)}</h1>",
        f"<p class='dim'>request {record.number} at {_clock(record.at)} · status "
        f"{_text(record.status)} · <code>{_text(record.view or 'no view')}</code></p>",
        _cards(cards),
    ]
    if record.together > 1:
        body.append(
            f"<p><span class='chip warn'>{record.together} requests at the same time</span> Bytes "
            "are this request's own; lines and growth by type are of all of them.</p>"
        )
    if record.peak_is_least:
        body.append(
            "<p class='dim'>It ran on two threads in turn, the event loop's and its own: net is "
            "exact, the peak is the higher of the two.</p>"
        )
    body.append("<h2>Lines that needed most</h2>")
    body.append(_line_table(record.lines, middleware.options.lines))
    body.append("<h2>Growth by type</h2>")
    body.append(_growth_of_request(record, middleware, form))
    return _page(form, f"Request {record.number}", "".join(body))


def growth(middleware: HeapscopeMiddleware, form: Form) -> str:
    """Return the page of what grew from the first census to the last."""
    from heapscope.django import growth as told

    censuses = middleware.memory.censuses
    kept = list(censuses.kept)
    buttons = form.button("growth/count", "Count around the next request")
    if kept:
        buttons += form.button("growth/restart", "Compare from the next census on")
    body = [f"<h1>Growth</h1><p class='dim'>{_census_note(middleware)}</p>{buttons}"]
    if censuses.complaint:
        body.append(f"<p class='chip bad'>{_text(censuses.complaint)}</p>")
    if len(kept) < 2:
        waits = "the first census" if not kept else "a second census"
        body.append(f"<div class='wide'><div class='empty'>Waiting for {waits}.</div></div>")
        return _page(form, "Growth", "".join(body))
    body.append("<h2>What came to stay</h2>")
    if len(kept) < 3:
        body.append(
            "<div class='wide'><div class='empty'>A third census will tell what stays from what "
            "is merely in use.</div></div>"
        )
    else:
        stays = told.that_stays(
            kept, show_keys=middleware.options.show_keys, is_own=middleware.memory.project.has
        )
        body.append(_stay_table(stays, middleware))
        body.append(
            f"<p class='dim'>Made after request {kept[0].number}, there after request "
            f"{kept[1].number}, and still there after request {kept[2].number}. Freed with it is "
            "what letting go of all of them would free. Where it was allocated is the innermost "
            "line of the project on the stack.</p>"
        )
    body.append("<h2>By type</h2>")
    body.append(_growth_table(told.by_type(censuses)))
    body.append(
        f"<p class='dim'>From the census after request {kept[0].number} to the one after request "
        f"{kept[-1].number}, {count(kept[-1].number - kept[0].number)} requests later.</p>"
    )
    return _page(form, "Growth", "".join(body))


# ---- tables


def _request_table(records: Sequence[Record], form: Form) -> str:
    peaks = max((record.peak_bytes or 0 for record in records), default=0)
    nets = max((abs(record.net_bytes or 0) for record in records), default=0)
    rows = []
    for record in records:
        place = _text(f"{form.base}requests/{record.number}/")
        status = "" if (record.status or 500) < 500 else " bad"
        marks = _marks(record)
        rows.append(
            f"<tr><td><a href='{place}'>{record.number}</a><td>{_clock(record.at)}"
            f"<td class='left'><a href='{place}'>{_text(record.method)} {_text(record.route)}</a>"
            f"{marks}<td><span class='chip{status}'>{_text(record.status)}</span>"
            + _bar(record.net_bytes, nets, _signed(record.net_bytes))
            + _bar(record.peak_bytes, peaks, _size(record.peak_bytes))
            + f"<td>{_size(record.allocated_bytes)}<td>{_count(record.allocations)}"
            f"<td>{record.elapsed_s * 1000:,.1f} ms"
        )
    return _table(
        ["#", "at", "-request", "status", "net", "peak", "allocated", "blocks", "time"], rows
    )


def _marks(record: Record) -> str:
    marks = []
    if record.together > 1:
        marks.append(f"<span class='chip'>{record.together} together</span>")
    if record.streamed:
        marks.append("<span class='chip'>streamed</span>")
    if record.growth is not None:
        marks.append("<span class='chip'>types counted</span>")
    return "".join(marks)


def _route_table(middleware: HeapscopeMiddleware) -> str:
    rows = []
    for route in middleware.memory.records.routes():
        each = route.net_bytes // route.metered if route.metered else None
        rows.append(
            f"<tr><td class='left'>{_text(route.method)} {_text(route.route)}"
            f"<td class='left code'>{_text(route.view)}<td>{count(route.requests)}"
            f"<td>{_signed(route.net_bytes if route.metered else None)}<td>{_signed(each)}"
            f"<td>{_size(route.peak_bytes)}<td>{_size(route.allocated_bytes)}"
        )
    return _table(
        ["-route", "-view", "requests", "net, all", "net, each", "highest peak", "allocated, all"],
        rows,
    )


def _line_table(lines: Sequence[dict[str, Any]], counted: bool) -> str:
    if not lines:
        why = (
            "No line of the project's own functions ran, or none needed memory."
            if counted
            else "Lines are not counted: HEAPSCOPE['LINES'] is off."
        )
        return f"<div class='wide'><div class='empty'>{why}</div></div>"
    most = max(abs(line["peak_bytes"] or 0) for line in lines)
    rows = [
        _bar(line["peak_bytes"], most, _size(line["peak_bytes"]), "<tr>")
        + f"<td>{_signed(line['increment_bytes'])}<td>{_size(line['allocated_bytes'])}"
        f"<td>{count(line['occurrences'])}<td class='left code' title='{_text(line['function'])}'>"
        f"{_text(line['file'])}:{line['line']}<td class='left wrap code'>{_text(line['source'])}"
        for line in lines
    ]
    note = (
        "<p class='dim'>With all that a line called: a line's figures contain those of the lines "
        "of functions that it calls. Peak is above what was there when the line began.</p>"
    )
    return _table(["peak", "net", "allocated", "times", "-where", "-line"], rows) + note


def _growth_of_request(record: Record, middleware: HeapscopeMiddleware, form: Form) -> str:
    if record.growth is None:
        return (
            f"<p class='dim'>Not counted around this request. {_census_note(middleware)}</p>"
            + form.button("growth/count", "Count around the next request")
        )
    if not record.growth:
        return "<div class='wide'><div class='empty'>Nothing changed.</div></div>"
    most = max(abs(row["bytes"]) for row in record.growth)
    rows = [
        f"<tr><td class='left code'>{_text(row['type'])}<td>{row['count']:+,}"
        + _bar(row["bytes"], most, _signed(row["bytes"]))
        for row in record.growth
    ]
    note = (
        "<p class='dim'>Objects of the whole process that are reached from a root, after less "
        "before; what the site keeps for the next request (caches, the debug log of queries) is "
        "in it.</p>"
    )
    return _table(["-type", "objects", "bytes"], rows) + note


def _stay_table(rows: Sequence[dict[str, Any]], middleware: HeapscopeMiddleware) -> str:
    if not rows:
        return "<div class='wide'><div class='empty'>Nothing came to stay.</div></div>"
    most = max(row["freed_bytes"] for row in rows)
    cells = []
    for row in rows:
        where = "unknown: in a used block" if row["of_block"] else "unknown: older than tracking"
        line = ""
        if row["file"] is not None:
            where = f"{middleware.memory.project.short(row['file'])}:{row['line']}"
            line = linecache.getline(row["file"], row["line"] or 0).strip()[:_MOST_SOURCE]
        cells.append(
            f"<tr><td class='left code'>{_text(row['type'])}<td>{row['count']:+,}"
            f"<td>{_signed(row['bytes'])}"
            + _bar(row["freed_bytes"], most, _size(row["freed_bytes"]))
            + f"<td class='left wrap code'>{_text(row['held_by'])}"
            f"<td class='left wrap code'>{_text(where)}<br>{_text(line)}"
        )
    head = ["-type", "objects", "bytes", "freed with it", "-held by", "-allocated at"]
    return _table(head, cells)


def _growth_table(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "<div class='wide'><div class='empty'>Nothing grew.</div></div>"
    most = max(abs(row["bytes"]) for row in rows)
    cells = [
        f"<tr><td class='left code'>{_text(row['type'])}"
        + (" <span class='chip warn'>every time</span>" if row["steady"] else "")
        + f"<td>{row['count']:+,}"
        + _bar(row["bytes"], most, _signed(row["bytes"]))
        for row in rows
    ]
    return _table(["-type", "objects", "bytes"], cells)


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    """Return a table; a heading that begins with a dash is of a column of text."""
    cells = "".join(
        f"<th class='left'>{_text(name[1:])}" if name.startswith("-") else f"<th>{_text(name)}"
        for name in head
    )
    return (
        f"<div class='wide'><table><thead><tr>{cells}</thead><tbody>"
        + "\n".join(rows)
        + "</tbody></table></div>"
    )


# ---- parts


def _page(form: Form, title: str, body: str) -> str:
    links = []
    for place, name in (("", "Requests"), ("growth/", "Growth")):
        current = " aria-current='page'" if name == title else ""
        links.append(f"<a href='{_text(form.base + place)}'{current}>{name}</a>")
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<link rel='icon' href='data:,'>"
        f"<title>{_text(title)} · heapscope</title><style>{STYLE}</style></head><body>"
        f"<header><strong>heapscope</strong><nav>{''.join(links)}</nav>"
        f"<span>process {os.getpid()} · Python {version}</span></header>"
        f"<main>{body}<footer>heapscope {__version__}. Each process of a site has its own page. "
        "No query, body, header or value of a request is kept.</footer></main></body></html>\n"
    )


def _process_cards(middleware: HeapscopeMiddleware) -> str:
    from heapscope import _tracker
    from heapscope.process_figures import read_sizes

    figures = _tracker.counters() if _tracker.is_tracing() else {}
    return _cards(
        [
            ("live", _size(figures.get("live_bytes")), "since tracking began"),
            ("highest", _size(figures.get("peak_bytes")), "at any moment"),
            ("RSS", _size(read_sizes()[0]), "of the process"),
            ("requests", count(middleware.memory.records.count), "in this process"),
            ("heapscope's own", _size(figures.get("own_bytes")), "tables of the tracker"),
        ]
    )


def _cards(cards: Iterable[tuple[str, str, str]]) -> str:
    told = "".join(
        f"<div class='card'><small>{_text(name)}</small><b>{_text(figure)}</b>"
        f"<small>{_text(what)}</small></div>"
        for name, figure, what in cards
    )
    return f"<div class='cards'>{told}</div>"


def _census_note(middleware: HeapscopeMiddleware) -> str:
    every, kept = middleware.options.census_every, middleware.memory.censuses.kept
    note = (
        f"Types are counted around every {every}th request and those that ask with the header "
        "<code>X-Heapscope-Census: 1</code>"
        if every
        else "Types are counted around requests that ask with the header "
        "<code>X-Heapscope-Census: 1</code>"
    )
    note += ", since the whole heap is walked for it"
    if kept:
        note += f" ({kept[-1].seconds * 1000:,.0f} ms the last time)"
    return note + "."


def _bar(value: int | None, most: int, text: str, before: str = "") -> str:
    share = abs(value or 0) / most if most else 0
    if share < 0.01:
        return f"{before}<td>{text}"
    colour = "--less" if (value or 0) < 0 else "--bar"
    style = f"background:linear-gradient(to left,var({colour}) {share:.0%},transparent 0)"
    return f"{before}<td style='{style}'>{text}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _size(value: int | None) -> str:
    return "unknown" if value is None else size(value)


def _signed(value: int | None) -> str:
    if value is None:
        return "unknown"
    return ("+" if value > 0 else "") + size(value)


def _count(value: int | None) -> str:
    return "unknown" if value is None else count(value)


def _text(text: object) -> str:
    return html.escape(visible(str(text)))

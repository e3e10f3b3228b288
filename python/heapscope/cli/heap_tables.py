"""Prints what ``heapscope heap`` tells, within the width of the terminal."""

from __future__ import annotations

from heapscope.cli import output, places, units

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Document = dict[str, Any]

__all__ = ["fixed", "show", "signed"]

_ROWS = 20
_OF_TWO_PROCESSES = {"new": "only B", "gone": "only A"}  # kinds; of no object is that known


def show(console: Console, document: Document, options: argparse.Namespace) -> None:
    """Print all parts of a document, each after an empty line."""
    _title(console, document)
    if "paths" in document:
        from heapscope.cli.heap_holders import show_paths

        console.print()
        show_paths(console, document["paths"])
    if "roots" in document:
        _roots(console, document, options.limit or _ROWS)
    if "suspects" in document:
        limit = options.limit or _ROWS
        least = units.size(document["least_finding_bytes"])
        nothing = f"Nothing of {least} or more looks like a leak"
        _findings(console, document["suspects"], limit, nothing)
        _findings(console, document["waste"], limit, f"Nothing wastes {least} or more")
    if "cycles" in document:
        _cycles(console, document["cycles"], options.limit or _ROWS, "reference cycles")
        _code_in_cycles(console, document)
    if "code_cycles" in document:
        _cycles(console, document["code_cycles"], options.limit or _ROWS, "cycles of code")
    if "kinds" in document:
        _kinds(console, document, options.limit or _ROWS)
    if "rows" in document:
        console.print()
        show_comparison(console, document, options.limit or _ROWS)
        _new(console, document["new"] or [], options.limit or _ROWS)
        _told_apart(console, document)


def _title(console: Console, document: Document) -> None:
    from rich.text import Text

    objects = units.count(document["objects"])
    title = f"{objects} objects, {units.size(document['total_bytes'])}"
    if document["python_version"]:
        title += f", Python {document['python_version']}"
    console.print(Text(title, style="bold"), soft_wrap=True)
    remarks = []
    if document["named_root_share"] is not None:
        remarks.append(f"{100 * document['named_root_share']:.4g} % held by roots with a name")
    if document["unreachable"]:
        garbage = units.size(document["unreachable_bytes"])
        remarks.append(f"{units.count(document['unreachable'])} more are garbage ({garbage})")
    if remarks:
        console.print(Text("; ".join(remarks), style="dim"), soft_wrap=True)


def _kinds(console: Console, document: Document, limit: int) -> None:
    rows = document["kinds"]
    total = document["total_bytes"]
    lines = [
        (
            (
                units.count(row["count"]),
                units.size(row["shallow_bytes"]),
                units.share(row["shallow_bytes"], total),
                units.size(row["retained_bytes"]),
            ),
            _label(row["kind"]),
        )
        for row in rows[:limit]
    ]
    rest = rows[limit:]
    hidden = document["hidden"]
    count = len(rest) + hidden["rows"]
    if count:
        size = sum(row["shallow_bytes"] for row in rest) + hidden["shallow_bytes"]
        objects = sum(row["count"] for row in rest) + hidden["count"]
        figures = (units.count(objects), units.size(size), units.share(size, total), "")
        lines.append((figures, fixed(f"{units.count(count)} more rows (--limit N shows more)")))
    console.print()
    heads = ["count", "shallow", "share", "retained", document["group_by"]]
    output.print_rows(console, heads, lines)


def show_comparison(console: Console, document: Document, limit: int) -> None:
    """Print what changed between two snapshots."""
    from rich.text import Text

    before, after = document["total_a"], document["total_b"]
    change = f"{units.size(before)} → {units.size(after)} ({signed(after - before, units.size)})"
    console.print(Text(f"{change}, by {document['group_by']}", style="bold"), soft_wrap=True)
    rows = [row for row in document["rows"] if row["status"] != "same"]
    words = {} if document.get("same_process", True) else _OF_TWO_PROCESSES
    lines = [
        (
            (
                signed(row["delta_bytes"], units.size),
                signed(row["delta_count"], units.count),
                units.size(row["b_bytes"]),
                units.count(row["b_count"]),
                words.get(row["status"], row["status"]),
            ),
            _label(row["kind"]),
        )
        for row in rows[:limit]
    ]
    rest = rows[limit:]
    if rest:
        size = sum(row["delta_bytes"] for row in rest)
        count = sum(row["delta_count"] for row in rest)
        figures = (signed(size, units.size), signed(count, units.count), "", "", "")
        lines.append((figures, fixed(f"{units.count(len(rest))} more rows (--limit N)")))
    if lines:
        console.print()
        heads = ["change", "objects", "bytes", "count", "", document["group_by"]]
        output.print_rows(console, heads, lines)


def _roots(console: Console, document: Document, limit: int) -> None:
    rows = document["roots"]
    lines = [
        (
            (
                units.count(row["reached_objects"]),
                units.size(row["reached_bytes"]),
                units.size(row["retained_bytes"]),
                row["kind"],
            ),
            _label(row["label"]),
        )
        for row in rows[:limit]
    ]
    rest = rows[limit:]
    if rest:
        objects, reached, retained = (
            sum(row[name] for row in rest)
            for name in ("reached_objects", "reached_bytes", "retained_bytes")
        )
        figures = (units.count(objects), units.size(reached), units.size(retained), "")
        lines.append((figures, fixed(f"{units.count(len(rest))} more (--limit N shows more)")))
    console.print()
    output.print_rows(console, ["objects", "bytes", "held alone", "kind", "root"], lines)
    console.print()
    coverage = document["coverage"]
    for key, told in (
        ("named_objects", "objects are reached from a root with a name"),
        ("immortal_objects", "from immortal objects alone"),
        ("c_objects", "from what only C code holds"),
        ("garbage_objects", "from nothing: garbage"),
    ):
        console.print(f"{units.count(coverage[key]):>12} {told}", soft_wrap=True)
    if document["own_objects"]:
        own = units.count(document["own_objects"])
        told = "of all these are heapscope's own, which no table has"
        console.print(f"{own:>12} {told}", soft_wrap=True)


def _findings(console: Console, rows: list[Document], limit: int, none: str) -> None:
    from rich.text import Text

    console.print()
    if not rows:
        console.print(none)
    for row in rows[:limit]:
        kind = row["kind"].replace("_", " ")
        title = f"{units.size(row['bytes'])}  {kind}, {units.count(row['count'])} objects"
        console.print(Text(title, style="bold"), soft_wrap=True)
        console.print(Text(f"  {places.printable(row['what'])}"), soft_wrap=True)
        console.print(Text(f"  {places.printable(row['path'])}", style="dim"), soft_wrap=True)
    if len(rows) > limit:
        console.print(f"{units.count(len(rows) - limit)} more (--limit N shows more)")


def _cycles(console: Console, rows: list[Document], limit: int, what: str) -> None:
    lines = [
        (
            (units.count(row["count"]), units.count(row["objects"]), units.size(row["bytes"])),
            _cycle(row),
        )
        for row in rows[:limit]
    ]
    if len(rows) > limit:
        more = f"{units.count(len(rows) - limit)} more kinds (--limit N shows more)"
        lines.append((("", "", ""), fixed(more)))
    console.print()
    if lines:
        output.print_rows(console, ["cycles", "objects", "bytes", "types, and closed by"], lines)
    else:
        console.print(f"There are no {what}")


def _code_in_cycles(console: Console, document: Document) -> None:
    """Print one line of what `_cycles` leaves out."""
    from rich.text import Text

    code = document["code_in_cycles"]
    text = (
        f"Left out: {units.count(code['classes'])} classes, each in a cycle with its own __mro__, "
        f"and {units.count(code['others'])} objects of functions and modules"
    )
    if code["garbage_classes"]:
        text += f"; {units.count(code['garbage_classes'])} of the classes are garbage"
    if "code_cycles" not in document:
        text += " (--code-cycles shows them)"
    console.print()
    console.print(Text(text, style="dim"))


def _cycle(row: Document) -> Callable[[int], Text]:
    closing = row["example"]["closing"]

    def make(width: int) -> Text:
        from rich.text import Text

        label = Text(places.fit(" → ".join(row["types"]), width))
        label.append("\n  " + places.fit(closing["name"], width - 2), style="dim")
        remarks = []
        if row["garbage"]:
            remarks.append(
                "garbage" if row["garbage"] == row["count"] else f"{row['garbage']:,} garbage"
            )
        if row["finalizers"]:
            types = ", ".join(row["finalizer_types"])
            remarks.append(f"{units.count(row['finalizers'])} with a finaliser: {types}")
        if remarks:
            label.append("\n  " + places.fit("; ".join(remarks), width - 2), style="dim")
        return label

    return make


def _new(console: Console, rows: list[Document], limit: int) -> None:
    """Print what is new and who holds it: a row a leak, if it is one."""
    lines = [
        (
            (
                f"+{units.count(row['objects'])}",
                f"+{units.size(row['bytes'])}",
                units.size(row["freed_bytes"]),
            ),
            _grown(row),
        )
        for row in rows[:limit]
    ]
    if not lines:
        return
    if len(rows) > limit:
        more = f"{units.count(len(rows) - limit)} more rows (--limit N shows more)"
        lines.append((("", "", ""), fixed(more)))
    console.print()
    output.print_rows(console, ["new", "bytes", "frees", "type, held by, allocated at"], lines)


def _told_apart(console: Console, document: Document) -> None:
    """Print what is not known of the objects."""
    from rich.text import Text

    from heapscope.objects.comparison import up_to

    if not document["same_process"]:
        text = "Two processes: counts and bytes are compared, not which objects are the same"
    elif document["unproven"]:
        those = up_to(document["unproven"], document["identity"] == "birth")
        text = f"{those} of those in both may be others just like them"
    else:
        return
    console.print()
    console.print(Text(text, style="dim"), soft_wrap=True)


def _grown(row: Document) -> Callable[[int], Text]:
    def make(width: int) -> Text:
        from rich.text import Text

        label = Text(places.fit(row["type"], width))
        label.append("\n  " + places.fit(row["held_by"], width - 2), style="dim")
        if row["allocated_at"]:
            block = "block of " if row["of_block"] else ""
            place = places.fit(row["allocated_at"], width - 2 - len(block))
            label.append(f"\n  {block}{place}", style="dim")
        return label

    return make


def signed(number: int, write: Callable[[int], str]) -> str:
    """Write a change with its sign."""
    return f"+{write(number)}" if number > 0 else write(number)


def _label(text: str) -> Callable[[int], Text]:
    def make(width: int) -> Text:
        from rich.text import Text

        return Text(places.fit(text, width))

    return make


def fixed(text: str) -> Callable[[int], Text]:
    """Return what makes a dim label."""

    def make(width: int) -> Text:
        from rich.text import Text

        return Text(places.fit_end(text, width), style="dim")

    return make

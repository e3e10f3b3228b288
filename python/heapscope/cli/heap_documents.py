"""What ``heapscope heap`` tells, as JSON documents; the tables are made of these."""

from __future__ import annotations

from heapscope.cli.command_error import CommandError
from heapscope.objects.comparison import changes
from heapscope.objects.leak_report import report_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

    Document = dict[str, Any]

__all__ = ["check", "comparison", "document"]

SCHEMA = "heapscope/heap/1"
_PATHS = 10


def check(heap: Heap, options: argparse.Namespace, path: str | None) -> None:
    """Raise CommandError when the snapshot cannot be divided as the options ask."""
    if options.by == "site" and not heap.graph.tracked:
        raise CommandError(
            f"{path or 'the snapshot'} has no allocation sites: it was taken without tracking; "
            "`heapscope heap --by site SCRIPT` tracks"
        )


def document(heap: Heap, options: argparse.Namespace, path: str | None) -> Document:
    """Return the document that the options ask for."""
    found = _head(heap, path)
    if options.paths is not None:
        from heapscope.cli.heap_holders import paths_of

        found["paths"] = paths_of(heap, options.paths, options.limit)
    if options.roots:
        found["roots"] = _limited(heap.roots(), options)
        found["coverage"] = heap.coverage
    if options.suspects:
        found["suspects"] = _limited(heap.suspects(), options)
        found["waste"] = _limited(heap.waste(), options)
        found["least_finding_bytes"] = heap.graph.least_finding_bytes()
    if options.cycles:
        found["cycles"] = _limited(heap.cycles_by_type(), options)
        found["code_in_cycles"] = heap.code_in_cycles()
    if options.code_cycles:
        found["code_cycles"] = _limited(heap.cycles_by_type(code=True), options)
    if options.compare is not None:
        from heapscope.cli import heap_reading

        earlier = heap_reading.load(options.compare)
        check(earlier, options, options.compare)
        found["compared_with"] = options.compare
        found.update(_compared(earlier, heap, options))
        return found
    parts = (options.paths, options.roots, options.suspects, options.cycles, options.code_cycles)
    if not any(parts) or options.json:
        found.update(_kinds(heap, options))
    return found


def _compared(earlier: Heap, later: Heap, options: argparse.Namespace) -> Document:
    """Return what changed; of two processes what tells objects from each other is None."""
    told = later.graph.compare(earlier.graph)
    same = told["same_process"]
    if not same and options.by == "id":
        raise CommandError(
            f"{options.compare} is of another process, whose addresses say nothing here: "
            "compare --by type, class, module or site"
        )
    grown = report_set(later.relative_to(earlier)) if same else None
    return {
        **comparison(earlier, later, options.by),
        "same_process": same,
        "identity": told["identity"],
        "unproven": len(told["unproven"]) if same else None,
        "new": _limited([row.as_dict() for row in grown], options) if grown is not None else None,
    }


def _head(heap: Heap, path: str | None) -> Document:
    info = heap.info
    garbage = heap.unreachable
    coverage = heap.coverage
    return {
        "schema": SCHEMA,
        "snapshot": path,
        "command": info.get("command"),
        "pid": _number(info, "pid"),
        "python_version": info.get("python"),
        "taken_at": info.get("taken_at"),
        "trigger": info.get("trigger"),
        "complete": info.get("complete") != "0",
        "objects": heap.count,
        "total_bytes": heap.size,
        "unreachable": garbage.count,
        "unreachable_bytes": garbage.size,
        "named_root_share": coverage["named_share"],
        "own_objects": heap.own.count,
        "own_bytes": heap.own.size,
        "rss_bytes": _number(info, "rss_bytes"),
        "peak_bytes": _number(info, "peak_bytes"),
        "pause_s": _seconds(info, "pause_ns"),
    }


def _number(info: dict[str, str], key: str) -> int | None:
    try:
        return int(info[key])
    except (KeyError, ValueError):
        return None


def _seconds(info: dict[str, str], key: str) -> float | None:
    number = _number(info, key)
    return None if number is None else number / 1e9


def _limited(rows: list[Any], options: argparse.Namespace) -> list[Any]:
    return rows[: options.limit] if options.limit else rows


def _kinds(heap: Heap, options: argparse.Namespace) -> Document:
    rows = kind_rows(heap.by(options.by))
    if options.retained:
        rows.sort(key=lambda row: (-row["retained_bytes"], row["kind"]))
    shown = rows[: options.limit] if options.limit else rows
    rest = rows[len(shown) :]
    return {
        "group_by": options.by,
        "ordered_by": "retained_bytes" if options.retained else "shallow_bytes",
        "kinds": shown,
        "hidden": {
            "rows": len(rest),
            "count": sum(row["count"] for row in rest),
            "shallow_bytes": sum(row["shallow_bytes"] for row in rest),
        },
    }


def kind_rows(objects: ObjectSet) -> list[Document]:
    """Return the rows of a division, each with what it retains."""
    total = objects.size
    rows = objects.rows
    retained = objects.heap.graph.retained_of_parts([row.set.members for row in rows])
    return [
        {
            "kind": row.kind,
            "count": row.count,
            "shallow_bytes": row.size,
            "retained_bytes": kept,
            "percent": round(100 * row.size / total, 2) if total else 0.0,
        }
        for row, kept in zip(rows, retained, strict=True)
    ]


def comparison(earlier: Heap, later: Heap, by: str) -> Document:
    """Return what changed between two snapshots, by kind, the largest changes first."""
    return {
        "group_by": by,
        "total_a": earlier.size,
        "total_b": later.size,
        "objects_a": earlier.count,
        "objects_b": later.count,
        "rows": changes(earlier, later, by),
    }

"""The Heap views' data: what of a heap snapshot goes into the report, and what is left out of it.

Bounded, whatever the size of the heap: the analysis chooses a few thousand objects (src/exporters/
heap_report.h), and only they are written out with their references. docs/dev/report-payload.md has
the document.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from heapscope.exporters.heap_formats import heap_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapscope import _analysis

SCHEMA = "heapscope/heap-report/1"
MOST_OBJECTS = 2_500
"""Objects that are written out; each costs about a kilobyte before compression."""
_REFERENCES = 16  # of one object, each way
_OF_ROOT = 60
_LOOKED_AT = 200  # references, of which the biggest are chosen
_SITES = 200
_GROUPS = 20  # types whose paths are merged
_MERGED = 12
_TOO_LARGE_TO_MERGE = 200_000  # objects of one type
_TEXT = 200


def make_heap_data(
    graph: _analysis.HeapGraph,
    path: str,
    base: _analysis.HeapGraph | None = None,
    earlier: str = "",
) -> dict[str, Any]:
    """Make the document of one snapshot, or of one beside an earlier one.

    Parameters
    ----------
    graph : heapscope._analysis.HeapGraph
        The snapshot.
    path : str
        What it is called.
    base : heapscope._analysis.HeapGraph, optional
        An earlier snapshot that it is compared with.
    earlier : str
        What that is called.
    """
    data = graph.report_data()
    everything = graph.everything() | graph.unreachable()
    roots = _roots(graph)
    suspects = _suspects(graph, base)
    wanted = _wanted(data, roots, suspects)
    objects = {each: _object(graph, each) for each in wanted}
    return {
        "schema": SCHEMA,
        "title": heap_title(graph),
        "snapshot": path,
        "info": graph.info,
        "objects": graph.object_count,
        "total_bytes": graph.total_bytes,
        "all_bytes": data["branches"][0][2],
        "references": graph.reference_count,
        "garbage": {"objects": len(graph.unreachable()), "bytes": graph.total(graph.unreachable())},
        "coverage": graph.coverage(),
        "types": _types(data["types"], base),
        "other_types": data["other_types"],
        "branches": data["branches"],
        "roots": roots,
        "listed": objects,
        "suspects": suspects,
        "merged": _merged(graph, data["types"]),
        "sites": _sites(graph, everything),
        "comparison": None if base is None else _comparison(graph, base, earlier),
    }


def _wanted(
    data: dict[str, Any], roots: list[dict[str, Any]], suspects: list[dict[str, Any]]
) -> list[int]:
    """Choose the objects that are written out: the first of all lists first."""
    chosen: dict[int, None] = {}

    def take(ids: Iterable[int]) -> None:
        for each in ids:
            if each and len(chosen) < MOST_OBJECTS:
                chosen.setdefault(each)

    for each in suspects:
        take(_ids_in(each))
    take(branch[0] for branch in data["branches"][:800])
    for row in data["types"][:80]:
        take(row["objects"])
    for root in roots:
        take(reference[1] for reference in root["references"])
    take(branch[0] for branch in data["branches"])
    for row in data["types"]:
        take(row["objects"])
    return list(chosen)


def _ids_in(row: dict[str, Any]) -> list[int]:
    found = [
        row[key] for key in ("object", "id", "holder", "example") if isinstance(row.get(key), int)
    ]
    found += [
        each for key in ("objects", "ids") for each in row.get(key) or () if isinstance(each, int)
    ]
    return found[:8]


def _reference_rows(found: dict[str, Any], most: int = _REFERENCES) -> dict[str, Any]:
    """Return the rows that retain most; a mapping's keys that name its values are no rows."""
    rows = found["rows"]
    kept = [row for row in rows if not _is_naming(row)]
    if len(kept) > most:
        kept = sorted(kept, key=lambda row: -row["retained_bytes"])[:most]
    return {
        "total": found["total"] - sum(map(_is_naming, rows)),
        "rows": [
            [
                (row.get("name") or "")[:_TEXT],
                row["id"],
                row["type"],
                row["size_bytes"],
                row["retained_bytes"],
            ]
            for row in kept
        ],
    }


def _is_naming(row: dict[str, Any]) -> bool:
    name = row.get("name") or ""
    return name.startswith("list(_.keys())") and row["type"] in ("str", "int", "bytes")


def _object(graph: _analysis.HeapGraph, each: int) -> dict[str, Any]:
    told = graph.object(each)
    birth = told["birth"]
    text = told["text"]
    return {
        "type": told["type"],
        "size_bytes": told["size_bytes"],
        "retained_bytes": told["retained_bytes"],
        "address": told["address"],
        "reference_count": told["reference_count"],
        "held": told["held"],
        "distance": told["distance"],
        "dominator": told["dominator"],
        "text": None if text is None else text["text"][:_TEXT],
        "path": graph.path_text(each)[:1000],
        "references": _reference_rows(graph.references(each, _LOOKED_AT)),
        "referrers": _reference_rows(graph.referrers(each, _LOOKED_AT)),
        "born": None if birth is None else birth["stack"][-12:],
    }


def _roots(graph: _analysis.HeapGraph) -> list[dict[str, Any]]:
    rows = []
    for root in graph.roots()[:400]:
        references = _reference_rows(graph.references(root["id"], _LOOKED_AT), _OF_ROOT)
        references["rows"].sort(key=lambda row: -row[4])
        rows.append(
            {
                "id": root["id"],
                "kind": root["kind"],
                "label": root["label"][:_TEXT],
                "file": root["file"],
                "line": root["line"],
                "total": references["total"],
                "references": references["rows"],
            }
        )
    return rows


def _types(rows: list[dict[str, Any]], base: _analysis.HeapGraph | None) -> list[dict[str, Any]]:
    before = {row["type"]: row for row in base.retained_by_type()} if base is not None else None
    nothing = {"count": 0, "shallow_bytes": 0, "retained_bytes": 0}
    for row in rows:
        earlier = None if before is None else before.get(row["type"], nothing)
        row["base"] = earlier and {key: earlier[key] for key in nothing}
    return rows


def _comparison(
    graph: _analysis.HeapGraph, base: _analysis.HeapGraph, earlier: str
) -> dict[str, Any]:
    """Return what each type gained and lost; rows sum to the difference of the totals."""
    now = {row["type"]: row for row in graph.retained_by_type()}
    before = {row["type"]: row for row in base.retained_by_type()}
    found = graph.compare(base)
    moves = {row["type"]: row for row in found["rows"]}
    nothing = {"count": 0, "shallow_bytes": 0, "retained_bytes": 0}
    rows = []
    for name in now.keys() | before.keys():
        a, b = before.get(name, nothing), now.get(name, nothing)
        move = moves.get(name, {})
        new, gone = move.get("new_count"), move.get("gone_count")
        if all(a[key] == b[key] for key in nothing) and not new and not gone:
            continue
        row: dict[str, Any] = {"type": name, "new": new, "gone": gone}
        for key in nothing:
            row[key] = [a[key], b[key]]
        rows.append(row)
    rows.sort(key=lambda row: -abs(row["shallow_bytes"][1] - row["shallow_bytes"][0]))
    return {
        "base": earlier,
        "identity": found["identity"],
        "same_process": found["same_process"],
        "base_info": base.info,
        "base_objects": base.object_count,
        "base_total_bytes": base.total_bytes,
        "rows": rows[:500],
        "left_out": len(rows) - len(rows[:500]),
    }


def _suspects(graph: _analysis.HeapGraph, base: _analysis.HeapGraph | None) -> list[dict[str, Any]]:
    """Return what looks like a leak or a waste."""
    rows = []
    same = base is not None and base.info.get("pid") == graph.info.get("pid")
    earlier = [base] if base is not None and same else []
    found = graph.suspects(earlier)[:100] + graph.waste()[:100]
    for row in found:
        plain: dict[str, Any] = {}
        for key, value in row.items():
            if isinstance(value, (str, int, float, type(None))):
                plain[key] = value[:1000] if isinstance(value, str) else value
            elif isinstance(value, (list, tuple)) and all(isinstance(each, int) for each in value):
                plain[key] = list(value[:20])
        rows.append(plain)
    return rows


def _merged(graph: _analysis.HeapGraph, types: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what holds the objects of the heaviest types, by merged paths."""
    sets = {row["kind"]: row["set"] for row in graph.partition(graph.everything(), "type")}
    merged: dict[str, Any] = {}
    # Types of the program's own and of libraries first: a path says more of them.
    for row in sorted(types, key=lambda each: ("." not in each["type"], -each["shallow_bytes"])):
        members = sets.get(row["type"])
        if members is None or len(members) > _TOO_LARGE_TO_MERGE or len(members) < 2:
            continue
        merged[row["type"]] = [
            {key: each[key] for key in ("pattern", "held_by", "count", "bytes")}
            for each in graph.merged_paths(members, _MERGED)
        ]
        if len(merged) == _GROUPS:
            break
    return merged


def _sites(graph: _analysis.HeapGraph, everything: Any) -> dict[str, Any] | None:
    """Return where live objects were allocated, by line; None when the program was not tracked."""
    if not graph.tracked:
        return None
    rows = graph.partition(everything, "site")
    shown: list[dict[str, Any]] = []
    for row in rows[:_SITES]:
        entry: dict[str, Any] = {"site": row["kind"], "count": row["count"], "bytes": row["bytes"]}
        with contextlib.suppress(ValueError):
            entry["retained_bytes"] = graph.retained(row["set"]) if len(shown) < 25 else None
        kinds = graph.partition(row["set"], "type")[:3] if len(shown) < 60 else []
        entry["types"] = [[kind["kind"], kind["count"], kind["bytes"]] for kind in kinds]
        shown.append(entry)
    rest = rows[_SITES:]
    return {
        "rows": shown,
        "left_out": len(rest),
        "left_out_bytes": sum(row["bytes"] for row in rest),
    }

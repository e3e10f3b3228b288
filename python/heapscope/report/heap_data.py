"""The Heap views' data: what of a heap snapshot goes into the report, and what is left out of it.

Bounded, whatever the size of the heap: the analysis chooses a few thousand objects (src/exporters/
heap_report.h), and only they are written out with their references. docs/dev/report-payload.md has
the document.
"""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapscope.exporters.heap_formats import heap_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapscope import _analysis

SCHEMA = "heapscope/heap-report/3"
_PACKAGE = str(Path(__file__).parent.parent)
MOST_OBJECTS = 4_000
"""Objects that are written out; each costs about a kilobyte before compression."""
_REFERENCES = 16  # of one object, each way
_OF_ROOT = 60
_OF_MODULES = 400
_LOOKED_AT = 200  # referrers, of which the biggest are chosen
_CYCLES = 60  # kinds
_OF_CYCLE = 6  # objects of one
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
    roots = _roots(graph)
    own = graph.divide_from_observer(_PACKAGE)[1]
    suspects = _suspects(graph, base)
    cycles = _cycles(graph, own)
    listed = _wanted(graph, data, roots, suspects, cycles)
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
        "own": {"objects": len(own), "bytes": graph.total(own)},
        "coverage": graph.coverage(),
        "types": _types(data["types"], base),
        "other_types": data["other_types"],
        "branches": data["branches"],
        "roots": roots,
        "listed": listed,
        "stacks": _share_stacks(listed),
        "suspects": suspects,
        "least_finding_bytes": graph.least_finding_bytes(),
        "cycles": cycles,
        "merged": data["merged"],
        "sites": data["sites"],
        "comparison": None if base is None else _comparison(graph, base, earlier),
    }


def _wanted(
    graph: _analysis.HeapGraph,
    data: dict[str, Any],
    roots: list[dict[str, Any]],
    suspects: list[dict[str, Any]],
    cycles: dict[str, Any],
) -> dict[int, dict[str, Any]]:
    """Choose the objects that are written out, and write them: the first of all lists first.

    What these refer to comes after, the largest first, while there is room.
    """
    written: dict[int, dict[str, Any]] = {}
    beyond: list[tuple[int, int]] = []
    of_modules = {
        row[1] for root in roots if root["kind"] == "modules" for row in root["references"]
    }

    def take(ids: Iterable[int]) -> None:
        for each in ids:
            if not each or each in written or len(written) >= MOST_OBJECTS:
                continue
            most = _OF_MODULES if each in of_modules else _REFERENCES
            told = written[each] = _object(graph, each, most)
            for _, to, _, _, retained in told["references"]["rows"]:
                if to not in written:
                    heapq.heappush(beyond, (-retained, to))

    for row in suspects:
        take(_ids_in(row))
    for row in cycles["rows"]:
        take(each for each, _ in row["way"][:_OF_CYCLE])
    take([branch[0] for branch in data["branches"] if branch[0]][:800])
    for row in data["types"][:80]:
        take(row["objects"])
    for root in roots:
        take(row[1] for row in root["references"])
    for each in of_modules & written.keys():
        take(row[1] for row in written[each]["references"]["rows"])
    for site in (data["sites"] or {"rows": []})["rows"][:60]:
        take(site["objects"])
    for row in data["types"]:
        take(row["objects"][:3])
    while beyond and len(written) < MOST_OBJECTS:
        take([heapq.heappop(beyond)[1]])
    return written


def _cycles(graph: _analysis.HeapGraph, own: _analysis.HeapSet) -> dict[str, Any]:
    """Return the kinds of the program's reference cycles, each with one of them."""
    program = (graph.everything() | graph.unreachable()) - own
    rows = graph.cycles_by_type(program)
    shown = []
    for row in rows[:_CYCLES]:
        example = row.pop("example")
        way = example["way"][:_REFERENCES]
        row["way"] = [(step["id"], step["name"][:_TEXT]) for step in way]
        row["types"] = row["types"][:_REFERENCES]
        row["finalizer_types"] = row["finalizer_types"][:_REFERENCES]
        row["closing"] = example["closing"]["name"][:_TEXT]
        shown.append(row)
    left_out = len(rows) - len(shown)
    return {"rows": shown, "left_out": left_out, "code": graph.code_in_cycles(program)}


def _share_stacks(listed: dict[int, dict[str, Any]]) -> list[list[list[Any]]]:
    """Write each stack of allocation once: objects then have its number."""
    numbers: dict[tuple[tuple[Any, ...], ...], int] = {}
    for told in listed.values():
        if told["born"] is not None:
            stack = tuple((each["function"], each["file"], each["line"]) for each in told["born"])
            told["born"] = numbers.setdefault(stack, len(numbers))
    return [[list(frame) for frame in stack] for stack in numbers]


def _ids_in(row: dict[str, Any]) -> list[int]:
    found = [
        row[key] for key in ("object", "id", "holder", "example") if isinstance(row.get(key), int)
    ]
    found += [
        each for key in ("objects", "ids") for each in row.get(key) or () if isinstance(each, int)
    ]
    return found[:8]


def _references(graph: _analysis.HeapGraph, each: int, most: int = _REFERENCES) -> dict[str, Any]:
    found = graph.heaviest_references(each, most)
    return {"total": found["total"], "rows": [_reference(row) for row in found["rows"]]}


def _referrers(graph: _analysis.HeapGraph, each: int) -> dict[str, Any]:
    found = graph.referrers(each, _LOOKED_AT)
    rows = sorted(found["rows"], key=lambda row: -row["retained_bytes"])[:_REFERENCES]
    return {"total": found["total"], "rows": [_reference(row) for row in rows]}


def _reference(row: dict[str, Any]) -> list[Any]:
    name = (row.get("name") or "")[:_TEXT]
    return [name, row["id"], row["type"], row["size_bytes"], row["retained_bytes"]]


def _object(graph: _analysis.HeapGraph, each: int, most: int) -> dict[str, Any]:
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
        "references": _references(graph, each, most),
        "referrers": _referrers(graph, each),
        "born": None if birth is None else birth["stack"][-12:],
        "born_of_block": birth is not None and birth["of_block"],
    }


def _roots(graph: _analysis.HeapGraph) -> list[dict[str, Any]]:
    rows = []
    for root in graph.roots()[:400]:
        references = _references(graph, root["id"], _OF_ROOT)
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
        "unproven": len(found["unproven"]) if found["same_process"] else None,
        "base_info": base.info,
        "base_objects": base.object_count,
        "base_total_bytes": base.total_bytes,
        "rows": rows[:500],
        "left_out": len(rows) - len(rows[:500]),
    }


def _suspects(graph: _analysis.HeapGraph, base: _analysis.HeapGraph | None) -> list[dict[str, Any]]:
    """Return what looks like a leak or a waste."""
    rows = []
    earlier = [base] if base is not None and graph.same_process(base) else []
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

"""Captures as Arrow tables: ``sites``, ``frames``, ``ticks`` and ``threads``.

Needs the extra ``query`` (pyarrow). Columns are named as in the JSON of the verbs; docs/query.md
lists them. Bytes and counts are 64-bit integers, times are seconds, unknown is null, and texts are
dictionary-encoded. Figures of ``sites``, and of ``threads``, sum to those of the summary.
"""

from __future__ import annotations

from typing import Any

from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from heapscope import Capture, _analysis

TABLES = ("sites", "frames", "ticks", "threads")
CUT = "stacks_cut_at"
"""Metadata of ``sites`` where stacks are not whole: how many of their innermost frames are kept."""


def tables(captures: Sequence[Capture | _analysis.Capture]) -> dict[str, pa.Table]:
    """Return the tables of one or more captures, one below the other.

    Parameters
    ----------
    captures : sequence of heapscope.Capture
        Each row's column ``capture`` says of which of them it is, by path.

    Returns
    -------
    dict
        A ``pyarrow.Table`` for each name in `TABLES`.

    Raises
    ------
    heapscope.HeapscopeError
        pyarrow is not installed.
    """
    arrow = import_extra("pyarrow", "query")
    import_extra("pyarrow.compute", "query")
    opened: list[Any] = [getattr(each, "_capture", each) for each in captures]
    made = [_tables_of(arrow, capture) for capture in opened]
    cut = min((each.pop(CUT) for each in made if CUT in each), default=None)
    joined = {
        name: arrow.concat_tables([each[name] for each in made]).unify_dictionaries()
        for name in TABLES
    }
    if cut is not None:
        joined["sites"] = joined["sites"].replace_schema_metadata({CUT: str(cut)})
    return joined


def import_extra(module: str, extra: str) -> Any:
    """Import what an extra brings.

    Raises
    ------
    heapscope.HeapscopeError
        It is not installed; the message says how to install it.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        # Not there, or there and broken: its own words tell which.
        known = isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]
        reason = "is not installed" if known else f"cannot be loaded ({error})"
        raise HeapscopeError(
            f"{module.partition('.')[0]} {reason}: pip install 'heapscope[{extra}]'"
        ) from None


def _tables_of(arrow: Any, capture: _analysis.Capture) -> dict[str, Any]:
    flat = capture.columns()
    made: dict[str, Any] = {}
    if flat[CUT] is not None:
        made[CUT] = flat[CUT]
    for name in ("sites", "frames", "threads"):
        rows, columns = flat[name]["rows"], flat[name]["columns"]
        arrays = {"capture": _constant(arrow, capture.path, rows)}
        arrays.update((key, _array(arrow, column, rows)) for key, column in columns.items())
        if name == "sites":
            place = list(arrays).index("stack_depth")
            names, values = list(arrays), list(arrays.values())
            names.insert(place, "stack")
            values.insert(place, _stacks(arrow, flat))
            arrays = dict(zip(names, values, strict=True))
        made[name] = arrow.table(arrays)
    made["ticks"] = _ticks(arrow, capture)
    return made


def table_of_columns(
    arrow: Any, flat: dict[str, Any], constant: tuple[str, str] | None = None
) -> Any:
    """Return a flat table of `_analysis` as an Arrow table, behind a column of one word."""
    rows = flat["rows"]
    arrays = {} if constant is None else {constant[0]: _constant(arrow, constant[1], rows)}
    arrays.update((key, _array(arrow, column, rows)) for key, column in flat["columns"].items())
    return arrow.table(arrays)


def _ticks(arrow: Any, capture: _analysis.Capture) -> Any:
    """Return the timeline, and what Python has of it at the ends of ticks."""
    timeline = capture.timeline()
    python = iter(capture.python_live_bytes())
    rows = len(timeline["time_s"])
    arrays = {"capture": _constant(arrow, capture.path, rows)}
    for name, values in timeline.items():
        if name == "time_s":
            arrays[name] = arrow.array(values, arrow.float64())
        elif name == "sampled_by":
            arrays[name] = arrow.array(values, arrow.string()).dictionary_encode()
        else:
            arrays[name] = _integers(arrow, values)
        if name == "live_bytes":
            ends = [next(python) if by == "tracker" else None for by in timeline["sampled_by"]]
            arrays["python_live_bytes"] = _integers(arrow, ends)
    return arrow.table(arrays)


def _integers(arrow: Any, values: list[int | None]) -> Any:
    """Return numbers; what no 64-bit integer holds is not known."""
    fitting = [value if value is None or value < 1 << 63 else None for value in values]
    return arrow.array(fitting, arrow.int64())


def _text(word: str) -> str:
    """Write what is no valid text, as names of files may be, as the terminal shows it."""
    return word.encode(errors="backslashreplace").decode()


def _constant(arrow: Any, word: str, rows: int) -> Any:
    buffer = arrow.py_buffer(bytes(4 * rows))
    indices = arrow.Array.from_buffers(arrow.int32(), rows, [None, buffer])
    return arrow.DictionaryArray.from_arrays(indices, arrow.array([_text(word)], arrow.string()))


def _array(arrow: Any, column: dict[str, Any], rows: int) -> Any:
    values = arrow.py_buffer(column["values"])
    if column["type"] == "int64":
        known = None if column["known"] is None else arrow.py_buffer(column["known"])
        return arrow.Array.from_buffers(arrow.int64(), rows, [known, values])
    indices = arrow.Array.from_buffers(arrow.int32(), rows, [None, values])
    indices = arrow.compute.if_else(arrow.compute.less(indices, 0), None, indices)
    words = arrow.array([_text(word) for word in column["words"]], arrow.string())
    return arrow.DictionaryArray.from_arrays(indices, words)


def _stacks(arrow: Any, flat: dict[str, Any]) -> Any:
    """Return the stacks as lists of {function, file, line, column}, outermost frame first."""
    frames = flat["frames"]
    parts = {
        key: _array(arrow, frames["columns"][key], frames["rows"])
        for key in ("frame", "function", "file", "line", "column")
    }
    entries = len(flat["stack_frames"]) // 4
    indices = arrow.Array.from_buffers(
        arrow.int32(), entries, [None, arrow.py_buffer(flat["stack_frames"])]
    )
    taken = [part.take(indices) for part in parts.values()]
    sites = flat["sites"]["rows"]
    ends = arrow.py_buffer(bytes(4) + flat["stack_ends"])
    return arrow.ListArray.from_arrays(
        arrow.Array.from_buffers(arrow.int32(), sites + 1, [None, ends]),
        arrow.StructArray.from_arrays(taken, names=list(parts)),
    )

"""Where the bytes of pandas' data frames are: by column.

Frames are read as they lie in memory, by the names of their references: no method or property of
theirs runs, nor of anything in them. Only numpy's own arrays are asked for their layout, and
pyarrow for its buffers.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from heapscope import _tracker
from heapscope.objects import arrow_buffers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["are_frames", "frame_rows"]

_MOST_COLUMNS = 1 << 31
_DEPTH = 4  # from a block's values to the arrays that these keep
_KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex", "O": "object"}
_TIMES = {"M": "datetime64", "m": "timedelta64"}

# What `SizeNode` takes: name, type, preview, bytes, total, objects, children, hidden children,
# hidden objects, hidden bytes.
Row = tuple[str, str, str, int, int, int, list[Any], int, int, int]


class _Unknown(Exception):
    """The frame does not look as it is read here."""


class _Block(NamedTuple):
    number: int
    values: Any
    names: list[str]  # of its columns

    @property
    def is_shared(self) -> bool:
        return len(self.names) > 1


def are_frames(objects: Sequence[object]) -> bool:
    """Whether the objects are data frames, all of them."""
    frame = getattr(sys.modules.get("pandas"), "DataFrame", None)
    if not isinstance(frame, type) or not objects:
        return False
    return all(frame in _mro(type(obj)) for obj in objects)


def frame_rows(
    frames: Sequence[object], arrow: tuple[type, ...], limit: int
) -> tuple[list[Row], int] | None:
    """Return a row for each data frame with its heaviest columns below, and the bytes of Arrow's.

    Totals sum to the deep size of all. None: a frame has a layout that is not known.

    Parameters
    ----------
    frames : sequence
        Data frames.
    arrow : tuple of type
        The classes of Arrow's objects; none where it is not loaded.
    limit : int
        How many columns of a frame have rows.
    """
    distinct = list({id(frame): frame for frame in frames}.values())
    try:
        blocks = [_blocks(frame) for frame in distinct]
    except (_Unknown, LookupError, StopIteration):
        return None
    groups: list[tuple[object, ...]] = []
    for frame, each in zip(distinct, blocks, strict=True):
        for block in each:
            groups += _groups(block)
        groups.append((frame,))
    shares = [0] * len(groups)  # of Arrow's buffers
    if arrow:
        held = [[each for each in group if _is(each, arrow)] for group in map(_arrays, groups)]
        _, _, _, found, counted = _tracker.deep_figures(tuple(distinct), arrow)
        shares = arrow_buffers.buffer_shares([*held, found], counted)
        nobody = shares.pop()  # what no column holds is the last frame's
        shares[-1] += nobody
    sizes = _tracker.deep_parts(tuple(groups))
    left = iter([(size + more, n, more) for (size, n), more in zip(sizes, shares, strict=True)])
    rows = [
        _frame_row(frame, each, left, limit) for frame, each in zip(distinct, blocks, strict=True)
    ]
    return rows, sum(shares)


def _groups(block: _Block) -> Iterator[tuple[object, ...]]:
    """Yield what each column holds alone, then what they have together."""
    if block.is_shared:
        for row in range(len(block.names)):
            is_objects = _kind(block.values) == "object"
            yield tuple(block.values[row].tolist()) if is_objects else ()
    yield (block.values,)


def _frame_row(
    frame: object, blocks: list[_Block], parts: Iterator[tuple[int, int, int]], limit: int
) -> Row:
    rows: list[Row] = []
    total = objects = 0  # beside the columns
    for block in blocks:
        alone = [next(parts) for _ in block.names] if block.is_shared else [(0, 0, 0)]
        together, met, of_arrow = next(parts)
        share = together // len(block.names)
        arrays = 0 if block.is_shared else _array_bytes(block.values) + of_arrow
        remark = _remark(block, together)
        for name, (size, count, _) in zip(block.names, alone, strict=True):
            own = share if block.is_shared else min(together, arrays)
            size += share
            count += 0 if block.is_shared else met
            inside = count if block.is_shared else max(0, count - 1)
            row = (name, _kind(block.values), remark, own, size, count)
            rows.append((*row, [], 0, inside, size - own))
        total += together - share * len(block.names)
        objects += met if block.is_shared else 0
    own = _tracker.shallow_size(frame)
    rest, others, _ = next(parts)
    total += rest + sum(row[4] for row in rows)
    objects += others + sum(row[5] for row in rows)
    rows.sort(key=lambda row: -row[4])
    shown = rows[:limit]
    return (
        "",
        _name_of(type(frame)),
        "",
        own,
        total,
        objects,
        list(shown),
        len(rows) - len(shown),
        objects - 1 - sum(row[5] for row in shown),
        total - own - sum(row[4] for row in shown),
    )


def _remark(block: _Block, counted: int) -> str:
    told = []
    if block.is_shared:
        told.append(f"1 of {len(block.names)} in ._mgr.blocks[{block.number}]")
    if not _is_array(block.values):
        kept = _kept(block.values)
        if any(_name_of(type(each)).startswith("pyarrow.") for each in kept):
            told.append("in Arrow's memory")
        told += sorted({f"of {_kind(each)}" for each in kept if _is_array(each)})
    if counted < sum(each.nbytes for each in _arrays((block.values,)) if _is_array(each)):
        told.append("shared, counted once")
    return f"({', '.join(told)})" if told else ""


# The layout of a frame.


def _blocks(frame: object) -> list[_Block]:
    manager = _attribute(frame, "_mgr")
    axes = _attribute(manager, "axes")
    labels = _labels(axes[0])
    names = [_spelled(label, place) for place, label in enumerate(labels)] if labels else None
    blocks = []
    for number, block in enumerate(_exact(_attribute(manager, "blocks"), tuple)):
        fields = _tracker.fields(block)
        values = fields[".values"]
        placement = _tracker.fields(fields["._mgr_locs"])
        places = _places(placement.get("<slice>"), placement.get("<array>"))
        if names is None:
            own = [f".iloc[:, {place}]" for place in places]
        else:
            own = [names[place] for place in places]
        if len(own) > 1 and not (_is_array(values) and len(values) == len(own)):
            raise _Unknown
        if own:
            blocks.append(_Block(number, values, own))
    return blocks


def _attribute(obj: object, name: str) -> Any:
    fields = _tracker.fields(obj)
    if f".{name}" in fields:
        return fields[f".{name}"]
    names = _exact(fields[".__dict__"], dict)
    return next(value for key, value in names.items() if type(key) is str and key == name)


def _exact(obj: Any, kind: type) -> Any:
    if type(obj) is not kind:
        raise _Unknown
    return obj


def _places(of_slice: object, of_array: Any) -> Sequence[int]:
    if type(of_slice) is slice:
        return range(*of_slice.indices(_MOST_COLUMNS))
    if not _is_array(of_array):
        raise _Unknown
    return [int(place) for place in of_array.tolist()]


def _labels(index: object) -> list[Any]:
    """Return the labels of an index of one level; none where they are not known."""
    try:
        if _name_of(type(index)).endswith("RangeIndex"):
            return list(_exact(_attribute(index, "_range"), range))
        data = _attribute(index, "_data")
    except (LookupError, StopIteration, _Unknown):
        return []
    for each in _arrays((data,)):
        if _is_array(each):
            found: list[Any] = each.tolist()
            return found
        if _name_of(type(each)) == "pyarrow.lib.ChunkedArray":
            return list(each.to_pylist())
    return []


def _spelled(label: object, place: int) -> str:
    return f"[{label!r}]" if type(label) in (str, int) else f".iloc[:, {place}]"


def _arrays(objects: tuple[object, ...]) -> list[Any]:
    """Return the arrays of numpy and of Arrow that values are made of."""
    found: list[Any] = []
    waiting = [(each, 0) for each in objects[:1]]
    while waiting:
        each, depth = waiting.pop()
        kind = _name_of(type(each))
        if kind == "numpy.ndarray" or kind.startswith("pyarrow."):
            found.append(each)
        elif depth < _DEPTH and kind.startswith("pandas.") and "DataFrame" not in kind:
            waiting += [(value, depth + 1) for value in _kept(each)]
    return found


def _kept(obj: object) -> list[Any]:
    """Return what an object refers to by names, those of its attributes' dict included."""
    fields = _tracker.fields(obj)
    names = fields.pop(".__dict__", None)
    return [*fields.values(), *(names.values() if type(names) is dict else ())]


def _array_bytes(values: object) -> int:
    return sum(_tracker.shallow_size(each) for each in _arrays((values,)) if _is_array(each))


def _kind(values: Any) -> str:
    """What a column is of: the type of its numbers, or of its array."""
    if not _is_array(values):
        return _name_of(type(values)).rpartition(".")[2]
    dtype = values.dtype
    kind = dtype.kind
    if kind in "iufc":
        return f"{_KINDS[kind]}{8 * dtype.itemsize}"
    return _KINDS.get(kind) or _TIMES.get(kind) or "record"


def _is_array(obj: object) -> bool:
    return _name_of(type(obj)) == "numpy.ndarray"


def _is(obj: object, kinds: tuple[type, ...]) -> bool:
    return any(kind in _mro(type(obj)) for kind in kinds)


def _mro(kind: type) -> tuple[type, ...]:
    # Not as an attribute: a metaclass may have its own.
    found: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return found


def _name_of(kind: type) -> str:
    module = type.__dict__["__module__"].__get__(kind)
    name = type.__dict__["__qualname__"].__get__(kind)
    return f"{module}.{name}" if type(module) is str else str(name)

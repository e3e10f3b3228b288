"""Reads captures and answers questions about them; bytes are requested bytes, times are seconds."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

class Capture:
    """An opened capture, in memory: live (still written, or left by a killed program) or sealed.

    Raises
    ------
    heapscope.CaptureError
        Nothing of the file can be shown. Less than that is listed in `damage`.
    """

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None: ...
    @property
    def path(self) -> str: ...
    @property
    def complete(self) -> bool:
        """Whether tracking was stopped in order; false for a killed or running program."""
    @property
    def form(self) -> str:
        """``live`` or ``sealed``."""
    @property
    def damage(self) -> list[str]:
        """What of the file could not be read, one line each; empty for a sound capture."""
    @property
    def metadata(self) -> dict[str, str]: ...
    def summary(self) -> dict[str, Any]:
        """The JSON of the verb ``summary``."""
    def table(
        self,
        group_by: str = "line",
        metric: str = "peak",
        limit: int | None = None,
        inclusive: bool = False,
    ) -> dict[str, Any]:
        """The JSON of the verb ``table``; ``hidden`` says what `limit` cut, by own figures."""
    def tree(
        self,
        metric: str = "peak",
        threshold: float = 0.01,
        invert: bool = False,
        all_frames: bool = True,
    ) -> dict[str, Any]:
        """The call tree as nested nodes, with the frames of importlib or without.

        A node has function, file, line, owner, bytes, blocks, self_bytes, self_blocks, share (of
        the whole, 0 to 1), children and hidden ({rows, bytes}: children below the threshold). The
        root also has schema, capture, metric, inverted, threshold and total_bytes. It is as deep
        as the stacks are: walk it without recursion.
        """
    def timeline(self) -> dict[str, list[Any]]:
        """Columns, one entry a tick or sample: time_s (its end) and figures; unknown is None."""
    def events(self) -> list[dict[str, Any]]:
        """Marks and spans by begin_s: the keys are the attributes of `heapscope.capture.Event`."""
    @property
    def events_dropped(self) -> int: ...
    def rss(self, at: str | float | None = None) -> dict[str, Any]:
        """The JSON of the verb ``rss``: at the highest RSS, the heap's ``"peak"``, or seconds."""
    def function_lines(self) -> list[dict[str, Any]]:
        """Functions with what their lines allocated, callees included; highest at the peak first.

        Keys are those of the verb ``lines`` and owner. A stack is the line's of each function's
        innermost frame; ``increment_bytes`` is what was live at the end, ``peak_bytes`` what was
        live at the peak.
        """
    def rss_over_time(self) -> dict[str, Any]:
        """What RSS was made of: time_s, rss_bytes, rss_from, parts ({part, bytes}), by time."""
    def report_data(self, base: Capture | None = None) -> dict[str, Any]:
        """The columns of the HTML report, of this run or of its difference to an earlier one.

        ``columns`` says name, type, length and delta of what lies in ``data``, one after another;
        ``threads`` has their names, ``files`` file, owner and share (0 to 1) of each.
        """
    def range(self, from_s: float, to_s: float, limit: int | None = None) -> dict[str, Any]:
        """What was allocated in a range of time, freed in it and live at its end, by site."""
    def line_profile(self) -> list[dict[str, Any]]:
        """Functions of the line profile, with the keys of ``_tracker.line_profile()``."""
    def leaks(self, everything: bool = False, limit: int | None = None) -> dict[str, Any]:
        """The JSON of the verb ``leaks``; with `everything` nothing is folded."""
    def peaks(self, limit: int | None = None, fall: float = 0.1) -> list[dict[str, Any]]:
        """The peaks of the heap, highest first: at_s, bytes, known_at_s, known_bytes."""
    def diff(
        self,
        other: Capture,
        group_by: str = "line",
        metric: str = "peak",
        limit: int | None = None,
    ) -> dict[str, Any]:
        """The JSON of the verb ``diff``: this capture is A, `other` is B."""
    def columns(self) -> dict[str, Any]:
        """The tables sites, frames and threads as bytes of columns: see heapscope.tables."""
    def export(
        self,
        format: str,  # noqa: A002
        write: Callable[[bytes], object],
        *,
        metric: str = "peak",
        title: bytes = b"",
        exporter: str = "heapscope",
        summary: str = "{}",
    ) -> None:
        """Hand the capture in a format to `write`, piece by piece; not compressed.

        `title` is what was run, `exporter` who writes, `summary` the JSON of `summary`. ValueError:
        no such format, or it cannot hold what is asked for.
        """
    def python_live_bytes(self) -> list[int]:
        """Bytes live in the domains object, mem and raw at the end of each tick."""

    def select(
        self,
        from_s: float | None = None,
        to_s: float | None = None,
        thread: str | None = None,
        through: str = "",
    ) -> tuple[Capture, dict[str, Any]]:
        """A part of the capture as a capture, and what of time was answered.

        That is from_s and to_s (None without a range) and peak_at_s. In a range ``peak`` is what
        was live at its highest moment, ``live`` what was allocated in it and lived at its end,
        ``temporary`` what was allocated and freed in it. `through` keeps the stacks that pass a
        place which contains it.
        """
    def listing(
        self, group_by: str = "line", metric: str = "peak", order: str = "own", search: str = ""
    ) -> Listing:
        """A table whose rows are made when they are looked at.

        `order` is own, inclusive, blocks or name; rows without any of the metric are left out.
        """
    def file_lines(self, file: str) -> list[dict[str, Any]]:
        """The table's rows by line of one file, by number."""
    def call_tree(
        self, metric: str = "peak", invert: bool = False, all_frames: bool = False
    ) -> CallTree:
        """The call tree, opened level by level."""

class Listing:
    """Rows of a table, in an order; may be read from any thread."""

    def __len__(self) -> int: ...
    @property
    def all_rows(self) -> int:
        """How many rows there are without the search."""
    @property
    def total_bytes(self) -> int: ...
    @property
    def total_blocks(self) -> int: ...
    @property
    def shown_bytes(self) -> int:
        """Of the rows listed."""
    @property
    def shown_blocks(self) -> int: ...
    def rows(self, first: int, last: int) -> list[dict[str, Any]]:
        """Rows `first` to before `last`, as in the JSON of the verb ``table``."""

class CallTree:
    """Calls by id; 0 is everything. Not for two threads at once."""

    def call(self, call: int) -> dict[str, Any]:
        """Id, function, file, line, owner, bytes, blocks, self_bytes, self_blocks, has_children."""
    def children(self, call: int, limit: int | None = None) -> list[dict[str, Any]]:
        """The calls below one, highest first."""
    def count_children(self, call: int) -> int: ...

class HeapSet:
    """Objects of one snapshot, by ascending id. Immutable; keeps the snapshot alive."""

    def __len__(self) -> int: ...
    def __contains__(self, object_id: int, /) -> bool: ...
    def __getitem__(self, index: int, /) -> int: ...
    def __iter__(self) -> Iterator[int]: ...
    def __hash__(self) -> int: ...
    def __and__(self, other: HeapSet, /) -> HeapSet: ...
    def __or__(self, other: HeapSet, /) -> HeapSet: ...
    def __xor__(self, other: HeapSet, /) -> HeapSet: ...
    def __sub__(self, other: HeapSet, /) -> HeapSet: ...
    def ids(self) -> bytes:
        """The ids as little-endian uint32."""

class HeapGraph:
    """A heap snapshot, in memory. Immutable and thread-safe.

    An analysis is made when it is first asked for, without the GIL, and kept. Ids are 1 to n by
    address, roots first; 0 is none. Bytes of objects are shallow unless they are called retained.

    Raises
    ------
    heapscope.SnapshotError
        The file is no snapshot, of another version, or damaged.
    """

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None: ...
    @staticmethod
    def from_walk(walk: Iterable[tuple[int, object]] | object) -> HeapGraph:
        """From what `_tracker.heap_walk` left: kinds of sections and their bytes.

        Or from what `HeapWalk.hand_over` gave, whose memory it takes: nothing is read then before
        it is asked for.
        """
    def save(self, path: str | bytes | os.PathLike[str]) -> None:
        """Write the sealed form (.hsnap), over what is there: whole, or not at all."""
    @property
    def info(self) -> dict[str, str]: ...
    @property
    def object_count(self) -> int:
        """Python objects, garbage included."""
    @property
    def reference_count(self) -> int: ...
    @property
    def total_bytes(self) -> int:
        """Of all Python objects, garbage included."""
    @property
    def tracked(self) -> bool:
        """Whether objects know where and when they were allocated."""
    def object(self, object_id: int) -> dict[str, Any]:
        """What is known of an object.

        id, type, size_bytes, retained_bytes, address (None: a root), reference_count (None: no
        Python object), flags, distance (references from its root), held (why it is a root:
        ``named``, ``immortal``, ``c``, ``garbage`` or None), reached_by (the kind of its root),
        dominator (None: several roots hold it, or it is one), text ({text, kind, cut} or None),
        birth ({stack, time_s: of its block, since the recording began} or None).
        """
    def references(self, object_id: int, limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """{total, rows}: a row has name, id, type, size_bytes and retained_bytes."""
    def referrers(self, object_id: int, limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """As `references`; name is what the referrer calls it."""
    def at_addresses(self, addresses: Iterable[int]) -> list[int]:
        """Ids of the objects there; 0: none begins there."""
    def coverage(self) -> dict[str, Any]:
        """Python objects by the kind of root that reaches them first.

        named_objects, immortal_objects, c_objects, garbage_objects, and named_share: of all that
        is held, what named and immortal roots reach.
        """
    def set_of(self, ids: Iterable[int]) -> HeapSet: ...
    def everything(self) -> HeapSet:
        """What roots reach, native blocks included."""
    def unreachable(self) -> HeapSet:
        """Garbage that no collection has found yet."""
    def total(self, objects: HeapSet) -> int:
        """Shallow bytes."""
    def retained(self, objects: HeapSet) -> int:
        """Bytes that freeing all of them together would free."""
    def dominated(self, objects: HeapSet) -> HeapSet:
        """What freeing all of them together would free, they included."""
    def immediate_dominators(self, objects: HeapSet) -> HeapSet: ...
    def retained_by_type(self) -> list[dict[str, Any]]:
        """Rows of type, count, shallow_bytes and retained_bytes, most retained first.

        Retained by a type is what its objects retain that no other of it dominates.
        """
    def referrers_of(self, objects: HeapSet) -> HeapSet:
        """What refers to them; roots are left out."""
    def referents_of(self, objects: HeapSet) -> HeapSet: ...
    def instances_of(self, type_address: int) -> HeapSet:
        """The objects of exactly the type at an address."""
    def divide_from_observer(self, directory: str) -> tuple[HeapSet, HeapSet]:
        """(program, observer): what is held less what only heapscope needs, and that.

        `directory` is where the package lies: its functions' frames are told by their files.
        """
    def first_look(self, directory: str) -> list[tuple[int, int, str]] | None:
        """(count, bytes, kind) of what is the program's, by class; None where there is the graph.

        Of a walk in memory, of which the graph was not needed yet.
        """
    def new_since(self, earlier: HeapGraph) -> HeapSet:
        """What an earlier snapshot of the same process does not have, garbage included."""
    def grown_rows(self, objects: HeapSet) -> list[dict[str, Any]]:
        """What came to stay, by kind and holder, what frees most first.

        A row has type, count and bytes (of those that older objects hold), freed_bytes (with all
        that they keep), pattern and held_by (as `merged_paths`), example (an id), stack (that
        allocated most of them; empty: unknown) and set.
        """
    def grown_container_rows(
        self, earlier: Iterable[HeapGraph], among: HeapSet
    ) -> list[dict[str, Any]]:
        """Containers of `among` that are longer in each of several snapshots than before.

        `earlier`: oldest first. Rows as those of `grown_rows`, and items: how many more than in
        the first; bytes is what they have grown by, freed_bytes what they retain.
        """
    def frozen(self) -> HeapSet:
        """The collector's permanent generation: gc.freeze."""
    def held_without_frames(self) -> HeapSet:
        """What would be held if the frames of all threads were gone."""
    def largest(self, objects: HeapSet, first: int = 0, last: int = 100) -> list[tuple[int, int]]:
        """(id, bytes) of those of rank `first` to before `last`, the largest first."""
    def summary(self, objects: HeapSet) -> list[tuple[str, int, int]]:
        """(kind, objects, bytes): by type, but functions and modules each by its own name."""
    def retained_of_parts(self, parts: Iterable[HeapSet]) -> list[int]:
        """Of disjoint sets: bytes that the objects of each retain that no other of it dominates."""
    def type_address(self, object_id: int) -> int:
        """Where the type of an object lies; 0: not known."""
    def biggest(self, limit: int = 10) -> list[dict[str, Any]]:
        """Rows of id, type, size_bytes and retained_bytes, most retained first."""
    def dominator_children(self, object_id: int, limit: int = 100) -> dict[str, Any]:
        """{total, rows, hidden}: what the object alone keeps; of 0: what hangs on nothing alone."""
    def dominator_tree(
        self, object_id: int = 0, min_bytes: int = 1, max_nodes: int = 1000, max_depth: int = 50
    ) -> dict[str, Any]:
        """The nodes that retain most, nested; the parts of a node sum to its retained_bytes.

        A node has id (0: the whole), type (None: the whole), size_bytes, retained_bytes, children
        (most retained first) and rest ({count, bytes}: its children that are not shown).
        """
    def without(self, references: Iterable[tuple[int, int]]) -> HeapGraph:
        """The same snapshot as if these references, (from, to), were not there.

        What only they hold is garbage then. Ids stay; sets are of one graph or the other.
        """
    def cycles(
        self, objects: HeapSet | None = None, limit: int = 100, code: bool = False
    ) -> list[dict[str, Any]]:
        """Sets of objects that all reach each other, with a member among `objects`, biggest first.

        Ways through classes, modules and their namespaces, which tie all of a program together, do
        not count. `code`: the sets that these are in, with all ways.

        A row has objects (how many), bytes, way (the shortest cycle through the member that is
        nearest to a root: id, type and the name of its reference to the next one), closing
        ({from, to, name}: the reference back to the first), garbage (whether nothing holds it),
        finalizers (how many of the objects have one) and finalizer_types.
        """
    def cycles_by_type(
        self, objects: HeapSet | None = None, code: bool = False
    ) -> list[dict[str, Any]]:
        """`cycles` with the same types along the way as one row.

        types, count, garbage (how many of these), objects, bytes, finalizers, finalizer_types, and
        example: the biggest of them.
        """
    def code_in_cycles(self, objects: HeapSet | None = None) -> dict[str, int]:
        """What is in cycles of code alone.

        classes, class_bytes, garbage_classes, others and other_bytes. Each class is in one with its
        own ``__mro__``, functions are with their module's namespace.
        """
    def cycle_through(self, object_id: int) -> list[dict[str, Any]]:
        """The shortest cycle through an object, as way in `cycles`; empty: there is none."""
    def same_process(self, other: HeapGraph) -> bool:
        """Whether both are of one process; of others no object is known to be the same."""
    def compare(self, earlier: HeapGraph) -> dict[str, Any]:
        """What changed since an earlier snapshot.

        rows by type and their total (count_before, bytes_before, count, bytes, new_count,
        new_bytes, gone_count, gone_bytes, grown_bytes of those that are in both, delta_count,
        delta_bytes), the sets new and kept (of this graph) and gone (of the earlier one),
        same_process, and identity: ``birth`` where both are of one recording, so that an address
        that is used again is another object; ``address`` where address, type and content say
        which objects are the same. unproven: of kept, those that may be others just like them.
        Of two processes all that tells objects from each other is None.
        """
    def still_there(self, earlier: HeapGraph, objects: HeapSet) -> HeapSet:
        """What is here of objects of an earlier snapshot."""
    def allocated_between(self, first: HeapGraph, second: HeapGraph) -> HeapSet:
        """What is here, was there in the second snapshot, and was not in the first."""
    def partition(self, objects: HeapSet, by: str) -> list[dict[str, Any]]:
        """Rows of kind, count, bytes and set; counts and bytes sum to the set's, most bytes first.

        by: ``type``, ``class`` (heapy's: ``dict of X``), ``module`` (whose namespace holds it),
        ``size``, ``referrers``, ``via``, ``id``, ``site``, ``stack``, ``birth``, ``generation``,
        ``held`` or ``unity``.
        """
    def path_text(self, object_id: int) -> str:
        """The best path, in Python syntax where Python can say it."""
    def paths(
        self, object_id: int, count: int = 1, without: Iterable[tuple[int, int]] = ()
    ) -> list[dict[str, Any]]:
        """The best paths from roots, as different as they can be; none: nothing holds the object.

        A row has text, evaluates (the text is Python that gives the object) and steps: a list of
        id, type and name (None of the first). `without`: references (from, to) that are not
        followed.
        """
    def paths_between(self, from_id: int, to_id: int, count: int = 1) -> list[dict[str, Any]]:
        """As `paths`; the text begins with ``_``, which is the first object."""
    def merged_paths(self, objects: HeapSet, limit: int = 20) -> list[dict[str, Any]]:
        """What holds how many of a set: rows whose counts and bytes sum to the set's.

        A row has pattern (a path with ``[*]``; None: the row of all that did not fit), held_by (in
        words), count, bytes, set, example (an id) and patterns (how many it stands for).
        """
    def retainers(
        self, objects: HeapSet, depth: int = 7, rows: int = 200, dominators: bool = False
    ) -> dict[str, Any]:
        """{rows, rows_left_out}: who refers to the set and who to those, by kind (heapy's rp).

        A row has place (``_``, ``a``, ``ab``, ...), parent, depth, mark (``-`` followed, ``S`` of
        a kind that ends patterns, ``R`` a root, ``^`` the same set as row `seen`, ``+`` deeper),
        seen, kind, count, bytes and set.
        """
    def roots(self) -> list[dict[str, Any]]:
        """The named roots: id, kind, label, thread, file, line and number of references.

        And what has its best path from there: reached_objects, reached_bytes.
        """
    def export(
        self,
        format: str,  # noqa: A002
        write: Callable[[bytes], Any],
        *,
        title: bytes = ...,
        exporter: str = ...,
    ) -> None:
        """Write a document of src/exporters/heap_exporters.h, piece by piece."""
    def columns(self) -> dict[str, Any]:
        """{objects, edges, types, roots}: {rows, columns}, as bytes that Arrow takes."""
    def suspects(self, earlier: Iterable[HeapGraph] = ()) -> list[dict[str, Any]]:
        """What looks like a leak, largest first; a healthy program has none.

        A row has kind (``accumulation``, ``growing_container`` (needs earlier snapshots of the
        process, oldest first), ``unbounded_cache``, ``finalizer_cycle``, ``traceback``,
        ``kept_frame``), bytes (what mending it would free), count, what (one line), path, object
        (the one to look at first) and objects (at most 1,000 ids).
        """
    def waste(self) -> list[dict[str, Any]]:
        """What the program could save, rows as in `suspects`.

        Kinds: ``duplicates``, ``spare_room``, ``instance_dicts``, ``boxed_numbers``.
        """
    def least_finding_bytes(self) -> int:
        """What a suspect or a waste must be worth to be told of."""
    def report_data(self) -> dict[str, Any]:
        """{branches, types, other_types, merged, sites} of src/exporters/heap_report.h, bounded.

        A branch is (object, parent's index, retained_bytes, children, left_out, left_out_bytes,
        type, kinds, group); kinds are (type, count, bytes). A group (``package``, ``module`` or
        ``type``; else empty) has object 0, and its name as type. sites: None when not tracked.
        """
    def heaviest_references(self, object_id: int, limit: int = 100) -> dict[str, Any]:
        """As `references`, those that retain most; keys that name values are no rows.

        O(references of the object).
        """

def seal(
    path: str | bytes | os.PathLike[str],
    exit_status: int | None = None,
    metadata: Mapping[str, str] = ...,
    rss_samples: Sequence[tuple[int, int, int, int, int | None]] = ...,
) -> None:
    """Replace a capture by its sealed form, with metadata added; the original stays if that fails.

    A sample is CLOCK_MONOTONIC ns, RSS, the highest RSS since the sample before, what of RSS is
    files and shared memory, and PSS.

    Raises
    ------
    heapscope.CaptureError
        It cannot be read, is damaged (then it is left alone), or the result cannot be written.
    """

def positions(
    table: bytes, kind: int, first_line: int
) -> list[tuple[int, int, int | None, int | None, int | None, int | None]]:
    """Decode a line table: begin, end, line, end line, column, end column of each range.

    `kind` is the minor version of the CPython whose format it is: 10 or 11.
    """

"""Makes captures with known figures: what a tracker would have left of a program that is described.

A program is a list of blocks: who allocated them, in which tick they were born and died. Everything
else (live, peak, ticks, log) follows from that. The layout is docs/capture-format.md's live form.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

CHUNK = 256 << 10
UNKNOWN = 2**64 - 1
LARGEST_IN_KEY = 0xFFFF
START_NS = 1_000_000_000
DOMAINS = ("object", "mem", "raw", "malloc", "mmap")

Frame = tuple[str, str, int]  # function, file, line


@dataclasses.dataclass(frozen=True)
class Blocks:
    """Blocks that one stack allocated in one tick.

    `freed` is the tick in which they were freed; None: they were live at the end. Temporary ones
    are freed in the tick of their birth and are at no peak.
    """

    stack: tuple[Frame, ...]
    bytes: int
    count: int = 1
    born: int = 0
    freed: int | None = None
    domain: str = "object"
    thread: int = 0
    temporary: bool = False


@dataclasses.dataclass(frozen=True)
class Program:
    """What is to be recorded."""

    blocks: Sequence[Blocks]
    ticks: int = 10
    tick_ns: int = 100_000_000
    threads: Sequence[str] = ("MainThread",)
    rss_above_heap: int | None = 10 << 20
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)


def write(path: Path, program: Program) -> Path:
    """Write the capture of a program."""
    path.write_bytes(_Maker(program).file())
    return path


def peak_tick(program: Program) -> int:
    """Return the tick at whose end most was live; the first of several."""
    levels = _levels(program)
    return levels.index(max(levels))


def _is_live(blocks: Blocks, tick: int) -> bool:
    return blocks.born <= tick and (blocks.freed is None or blocks.freed > tick)


def _tick_record(site: int, tick: int, born: int, kind: int, size: int, blocks: int) -> bytes:
    """Of src/capture/tick_delta.h."""
    high = (blocks >> 24) & 0xFF
    return struct.pack(
        "<QQ",
        site | tick << 32 | born << 43 | kind << 54 | high << 56,
        (size & 0xFF_FFFF_FFFF) | (blocks & 0xFF_FFFF) << 40,
    )


def _largest(every: Sequence[Blocks]) -> int:
    return max((blocks.bytes // blocks.count for blocks in every), default=0)


def _levels(program: Program) -> list[int]:
    changes = [0] * (program.ticks + 1)
    for blocks in program.blocks:
        if blocks.temporary or blocks.freed == blocks.born:
            continue
        changes[blocks.born] += blocks.bytes
        if blocks.freed is not None:
            changes[blocks.freed] -= blocks.bytes
    levels, level = [], 0
    for change in changes[:-1]:
        level += change
        levels.append(level)
    return levels


class _Maker:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._peak_tick = peak_tick(program)
        self._strings = bytearray()
        self._string_at: dict[str, int] = {}
        self._nodes = [struct.pack("<IIiI", 0, 0, 0, 0)]
        self._node_of: dict[object, int] = {}
        self._codes = [bytes(64)]
        self._code_of: dict[Frame, int] = {}
        self._site_of: dict[tuple[int, int], int] = {}
        self._site_blocks: list[list[Blocks]] = [[]]
        self._roots = [self._add_node(0, 0, lane) for lane in range(len(program.threads))]
        for blocks in program.blocks:
            self._site_blocks[self._site(blocks)].append(blocks)

    def file(self) -> bytes:
        program = self._program
        site_keys = [bytes(16)]
        for (node, domain), site in self._site_of.items():
            largest = _largest(self._site_blocks[site])
            kept = largest if largest >= LARGEST_IN_KEY else 0
            site_keys.append(struct.pack("<IIQ", node, 0, kept | domain << 48))
        ticks, log = self._ticks(), self._log()
        tables = [  # kind, generation, size of a record, records
            (1, 0, 16, self._nodes),
            (2, 0, 64, [self._site_figures(blocks) for blocks in self._site_blocks]),
            (3, 0, 16, site_keys),
            (4, 0, 64, self._codes),
            (6, 0, 512, [self._lane(lane) for lane in range(len(program.threads))]),
            (7, 1, 512, ticks),
            (8, 1, 16, log),
            (5, 0, 1, [bytes(self._strings)]),
        ]
        chunks, directory = [bytearray(CHUNK)], [0]
        for kind, generation, size, records in tables:
            joined = b"".join(records)
            per_chunk = CHUNK // size * size
            for sequence, begin in enumerate(range(0, len(joined), per_chunk)):
                chunks.append(bytearray(joined[begin : begin + per_chunk].ljust(CHUNK, b"\0")))
                directory.append(kind | generation << 8 | sequence << 32)
        metadata = self._metadata()
        counts = (len(self._nodes), len(self._site_blocks), len(self._codes), len(program.threads))
        head = struct.pack(
            "<8sIIQQQQQQ 4Q QQQ QQQ 4Q4Q",
            b"HSCOPEL\n", 2, CHUNK, len(chunks), 1, 4711, 1_700_000_000 * 10**9, START_NS,
            self._time(program.ticks), *counts, len(self._strings), 0, len(metadata),
            1 << 1, self._time(self._peak_tick + 1), 0,
            1, program.tick_ns, len(ticks), len(log), 0, 0, 0, 0,
        )  # fmt: skip
        allocations = sum(blocks.count for blocks in program.blocks)
        head += struct.pack(
            "<12Q", 2 * allocations, 0, 0, 0, 0, 0, 0, 0, 1 << 20, 10**7, 0, 1 << 20
        )
        head += bytes(22 * 8) + ticks[self._peak_tick]
        chunks[0][: len(head)] = head
        chunks[0][4096 : 4096 + 8 * len(directory)] = struct.pack(f"<{len(directory)}Q", *directory)
        at = 4096 + 16384 * 8
        chunks[0][at : at + len(metadata)] = metadata
        return b"".join(chunks)

    def _time(self, tick: int) -> int:
        return START_NS + tick * self._program.tick_ns

    def _string(self, text: str) -> tuple[int, int]:
        encoded = text.encode("utf-8", "surrogatepass")
        if text not in self._string_at:
            self._string_at[text] = len(self._strings)
            self._strings += encoded
        return self._string_at[text], len(encoded)

    def _add_node(self, parent: int, code: int, instruction: int) -> int:
        key = (parent, code, instruction)
        if key not in self._node_of:
            self._node_of[key] = len(self._nodes)
            self._nodes.append(struct.pack("<IIiI", parent, code, instruction, 0))
        return self._node_of[key]

    def _code(self, frame: Frame) -> int:
        """One code object a line: its line table has that line only."""
        if frame not in self._code_of:
            function, file, line = frame
            name, name_bytes = self._string(function)
            where, where_bytes = self._string(file)
            table, table_bytes = len(self._strings), 2
            self._strings += bytes([0x80 | 13 << 3, 0])
            self._code_of[frame] = len(self._codes)
            self._codes.append(
                struct.pack(
                    "<4Q4IiIQ",
                    name, name, where, table,
                    name_bytes, name_bytes, where_bytes, table_bytes,
                    line, 11, 0,
                )
            )  # fmt: skip
        return self._code_of[frame]

    def _site(self, blocks: Blocks) -> int:
        node = self._roots[blocks.thread]
        for frame in blocks.stack:
            node = self._add_node(node, self._code(frame), 0)
        key = (node, DOMAINS.index(blocks.domain))
        if key not in self._site_of:
            self._site_of[key] = len(self._site_blocks)
            self._site_blocks.append([])
        return self._site_of[key]

    def _site_figures(self, site: list[Blocks]) -> bytes:
        figures: dict[str, int] = defaultdict(int)
        for blocks in site:
            figures["total"] += blocks.bytes
            figures["totals"] += blocks.count
            if blocks.temporary:
                figures["temporary"] += blocks.bytes
                figures["temporaries"] += blocks.count
            elif blocks.freed is None:
                figures["live"] += blocks.bytes
                figures["lives"] += blocks.count
            if not blocks.temporary and _is_live(blocks, self._peak_tick):
                figures["peak"] += blocks.bytes
                figures["peaks"] += blocks.count
        return struct.pack(
            "<QII QII QQQQ",
            figures["live"], figures["lives"], 1, figures["peak"], figures["peaks"], 0,
            figures["total"], figures["totals"] | min(_largest(site), LARGEST_IN_KEY) << 48,
            figures["temporary"], figures["temporaries"],
        )  # fmt: skip

    def _lane(self, lane: int) -> bytes:
        name = self._program.threads[lane].encode("utf-8", "surrogatepass")
        record = bytes(8 * 16) + struct.pack(
            "<QQII112s", 100 + lane, 1, self._roots[lane], len(name), name
        )
        return record.ljust(512, b"\0")

    def _ticks(self) -> list[bytes]:
        program = self._program
        made = []
        for tick, level in enumerate(_levels(program)):
            rss = UNKNOWN if program.rss_above_heap is None else level + program.rss_above_heap
            words = [UNKNOWN] * 20
            words[:6] = [self._time(tick + 1), level, level, 0, rss, UNKNOWN]
            words[18:] = [0, 0]
            record = struct.pack("<20QII", *words, 0, 0) + bytes(32 * 8)
            record += struct.pack("<Q", len(program.threads))
            made.append(record.ljust(508, b"\0") + b"\xff" * 4)  # residency was never read
        return made

    def _log(self) -> list[bytes]:
        made = []
        for site, every in enumerate(self._site_blocks):
            changes: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
            for blocks in every:
                born = changes[blocks.born, blocks.born]
                born[2] += blocks.bytes
                born[3] += blocks.count
                if blocks.temporary or blocks.freed == blocks.born:
                    continue
                born[0] += blocks.bytes
                born[1] += blocks.count
                if blocks.freed is not None:
                    died = changes[blocks.freed, blocks.born]
                    died[0] -= blocks.bytes
                    died[1] -= blocks.count
            for (tick, born_in), figures in sorted(changes.items()):
                live, allocated = tuple(figures[:2]), tuple(figures[2:])
                kinds = [(2, live)] if live == allocated else [(0, live), (1, allocated)]
                made += [
                    _tick_record(site, tick, born_in, kind, *figure)
                    for kind, figure in kinds
                    if any(figure)
                ]
        return made

    def _metadata(self) -> bytes:
        entries = {
            "command": json.dumps(["python3", "work.py"]),
            "python_version": "3.11.7",
            "exit_status": "0",
            "directory": "/home/me/project",
            **self._program.metadata,
        }
        made = b""
        for key, value in entries.items():
            pair = (key.encode(), value.encode())
            entry = struct.pack("<II", len(pair[0]), len(pair[1])) + b"".join(pair)
            made += entry + bytes(-len(entry) % 8)
        return made


PROGRAM_SOURCE = """\
import json


def load(path):
    with open(path) as file:
        text = file.read()
    return json.loads(text)


def index(rows):
    return {row["name"]: row for row in rows}


def main():
    rows = load("rows.json")
    names = index(rows)
    for name in sorted(names):
        print(name.upper())


main()
"""
LIBRARY = "/opt/python/lib/python3.11"
PACKAGES = "/home/me/venv/lib/python3.11/site-packages"
MIB = 1 << 20


def example(directory: Path) -> Program:
    """A small program whose source lies in a directory: 12 MiB of json, an index, temporaries."""
    work = str(directory / "work.py")
    (directory / "work.py").write_text(PROGRAM_SOURCE)
    module = ("<module>", work, 20)
    main_load, main_index, main_print = (("main", work, line) for line in (15, 16, 18))
    read, loads, index = ("load", work, 6), ("load", work, 7), ("index", work, 11)
    json_loads = ("loads", f"{LIBRARY}/json/__init__.py", 346)
    decode = ("JSONDecoder.decode", f"{LIBRARY}/json/decoder.py", 337)
    raw_decode = ("JSONDecoder.raw_decode", f"{LIBRARY}/json/decoder.py", 353)
    machinery = ("_find_and_load", "<frozen importlib._bootstrap>", 1176)
    compile_ = ("_compile_bytecode", "<frozen importlib._bootstrap_external>", 729)
    imports = ("<module>", work, 1)
    worker = ("Pool.run", f"{PACKAGES}/pool/core.py", 88)
    parsing = (module, main_load, loads, json_loads, decode, raw_decode)
    blocks = [
        Blocks((imports, machinery, compile_), 300_000, 2_000, 0),
        Blocks((imports, machinery), 20_000, 300, 0),
        Blocks((imports,), 1_000, 4, 0),
        Blocks((), 90_000, 40, 0, domain="malloc"),
        Blocks((module, main_load, read), 3 * MIB, 1, 1, freed=6),
        *(Blocks(parsing, 2 * MIB, 20_000, tick) for tick in range(2, 5)),
        *(Blocks(parsing, 2 * MIB, 20_000, tick, freed=8) for tick in range(2, 5)),
        Blocks((module, main_index, index), 4 * MIB, 1, 5, freed=8),
        Blocks((module, main_print), 50_000, 1_000, 7, freed=7, temporary=True),
        Blocks((worker,), MIB, 16, 3, domain="malloc", thread=1),
        Blocks((worker,), MIB // 2, 8, 6, freed=9, domain="mmap", thread=1),
    ]
    return Program(blocks, threads=("MainThread", "pool-1"), metadata={"directory": str(directory)})

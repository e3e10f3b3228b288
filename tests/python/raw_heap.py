"""The tests' own reader of the raw form of a heap snapshot (src/heap/format.h)."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

TRACKED, IMMORTAL, ODD_ADDRESS, FROZEN, SIZE_ESTIMATED, NATIVE, ROOT, FINGERPRINTED = (
    1 << bit for bit in range(8)
)
TAILS = ("none", "items", "pairs", "members", "locals", "flat")
MAGIC = b"HSNAPRAW"


@dataclass(slots=True)
class RawType:
    address: int
    module: str
    name: str
    fields: list[str]
    tail: str
    flags: int
    basic_bytes: int


@dataclass(slots=True)
class RawObject:
    address: int
    type: RawType
    flags: int
    size: int
    reference_count: int
    references: list[int]
    fingerprint: int | None = None

    @property
    def fields(self) -> dict[str, int]:
        return dict(zip(self.type.fields, self.references, strict=False))

    @property
    def rest(self) -> list[int]:
        return self.references[len(self.type.fields) :]


class Objects(Mapping[int, RawObject]):
    """The objects by address, each decoded when it is asked for: a test process has many.

    What is kept for each lies in arrays: ints of ours would be objects of the next walk.
    """

    def __init__(self, chunks, rows, references, types, big, prints) -> None:
        words = array("I", bytes(rows))
        self._codes, self._kinds = words[0::5], words[1::5]
        self._sizes, self._counts, self._degrees = words[2::5], words[3::5], words[4::5]
        self._ends = array("Q", accumulate(self._degrees))
        self._references = references
        places = (code << 32 | at for at, code in enumerate(self._codes))
        self._places = array("Q", sorted(places))  # by code
        self._numbers = {base: number for number, base in enumerate(chunks) if number > 1}
        self._chunks, self._types, self._big = chunks, types, big
        printed = (at for at, kind in enumerate(self._kinds) if kind & FINGERPRINTED)
        self._printed = array("I", printed)
        self._prints = prints
        self.roots = [at for at, kind in enumerate(self._kinds) if kind & ROOT]
        assert len(set(self._codes)) == len(self._codes)
        assert len(self._printed) == len(prints)
        assert (self._ends[-1] if self._ends else 0) == len(references)

    def address(self, code: int) -> int:
        if code == 0:
            return 0
        at = self._place(code)
        assert at is not None
        odd = self._kinds[at] & ODD_ADDRESS
        return self._chunks[code >> 16] + (code & 0xFFFF) * 16 + (8 if odd else 0)

    def _place(self, code: int) -> int | None:
        found = bisect_left(self._places, code << 32)
        if found == len(self._places) or self._places[found] >> 32 != code:
            return None
        return self._places[found] & 0xFFFFFFFF

    def targets(self, at: int) -> list[int]:
        codes = self._references[self._ends[at] - self._degrees[at] : self._ends[at]]
        return [self.address(code) for code in codes]

    def code(self, at: int) -> int:
        return self._codes[at]

    def total_bytes(self) -> int:
        """Roots have no bytes."""
        return sum(
            self._big[at] if size == 0xFFFFFFFF else size for at, size in enumerate(self._sizes)
        )

    def with_flag(self, flag: int) -> set[int]:
        return {address for address, kind in self._addresses() if kind & flag}

    def of_type(self, name: str) -> list[int]:
        numbers = {at for at, row in enumerate(self._types) if row.name == name}
        return [address for address, kind in self._addresses() if kind >> 8 in numbers]

    def _addresses(self) -> Iterator[tuple[int, int]]:
        """The address of each row, and its kind."""
        chunks = self._chunks
        for code, kind in zip(self._codes, self._kinds, strict=True):
            odd = 8 if kind & ODD_ADDRESS else 0
            yield chunks[code >> 16] + (code & 0xFFFF) * 16 + odd, kind

    def _find(self, address: int) -> int | None:
        number = self._numbers.get(address >> 20 << 20)
        if number is None:
            return None
        at = self._place(number << 16 | (address >> 4 & 0xFFFF))
        return at if at is not None and self.address(self._codes[at]) == address else None

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self._find(address) is not None

    def __getitem__(self, address: int) -> RawObject:
        at = self._find(address)
        if at is None:
            raise KeyError(hex(address))
        kind = self._kinds[at]
        print_at = bisect_left(self._printed, at) if kind & FINGERPRINTED else None
        return RawObject(
            address,
            self._types[kind >> 8],
            kind & 0xFF,
            self._big[at] if self._sizes[at] == 0xFFFFFFFF else self._sizes[at],
            self._counts[at],
            self.targets(at),
            self._prints[print_at] if print_at is not None else None,
        )

    def __iter__(self) -> Iterator[int]:
        return (address for address, kind in self._addresses() if not kind & ROOT)

    def __len__(self) -> int:
        return len(self._codes) - len(self.roots)


@dataclass(slots=True)
class RawRoot:
    kind: int
    label: str
    references: dict[str, int]


class Texts:
    """The texts by number, each decoded when it is asked for."""

    def __init__(self, records, pool) -> None:
        self._records, self._pool = bytes(records), bytes(pool)

    def __getitem__(self, number: int) -> str:
        offset, length, _ = struct.unpack_from("<QII", self._records, 16 * number)
        return self._pool[offset : offset + length].decode("utf-8", "surrogatepass")


@dataclass
class RawHeap:
    """The parts with a row for each of many objects are decoded when they are asked for."""

    objects: Objects
    roots: list[RawRoot]
    types: list[RawType]
    info: dict[str, str]
    _texts: Texts
    _keys: bytes
    _previews: bytes
    _weak: bytes

    def _text_of(self, records: bytes) -> dict[int, tuple[str, int, int]]:
        rows = struct.iter_unpack("<IIBBH", records)
        address = self.objects.address
        return {address(row[0]): (self._texts[row[1]], row[2], row[3]) for row in rows}

    @cached_property
    def keys(self) -> dict[int, tuple[str, int, int]]:
        return self._text_of(self._keys)

    @cached_property
    def previews(self) -> dict[int, tuple[str, int, int]]:
        return self._text_of(self._previews)

    @cached_property
    def weak(self) -> list[tuple[int, int, int]]:
        rows = struct.iter_unpack("<IIB3x", self._weak)
        address = self.objects.address
        return [(address(row[0]), address(row[1]), row[2]) for row in rows]

    def of(self, value: object) -> RawObject:
        return self.objects[id(value)]


def from_walk(walk) -> RawHeap:
    return decode(dict(walk.sections()))


def from_file(path) -> RawHeap:
    data = path.read_bytes()
    magic, version, count, size, _ = struct.unpack_from("<8sIIQQ", data)
    assert (magic, version, size) == (MAGIC, 2, len(data))
    sections = {}
    for index in range(count):
        kind, record, offset, length = struct.unpack_from("<IIQQ", data, 32 + 24 * index)
        assert offset % 64 == 0 and length % record == 0
        sections[kind] = memoryview(data)[offset : offset + length]
    return decode(sections)


def decode(sections) -> RawHeap:
    def rows(kind, layout):
        return list(struct.iter_unpack(layout, sections.get(kind, b"")))

    chunks = [base for (base,) in rows(1, "<Q")]
    big = {index: size for index, _, size in rows(4, "<IIQ")}
    names = array("I", bytes(sections.get(6, b"")))
    texts = Texts(sections[7], sections[8])
    types: list[RawType] = []
    references = array("I", bytes(sections.get(3, b"")))
    prints = array("Q", bytes(sections.get(14, b"")))
    objects = Objects(chunks, sections[2], references, types, big, prints)
    address = objects.address
    types += [
        RawType(
            address(row[0]),
            texts[row[1]],
            texts[row[2]],
            [texts[text] for text in names[row[3] : row[3] + row[4]]],
            TAILS[row[6]],
            row[7],
            row[5],
        )
        for row in rows(5, "<IIIIIIBBH")
    ]
    words = bytes(sections[16]).decode().split("\0")[:-1]
    info = dict(zip(words[::2], words[1::2], strict=False))
    many = (bytes(sections.get(kind, b"")) for kind in (9, 15, 11))
    result = RawHeap(objects, [], types, info, texts, *many)
    roots_of = {row[0]: row for row in rows(10, "<IIIIQIIB7x")}
    for at in objects.roots:
        row, targets = roots_of[objects.code(at)], objects.targets(at)
        labels = [texts[text] for text in names[row[2] : row[2] + row[3]]]
        assert len(labels) == len(targets)
        held = dict(zip(labels, targets, strict=False))
        result.roots.append(RawRoot(row[7], texts[row[1]], held))
    return result

"""The tests' own reader of the raw form of a heap snapshot (src/heap/format.h)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

TRACKED, IMMORTAL, ODD_ADDRESS, FROZEN, SIZE_ESTIMATED, NATIVE, ROOT, FINGERPRINTED = (
    1 << bit for bit in range(8)
)
TAILS = ("none", "items", "pairs", "members", "locals")
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


@dataclass(slots=True)
class RawRoot:
    kind: int
    label: str
    references: dict[str, int]


@dataclass(slots=True)
class RawHeap:
    objects: dict[int, RawObject]
    roots: list[RawRoot]
    types: list[RawType]
    keys: dict[int, tuple[str, int, int]]
    previews: dict[int, tuple[str, int, int]]
    weak: list[tuple[int, int, int]]
    info: dict[str, str]

    def of(self, value: object) -> RawObject:
        return self.objects[id(value)]


def from_walk(walk) -> RawHeap:
    return decode(dict(walk.sections()))


def from_file(path) -> RawHeap:
    data = path.read_bytes()
    magic, version, count, size, _ = struct.unpack_from("<8sIIQQ", data)
    assert (magic, version, size) == (MAGIC, 1, len(data))
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
    objects = rows(2, "<IIIII")
    references = [code for (code,) in rows(3, "<I")]
    big = {index: size for index, _, size in rows(4, "<IIQ")}
    names = [text for (text,) in rows(6, "<I")]
    pool = bytes(sections[8])
    texts = [
        pool[offset : offset + length].decode("utf-8", "surrogatepass")
        for offset, length, _ in rows(7, "<QII")
    ]
    odd = {row[0] for row in objects if row[1] & ODD_ADDRESS}

    def address(code):
        return chunks[code >> 16] + (code & 0xFFFF) * 16 + (8 if code in odd else 0) if code else 0

    types = [
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
    roots_of = {row[0]: row for row in rows(10, "<IIIIQIIB7x")}
    prints = iter(rows(14, "<Q"))
    result = RawHeap({}, [], types, {}, {}, [], {})
    position = 0
    for index, (code, type_and_flags, size, count, degree) in enumerate(objects):
        targets = [address(target) for target in references[position : position + degree]]
        position += degree
        if type_and_flags & ROOT:
            row = roots_of[code]
            labels = [texts[text] for text in names[row[2] : row[2] + row[3]]]
            assert len(labels) == len(targets)
            result.roots.append(
                RawRoot(row[7], texts[row[1]], dict(zip(labels, targets, strict=False)))
            )
            continue
        entry = RawObject(
            address(code),
            types[type_and_flags >> 8],
            type_and_flags & 0xFF,
            big[index] if size == 0xFFFFFFFF else size,
            count,
            targets,
            next(prints)[0] if type_and_flags & FINGERPRINTED else None,
        )
        assert entry.address not in result.objects
        result.objects[entry.address] = entry
    assert position == len(references)
    assert next(prints, None) is None
    for entry in result.objects.values():
        assert all(target == 0 or target in result.objects for target in entry.references)
    result.keys = {address(row[0]): (texts[row[1]], row[2], row[3]) for row in rows(9, "<IIBBH")}
    result.previews = {
        address(row[0]): (texts[row[1]], row[2], row[3]) for row in rows(15, "<IIBBH")
    }
    result.weak = [(address(row[0]), address(row[1]), row[2]) for row in rows(11, "<IIB3x")]
    words = bytes(sections[16]).decode().split("\0")[:-1]
    result.info = dict(zip(words[::2], words[1::2], strict=False))
    return result

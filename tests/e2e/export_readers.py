"""Reads exports back by their formats, into one shape: stacks and their weights.

A place is (function, file, line); a stack is a tuple of places, outermost first. What a format's
text cannot hold is escaped as docs/export.md says, which `plain` does here in Python's own words.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

Place = tuple[str, str, "int | None"]
Stack = tuple[Place, ...]

SURROGATES = r"\ud800-\udfff"
CONTROLS = SURROGATES + r"\x00-\x1f\x7f\x85\u2028\u2029"
METRICS = {
    "peak": "peak_bytes",
    "live": "live_bytes",
    "allocated": "allocated_bytes",
    "temporary": "temporary_bytes",
    "count": "allocations",
}


def plain(text: str, forbidden: str = SURROGATES) -> str:
    """Escape the characters of a class of regular expressions as backslashreplace does."""
    return re.sub(
        f"[{forbidden}]",
        lambda match: (
            match[0].encode("ascii", "backslashreplace").decode()
            if ord(match[0]) > 0x7F
            else f"\\x{ord(match[0]):02x}"
        ),
        text,
    )


def label(place: Place, forbidden: str) -> str:
    """A frame as the formats without fields write it."""
    function, file, line = place
    if not file or (file.startswith("<") and line is None):
        return plain(function, forbidden)
    where = plain(file, forbidden) + (f":{line}" if line else "")
    return f"{plain(function, forbidden)} ({where})"


def stack_of(row: dict[str, Any]) -> Stack:
    """The stack of a row of `table --group-by site`; its leaf where it has no Python frame."""
    frames = row["stack"] or [row]
    return tuple((each["function"], each["file"], each["line"]) for each in frames)


def weights(rows: list[dict[str, Any]], metric: str) -> Counter[Stack]:
    """What each stack weighs, by the table."""
    found: Counter[Stack] = Counter()
    for row in rows:
        found[stack_of(row)] += row[METRICS[metric]]
    return +found


def read_json(path: Path) -> list[dict[str, Any]]:
    """The sites of the JSON, as the table has them."""
    document = json.loads(path.read_text())
    stacks, frames = document["stacks"], document["frames"]
    rows = []
    for site in document["sites"]:
        frames_of_site = []
        at = site["stack"]
        while stacks[at]["frame"] is not None:
            frame = frames[stacks[at]["frame"]]
            frames_of_site.append(
                {key: frame[key] for key in ("function", "file", "line", "column")}
            )
            at = stacks[at]["parent"]
        rows.append({**site, "stack": frames_of_site[::-1]})
    return rows


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of the CSV."""
    csv.field_size_limit(1 << 30)
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_collapsed(path: Path) -> dict[str, int]:
    """What each line's stack weighs."""
    found: dict[str, int] = {}
    for line in path.read_bytes().decode().splitlines():  # splits wherever anyone might
        stack, weight = line.rsplit(" ", 1)
        assert stack not in found
        found[stack] = int(weight)
    return found


def read_speedscope(path: Path) -> list[tuple[dict[str, Any], Counter[Stack]]]:
    """Each profile and what its stacks weigh."""
    document = json.loads(path.read_text())
    places = [
        (each["name"], each["file"], each.get("line")) for each in document["shared"]["frames"]
    ]
    profiles = []
    for profile in document["profiles"]:
        found: Counter[Stack] = Counter()
        stack: list[Place] = []
        last = profile["startValue"]
        for event in profile["events"]:
            assert event["at"] >= last
            if event["at"] > last:
                found[tuple(stack)] += event["at"] - last
            last = event["at"]
            place = places[event["frame"]]
            if event["type"] == "O":
                stack.append(place)
            else:
                assert stack.pop() == place
        assert not stack
        assert last == profile["endValue"]
        profiles.append((profile, found))
    return profiles


def read_firefox(path: Path) -> Counter[tuple[str, Stack]]:
    """What each thread's stacks weigh."""
    document = json.loads(path.read_text())
    shared = document["shared"]
    strings, functions = shared["stringArray"], shared["funcTable"]
    places = []
    for function, line in zip(
        shared["frameTable"]["func"], shared["frameTable"]["line"], strict=True
    ):
        file = shared["sources"]["filename"][functions["source"][function]]
        places.append((strings[functions["name"][function]], strings[file], line))
    stacks: list[Stack] = []
    for frame, prefix in zip(
        shared["stackTable"]["frame"], shared["stackTable"]["prefix"], strict=True
    ):
        stacks.append((*(() if prefix is None else stacks[prefix]), places[frame]))
    found: Counter[tuple[str, Stack]] = Counter()
    for thread in document["threads"]:
        samples = thread["samples"]
        assert samples["time"] == sorted(samples["time"])
        for stack, weight in zip(samples["stack"], samples["weight"], strict=True):
            found[thread["name"], stacks[stack]] += weight
    return found


def read_gprof2dot(path: Path) -> Counter[tuple[tuple[str, str], ...]]:
    """What each call chain weighs: (function, module), outermost first."""
    document = json.loads(path.read_text())
    functions = [(each["name"], each["module"]) for each in document["functions"]]
    found: Counter[tuple[tuple[str, str], ...]] = Counter()
    for event in document["events"]:
        chain = tuple(functions[each] for each in reversed(event["callchain"]))
        found[chain] += event["cost"][0]
    return found


class Pprof:
    """profile.proto, decoded by its description: sample types, samples, comments."""

    def __init__(self, path: Path) -> None:
        fields = _fields(gzip.decompress(path.read_bytes()))
        self.strings = [value.decode() for number, value in fields if number == 6]
        of = lambda field: [dict_of(value) for number, value in fields if number == field]  # noqa: E731
        self.types = [(self.strings[each[1]], self.strings[each[2]]) for each in of(1)]
        functions = {each[1]: each for each in of(5)}
        assert sorted(functions) == list(range(1, len(functions) + 1))
        assert all(3 not in each for each in functions.values()), "a system name"
        places: dict[int, Place] = {}
        for location in of(4):
            line = dict_of(location[4])
            function = functions[line[1]]
            name, file = self.strings[function.get(2, 0)], self.strings[function.get(4, 0)]
            places[location[1]] = (name, file, line.get(2))
        assert sorted(places) == list(range(1, len(places) + 1))
        self.samples: dict[tuple[str, str, Stack], Counter[str]] = {}
        for number, value in fields:
            if number != 2:
                continue
            sample = _fields(value)
            (packed_ids,) = [each for field, each in sample if field == 1]
            (packed_values,) = [each for field, each in sample if field == 2]
            labels = {}
            for field, each in sample:
                if field == 3:
                    entry = dict_of(each)
                    labels[self.strings[entry[1]]] = self.strings[entry[2]]
            stack = tuple(places[each] for each in reversed(_packed(packed_ids)))
            figures = zip((name for name, _ in self.types), _packed(packed_values), strict=True)
            key = (labels["thread"], labels["domain"], stack)
            self.samples.setdefault(key, Counter()).update(dict(figures))
        single = {number: value for number, value in fields if isinstance(value, int)}
        self.time_ns, self.duration_ns, self.period = single[9], single[10], single[12]
        self.default = self.strings[single[14]]
        self.comments = [self.strings[value] for number, value in fields if number == 13]


def dict_of(message: bytes) -> dict[int, Any]:
    """The fields of a message that has none twice."""
    fields = _fields(message)
    assert len({number for number, _ in fields}) == len(fields)
    return dict(fields)


def _fields(message: bytes) -> list[tuple[int, Any]]:
    stream = io.BytesIO(message)
    fields: list[tuple[int, Any]] = []
    while stream.tell() < len(message):
        number, kind = divmod(_varint(stream), 8)
        if kind == 0:
            fields.append((number, _varint(stream)))
        else:
            assert kind == 2
            fields.append((number, stream.read(_varint(stream))))
    return fields


def _packed(message: bytes) -> list[int]:
    stream = io.BytesIO(message)
    values = []
    while stream.tell() < len(message):
        values.append(_varint(stream))
    return values


def _varint(stream: io.BytesIO) -> int:
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7


def difference(found: Any, expected: Any) -> str:
    """What two dictionaries do not share, in a few lines; empty when they are equal."""
    keys = [key for key in {**expected, **found} if found.get(key) != expected.get(key)]
    shown = [f"{key!r:.300}: {found.get(key)} is not {expected.get(key)}" for key in keys[:4]]
    return "\n".join([*shown, f"{len(keys)} differ"]) if keys else ""

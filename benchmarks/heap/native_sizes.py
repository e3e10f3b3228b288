"""native_sizeof against the allocator: the table of docs/sizes.md.

Each kind of object is built while the process is tracked; the truth is what was asked for and is
still held, of Python's allocators, malloc and mmap. Beside it stand what sys.getsizeof and, where
Pympler is installed, asizeof say. Kinds whose library is not installed are left out, by name.

    python benchmarks/heap/native_sizes.py
"""

from __future__ import annotations

import array
import bz2
import collections
import datetime
import decimal
import functools
import gc
import hashlib
import io
import lzma
import pickle
import random
import re
import sqlite3
import ssl
import struct
import sys
import threading
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Callable
from typing import Any

import heapscope
from heapscope import _tracker, tracking


def database() -> Any:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t(a int, b text)")
    connection.executemany("insert into t values(?, ?)", ((i, "x" * 50) for i in range(20000)))
    connection.commit()
    return connection


def tree() -> Any:
    root = ElementTree.Element("r")
    for index in range(2000):
        child = ElementTree.SubElement(root, "a")
        child.text = f"t{index}"
        child.set("k", str(index))
    return root


def cached_function() -> Any:
    @functools.lru_cache(None)
    def function(x: int) -> float:
        return x * 1.5

    for index in range(3000):
        function(index + 10**6)
    return function


def written_text() -> Any:
    stream = io.StringIO()
    stream.write("ab" * 100000)
    return stream


def used_pickler() -> Any:
    pickler = pickle.Pickler(io.BytesIO())
    pickler.dump([str(index) for index in range(5000)])
    return pickler


def times() -> Any:
    zone = datetime.timezone
    return [
        datetime.datetime(2020, 1, 1, tzinfo=zone(datetime.timedelta(hours=1, minutes=minute)))
        for minute in range(500)
    ]


def pattern() -> Any:
    compiler = getattr(re, "_compiler", None)
    text = "(foo|ba[rz]){1,3}x(?P<n>[a-z0-9]+)" + "".join(f"|a{i}" for i in range(300))
    return compiler.compile(text) if compiler else __import__("sre_compile").compile(text)


KINDS: dict[str, Callable[[], Any]] = {
    "bytearray": lambda: bytearray(1000001),
    "io.BytesIO": lambda: io.BytesIO(bytes(500000)),
    "io.StringIO": written_text,
    "array.array": lambda: array.array("d", range(100000)),
    "deque": lambda: collections.deque([None] * 100000),
    "zlib.compressobj": lambda: zlib.compressobj(9),
    "zlib.decompressobj": zlib.decompressobj,
    "hashlib.sha256": lambda: hashlib.sha256(b"x"),
    "hashlib.sha3_256": hashlib.sha3_256,
    "hashlib.md5": hashlib.md5,
    "re.Pattern": pattern,
    "LZMACompressor": lambda: lzma.LZMACompressor(preset=1),
    "BZ2Compressor": lambda: bz2.BZ2Compressor(5),
    "sqlite3, 20,000 rows": database,
    "ssl.SSLContext": ssl.create_default_context,
    "ElementTree, 2,000": tree,
    "struct.Struct": lambda: struct.Struct("<100i50d20s"),
    "decimal.Decimal": lambda: decimal.Decimal(10) ** 5000 + 1,
    "pickle.Pickler": used_pickler,
    "random.Random": lambda: random.Random(1),
    "lru_cache, 3,000": cached_function,
    "OrderedDict, 10,000": lambda: collections.OrderedDict((i, None) for i in range(10000)),
    "threading.Lock": threading.Lock,
    "datetimes with zones": times,
    "a text file": lambda: open("/etc/hostname"),  # noqa: SIM115
    "dict, 10,000": lambda: {i + 10**6: None for i in range(10000)},
    "set, 10,000": lambda: set(range(10**6, 10**6 + 10000)),
    "list, 100,000": lambda: [None] * 100000,
}


def add_libraries() -> list[str]:
    """Adds the kinds of what is installed; the names of what is not."""
    missing = []
    try:
        import numpy as np

        KINDS.update(
            {
                "numpy, 200,000 floats": lambda: np.zeros(200000),
                "numpy, 20,000 objects": lambda: np.array(
                    [f"s{i}" for i in range(20000)], dtype=object
                ),
                "numpy view": lambda: np.arange(300000)[::2],
                "numpy, 20 floats": lambda: np.zeros(20),
                "numpy records": lambda: np.zeros(1000, dtype=[(f"a{i}", "f8") for i in range(10)]),
                "numpy Generator": lambda: np.random.default_rng(1),
                "numpy StringDType": lambda: np.array(
                    [f"w{i}" * 10 for i in range(3000)], dtype=np.dtypes.StringDType()
                ),
            }
        )
    except ImportError:
        missing.append("numpy")
    try:
        import numpy as np
        import pandas as pd

        KINDS.update(
            {
                "DataFrame of numbers": lambda: pd.DataFrame(
                    {"a": np.arange(100000), "b": np.random.rand(100000)}
                ),
                "DataFrame of objects": lambda: pd.DataFrame(
                    {"s": pd.Series([f"str{i}" for i in range(20000)], dtype=object)}
                ),
                "DataFrame of texts": lambda: pd.DataFrame(
                    {"s": [f"str{i}" for i in range(20000)]}
                ),
                "DataFrameGroupBy": lambda: pd.DataFrame(
                    {"k": np.arange(10000) % 50, "v": 1.0}
                ).groupby("k"),
            }
        )
    except ImportError:
        missing.append("pandas")
    try:
        import pyarrow as pa

        KINDS["pyarrow.Table"] = lambda: pa.table(
            {"a": list(range(50000)), "s": [f"q{i}" for i in range(50000)]}
        )
    except ImportError:
        missing.append("pyarrow")
    try:
        from PIL import Image

        KINDS["PIL image"] = lambda: Image.new("RGB", (600, 400))
    except ImportError:
        missing.append("pillow")
    try:
        import pydantic

        class Model(pydantic.BaseModel):
            a: int = 1

        fields: Any = {f"f{i}": (int, i) for i in range(40)}
        KINDS["pydantic model class"] = lambda: pydantic.create_model("X", **fields)
        KINDS["pydantic instance"] = Model
    except ImportError:
        missing.append("pydantic")
    try:
        import duckdb

        def made() -> Any:
            connection = duckdb.connect()
            connection.execute("create table t as select range a, range*1.5 b from range(300000)")
            return connection

        KINDS["duckdb, 300,000 rows"] = made
    except ImportError:
        missing.append("duckdb")
    return missing


def measure(build: Callable[[], Any]) -> tuple[Any, int]:
    """The second of two that are built, and what it asked for."""
    first = build()
    gc.collect()
    meter = _tracker.ProcessMeter()
    meter.start()
    made = build()
    gc.collect()
    net = meter.stop().net_bytes
    del first
    return made, net


def main() -> int:
    missing = add_libraries()
    try:
        from pympler.asizeof import asizeof
    except ImportError:
        asizeof = None
    tracking.ensure_tracking()
    for build in KINDS.values():  # what libraries keep for themselves is made now
        build()
    gc.collect()
    print("| kind | asked for | getsizeof | asizeof | heapscope | grade | of the truth |")
    print("| --- | ---: | ---: | ---: | ---: | --- | ---: |")
    near = 0
    for kind, build in KINDS.items():
        made, truth = measure(build)
        native = heapscope.native_sizeof(made)
        try:
            shallow = f"{sys.getsizeof(made):,}"
        except Exception as error:
            shallow = type(error).__name__
        other = f"{asizeof(made):,}" if asizeof else "-"
        share = native.with_objects / truth if truth > 0 else float("inf")
        right = 0.9 <= share <= 1.15
        near += right
        mark = "" if right else " **miss**"
        print(
            f"| {kind} | {truth:,} | {shallow} | {other} | {native.with_objects:,} "
            f"| {native.grade} | {share:.2f}{mark} |"
        )
        del made
    print()
    print(f"{near} of {len(KINDS)} kinds within -10/+15 % of what was asked for.")
    if missing:
        print(f"Left out, not installed: {', '.join(missing)}.")
    heapscope.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Makes random programs, profiles them, and checks that their increments sum to what they moved."""

import asyncio
import contextlib
import gc
import random
import sys

from heapscope import _tracker, profiling, tracking

FUNCTIONS = 6
STATEMENTS = (
    "kept.append(bytes({size}))",
    "len(bytes({size}))",
    "own = bytes({size})",
    "own = None",
    "kept and kept.pop()",
    "kept.append([bytes(100) for _ in range({count})])",
    "kept.append({{number: str(number) for number in range({count})}})",
    "total = sum(len(bytes(50)) for _ in range({count}))",
    "for number in range({count} // 20):\n{indent}    kept.append(bytes(number))",
    "try:\n{indent}    raise KeyError(bytes({size}))\n{indent}except KeyError as error:\n"
    "{indent}    kept.append(error.args)",
    "if depth:\n{indent}    f{callee}(depth - 1)",
    "if depth:\n{indent}    kept.append([f{callee}(depth - 1) for _ in range(2)])",
    "if depth:\n{indent}    for item in g{callee}(depth - 1):\n{indent}        kept.append(item)",
    "if depth:\n{indent}    asyncio.run(c{callee}(depth - 1))",
    "if depth:\n{indent}    try:\n{indent}        e{callee}(depth - 1)\n"
    "{indent}    except ValueError:\n{indent}        kept.append(bytes({size}))",
)
# What a frame still holds when it ends is freed after its last line, and is not the function's.
ENDS = {
    "f": ("def", "own = None"),
    "g": ("def", "yield own\n    own = None\n    kept.append(bytes(500))\n    yield 1"),
    "c": ("async def", "own = None\n    await asyncio.sleep(0)\n    kept.append(bytes(500))"),
    "e": ("def", "own = None\n    raise ValueError"),
}


def make(chance):
    parts = []
    for kind, (definition, end) in ENDS.items():
        for number in range(FUNCTIONS):
            lines = [f"{definition} {kind}{number}(depth):", "    own = None"]
            for _ in range(chance.randrange(1, 6)):
                statement = chance.choice(STATEMENTS)
                if kind == "c" and "asyncio.run" in statement:
                    statement = "await c{callee}(depth - 1) if depth else None"
                size, count = chance.choice((10, 600, 5000, 300_000)), chance.randrange(1, 60)
                callee = chance.randrange(FUNCTIONS)
                text = statement.format(size=size, count=count, callee=callee, indent="    ")
                lines.append("    " + text)
            parts.append("\n".join([*lines, "    " + end]))
    return "\n\n".join(parts)


def run(seed):
    chance = random.Random(seed)
    source = make(chance)
    space = {"kept": [], "asyncio": asyncio}
    exec(compile(source, f"<program {seed}>", "exec"), space)
    codes = {}
    for name in [name for name in space if name[1:].isdigit()]:
        if chance.random() < 0.8:
            codes[name] = space[name].__code__
            space[name] = profiling.wrap(space[name], None)
    if "f0" not in codes:
        codes["f0"] = space["f0"].__code__
        space["f0"] = profiling.wrap(space["f0"], None)
    meter = _tracker.Meter()
    outermost = space["f0"]
    gc.collect()  # the programs before are not this one's
    gc.disable()
    meter.start()
    # A coroutine that is run inside of another's loop raises: any end is right.
    with contextlib.suppress(RuntimeError):
        outermost(2)
    moved = meter.stop()
    gc.enable()
    figures = {name: entry for name, code in codes.items() for entry in _tracker.line_profile(code)}
    for name, entry in figures.items():
        rows = entry["lines"]
        where = (seed, name)
        assert sum(row["increment_bytes"] for row in rows) == entry["net_bytes"], where
        for row in rows:
            assert row["increment_bytes"] == row["allocated_bytes"] - row["freed_bytes"], where
            assert row["peak_bytes"] >= 0, where
            assert row["occurrences"] >= 0, where
        assert entry["per_call"]["max"] == entry["peak_bytes"], where
    net = figures["f0"]["net_bytes"]
    # The call itself: an exception's traceback, cells of the interpreter's own.
    assert abs(net - moved.net_bytes) < 16_384, (seed, net, moved.net_bytes)


if __name__ == "__main__":
    tracking.ensure_tracking()
    asyncio.run(asyncio.sleep(0))  # what it imports is not the programs'
    for seed in range(int(sys.argv[1])):
        run(seed)

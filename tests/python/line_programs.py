"""Random programs for the line profile: functions that allocate, free, call, yield and raise.

A program is Python source with functions ``f0`` … and coroutines, made from a seed. What it keeps
lies in the list ``kept``; what it takes from there is freed.
"""

from __future__ import annotations

import random


class Program:
    """The source of one program; `entry` is the expression that runs it."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.functions = self._chance.randrange(2, 6)
        parts = [self._function(index) for index in range(self.functions)]
        parts += [_GENERATOR, _COROUTINE]
        self.source = _HEAD + "\n".join(parts)
        self.entry = f"f{self.functions - 1}(3)"

    def _function(self, index: int) -> str:
        lines = [f"def f{index}(depth):"]
        for _ in range(self._chance.randrange(2, 7)):
            lines += self._statement(index, "    ")
        if self._chance.random() < 0.5:
            lines.append("    return bytearray(300)")
        return "\n".join(lines) + "\n"

    def _statement(self, index: int, indent: str, level: int = 0) -> list[str]:
        chance = self._chance
        size = chance.randrange(1, 9) * 700
        simple = [
            f"kept.append(bytearray({size}))",
            f"bytearray({size})",
            "if kept: kept.pop()",
            f"local = bytearray({size})",
            "local = None",
            f"kept.extend([bytearray({size}) for _ in range({chance.randrange(4)})])",
            f"kept.append({{str(key): bytearray(900) for key in range({chance.randrange(5)})}})",
            f"sum(len(bytearray({size})) for _ in range(3))",
            f"kept.append((lambda: bytearray({size}))())",
            "kept.clear()",
            f"kept.extend(produce({chance.randrange(4)}))",
            "first = next(produce(2))",
            "drive(wait(2))",
        ]
        if index > 0:
            simple += [f"local = f{chance.randrange(index)}(depth)"] * 3
        simple += [f"if depth: kept.append(f{index}(depth - 1))"] * 2
        if level > 1:
            return [indent + chance.choice(simple)]
        kind = chance.random()
        if kind < 0.15:
            inner = self._statement(index, indent + "    ", level + 1)
            return [f"{indent}for _ in range({chance.randrange(4)}):", *inner]
        if kind < 0.3:
            inner = self._statement(index, indent + "        ", level + 1)
            return [
                f"{indent}try:",
                *(line[4:] for line in inner),
                f"{indent}    fail({size})",
                f"{indent}except ValueError: pass",
            ]
        if kind < 0.38:
            return [f"{indent}in_thread({size})"]
        return [indent + chance.choice(simple)]


_HEAD = """\
import threading

kept = []

def fail(size):
    scratch = bytearray(size)
    raise ValueError

def drive(coroutine):
    try:
        while True: coroutine.send(None)
    except StopIteration: pass

def in_thread(size):
    thread = threading.Thread(target=work, args=(size,))
    thread.start()
    thread.join()

def work(size):
    scratch = bytearray(size)
    other.append(bytearray(size))
    scratch = None

other = []

class Once:
    def __await__(self):
        yield None

"""
_GENERATOR = """\
def produce(count):
    for _ in range(count):
        block = bytearray(600)
        yield block
        block = None
"""
_COROUTINE = """\
async def wait(count):
    for _ in range(count):
        kept.append(bytearray(400))
        await Once()
"""

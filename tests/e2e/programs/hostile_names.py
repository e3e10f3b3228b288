"""Allocates under random stacks of functions whose names and files are as bad as they get.

Usage: hostile_names.py SEED; threads, recursion, freed and temporary blocks included.
"""

import random
import sys
import threading

NAMES = [
    "plain", "<module>", "<lambda>", "semi;colon", 'quo"te', "com,ma", "new\nline\r\n", "nul\0nul",
    "tab\t", "\u202eevil\u2066", "line\u2028sep\x85", "lone\udcff\ud800", "snow\u2603\U0001f355",
    "back\\slash", "long" * 2_500, "</script>&amp;", " blanks ", "%s{}%", "=1+1", "\x1b[31mred",
    "ends 12", "a (b:3)",
]  # fmt: skip
SOURCE = """
def function(chosen, depth):
    kept = [bytearray(chosen.randrange(3_000)) for _ in range(chosen.randrange(3))]
    bytearray(chosen.randrange(5_000))
    if depth:
        kept.append(chosen.choice(callees)(chosen, depth - 1))
    return kept if chosen.random() < 0.7 else None
"""

functions = []


def make(name, file):
    # Few callees each: a graph that can be drawn.
    namespace = {"callees": [maker.choice(functions) for _ in range(2)] if functions else []}
    exec(SOURCE, namespace)
    function = namespace["function"]
    changes = {"co_name": name, "co_filename": file}
    if sys.version_info >= (3, 11):
        changes["co_qualname"] = name
    function.__code__ = function.__code__.replace(**changes)
    functions.append(function)
    namespace["callees"] += [function]


def work(seed):
    chosen = random.Random(seed)
    kept.append([chosen.choice(functions)(chosen, chosen.randrange(9)) for _ in range(20)])


seed = int(sys.argv[1])
kept = []
maker = random.Random(seed)
for name in NAMES:
    make(name, "/hostile/" + maker.choice(NAMES))
for _ in range(10):
    make(maker.choice(NAMES), maker.choice(NAMES))
threads = [
    threading.Thread(target=work, args=(seed + number,), name=f"thread\u2603 {number};")
    for number in range(2)
]
for thread in threads:
    thread.start()
    thread.join()
work(seed + 9)

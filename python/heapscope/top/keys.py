"""The keys: what the last line of the screen reminds of, and what the help says."""

from __future__ import annotations

SHORT = (  # in the order in which they are left out where there is no room for all, last first
    ("q", "quit"),
    ("?", "help"),
    ("m", "metric"),
    ("g", "group"),
    ("c", "calls"),
    ("/", "search"),
    ("r", "range"),
    ("enter", "source"),
    ("s", "sort"),
    ("t", "thread"),
    ("i", "invert"),
    ("a", "all"),
    ("f", "all frames"),
)

HELP = """\
m M         metric: at the peak, live at the end, allocated,
            temporary, number of allocations
g G         a row is a line, function, file, module, site,
            thread or domain
s S         sort by own bytes, with callees, blocks, name
c           the call tree, and back to the table
i           tree: from the allocating lines to their callers
f           tree: the frames of importlib too
left right  tree: close and open a call
enter       the source with the bytes of its lines;
            of a thread: only this thread
tab esc     to the source and back; close it
/           search: rows, or stacks of the tree, with a text
t T         one thread after the other, then all
r           a range of time: arrows move (shift: faster),
            p goes to the peak, enter marks begin and end
a           all again: no range, thread or search
? q         this help; quit

own is what a line allocated itself. In a range the metrics
are of its allocations, the peak is its highest moment.
"""


def reminder(width: int) -> str:
    """Write as many keys as fit a width, the most needed ones always."""
    kept: list[int] = []
    left = width
    for index, (key, does) in enumerate(SHORT):
        needed = len(key) + 1 + len(does) + 2
        if needed <= left + 2:
            kept.append(index)
            left -= needed
    order = sorted(kept, key=lambda index: (index < 2, index))
    return "  ".join(f"{SHORT[index][0]} {SHORT[index][1]}" for index in order)

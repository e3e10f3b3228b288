"""A cache that throws most of its entries away: the objects go, the memory stays."""


class Entry:
    """One entry: 48 bytes with its header, and the text it holds."""

    __slots__ = ("key", "text")

    def __init__(self, key: int) -> None:
        self.key = key
        self.text = f"entry {key:08}"


def load(count: int) -> list[Entry]:
    """Return new entries."""
    return [Entry(key) for key in range(count)]


def main() -> None:
    """Load many, keep one in fifty, and go on."""
    entries = load(400_000)
    kept = entries[::50]
    del entries
    order = sorted(range(500_000), key=lambda key: -key)
    print(f"{len(kept):,} entries kept, {len(order):,} keys")


main()

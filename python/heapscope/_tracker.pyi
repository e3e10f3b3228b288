"""The part that lives in the profiled process: hooks, live table, stacks, counters."""

def start(path: str, *, overwrite: bool = False, max_nodes: int = 0) -> None:
    """Begin tracking this process into a new capture at `path`.

    Parameters
    ----------
    path : str
        The capture; it must not exist unless `overwrite` is true.
    overwrite : bool
        Replace an existing file.
    max_nodes : int
        Cap on the number of different stacks, 0 for the built-in one.

    Raises
    ------
    OSError
        The file cannot be made or grown.
    RuntimeError
        Tracking is on already, or this process cannot be tracked.
    """

def stop() -> None:
    """End tracking; nothing happens when it is off or in a forked child."""

def is_tracing() -> bool:
    """Whether this process is being tracked."""

def set_metadata(key: str, value: str) -> None:
    """Write one entry of the capture's metadata, replacing an earlier one of the same key."""

def counters() -> dict[str, int]:
    """Figures of the tracker now.

    Returns
    -------
    dict of str to int
        ``live_bytes``, ``peak_bytes``, ``allocations``, ``frees``, ``events_lost``, ``own_bytes`` and
        others.
    """

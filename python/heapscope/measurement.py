"""What was measured, and the lines that tell it."""

from __future__ import annotations

from heapscope.cli.units import count, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.process_figures import Figure

STYLES = ("profiling", "before-after", "exact")


class Measurement:
    """The figures of a stretch of a program, all of them None until it is over.

    Attributes
    ----------
    label : str
        Its name.
    elapsed_s : float
        Time by the clock, in seconds.
    rss_before_bytes, rss_after_bytes : int
        Resident memory of the process. None where the system does not tell.
    rss_delta_bytes, vms_delta_bytes, shared_delta_bytes : int
        By how much resident, virtual and shared memory grew; negative where they shrank.
    allocated_bytes, freed_bytes : int
        What was asked of the allocator, and given back, exactly.
    allocations, frees : int
        In how many blocks.
    net_bytes : int
        Allocated less freed: negative where more was freed.
    peak_bytes : int
        The highest net at any moment: what had to be there beside what was there before.

    Notes
    -----
    The last six stay None where the process cannot be tracked.
    """

    __slots__ = (
        "allocated_bytes",
        "allocations",
        "elapsed_s",
        "freed_bytes",
        "frees",
        "label",
        "net_bytes",
        "peak_bytes",
        "rss_after_bytes",
        "rss_before_bytes",
        "rss_delta_bytes",
        "shared_delta_bytes",
        "vms_delta_bytes",
    )

    def __init__(self, label: str) -> None:
        self.label = label
        self.elapsed_s: float | None = None
        self.rss_before_bytes: int | None = None
        self.rss_after_bytes: int | None = None
        self.rss_delta_bytes: int | None = None
        self.vms_delta_bytes: int | None = None
        self.shared_delta_bytes: int | None = None
        self.allocated_bytes: int | None = None
        self.freed_bytes: int | None = None
        self.allocations: int | None = None
        self.frees: int | None = None
        self.net_bytes: int | None = None
        self.peak_bytes: int | None = None

    def note_sizes(
        self, before: tuple[Figure, Figure, Figure], after: tuple[Figure, Figure, Figure]
    ) -> None:
        """Take over resident, virtual and shared memory before and after."""
        self.rss_before_bytes, self.rss_after_bytes = before[0], after[0]
        self.rss_delta_bytes, self.vms_delta_bytes, self.shared_delta_bytes = (
            None if earlier is None or later is None else later - earlier
            for earlier, later in zip(before, after)  # noqa: B905
        )

    def note_blocks(
        self, allocated: int, freed: int, allocations: int, frees: int, peak: int
    ) -> None:
        """Take over what a meter read."""
        self.allocated_bytes, self.freed_bytes = allocated, freed
        self.allocations, self.frees = allocations, frees
        self.net_bytes, self.peak_bytes = allocated - freed, peak

    def __repr__(self) -> str:
        return f"<heapscope.Measurement {self}>"

    def __str__(self) -> str:
        if self.elapsed_s is None:
            return f"{self.label}: not over"
        return line(self, "exact")


def line(measured: Measurement, style: str) -> str:
    """Write a measurement as one line.

    Parameters
    ----------
    measured : Measurement
        One that is over.
    style : {"profiling", "before-after", "exact"}
        The first two are to the character those of decorators that have been pasted for years.
    """
    elapsed = measured.elapsed_s or 0.0
    if style == "profiling":
        return (
            f"Profiling: {'<' + measured.label + '>':>20}"
            f"  RSS: {_decimal(measured.rss_delta_bytes):>8}"
            f" | VMS: {_decimal(measured.vms_delta_bytes):>8}"
            f" | SHR {_decimal(measured.shared_delta_bytes):>8}"
            f" | time: {_short_time(elapsed):>8}"
        )
    if style == "before-after":
        return (
            f"{measured.label}: memory before: {_grouped(measured.rss_before_bytes)}, "
            f"after: {_grouped(measured.rss_after_bytes)}, "
            f"consumed: {_grouped(measured.rss_delta_bytes)}; exec time: {_clock(elapsed)}"
        )
    if measured.allocated_bytes is None:
        exact = "not tracked"
    else:
        exact = (
            f"net {_signed(measured.net_bytes)}, peak {_signed(measured.peak_bytes)}, "
            f"allocated {size(measured.allocated_bytes)} in {count(measured.allocations or 0)}, "
            f"freed {size(measured.freed_bytes or 0)} in {count(measured.frees or 0)}"
        )
    return (
        f"{measured.label}: {exact}; RSS {_signed(measured.rss_delta_bytes)}; "
        f"{_short_time(elapsed)}"
    )


def _signed(bytes_: int | None) -> str:
    if bytes_ is None:
        return "unknown"
    return ("+" if bytes_ > 0 else "") + size(bytes_)


def _decimal(bytes_: int | None) -> str:
    """Write ``5.07MB``: decimal units, two digits.

    Examples
    --------
    >>> _decimal(-73_730), _decimal(999), _decimal(999_999)
    ('-73.73kB', '999B', '1.00MB')
    """
    if bytes_ is None:
        return "?"
    if abs(bytes_) < 1000:
        return f"{bytes_}B"
    for divisor, unit in ((1e3, "kB"), (1e6, "MB")):
        if abs(round(bytes_ / divisor, 2)) < 1000:
            return f"{bytes_ / divisor:.2f}{unit}"
    return f"{bytes_ / 1e9:.2f}GB"


def _short_time(seconds: float) -> str:
    if round(seconds * 1000, 2) < 1000:
        return f"{seconds * 1000:.2f}ms"
    return f"{seconds:.2f}s"


def _clock(seconds: float) -> str:
    """Write hours, minutes, seconds, and the milliseconds that those lines used to leave out."""
    milliseconds = round(seconds * 1000)
    whole, part = divmod(milliseconds, 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{part:03}"


def _grouped(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"

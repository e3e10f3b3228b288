"""When functions begin and end, and what was resident then: what mprof reads."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

_MIB = float(1 << 20)


class TimeStamper:
    """Notes when decorated functions begin and end, and RSS then, as ``--timestamp`` does."""

    def __init__(self, backend: str = "psutil", include_children: bool = False) -> None:
        self.backend = backend
        self.include_children = include_children
        self._level = -1
        self._spans: list[list[Any]] = []  # name, level, and two pairs of MiB and time

    def __call__(self, func: Any = None, precision: int | None = None) -> Any:  # noqa: ARG002
        """Return a function whose calls are noted; without one, a decorator."""
        if func is None:
            return self.__call__
        if not callable(func):
            raise ValueError("Value must be callable")
        import functools

        name = f"{func.__module__}.{func.__name__}"

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.timestamp(name):
                return func(*args, **kwargs)

        return wrapper

    def timestamp(self, name: str = "<block>") -> _Stamped:
        """Return a context manager that notes a block."""
        return _Stamped(self, name)

    def show_results(self, stream: Any = None) -> None:
        """Write a line ``FUNC name MiB time MiB time level`` for each that has ended."""
        stream = sys.stdout if stream is None else stream
        for name, level, *points in self._spans:
            if len(points) == 4:
                first, began, last, ended = points
                stream.write(
                    f"FUNC {name} {first:.4f} {began:.4f} {last:.4f} {ended:.4f} {level}\n"
                )


class _Stamped:
    def __init__(self, stamper: TimeStamper, name: str) -> None:
        self._stamper = stamper
        self._span: list[Any] = [name]

    def __enter__(self) -> Self:
        self._stamper._level += 1
        self._span = [self._span[0], self._stamper._level, *_resident_now()]
        self._stamper._spans.append(self._span)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stamper._level -= 1
        self._span += _resident_now()


def _resident_now() -> tuple[float, float]:
    import time

    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB, time.time()

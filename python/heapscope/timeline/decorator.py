"""The builtin `profile` of a program that `heapscope timeline run` or `mprof run` started.

It writes spans and nothing else: tables are what `heapscope.profile` and `heapscope lines` are for.
Functions, methods, coroutines, generators, static and class methods and classes can be decorated,
with and without arguments. The span of a coroutine or generator reaches from its start to its end.

What a program that does not use it loads for it is this module and `spans`.
"""

from __future__ import annotations

import builtins

from heapscope.timeline import spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

_GENERATOR = 0x20
_COROUTINE = 0x80
_ITERABLE_COROUTINE = 0x100
_ASYNC_GENERATOR = 0x200


def install() -> None:
    """Put `profile` into the builtins, if nobody has one there."""
    if not hasattr(builtins, "profile"):
        builtins.profile = Profile()  # type: ignore[attr-defined]


class Profile:
    """A decorator that writes when calls begin and end: ``@profile`` or ``@profile(precision=4)``.

    The arguments that memory_profiler's has are accepted and of no effect.
    """

    def __call__(self, function: Any = None, *arguments: Any, **options: Any) -> Any:
        """Decorate; with positional arguments call ``function(*arguments, **options)`` at once."""
        if function is None:
            return self
        if arguments:
            return _wrap(function)(*arguments, **options)
        return _wrap(function)

    def timestamp(self, name: str = "<block>") -> Block:
        """Return a context manager whose body is a span."""
        return Block(name)


class Block:
    """A span around a ``with`` statement's body."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._spans: list[spans.Span | None] = []

    def __enter__(self) -> Block:  # noqa: PYI034
        self._spans.append(spans.begin(self._name))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        spans.end(self._spans.pop())


def _wrap(function: Any) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_wrap(function.__func__))
    if isinstance(function, type):
        return _wrap_methods(function)
    if not callable(function):
        raise TypeError(f"profile decorates what can be called, not {function!r}")
    name = spans.name_of(function)
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    import functools

    made = _wrapper(function, name, flags)
    return functools.wraps(function)(made)


def _wrap_methods(of: type) -> type:
    for name, value in list(vars(of).items()):
        if isinstance(value, (staticmethod, classmethod)) or hasattr(value, "__code__"):
            setattr(of, name, _wrap(value))
    return of


def _wrapper(function: Any, name: str, flags: int) -> Callable[..., Any]:
    if flags & (_COROUTINE | _ITERABLE_COROUTINE):

        async def run(*arguments: Any, **named: Any) -> Any:
            span = spans.begin(name)
            try:
                return await function(*arguments, **named)
            finally:
                spans.end(span)

        return run
    if flags & _ASYNC_GENERATOR:
        return _async_generator(function, name)
    if flags & _GENERATOR:

        def iterate(*arguments: Any, **named: Any) -> Any:
            span = spans.begin(name)
            try:
                return (yield from function(*arguments, **named))
            finally:
                spans.end(span)

        return iterate

    def call(*arguments: Any, **named: Any) -> Any:
        span = spans.begin(name)
        try:
            return function(*arguments, **named)
        finally:
            spans.end(span)

    return call


def _async_generator(function: Any, name: str) -> Callable[..., Any]:
    async def iterate(*arguments: Any, **named: Any) -> Any:
        span = spans.begin(name)
        inner = function(*arguments, **named)
        try:
            step = inner.__anext__()
            while True:
                try:
                    value = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield value
                except GeneratorExit:
                    raise
                except BaseException as error:
                    step = inner.athrow(error)
                else:
                    step = inner.asend(sent)
        finally:
            await inner.aclose()
            spans.end(span)

    return iterate

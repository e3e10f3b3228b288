"""Generators and coroutines whose lines are counted: while they run, and not while they wait."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import CodeType
    from typing import Any


class Activations:
    """The generators or coroutines of one code object that have begun and not ended.

    Their figures are one profile, so it is printed when the last of them has ended; what has not
    ended when the program does is printed then.
    """

    def __init__(self, code: CodeType, finished: Callable[[CodeType], None] | None) -> None:
        from heapscope import _tracker

        self.code = code
        # The tracker calls `finished` after a call, and keeps it out of the figures of who called.
        self._finish = None if finished is None else _tracker.profiled(_nothing, code, finished)
        _tracker.profile_code(code)
        self._live = 0
        self._process = os.getpid()
        self._at_exit = False

    def begin(self) -> None:
        """Count one more."""
        self._live += 1
        if not self._at_exit and self._finish is not None:
            import atexit

            self._at_exit = True
            atexit.register(self._print_rest)

    def is_over(self, error: BaseException) -> bool:  # noqa: ARG002
        """Whether what a step raised ended the activation."""
        return True

    def end(self) -> None:
        """Count one less; the last prints."""
        self._live -= 1
        if self._live == 0 and self._finish is not None:
            self._finish()

    def _print_rest(self) -> None:
        if self._live > 0 and self._finish is not None and self._process == os.getpid():
            self._live = 0
            self._finish()


def _nothing() -> None:
    """Do nothing."""


class _Steps:
    """A generator or coroutine, with its profile open while it runs and closed while it waits."""

    def __init__(self, inner: Any, activations: Activations) -> None:
        from heapscope import _tracker

        self._inner = inner
        self._activations = activations
        self._enter = _tracker.profile_enter
        self._leave = _tracker.profile_leave
        self._state = 0  # 1: has begun, 2: has ended

    def __iter__(self) -> _Steps:
        return self

    __await__ = __iter__

    def __next__(self) -> Any:
        return self._step(self._inner.send, None)

    def send(self, value: Any) -> Any:
        return self._step(self._inner.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._inner.throw, *error)

    def close(self) -> None:
        self._step(self._inner.close)
        self._end()

    def _step(self, resume: Callable[..., Any], *args: Any) -> Any:
        code = self._activations.code
        if self._state == 0:
            self._state = 1
            self._activations.begin()
        entered = self._enter(code)
        try:
            value = resume(*args)
        except BaseException as error:
            ended = self._activations.is_over(error)
            if entered:
                self._leave(code, ended)
            if ended:
                self._end()
            raise
        if entered:
            self._leave(code, False)
        return value

    def _end(self) -> None:
        if self._state == 1:
            self._state = 2
            self._activations.end()


def wrap_generator(function: Any, activations: Activations) -> Any:
    """Return a generator function whose generators are counted."""

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from _Steps(function(*args, **kwargs), activations))

    return _named_as(wrapper, function)


def wrap_coroutine(function: Any, activations: Activations) -> Any:
    """Return a coroutine function whose coroutines are counted."""

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await _Steps(function(*args, **kwargs), activations)

    return _named_as(wrapper, function)


class _AsynchronousSteps:
    """An asynchronous generator whose every step is that of a profiled activation."""

    def __init__(self, inner: Any, activations: Activations) -> None:
        self._inner = inner
        self._shared = activations
        self._begun = False

    async def step(self, resume: Callable[..., Any], *args: Any) -> Any:
        if not self._begun:
            self._begun = True
            self._shared.begin()
        return await _Steps(_Awaited(resume(*args)), _Resumptions(self._shared.code))

    def end(self) -> None:
        if self._begun:
            self._begun = False
            self._shared.end()


class _Resumptions(Activations):
    """Of one step of an asynchronous generator: it ends with a value, the activation does not."""

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def begin(self) -> None:
        pass

    def is_over(self, error: BaseException) -> bool:
        return not isinstance(error, StopIteration)

    def end(self) -> None:
        pass


class _Awaited:
    """An awaitable as `_Steps` wants it: with send, throw and close."""

    def __init__(self, awaitable: Any) -> None:
        steps = awaitable.__await__()
        self.send = getattr(steps, "send", None) or (lambda _: next(steps))
        self.throw = steps.throw
        self.close = steps.close


def wrap_asynchronous_generator(function: Any, activations: Activations) -> Any:
    """Return an asynchronous generator function whose generators are counted."""

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        steps = _AsynchronousSteps(inner, activations)
        try:
            value = await steps.step(inner.__anext__)
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    await steps.step(inner.aclose)
                    raise
                except BaseException as error:
                    value = await steps.step(inner.athrow, error)
                else:
                    value = await steps.step(inner.asend, sent)
        except StopAsyncIteration:
            return
        finally:
            steps.end()

    return _named_as(wrapper, function)


def _named_as(wrapper: Any, function: Any) -> Any:
    import functools

    return functools.update_wrapper(wrapper, function)

"""Bodies that are made while they are sent: metered then, and told of at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapscope.measuring import _Steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from heapscope.django.watch import Watch


def follow(watch: Watch, response: Any, done: Callable[[], None]) -> None:
    """Meter the body of a streaming response, and call `done` when it has ended."""
    content = response.streaming_content
    followed = _FollowedAsynchronously if response.is_async else _Followed
    response.streaming_content = followed(watch, content, done)


class _Followed:
    """A streamed body, metered while it is made; told of once, however it ends."""

    def __init__(self, watch: Watch, pieces: Iterator[bytes], done: Callable[[], None]) -> None:
        self._watch = watch
        self._pieces = iter(pieces)
        self._done: Callable[[], None] | None = done

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._watch.go_on()
        try:
            return next(self._pieces)
        finally:
            self._watch.rest()

    def close(self) -> None:
        """End: Django calls it with the response's own."""
        done, self._done = self._done, None
        if done is not None:
            done()


class _FollowedAsynchronously:
    """The same of an asynchronous one."""

    def __init__(
        self, watch: Watch, pieces: AsyncIterator[bytes], done: Callable[[], None]
    ) -> None:
        self._watch = watch
        self._pieces = pieces.__aiter__()
        self._done: Callable[[], None] | None = done

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece: bytes = await _Steps(self._watch, _awaited(self._pieces.__anext__()))  # type: ignore[arg-type]
        return piece

    def close(self) -> None:
        """End: Django calls it with the response's own."""
        done, self._done = self._done, None
        if done is not None:
            done()


async def _awaited(awaitable: Awaitable[bytes]) -> bytes:
    return await awaitable

"""Bodies that are made while they are sent: metered then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapscope.measuring import _Steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    from heapscope.django.watch import Watch


def follow(watch: Watch, response: Any) -> None:
    """Meter the body of a streaming response."""
    content = response.streaming_content
    followed = _FollowedAsynchronously if response.is_async else _Followed
    response.streaming_content = followed(watch, content)


class _Followed:
    def __init__(self, watch: Watch, pieces: Iterator[bytes]) -> None:
        self._watch = watch
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._watch.go_on()
        try:
            return next(self._pieces)
        finally:
            self._watch.rest()


class _FollowedAsynchronously:
    def __init__(self, watch: Watch, pieces: AsyncIterator[bytes]) -> None:
        self._watch = watch
        self._pieces = pieces.__aiter__()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece: bytes = await _Steps(self._watch, _awaited(self._pieces.__anext__()))  # type: ignore[arg-type]
        return piece


async def _awaited(awaitable: Awaitable[bytes]) -> bytes:
    return await awaitable

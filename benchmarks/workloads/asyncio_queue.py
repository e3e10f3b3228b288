"""Messages go through an asyncio queue to four consumers: coroutines, futures, callbacks."""

from __future__ import annotations

import asyncio

import measure

ROUNDS = 28
MESSAGES = 10_000
CONSUMERS = 4


async def produce(queue: asyncio.Queue[tuple[int, str] | None]) -> None:
    for i in range(MESSAGES):
        await queue.put((i, f"message {i}"))
    for _ in range(CONSUMERS):
        await queue.put(None)


async def consume(queue: asyncio.Queue[tuple[int, str] | None]) -> int:
    received = 0
    while (message := await queue.get()) is not None:
        received += 1
        if message[0] % 50 == 0:
            await asyncio.sleep(0)
    return received


async def exchange() -> int:
    queue: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue(maxsize=16)
    consumers = [asyncio.create_task(consume(queue)) for _ in range(CONSUMERS)]
    await produce(queue)
    return sum(await asyncio.gather(*consumers))


def setup() -> None:
    asyncio.run(asyncio.sleep(0))


def work(rounds: int) -> None:
    for _ in range(rounds):
        assert asyncio.run(exchange()) == MESSAGES


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

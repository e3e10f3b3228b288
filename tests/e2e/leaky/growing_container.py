"""A log that each request adds to."""

from __future__ import annotations

from snapshots import LEAKS, take


class Server:
    def __init__(self) -> None:
        self.log: list[bytes] = []

    def serve(self, number: int) -> None:
        self.log.append(b"%0200d" % number)
        if not LEAKS:
            del self.log[:-50]


server = Server()
for round_number in range(3):
    for request in range(300):
        server.serve(round_number * 300 + request)
    take()

"""A worker that waits while a variable still holds its last job."""

from __future__ import annotations

import threading

from snapshots import LEAKS, take

waiting = threading.Event()
done = threading.Event()


def work() -> None:
    job = [b"%0100d" % number for number in range(20_000)]
    if not LEAKS:
        job.clear()
    waiting.set()
    done.wait()
    job.clear()


thread = threading.Thread(target=work)
thread.start()
waiting.wait()
take()
done.set()
thread.join()

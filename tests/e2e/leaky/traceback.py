"""Errors that are collected with all that was in the variables when they were raised."""

from __future__ import annotations

from snapshots import LEAKS, take

ERRORS: list[ValueError] = []


def load(number: int) -> None:
    document = b"%010000d" % number
    raise ValueError(len(document))


for each in range(300):
    try:
        load(each)
    except ValueError as error:
        ERRORS.append(error if LEAKS else error.with_traceback(None))
take()

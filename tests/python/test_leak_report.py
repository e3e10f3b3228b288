"""A row of the leak report: what it says of where objects were allocated."""

from __future__ import annotations

import pytest

import heapscope
from heapscope.objects.leak_report import Leak

pytestmark = pytest.mark.one_version


def told(file: str, *, of_block: bool) -> Leak:
    row = {
        "type": "dict (no owner)",
        "count": 2,
        "bytes": 128,
        "freed_bytes": 128,
        "held_by": "app.SEEN items",
        "example": 1,
        "stack": [{"file": file, "line": 7, "function": "work"}],
        "stack_of_block": of_block,
    }
    return Leak(row)


def test_a_line_that_allocated_the_object_is_told_as_such() -> None:
    leak = told("/app.py", of_block=False)
    assert leak.allocated_at == "/app.py:7 work"
    assert ", allocated at /app.py:7 work, held by" in str(leak)


def test_the_line_of_a_block_that_is_used_again_is_not_said_to_have_made_the_object() -> None:
    leak = told("/app.py", of_block=True)
    assert ", in a block allocated at /app.py:7 work, held by" in str(leak)


def test_heapscope_is_not_told_to_have_allocated_what_lies_in_a_block_that_it_gave_back() -> None:
    leak = told(heapscope.__file__, of_block=True)
    assert (leak.allocated_at, leak.stack) == (None, [])
    assert "allocated" not in str(leak)

# mypy: ignore-errors
"""CPython's own tests of tracemalloc, of the installed module, with heapscope in its place.

Prints a verdict for each test as JSON.
"""

import json
import linecache
import sys
import types
import unittest

import heapscope
from heapscope import traces

stand_in = types.ModuleType("tracemalloc")
for name in heapscope.__all__:
    setattr(stand_in, name, getattr(heapscope, name))
# What the tests use of the module that is not documented.
stand_in._Frame = traces.Frame
stand_in.linecache = linecache
stand_in._get_traces = lambda: (
    heapscope.take_snapshot().traces._traces if heapscope.is_tracing() else []
)
sys.modules["tracemalloc"] = stand_in

from test import test_tracemalloc  # noqa: E402


def reported(test):
    """The traceback of the reported block, asked of heapscope instead of _testinternalcapi."""
    snapshot = heapscope.take_snapshot() if heapscope.is_tracing() else None
    found = [each for each in snapshot.traces if each.domain == test.domain] if snapshot else []
    return found[0].traceback if found else None


test_tracemalloc.TestCAPI.get_traceback = reported


class Verdicts(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.verdicts = {}

    def _note(self, test, verdict):
        self.verdicts.setdefault(".".join(test.id().split(".")[-2:]), verdict)

    def addSuccess(self, test):
        self._note(test, "passed")

    def addSkip(self, test, reason):
        self._note(test, "skipped")

    def addFailure(self, test, error):
        self._note(test, "failed")

    addError = addFailure


def run(depth):
    """Below as many frames as regrtest has: one of the tests counts them."""
    if depth:
        return run(depth - 1)
    result = Verdicts()
    unittest.defaultTestLoader.loadTestsFromModule(test_tracemalloc).run(result)
    return result.verdicts


print(json.dumps(run(12)))

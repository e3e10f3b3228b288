"""CPython's own tests come to the same verdicts under `heapscope run` as without it.

`make test` compares most modules on the default interpreter, and on others those that depend most
on CPython's layouts; HEAPSCOPE_SUITE=all compares everything that `docs/compatibility.md` tells of.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cpython_suite import modules
from cpython_suite.comparison import compare


def _once(module: str) -> bool:
    return not modules.everything() and module not in modules.BRIEF


@pytest.mark.timeout(1900)
@pytest.mark.parametrize(
    "module",
    [
        pytest.param(name, marks=[pytest.mark.one_version] if _once(name) else [])
        for name in modules.chosen()
    ],
)
def test_every_verdict_of_cpythons_tests_is_the_same_when_recorded(
    module: str, tmp_path: Path
) -> None:
    result = compare(module, tmp_path)
    assert len(result.verdicts()) > 1, "regrtest reported no test"
    differences = result.differences()
    assert not differences, "\n".join(f"{name}: {text}" for name, text in differences.items())

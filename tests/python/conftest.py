"""What the Python tests share."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

import heapscope
from heapscope import tracking


@pytest.fixture(scope="session")
def installed() -> pathlib.Path:
    """The installed package: tests are about the wheel, never about the source tree."""
    package = pathlib.Path(heapscope.__file__).parent
    assert package.parent.name == "site-packages", "run the tests with `make test`"
    return package


@pytest.fixture
def tracked() -> Iterator[None]:
    """Tracking is on during the test."""
    tracking.ensure_tracking()
    yield
    heapscope.stop()

"""What all Python tests share."""

from __future__ import annotations

from collections.abc import Generator

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """CPython's own tests first: they are the longest, and for the most part they wait."""
    items.sort(key=lambda item: item.path.name != "test_cpython_suite.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets a failure that shows an undecodable file name reach the terminal from a worker."""
    report = yield
    if report.failed:
        text = str(report.longrepr)
        printable = text.encode("utf-8", "backslashreplace").decode()
        if printable != text:
            report.longrepr = printable
    return report

"""What pip calls to build heapscope: scikit-build-core, after the report's page.

Of a clone the page is built first, with the system's Node where that fits, else with one from
PyPI. An sdist carries the built page, so that installing from it needs no Node.
"""

from __future__ import annotations

import build_page
from scikit_build_core import build as core

_Settings = dict[str, str | list[str]] | None


def _node() -> list[str]:
    if build_page.is_current() or build_page.system_node():
        return []
    return [build_page.NODE_WHEEL]


def _page() -> None:
    try:
        build_page.build(lambda: build_page.system_node() or build_page.wheel_node())
    except build_page.PageProblem as problem:
        raise SystemExit(f"heapscope: {problem}") from None


def get_requires_for_build_wheel(config_settings: _Settings = None) -> list[str]:
    """See PEP 517."""
    return [*core.get_requires_for_build_wheel(config_settings), *_node()]


def get_requires_for_build_editable(config_settings: _Settings = None) -> list[str]:
    """See PEP 660."""
    return [*core.get_requires_for_build_editable(config_settings), *_node()]


def get_requires_for_build_sdist(config_settings: _Settings = None) -> list[str]:
    """See PEP 517."""
    return [*core.get_requires_for_build_sdist(config_settings), *_node()]


def build_wheel(
    wheel_directory: str,
    config_settings: _Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """See PEP 517."""
    _page()
    return core.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str,
    config_settings: _Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """See PEP 660."""
    _page()
    return core.build_editable(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: _Settings = None) -> str:
    """See PEP 517."""
    _page()
    return core.build_sdist(sdist_directory, config_settings)

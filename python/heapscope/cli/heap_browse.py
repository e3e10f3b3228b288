"""``heapscope heap --browse``: opens the screen, where there is one."""

from __future__ import annotations

import os

from heapscope.cli.command_error import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from heapscope.objects.snapshot import Heap

__all__ = ["browse"]


def browse(heap: Heap, name: str, options: argparse.Namespace) -> int:
    """Show a heap full screen.

    Raises
    ------
    CommandError
        There is no terminal, or Textual is not installed.
    """
    from heapscope.cli.top import check_terminal

    check_terminal("--browse", "without it the tables are printed")
    try:
        import textual  # noqa: F401
    except ImportError:
        raise CommandError(
            "--browse needs Textual: pip install 'heapscope[tui]'; without it tables are printed"
        ) from None
    if options.no_color:
        os.environ["NO_COLOR"] = "1"
    from heapscope.browse.app import HeapBrowser

    app = HeapBrowser(heap, name)
    app.run()
    return app.return_code or 0

"""``heapscope heap --browse``: opens the screen, where there is one."""

from __future__ import annotations

from heapscope.cli import full_screen

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
    full_screen.prepare("--browse", "without it the tables are printed", no_color=options.no_color)
    from heapscope.browse.app import HeapBrowser

    app = HeapBrowser(heap, name)
    app.run()
    return app.return_code or 0

"""``heapscope top``: a capture, full screen, to be walked through with the keyboard."""

from __future__ import annotations

from pathlib import Path

from heapscope.cli import full_screen, progress, reading
from heapscope.cli.options import Parser

_EXAMPLE = """\
  heapscope top work.hscope

keys: ? shows all of them, q quits. Needs the extra `tui`: pip install 'heapscope[tui]'"""


def run(arguments: list[str]) -> int:
    """Show the capture until somebody quits; `arguments` are those after the verb."""
    parser = Parser("top", "A capture, full screen.", _EXAMPLE, tables=False)
    options = parser.parse_args(arguments)
    instead = f"`heapscope table {options.capture}` prints"
    full_screen.prepare("top", instead, no_color=options.no_color)
    capture = reading.open_capture(options.capture)
    name = Path(options.capture).name
    with progress.working(f"looking at {name}", quiet=options.quiet):
        from heapscope.top.app import Top
        from heapscope.top.browser import Browser

        app = Top(Browser(capture), name)
    app.run()
    if app.return_code:
        return app.return_code
    return reading.remark(capture, options.capture, options.quiet)

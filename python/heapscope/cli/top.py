"""``heapscope top``: a capture, full screen, to be walked through with the keyboard."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from heapscope.cli import progress, reading
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser

_EXAMPLE = """\
  heapscope top work.hscope

keys: ? shows all of them, q quits. Needs the extra `tui`: pip install 'heapscope[tui]'"""


def run(arguments: list[str]) -> int:
    """Show the capture until somebody quits; `arguments` are those after the verb."""
    parser = Parser("top", "A capture, full screen.", _EXAMPLE, tables=False)
    options = parser.parse_args(arguments)
    check_terminal("top", f"`heapscope table {options.capture}` prints")
    try:
        import textual  # noqa: F401
    except ImportError:
        raise CommandError(
            "top needs Textual: pip install 'heapscope[tui]'; or use `heapscope table`"
        ) from None
    if options.no_color:
        os.environ["NO_COLOR"] = "1"
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


def check_terminal(what: str, instead: str) -> None:
    """Refuse what is no terminal that can be drawn on; `instead` is what to do then."""
    if not (_is_terminal(sys.stdout) and _is_terminal(sys.stdin)):
        raise CommandError(f"{what} needs a terminal; {instead}")
    kind = os.environ.get("TERM", "")
    if kind in ("", "dumb", "unknown"):
        raise CommandError(f"this terminal (TERM={kind}) has no full screen; {instead}")
    encoding = getattr(sys.stdout, "encoding", None) or ""
    if not encoding.lower().replace("-", "").startswith("utf8"):
        raise CommandError(f"{what} draws with Unicode, this terminal has {encoding}; {instead}")


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # None, or closed
        return False

"""What ``timeline`` and ``mprof`` do alike with files: pictures, removing, listing."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

from heapscope.cli import progress, timeline_options, units
from heapscope.cli.command_error import CommandError
from heapscope.errors import HeapscopeError
from heapscope.timeline import profiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.timeline.dat_reader import Timeline
    from heapscope.timeline.picture import Wanted

SUFFIXES = (".png", ".svg", ".pdf")
_WINDOWLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")


def chosen(names: list[str]) -> list[str]:
    """Return the files that were meant, or end with one line."""
    try:
        return profiles.chosen(names)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None


def write_picture(
    timelines: list[Timeline], wanted: Wanted, output: str, *, force: bool, quiet: bool
) -> None:
    """Write a picture, and say where it is."""
    kind = Path(output).suffix.lower()
    if kind not in SUFFIXES:
        raise CommandError(f"-o {output!r} must end in {', '.join(SUFFIXES)}")
    from heapscope.report.files import check_free, write_new
    from heapscope.timeline.picture import draw

    try:
        check_free(output, force=force)
        with progress.working(f"drawing {Path(output).name}", quiet=quiet):
            write_new(output, draw(timelines, kind[1:], wanted), force=force)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    if not quiet:
        written = units.size(os.stat(output).st_size)  # noqa: PTH116 - any name
        sys.stdout.write(f"{output}  {written}\n".encode(errors="backslashreplace").decode())


def check_drawable(timelines: list[Timeline]) -> None:
    """Refuse a file that has no samples at all."""
    for timeline in timelines:
        if not len(timeline.total):
            raise CommandError(f"{timeline.path!r} has no sample: the program ended too soon")


def show(timelines: list[Timeline], wanted: Wanted, backend: str | None) -> bool:
    """Show a picture in a window; False where there is no screen for one."""
    if backend is None and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    from heapscope.picture_style import INCHES, style
    from heapscope.tables import import_extra
    from heapscope.timeline.picture import draw_on

    try:
        matplotlib = import_extra("matplotlib", "plot")
        pyplot = import_extra("matplotlib.pyplot", "plot")
        if backend is not None:
            matplotlib.use(backend)
        if matplotlib.get_backend().lower() in _WINDOWLESS:
            return False
        with style():
            figure = pyplot.figure(figsize=INCHES, layout="constrained")
            draw_on(figure, timelines, wanted)
            pyplot.show()
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    except (ImportError, ValueError) as error:
        raise CommandError(f"no window with backend {backend!r}: {error}; use -o") from None
    return True


def listing() -> list[dict[str, object]]:
    """Describe the files of this directory, oldest first."""
    rows: list[dict[str, object]] = []
    for index, name in enumerate(profiles.existing()):
        made = profiles.made_at(name)
        at = None if made is None else time.strftime("%Y-%m-%dT%H:%M:%S", made)
        rows.append({"index": index, "file": name, "made_at": at})
    return rows


def clean(*, dry_run: bool) -> None:
    """Remove the files of this directory that have a name by the time of day, or only say which."""
    remove([str(row["file"]) for row in listing()], dry_run=dry_run)


def remove(paths: list[str], *, dry_run: bool) -> None:
    """Remove files, or only say which."""
    found = profiles.with_companions(paths)
    if dry_run:
        written = io.StringIO()
        written.write("Files to be removed: \n")
        written.writelines(f"{path}\n" for path in found)
        sys.stdout.write(written.getvalue().encode(errors="backslashreplace").decode())
        return
    try:
        profiles.remove(found)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None


def remark_all(timelines: list[Timeline], *, quiet: bool) -> int:
    """Say what is missing of files; the exit code."""
    return max([timeline_options.remark(timeline, quiet=quiet) for timeline in timelines])

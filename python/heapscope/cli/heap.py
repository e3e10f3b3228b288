"""``heapscope heap``: the objects of a program, of a running process, or of a saved snapshot."""

from __future__ import annotations

from pathlib import Path

from heapscope.cli import heap_documents, heap_options, heap_reading, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from heapscope.objects.snapshot import Heap

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """Look at a heap; `arguments` are those after the verb."""
    options, target = heap_options.parse(arguments)
    heap_reading.check_output(options.output, force=options.force)
    if target.path is not None:
        heap = heap_reading.load(target.path)
        if options.output is not None:
            heap_reading.save(heap, options.output, force=options.force)
        return _show(options, heap, target.path)
    from heapscope.cli import heap_run

    if target.process is not None:
        with heap_run.asked(target.process) as path:
            return _show_new(options, path)
    assert target.program is not None
    with heap_run.ran(target.program, options) as ran:
        code = _show_new(options, ran.path) if ran.path is not None else 0
        return ran.exit_code or code


def _show_new(options: argparse.Namespace, path: str) -> int:
    """Show a snapshot that was just taken, and keep it if that was asked for."""
    heap = heap_reading.load(path)
    if options.output is not None:
        heap_reading.save(heap, options.output, force=options.force)
    return _show(options, heap, options.output)


def _show(options: argparse.Namespace, heap: Heap, path: str | None) -> int:
    heap_documents.check(heap, options, path)
    if options.browse:
        from heapscope.cli import heap_browse

        return heap_browse.browse(heap, Path(path).name if path else "snapshot", options)
    output.prepare_stdout()
    document = heap_documents.document(heap, options, path)
    if options.json:
        output.write_json(document)
        return 0
    from heapscope.cli import heap_tables

    console = output.make_console(options.no_color)
    heap_tables.show(console, document, options)
    if path is not None:
        output.hint(
            console,
            options.quiet,
            path,
            ("heap --retained {}", "the same, by what each type retains"),
            ("heap --browse {}", "walk references both ways, full screen"),
        )
    return 0

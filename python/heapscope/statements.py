"""Memory of statements, exactly: what `heapscope memit` and the notebook's ``%memit`` measure.

A statement is the body of a function: names that it binds are local, those of the setup and of the
given namespace are global. One run is metered from its first instruction to its last, before what
it bound is let go of: so ``net`` is what the statement leaves, its result included if it has a
name. After a run those names are deleted.

Garbage is collected before a run and at its end, and not in between. That also empties the lists on
which the interpreter keeps freed objects for the next ones, so no allocation is hidden by them and
none counts as left: equal runs have equal figures. Time is taken in runs of its own.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import textwrap
import time

from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    import symtable
    from collections.abc import Callable, Sequence
    from types import CodeType
    from typing import Any, NoReturn

    from heapscope._tracker import Meter, MeterReading, ProcessMeter

    AnyMeter = Meter | ProcessMeter

RUNS = 3
"""How many runs figures are of, if not told otherwise."""
_WARM_UP = 1  # runs after the first whose figures nobody sees
_PREFIX = "_heapscope_"
_FIGURES = ("peak_bytes", "net_bytes", "allocated_bytes", "allocations", "freed_bytes", "frees")
_LEAST_TIMED_S = 0.02  # one timing of many loops takes at least that
_TIMINGS = 5
_MOST_TIMED_S = 2.0  # after which no further timing begins


class StatementError(HeapscopeError):
    """A statement or a setup that does not compile or raises; the message is its last line.

    Parameters
    ----------
    error : BaseException
        What it raised; the cause.
    in_setup : bool
        Whether the setup did.
    """

    def __init__(self, error: BaseException, *, in_setup: bool = False) -> None:
        import traceback

        last = traceback.format_exception_only(type(error), error)[-1]
        super().__init__(" ".join(last.split()))
        self.in_setup = in_setup


class Statement:
    """A statement, compiled, and what it is run with.

    Parameters
    ----------
    statement : str or callable
        Source, or what to call without arguments.
    setup : str
        Source that is run once, before the first run.
    namespace : dict
        The globals of both. The setup's names are put there.

    Raises
    ------
    StatementError
        One of the two does not compile.
    """

    def __init__(
        self, statement: str | Callable[[], Any], setup: str, namespace: dict[str, Any]
    ) -> None:
        self._namespace = namespace
        called = f"{_PREFIX}statement"
        if not isinstance(statement, str):
            namespace[called] = statement
            statement = f"{called}()"
        setup = textwrap.dedent(setup)
        self._setup = _compiled(setup, "<setup>", in_setup=True)
        body = _parsed(statement)
        shared = _names_bound(setup)
        self._metered = self._function("metered", _METERED, body, shared)
        self._timed = self._function("timed", _TIMED, body, shared)

    def prepare(self) -> None:
        """Run the setup."""
        try:
            exec(self._setup, self._namespace)  # noqa: S102 - it is the user's own
        except BaseException as error:
            _fail(error, in_setup=True)

    def meter(self, meters: Sequence[AnyMeter]) -> list[dict[str, int]]:
        """Run the statement once for each meter, and return the figures of each run."""
        readings: list[tuple[MeterReading, MeterReading]] = []
        enabled = gc.isenabled()
        gc.disable()
        try:
            self._metered(meters, readings.append, _collect)
        except BaseException as error:
            with contextlib.suppress(RuntimeError, IndexError):
                meters[len(readings)].stop()
            _fail(error)
        finally:
            if enabled:
                gc.enable()
        return [_figures(*pair) for pair in readings]

    def time(self, loops: int) -> float:
        """Return how many seconds so many runs take, one after the other."""
        enabled = gc.isenabled()
        gc.collect()
        gc.disable()
        try:
            seconds: float = self._timed(range(loops), time.perf_counter)
        except BaseException as error:
            _fail(error)
        finally:
            if enabled:
                gc.enable()
        return seconds

    def _function(
        self, name: str, template: str, body: list[ast.stmt], shared: set[str]
    ) -> Callable[..., Any]:
        """Compile a template with the statement in its place."""
        import ast

        try:
            bound = _locals_of(body)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise StatementError(error) from error
        declared = sorted(bound & shared)
        module = ast.parse(template)
        function = module.body[0]
        assert isinstance(function, ast.FunctionDef)
        (loop,) = (part for part in function.body if isinstance(part, ast.For))
        (place,) = (index for index, part in enumerate(loop.body) if isinstance(part, ast.Pass))
        let_go = [
            part
            for each in sorted(bound - shared)
            if name == "metered"
            for part in ast.parse(f"try:\n  del {each}\nexcept NameError:\n  pass").body
        ]
        loop.body[place : place + 1] = body
        loop.body += let_go
        if declared:
            function.body.insert(0, ast.Global(names=declared))
        ast.fix_missing_locations(module)
        try:
            code = compile(module, "<statement>", "exec")
            scope: dict[str, Any] = {}
            exec(code, self._namespace, scope)  # noqa: S102 - a definition, nothing of it runs
        except (SyntaxError, ValueError) as error:
            raise StatementError(error) from error
        made: Callable[..., Any] = scope[f"{_PREFIX}{name}"]
        return made


_METERED = """\
def _heapscope_metered(_heapscope_meters, _heapscope_note, _heapscope_collect):
    for _heapscope_meter in _heapscope_meters:
        _heapscope_collect()
        _heapscope_meter.start()
        pass
        _heapscope_reading = _heapscope_meter.stop()
        _heapscope_meter.start()
        _heapscope_collect()
        _heapscope_note((_heapscope_reading, _heapscope_meter.stop()))
"""
_TIMED = """\
def _heapscope_timed(_heapscope_loops, _heapscope_clock):
    _heapscope_began = _heapscope_clock()
    for _heapscope_loop in _heapscope_loops:
        pass
    return _heapscope_clock() - _heapscope_began
"""


def measure_bytes(
    statement: Statement, runs: int, make_meter: Callable[[], AnyMeter]
) -> dict[str, Any]:
    """Run the setup and the statement under meters.

    Returns
    -------
    dict
        ``runs`` and the figures of a run: the median of the runs after the first and the warm-up.
        ``first`` has those of the first, ``setup`` the setup's. Where the runs were not equal
        ``ranges`` has the lowest and the highest of each figure that varied.
    """
    meter = make_meter()
    _collect()
    meter.start()
    try:
        statement.prepare()
    finally:
        prepared = meter.stop()
    meter.start()
    _collect()
    setup = _figures(prepared, meter.stop())
    first, *others = statement.meter([make_meter() for _ in range(1 + _WARM_UP + runs)])
    counted = others[_WARM_UP:]
    figures = {key: sorted(run[key] for run in counted) for key in _FIGURES}
    return {
        "runs": len(counted),
        **{key: values[(len(values) - 1) // 2] for key, values in figures.items()},
        "first": first,
        "setup": setup,
        "ranges": {
            key: [values[0], values[-1]]
            for key, values in figures.items()
            if values[0] != values[-1]
        },
    }


def measure_seconds(statement: Statement) -> dict[str, Any]:
    """Run the setup and time the statement.

    Returns
    -------
    dict
        ``first_seconds``, of the first run, and ``seconds`` a run, the fastest of ``timings``
        timings of ``loops`` runs each.
    """
    statement.prepare()
    first = statement.time(1)
    loops, taken = 1, statement.time(1)
    while taken < _LEAST_TIMED_S:
        loops *= 2 if taken > _LEAST_TIMED_S / 10 else 10
        taken = statement.time(loops)
    timings = [taken]
    while len(timings) < _TIMINGS and sum(timings) < _MOST_TIMED_S:
        timings.append(statement.time(loops))
    return {
        "first_seconds": first,
        "seconds": min(timings) / loops,
        "loops": loops,
        "timings": len(timings),
    }


def _fail(error: BaseException, *, in_setup: bool = False) -> NoReturn:
    """Raise what a statement's error becomes: Ctrl-C stays what it is."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    raise StatementError(error, in_setup=in_setup) from error


def _collect() -> None:
    """Free garbage, the lists of free objects, and the names that the cache of methods keeps.

    Which names that cache lets go of depends on their addresses, and so on chance.
    """
    gc.collect()
    clear = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache", None)
    if clear is not None:
        clear()


def _figures(run: MeterReading, collection: MeterReading) -> dict[str, int]:
    """Return the figures of a run: what the collection after it freed was freed by it.

    What the collector needs for itself is left out.
    """
    return {
        "peak_bytes": run.peak_bytes,
        "net_bytes": run.net_bytes + collection.net_bytes,
        "allocated_bytes": run.allocated_bytes,
        "allocations": run.allocations,
        "freed_bytes": run.freed_bytes - collection.net_bytes,
        "frees": run.frees + collection.frees - collection.allocations,
    }


def _compiled(source: str, name: str, *, in_setup: bool) -> CodeType:
    try:
        return compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise StatementError(error, in_setup=in_setup) from error


def _parsed(source: str) -> list[ast.stmt]:
    import ast

    source = textwrap.dedent(source)
    _compiled(source, "<statement>", in_setup=False)  # as a module: refuses return and await
    return ast.parse(source, "<statement>").body


def _names_bound(source: str) -> set[str]:
    """Return the names that a module makes."""
    import symtable

    return _names_of(symtable.symtable(source, "<setup>", "exec"))


def _locals_of(body: list[ast.stmt]) -> set[str]:
    """Return the names that a function with this body has for itself."""
    import ast
    import symtable

    module = ast.parse("def made(): pass")
    function = module.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = body or [ast.Pass()]
    source = ast.unparse(ast.fix_missing_locations(module))
    (table,) = symtable.symtable(source, "<statement>", "exec").get_children()
    return _names_of(table)


def _names_of(table: symtable.SymbolTable) -> set[str]:
    return {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_local()
        and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
    }

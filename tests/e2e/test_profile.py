"""`from heapscope import profile`: what it decorates, what it prints, what it leaves as it was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1 << 20
HEADER = "Line #    Mem usage    Increment  Occurrences   Line Contents"
_ROW = re.compile(r" *(\d+) +[\d.]+ MiB +(-?[\d.]+) MiB +(\d+)   (.*)")


def run(
    tmp_path: Path, program: str, *arguments: str, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "work.py"
    path.write_text(program)
    ended = subprocess.run(
        [sys.executable, *arguments, str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert ended.returncode == code, ended.stderr
    return ended


def tables(printed: str) -> list[dict[str, tuple[float, int]]]:
    """Increment in MiB and occurrences by source, of each table."""
    found: list[dict[str, tuple[float, int]]] = []
    for line in printed.splitlines():
        row = _ROW.fullmatch(line)
        if line == HEADER:
            found.append({})
        elif row:
            found[-1][row[4].strip()] = (float(row[2]), int(row[3]))
    return found


def test_a_table_is_printed_after_each_call(tmp_path: Path) -> None:
    program = (
        "from heapscope import profile\n"
        "@profile\n"
        "def my_func(size):\n"
        "    a = bytes(size << 20)\n"
        "    b = bytes(20 << 20)\n"
        "    del b\n"
        "    return a\n"
        "print('before')\n"
        "kept = [my_func(4), my_func(6)]\n"
        "print('after')\n"
    )
    printed = run(tmp_path, program).stdout
    first, second = tables(printed)
    assert first["a = bytes(size << 20)"] == (4.0, 1)
    assert second["a = bytes(size << 20)"] == (6.0, 1)
    assert first["b = bytes(20 << 20)"] == (20.0, 1)
    assert first["del b"] == (-20.0, 1)
    assert printed.startswith(f"before\nFilename: {tmp_path / 'work.py'}\n\n{HEADER}\n====")
    assert printed.rstrip().endswith("after")


def test_a_call_that_raises_prints_its_table_too(tmp_path: Path) -> None:
    program = (
        "from heapscope import profile\n"
        "@profile\n"
        "def fail():\n"
        "    block = bytes(3 << 20)\n"
        "    raise ValueError(len(block))\n"
        "try:\n"
        "    fail()\n"
        "except ValueError as error:\n"
        "    print('raised', error)\n"
    )
    printed = run(tmp_path, program).stdout
    assert tables(printed)[0]["block = bytes(3 << 20)"] == (3.0, 1)
    assert f"raised {3 * MIB}" in printed


KINDS = """
import asyncio, functools, inspect
from heapscope import profile

def block(size):
    return bytes(size << 20)

@profile
def function(): return block(2)

class Methods:
    @profile
    def method(self): return block(2)
    @staticmethod
    @profile
    def inner_static(): return block(2)
    @profile
    @staticmethod
    def outer_static(): return block(2)
    @classmethod
    @profile
    def inner_class(cls): return block(2)
    @profile
    @classmethod
    def outer_class(cls): return block(2)
    @property
    @profile
    def inner_property(self): return block(2)
    @profile
    @property
    def outer_property(self): return block(2)
    @profile
    @functools.lru_cache
    def cached(self): return block(2)

@profile
class Whole:
    def __init__(self): self.kept = block(2)
    def method(self): return block(2)
    @staticmethod
    def static(): return block(2)
    @classmethod
    def of_class(cls): return block(2)
    @property
    def a_property(self): return block(2)
    constant = len

@profile
async def coroutine():
    a = block(2)
    await asyncio.sleep(0)
    return a

@profile
def generator():
    a = block(2)
    got = yield a
    yield got

@profile
async def asynchronous_generator():
    a = block(2)
    yield a
    await asyncio.sleep(0)
    yield a

class Callable:
    def __call__(self, size): return block(size)

anonymous = profile(lambda: block(2))
partial = profile(functools.partial(Callable.__call__, None, 2))
instance = profile(Callable())

kept = [function()]
methods = Methods()
kept += [methods.method(), methods.inner_static(), Methods.outer_static(), Methods.inner_class(),
         methods.outer_class(), methods.inner_property, methods.outer_property, methods.cached()]
whole = Whole()
kept += [whole.method(), Whole.static(), Whole.of_class(), whole.a_property]
kept += [anonymous(), partial(), instance(2)]
kept += [asyncio.run(coroutine())]
walk = generator()
kept += [next(walk), walk.send(7)]
assert kept[-1] == 7
assert list(walk) == []
async def consume():
    return [item async for item in asynchronous_generator()]
kept += asyncio.run(consume())
kept += [profile(block, 2), profile(Callable(), size=2)]

assert inspect.iscoroutinefunction(coroutine)
assert inspect.isgeneratorfunction(generator)
assert inspect.isasyncgenfunction(asynchronous_generator)
assert isinstance(Whole, type) and Whole.constant is len
assert (function.__name__, Methods.method.__qualname__) == ("function", "Methods.method")
assert inspect.signature(Methods.method) == inspect.signature(lambda self: None)
assert function.__wrapped__() and callable(function)
"""


def test_every_kind_of_function_is_profiled_and_stays_what_it_is(tmp_path: Path) -> None:
    printed = run(tmp_path, KINDS).stdout
    pattern = r"^(\S+): (\d+) calls?, net (\S+ \w+), peak (\S+ \w+)"
    names = re.findall(pattern, printed, re.MULTILINE)
    expected = re.findall(
        r"\S+",
        "function Methods.method Methods.inner_static Methods.outer_static Methods.inner_class "
        "Methods.outer_class Methods.inner_property Methods.outer_property Methods.cached "
        "Whole.__init__ Whole.method Whole.static Whole.of_class Whole.a_property <lambda> "
        "Callable.__call__ Callable.__call__ coroutine generator asynchronous_generator "
        "block Callable.__call__",
    )
    if sys.version_info < (3, 11):  # code has no qualified name
        expected = [name.rpartition(".")[2] for name in expected]
    assert [name for name, *_ in names] == expected
    for name, calls, net, peak in names:
        assert (calls, peak) == ("1", "2.00 MiB"), name
        assert net == "2.00 MiB" or not net.endswith("MiB"), name


def test_arguments_are_accepted_and_heard(tmp_path: Path) -> None:
    program = (
        "import io\n"
        "from heapscope import profile\n"
        "log = io.StringIO()\n"
        "@profile(stream=log, precision=4, backend='psutil_pss')\n"
        "def my_func():\n"
        "    return bytes(1 << 20)\n"
        "kept = my_func()\n"
        "print('only this')\n"
        "assert '1.0000 MiB' in log.getvalue()\n"
    )
    assert run(tmp_path, program).stdout == "only this\n"


@pytest.mark.one_version
def test_an_environment_variable_makes_it_nothing(tmp_path: Path) -> None:
    program = (
        "import heapscope\n"
        "def my_func(): return 5\n"
        "assert heapscope.profile(my_func) is my_func\n"
        "assert heapscope.profile(precision=2)(my_func) is my_func\n"
        "assert heapscope.profile(divmod, 7, 2) == (3, 1)\n"
        "assert not heapscope.is_tracing()\n"
    )
    assert run(tmp_path, program, HEAPSCOPE_PROFILE="0").stdout == ""


@pytest.mark.one_version
def test_what_cannot_be_called_is_refused(tmp_path: Path) -> None:
    program = (
        "import heapscope\n"
        "for refused in (lambda: heapscope.profile(3), lambda: heapscope.profile(x=1)):\n"
        "    try:\n"
        "        refused()\n"
        "    except TypeError as error:\n"
        "        print(error)\n"
        "try:\n"
        "    heapscope.profile(backend='other')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    assert len(run(tmp_path, program).stdout.splitlines()) == 3


def test_a_function_without_source_prints_measures_line(tmp_path: Path) -> None:
    program = "import heapscope\nassert heapscope.profile(sorted, [3, 1]) == [1, 3]\n"
    assert re.match(r"Profiling: +<sorted>  RSS: .* \| VMS: ", run(tmp_path, program).stdout)


def test_recursion_prints_one_table_of_all_levels(tmp_path: Path) -> None:
    program = (
        "from heapscope import profile\n"
        "@profile\n"
        "def down(depth):\n"
        "    own = bytes(1 << 20)\n"
        "    rest = down(depth - 1) if depth else []\n"
        "    return [own, *rest]\n"
        "kept = down(4)\n"
    )
    (table,) = tables(run(tmp_path, program).stdout)
    assert table["own = bytes(1 << 20)"] == (5.0, 5)
    assert table["rest = down(depth - 1) if depth else []"] == (0.0, 5)


def test_a_generator_that_is_left_prints_when_it_is_closed(tmp_path: Path) -> None:
    program = (
        "from heapscope import profile\n"
        "@profile\n"
        "def my_func():\n"
        "    a = bytes(2 << 20)\n"
        "    yield a\n"
        "    yield 'never'\n"
        "next(my_func())\n"
        "print('closed')\n"
        "left = my_func()\n"
        "next(left)\n"
        "print('open')\n"
    )
    printed = run(tmp_path, program).stdout
    assert [table["a = bytes(2 << 20)"] for table in tables(printed)] == [(2.0, 1), (2.0, 1)]
    lines = printed.splitlines()
    assert lines[0].startswith("Filename")
    assert lines.index("closed") + 1 == lines.index("open") < len(lines) - 3


def test_coroutines_that_run_together_do_not_mix(tmp_path: Path) -> None:
    program = (
        "import asyncio\n"
        "from heapscope import profile\n"
        "@profile\n"
        "async def first():\n"
        "    a = bytes(2 << 20)\n"
        "    await asyncio.sleep(0.01)\n"
        "    return a\n"
        "@profile\n"
        "async def second():\n"
        "    await asyncio.sleep(0)\n"
        "    b = bytes(5 << 20)\n"
        "    return b\n"
        "async def main():\n"
        "    return await asyncio.gather(first(), second())\n"
        "kept = asyncio.run(main())\n"
    )
    second, first = tables(run(tmp_path, program).stdout)
    assert first["a = bytes(2 << 20)"] == (2.0, 1)
    assert abs(first["await asyncio.sleep(0.01)"][0]) <= 0.1
    assert second["b = bytes(5 << 20)"] == (5.0, 1)


def test_an_exception_thrown_into_a_generator_reaches_it(tmp_path: Path) -> None:
    program = (
        "import asyncio\n"
        "from heapscope import profile\n"
        "@profile\n"
        "def numbers():\n"
        "    try:\n"
        "        yield 1\n"
        "    except KeyError:\n"
        "        yield 2\n"
        "    return 3\n"
        "def outer():\n"
        "    result = yield from numbers()\n"
        "    yield result\n"
        "walk = outer()\n"
        "assert next(walk) == 1\n"
        "assert walk.throw(KeyError('x')) == 2\n"
        "assert next(walk) == 3\n"
        "@profile\n"
        "async def stream():\n"
        "    try:\n"
        "        got = yield 1\n"
        "        yield got\n"
        "    except KeyError:\n"
        "        yield 'caught'\n"
        "async def main():\n"
        "    s = stream()\n"
        "    assert await s.__anext__() == 1\n"
        "    assert await s.asend('sent') == 'sent'\n"
        "    assert await s.athrow(KeyError('x')) == 'caught'\n"
        "    await s.aclose()\n"
        "asyncio.run(main())\n"
        "@profile\n"
        "async def cancelled():\n"
        "    await asyncio.sleep(60)\n"
        "async def cancel():\n"
        "    task = asyncio.ensure_future(cancelled())\n"
        "    await asyncio.sleep(0)\n"
        "    task.cancel()\n"
        "    try:\n"
        "        await task\n"
        "    except asyncio.CancelledError:\n"
        "        print('cancelled')\n"
        "asyncio.run(cancel())\n"
    )
    printed = run(tmp_path, program).stdout
    assert printed.count(HEADER) == 3
    assert "cancelled\n" in printed


def test_the_printing_of_an_inner_table_is_not_the_outer_line_s(tmp_path: Path) -> None:
    program = (
        "from heapscope import profile\n"
        "@profile\ndef inner():\n    return 0\n"
        "@profile(precision=3)\n"
        "def outer():\n"
        "    inner()\n"
        "    return 1\n"
        "outer()\n"
    ) + "# a long source file\n" * 20_000
    _, outer = tables(run(tmp_path, program).stdout)
    increment, occurrences = outer["inner()"]
    assert abs(increment) < 0.01, "the lines of the file are 1.5 MB"
    assert occurrences == 1


def test_threads_have_their_own_memory(tmp_path: Path) -> None:
    program = (
        "import threading\n"
        "from heapscope import profile\n"
        "ready, done = threading.Event(), threading.Event()\n"
        "kept = []\n"
        "def other():\n"
        "    ready.wait()\n"
        "    kept.append(bytes(50 << 20))\n"
        "    done.set()\n"
        "@profile\n"
        "def wait():\n"
        "    ready.set()\n"
        "    done.wait()\n"
        "    return bytes(1 << 20)\n"
        "threading.Thread(target=other).start()\n"
        "kept.append(wait())\n"
    )
    (table,) = tables(run(tmp_path, program).stdout)
    assert table["done.wait()"] == (0.0, 1)
    assert table["return bytes(1 << 20)"] == (1.0, 1)


def test_code_that_exec_made_has_figures_and_says_that_it_has_no_source(tmp_path: Path) -> None:
    program = (
        "from heapscope import profile\n"
        "space = {'profile': profile}\n"
        "exec('@profile\\ndef made():\\n    return bytes(2 << 20)\\n', space)\n"
        "kept = space['made']()\n"
    )
    printed = run(tmp_path, program).stdout
    assert "(this code has no source file: contents are blank)" in printed
    assert "     3 " in printed
    assert "  2.0 MiB           1   \n" in printed


def test_functions_of_a_notebook_have_their_source(tmp_path: Path) -> None:
    """As IPython does it: the cell's text is in linecache only."""
    program = (
        "import linecache\n"
        "from heapscope import profile\n"
        "for name in ('/tmp/ipykernel_1/123.py', '<ipython-input-1-abc>'):\n"
        "    text = '@profile\\ndef cell():\\n    return bytes(2 << 20)\\n'\n"
        "    linecache.cache[name] = (len(text), None, text.splitlines(True), name)\n"
        "    exec(compile(text, name, 'exec'))\n"
        "    kept = cell()\n"
    )
    found = tables(run(tmp_path, program).stdout)
    assert [table["return bytes(2 << 20)"] for table in found] == [(2.0, 1), (2.0, 1)]


def test_a_forked_child_only_calls_its_functions(tmp_path: Path) -> None:
    """It is not tracked: a table of zeros would be a lie."""
    program = (
        "import os, sys\n"
        "from heapscope import profile\n"
        "@profile\n"
        "def work(size):\n"
        "    return bytes(size << 20)\n"
        "kept = work(1)\n"
        "sys.stdout.flush()\n"
        "if os.fork() == 0:\n"
        "    print(len(work(3)))\n"
        "    sys.stdout.flush()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    printed = run(tmp_path, program).stdout
    assert [table["return bytes(size << 20)"] for table in tables(printed)] == [(1.0, 1)]
    assert printed.endswith(f"{3 * MIB}\n")


@pytest.mark.one_version
def test_a_program_without_stdout_or_with_a_full_one_goes_on(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from heapscope import profile\n"
        "@profile\n"
        "def work(): return 1\n"
        "sys.stdout = None\n"
        "work()\n"
        "sys.stdout = open('/dev/full', 'w', buffering=1)\n"
        "work()\n"
        "print('went on', file=sys.stderr, flush=True)\n"
        "import os; os._exit(0)\n"
    )
    said = run(tmp_path, program).stderr
    assert said.count("cannot be written: No space left") == 1
    assert said.endswith("went on\n")


@pytest.mark.one_version
def test_importing_it_costs_no_modules_but_its_own(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from heapscope import profile\n"
        "new = {name for name in sys.modules if name not in before}\n"
        "assert new <= {'__future__', 'heapscope', 'heapscope.profiling'}, new\n"
    )
    run(tmp_path, program)

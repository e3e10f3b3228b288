"""What static variables of C code hold: a library whose variables are known."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from heapscope import _analysis, _tracker

SOURCE = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *held;
PyObject *borrowed;
PyObject *initialised = (PyObject *)&PyBaseObject_Type;
PyObject *table[5000];
struct { PyObject object; PyObject *behind; } pair;

void hold(PyObject **variable, PyObject *object) {
    Py_INCREF(object);
    *variable = object;
}
void let_go(PyObject **variable) { Py_CLEAR(*variable); }
PyObject *static_object(void) {
    if (Py_TYPE(&pair.object) == NULL) {
        Py_SET_TYPE(&pair.object, &PyBaseObject_Type);
        Py_SET_REFCNT(&pair.object, 1);
    }
    return Py_NewRef(&pair.object);
}
"""


class Library:
    """Loaded after a first walk, so that what walks keep of the loader's list is out of date."""

    def __init__(self, path: Path) -> None:
        _tracker.heap_walk().release()
        self._library = ctypes.PyDLL(str(path))
        self._library.hold.argtypes = [ctypes.c_void_p, ctypes.py_object]
        self._library.hold.restype = None
        self._library.let_go.argtypes = [ctypes.c_void_p]
        self._library.let_go.restype = None
        self._library.static_object.restype = ctypes.py_object
        self.name = path.name
        regions = Path("/proc/self/maps").read_text().splitlines()
        self._base = min(int(row.split("-")[0], 16) for row in regions if row.endswith(str(path)))

    def address(self, variable: str, index: int = 0) -> int:
        return ctypes.addressof(ctypes.c_void_p.in_dll(self._library, variable)) + 8 * index

    def name_of(self, address: int) -> str:
        return f"<+{address - self._base:#x}>"

    def hold(self, address: int, obj: object) -> None:
        self._library.hold(address, obj)

    def let_go(self, address: int) -> None:
        self._library.let_go(address)

    def borrow(self, obj: object) -> None:
        ctypes.c_void_p.from_address(self.address("borrowed")).value = id(obj)

    def static_object(self) -> object:
        return self._library.static_object()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    directory = tmp_path_factory.mktemp("globals")
    source, path = directory / "globals.c", directory / "globals.so"
    source.write_text(SOURCE)
    include = sysconfig.get_paths()["include"]
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-I", include, str(source), "-o", str(path)],
        check=True,
    )
    return Library(path)


def walked(path: Path) -> _analysis.HeapGraph:
    walk = _tracker.heap_walk(fingerprints=False)
    try:
        return _analysis.HeapGraph.from_walk(walk.sections())
    finally:
        walk.release()


def copied(path: Path) -> _analysis.HeapGraph:
    _tracker.heap_write(str(path / "copy.raw"), fork=True)
    return _analysis.HeapGraph(str(path / "copy.raw"))


def held_by(graph: _analysis.HeapGraph, label: str) -> dict[int, str]:
    """Addresses of what a library's variables hold, and what the variables are called."""
    for root in graph.roots():
        if root["kind"] == "native_globals" and root["label"] == f"<{label}>":
            rows = graph.references(root["id"], 10_000, 0)["rows"]
            return {graph.object(row["id"])["address"]: row["name"] for row in rows}
    return {}


@pytest.mark.parametrize("take", [walked, copied])
def test_a_static_variable_that_holds_an_object_is_its_root(
    library: Library, tmp_path: Path, take: Callable[[Path], _analysis.HeapGraph]
) -> None:
    places = [
        library.address("held"),
        library.address("initialised"),
        library.address("table"),
        library.address("table", 3001),
        library.address("table", 4999),
    ]
    kept: list[list[int]] = [[number] for number in range(len(places))]
    expected = {}
    for place, obj in zip(places, kept, strict=True):
        library.hold(place, obj)
        expected[id(obj)] = library.name_of(place).strip("<>")
    found = held_by(take(tmp_path), library.name)
    for place in places:
        library.let_go(place)
    assert {address: found[address].strip(".<>") for address in expected} == expected
    assert not set(expected) & set(held_by(take(tmp_path / ""), library.name))


def test_a_variable_that_holds_no_reference_is_none(library: Library, tmp_path: Path) -> None:
    kept = ["borrowed"]
    library.borrow(kept)
    assert id(kept) not in held_by(walked(tmp_path), library.name)


def test_a_variable_behind_a_static_object_is_a_root_and_the_object_s_type_is_not(
    library: Library, tmp_path: Path
) -> None:
    kept = [library.static_object(), ["behind"]]
    place = id(kept[0]) + object.__basicsize__
    library.hold(place, kept[1])
    found = held_by(walked(tmp_path), library.name)
    library.let_go(place)
    assert id(kept[1]) in found
    assert id(object) not in found

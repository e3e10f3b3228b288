"""Types whose references their traverse function does not tell."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import subprocess
import sysconfig

import pytest

from heapscope import _analysis, _tracker

# A box that the collector does not track, with and without a word to heapscope.
SOURCE = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

typedef struct { PyObject_HEAD PyObject *content; } Box;

static PyObject *box_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *content;
    if (!PyArg_ParseTuple(args, "O", &content)) return NULL;
    Box *self = (Box *)type->tp_alloc(type, 0);
    if (self != NULL) self->content = Py_NewRef(content);
    return (PyObject *)self;
}
static void box_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((Box *)self)->content);
    type->tp_free(self);
    Py_DECREF(type);
}

typedef struct { uint32_t version; uint32_t bytes; traverseproc references; } HeapscopeLayout;
static int box_references(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((Box *)self)->content);
    return 0;
}
static const HeapscopeLayout box_layout = {1, sizeof(HeapscopeLayout), box_references};

static PyType_Slot slots[] = {{Py_tp_new, box_new}, {Py_tp_dealloc, box_dealloc}, {0, NULL}};
static PyType_Spec told = {"boxes.Told", sizeof(Box), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
static PyType_Spec silent = {"boxes.Silent", sizeof(Box), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "boxes", NULL, -1};
PyMODINIT_FUNC PyInit_boxes(void) {
    PyObject *module = PyModule_Create(&definition);
    PyObject *with = PyType_FromSpec(&told);
    PyObject *without = PyType_FromSpec(&silent);
    PyObject *capsule = PyCapsule_New((void *)&box_layout, "heapscope.layout", NULL);
    if (module == NULL || with == NULL || without == NULL || capsule == NULL) return NULL;
    if (PyObject_SetAttrString(with, "__heapscope__", capsule) < 0) return NULL;
    Py_DECREF(capsule);
    PyModule_AddObject(module, "Told", with);
    PyModule_AddObject(module, "Silent", without);
    return module;
}
"""


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    directory = tmp_path_factory.mktemp("boxes")
    source, library = directory / "boxes.c", directory / "boxes.so"
    source.write_text(SOURCE)
    include = sysconfig.get_paths()["include"]
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-I", include, str(source), "-o", str(library)],
        check=True,
    )
    specification = importlib.util.spec_from_file_location("boxes", library)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def snapshot():
    walk = _tracker.heap_walk(fingerprints=False)
    try:
        return _analysis.HeapGraph.from_walk(walk.sections())
    finally:
        walk.release()


def addresses_held_by(graph, address):
    (holder,) = graph.at_addresses([address])
    rows = graph.references(holder, 100, 0)["rows"]
    return [graph.object(row["id"])["address"] for row in rows]


def test_what_a_type_tells_is_followed_and_what_it_hides_is_not(boxes):
    secrets = bytearray(1001), bytearray(1002)
    told, silent = boxes.Told(secrets[0]), boxes.Silent(secrets[1])
    graph = snapshot()
    assert id(secrets[0]) in addresses_held_by(graph, id(told))
    assert id(secrets[1]) not in addresses_held_by(graph, id(silent))


def test_an_object_that_only_the_type_holds_is_met(boxes):
    kept = boxes.Told(bytearray(123_457))
    graph = snapshot()
    held = [graph.object(each) for each in graph.at_addresses(addresses_held_by(graph, id(kept)))]
    assert any(each["type"] == "bytearray" and each["size_bytes"] > 123_457 for each in held)


def test_a_python_class_that_extends_such_a_type_tells_the_same(boxes):
    Named = type("Named", (boxes.Told,), {})

    secret = bytearray(1003)
    box = Named(secret)
    assert id(secret) in addresses_held_by(snapshot(), id(box))


def test_entries_of_a_cache_are_held_by_the_cache_alone():
    class Result:
        pass

    @functools.lru_cache(maxsize=10)
    def make(key):
        return Result()

    results = [id(make(key)) for key in range(5)]
    graph = snapshot()
    found = [graph.object(each) for each in graph.at_addresses(results)]
    assert all(each["type"].endswith("Result") for each in found)
    links = [
        row
        for row in graph.partition(graph.everything(), "type")
        if row["kind"].endswith("_lru_list_elem")
    ]
    # No link counts more references than the graph shows: none is taken for held by C code.
    held = {graph.object(each)["held"] for each in links[0]["set"]}
    assert held == {None}

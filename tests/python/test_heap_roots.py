"""What a snapshot says of the roots: threads, frames, generators, tasks, callbacks, libraries."""

from __future__ import annotations

import asyncio
import builtins
import contextvars
import gc
import itertools
import subprocess
import sys
import threading

import pytest

from heapscope import _analysis, _tracker


class Marker:
    pass


def snapshot():
    walk = _tracker.heap_walk(fingerprints=False)
    try:
        return _analysis.HeapGraph.from_walk(walk.sections())
    finally:
        walk.release()


def held_by(graph, identity):
    """The addresses that an object or root refers to, by name."""
    rows = graph.references(identity, 1000, 0)["rows"]
    return {row["name"].removeprefix("."): graph.object(row["id"])["address"] for row in rows}


def the_root(graph, label):
    found = [root for root in graph.roots() if root["label"] == label]
    assert len(found) == 1, [root["label"] for root in graph.roots()]
    return held_by(graph, found[0]["id"])


def the_object(graph, address):
    (identity,) = graph.at_addresses([address])
    assert identity
    return identity


def test_a_variable_of_a_running_function_is_named_by_thread_function_and_variable():
    def holder():
        held = Marker()
        return id(held), snapshot()

    address, graph = holder()
    assert the_root(graph, "<thread 'MainThread' holder>")["held"] == address
    (root,) = (each for each in graph.roots() if each["label"] == "<thread 'MainThread' holder>")
    assert root["kind"] == "frame"
    assert root["line"] == holder.__code__.co_firstlineno + 2
    assert root["file"] == __file__


@pytest.mark.skipif(sys.version_info < (3, 11), reason="every frame is an object")
def test_no_frame_object_is_made_of_running_frames():
    def holder():
        return snapshot()

    assert "<frame>" not in the_root(holder(), "<thread 'MainThread' holder>")


def test_a_variable_of_another_thread_has_the_name_of_its_thread():
    ready, leave = threading.Event(), threading.Event()
    seen = []

    def keep(passed):
        own = Marker()
        seen.extend([id(passed), id(own)])
        ready.set()
        leave.wait()

    thread = threading.Thread(target=keep, args=(Marker(),), name="keeper of markers")
    thread.start()
    ready.wait()
    try:
        held = the_root(snapshot(), "<thread 'keeper of markers' keep>")
    finally:
        leave.set()
        thread.join()
    assert [held["passed"], held["own"]] == seen


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 keeps it in a register")
def test_what_only_the_evaluation_stack_of_a_caller_holds_is_met():
    address = []

    def make():
        made = Marker()
        address.append(id(made))
        return made

    def outer():
        return [make(), snapshot_below()]

    def snapshot_below():
        return snapshot()

    graph = outer()[1]
    assert address[0] in the_root(graph, "<thread 'MainThread' outer>").values()


def test_a_suspended_generator_holds_its_variables_by_name():
    def generate(given):
        own = Marker()
        yield id(own)
        given.append(own)

    given = [Marker()]
    generator = generate(given)
    own = next(generator)
    graph = snapshot()
    holder = the_object(graph, id(generator))
    if sys.version_info < (3, 11):
        holder = the_object(graph, held_by(graph, holder)["gi_frame"])
    held = held_by(graph, holder)
    assert (held["f_locals['given']"], held["f_locals['own']"]) == (id(given), own)


def test_a_running_generator_has_its_variables_in_the_thread_and_not_twice():
    def generate():
        own = Marker()
        yield id(own), snapshot()

    address, graph = next(generate())
    assert the_root(graph, "<thread 'MainThread' generate>")["own"] == address
    rows = graph.referrers(the_object(graph, address), 10, 0)
    assert rows["total"] == 1


def test_a_suspended_coroutine_and_its_task_are_named():
    markers = []

    async def wait_for_ever():
        mine = Marker()
        markers.append(id(mine))
        await asyncio.get_running_loop().create_future()
        return mine

    async def main():
        task = asyncio.get_running_loop().create_task(wait_for_ever(), name="patient")
        await asyncio.sleep(0)
        graph = snapshot()
        task.cancel()
        coroutine = task.get_coro()
        return id(task), id(coroutine), graph

    task, coroutine, graph = asyncio.run(main())
    assert the_root(graph, "<task 'patient' wait_for_ever>") == {"task": task}
    holder = the_object(graph, coroutine)
    if sys.version_info < (3, 11):
        holder = the_object(graph, held_by(graph, holder)["cr_frame"])
    assert held_by(graph, holder)["f_locals['mine']"] == markers[0]


def test_a_task_that_has_ended_is_no_root():
    async def nothing():
        pass

    async def main():
        task = asyncio.get_running_loop().create_task(nothing(), name="done already")
        await task
        return task, snapshot()

    task, graph = asyncio.run(main())
    assert task.done()
    assert not [root for root in graph.roots() if "done already" in root["label"]]


def test_what_a_context_variable_holds_is_reached_from_the_context():
    variable: contextvars.ContextVar[Marker] = contextvars.ContextVar("held by context")
    reset = variable.set(Marker())
    graph = snapshot()
    found = graph.object(the_object(graph, id(variable.get())))
    assert found["reached_by"] == "named"
    assert the_root(graph, "<thread 'MainThread'>")["<context>"]
    variable.reset(reset)


def test_an_exception_that_is_handled_is_held_by_its_thread():
    try:
        raise ValueError("handled")
    except ValueError as error:
        graph = snapshot()
        address = id(error)
    assert the_root(graph, "<thread 'MainThread'>")["<exception being handled>"] == address


def test_sys_modules_builtins_and_gc_callbacks_are_roots():
    graph = snapshot()
    assert the_root(graph, "sys.modules") == {"modules": id(sys.modules)}
    assert the_root(graph, "<interpreter>")["<builtins>"] == id(vars(builtins))
    assert the_root(graph, "<callbacks>")["<gc.callbacks>"] == id(gc.callbacks)


def test_a_static_type_is_its_own_holder():
    graph = snapshot()
    held = {
        address
        for root in graph.roots()
        if root["kind"] == "types"
        for address in held_by(graph, root["id"]).values()
    }
    assert id(int) in held
    if not itertools.chain.__flags__ & (1 << 9):  # a heap type from 3.12 on
        assert graph.object(the_object(graph, id(itertools.chain)))["reached_by"] == "named"


COVERAGE = """
import asyncio, json, http.client, email, sqlite3, logging, decimal, ssl, unittest.mock
import concurrent.futures, xml.dom.minidom, dataclasses, typing, argparse, gc
from heapscope import _tracker
gc.collect()
walk = _tracker.heap_walk()
from heapscope import _analysis
graph = _analysis.HeapGraph.from_walk(walk.sections())
coverage = graph.coverage()
print(coverage["named_share"], graph.object_count, coverage["garbage_objects"])
"""


def test_nearly_every_object_of_a_program_has_a_named_root():
    done = subprocess.run(
        [sys.executable, "-c", COVERAGE], capture_output=True, text=True, check=True
    )
    share, count, garbage = done.stdout.split()
    assert int(count) > 50_000
    assert float(share) >= 0.998
    assert int(garbage) < 200

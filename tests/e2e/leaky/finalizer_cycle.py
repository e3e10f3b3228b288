"""Parents and children that hold each other, with a finaliser."""

from __future__ import annotations

import weakref

from snapshots import LEAKS, take


class Parent:
    def __init__(self) -> None:
        self.child = Child(self)

    def __del__(self) -> None:
        pass


class Child:
    def __init__(self, parent: Parent) -> None:
        self.parent = parent if LEAKS else weakref.ref(parent)


families = [Parent() for _ in range(200)]
take()

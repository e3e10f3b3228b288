# mypy: ignore-errors
"""Blocks of the sizes where allocators change their ways; argument: the library of blocks.c."""

import ctypes
import gc
import sys

gc.disable()
count = 300
library = ctypes.PyDLL(sys.argv[1])
for name in ("allocate", "allocate_zeroed", "reallocate", "release"):
    getattr(library, name).restype = None
library.allocate.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
library.allocate_zeroed.argtypes = library.reallocate.argtypes = library.allocate.argtypes
library.release.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
prefix = {"object": "PyObject_", "mem": "PyMem_", "raw": "PyMem_Raw"}[sys.argv[2]]
api = {
    verb: ctypes.cast(getattr(ctypes.pythonapi, prefix + verb), ctypes.c_void_p)
    for verb in ("Malloc", "Calloc", "Realloc", "Free")
}
places = [(ctypes.c_void_p * count)() for _ in range(20)]
library.release(api["Free"], 0, places[0])
library.allocate(api["Malloc"], 0, 0, places[0])  # here: nothing
library.reallocate(api["Realloc"], 0, 0, places[0])  # here: nothing_again

library.allocate(api["Malloc"], 0, count, places[0])  # here: of_0
library.allocate(api["Malloc"], 1, count, places[1])  # here: of_1
library.allocate(api["Malloc"], 488, count, places[2])  # here: of_488
library.allocate(api["Malloc"], 489, count, places[3])  # here: of_489
library.allocate(api["Malloc"], 512, count, places[4])  # here: of_512
library.allocate(api["Malloc"], 513, count, places[5])  # here: of_513
library.allocate(api["Malloc"], 98_821, count, places[6])  # here: of_98821
library.allocate_zeroed(api["Calloc"], 0, count, places[7])  # here: zeroed_0
library.allocate_zeroed(api["Calloc"], 489, count, places[8])  # here: zeroed_489
library.allocate_zeroed(api["Calloc"], 513, count, places[9])  # here: zeroed_513

library.allocate(api["Malloc"], 512, count, places[10])  # here: small
library.reallocate(api["Realloc"], 513, count, places[10])  # here: up_to_513
library.allocate(api["Malloc"], 513, count, places[11])  # here: large
library.reallocate(api["Realloc"], 512, count, places[11])  # here: down_to_512
library.allocate(api["Malloc"], 488, count, places[12])  # here: small_for_debug
library.reallocate(api["Realloc"], 489, count, places[12])  # here: up_to_489
library.allocate(api["Malloc"], 70_000, count, places[13])  # here: to_be_one
library.reallocate(api["Realloc"], 1, count, places[13])  # here: down_to_1
library.reallocate(api["Realloc"], 600, count, places[14])  # here: of_null
library.allocate(api["Malloc"], 490, count, places[15])  # here: freed
library.release(api["Free"], count, places[15])

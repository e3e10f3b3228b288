"""What a Django request does to memory: ``heapscope.django.HeapscopeMiddleware``.

Put it first in ``MIDDLEWARE`` and set ``HEAPSCOPE = {"ENABLED": True}``. Without that, and where
DEBUG is off and no token is set, Django leaves it out and it costs nothing. docs/django.md tells
the rest.
"""

from __future__ import annotations

from heapscope.django.middleware import HeapscopeMiddleware

__all__ = ["HeapscopeMiddleware"]

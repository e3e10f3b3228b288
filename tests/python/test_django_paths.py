"""Holders' paths on the Django page: they are told without the keys of dicts."""

from __future__ import annotations

import pytest

from heapscope.django.growth import without_keys


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("sys.modules['shop.cache']._store['a@b.example']", "sys.modules['shop.cache']._store[…]"),
        ("shop.cache._store['a@b.example'][3].name values", "shop.cache._store[…][…].name values"),
        ("shop._store['it\\'s ][ secret'].x", "shop._store[…].x"),
        ('shop._store["it\'s [secret]"].x', "shop._store[…].x"),
        ("shop._store[('secret', 7)][b'secret'].x", "shop._store[…][…].x"),
        ("shop._store['a']['b']['c']", "shop._store[…][…][…]"),
        ("lessons.recent._seen items", "lessons.recent._seen items"),
        ("sys.modules['secret key']", "sys.modules[…]"),
    ],
)
def test_keys_are_left_out_and_the_rest_is_not(path: str, told: str) -> None:
    assert without_keys(path) == told

"""What the Django middleware remembers of requests."""

from __future__ import annotations

import pytest

from heapscope.django.records import Record, Records

pytestmark = pytest.mark.one_version


def test_requests_stand_in_the_order_in_which_they_began_whenever_they_ended() -> None:
    records = Records(most=3)
    for number in (1, 2, 4, 5, 3):  # the types around the third were counted meanwhile
        records.add(Record(number=number, at=0.0, method="GET"))
    assert [record.number for record in records.last()] == [5, 4, 3]

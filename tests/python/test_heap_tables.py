"""Tables in the layouts of heapy, Pympler and objgraph: what those tools print of the same rows.

The texts were printed by guppy3 3.1.7, Pympler 1.1 and objgraph 3.7.0; the rows are theirs.
"""

from __future__ import annotations

import pytest

from heapscope.objects.heapy_names import heapy_name
from heapscope.objects.partition_table import IdentityTable, More, PartitionTable, write
from heapscope.objects.type_tables import (
    common_types_lines,
    growth_lines,
    size,
    summary_lines,
)

pytestmark = pytest.mark.one_version

CLASSES = "Kind (class / dict of class)"
HEAP = """\
Partition of a set of 24 objects. Total size = 2308 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
     0      3  12      528  23       528  23 types.FrameType
     1      5  21      440  19       968  42 dict of __main__.Node
     2      5  21      280  12      1248  54 __main__.Node
     3      5  21      265  11      1513  66 str
     4      1   4      232  10      1745  76 types.CodeType
     5      1   4      184   8      1929  84 dict (no owner)
     6      1   4      152   7      2081  90 function
     7      1   4      120   5      2201  95 list
     8      1   4       56   2      2257  98 tuple
     9      1   4       51   2      2308 100 bytes"""
ROWS = [
    (3, 528, "types.FrameType"),
    (5, 440, "dict of __main__.Node"),
    (5, 280, "__main__.Node"),
    (5, 265, "str"),
    (1, 232, "types.CodeType"),
    (1, 184, "dict (no owner)"),
    (1, 152, "function"),
    (1, 120, "list"),
    (1, 56, "tuple"),
    (1, 51, "bytes"),
]
WRAPPED = """\
Partition of a set of 3 objects. Total size = 157 bytes.
 Index  Count   %     Size   % Cumulative  % Referrers by Kind (class / dict of class)
     0      2  67      101  64       101  64 dict (no owner), dict of module, function, list, tuple,
                                             types.FrameType
     1      1  33       56  36       157 100 tuple"""
BY_ID = """\
Set of 4 <mixed> objects. Total size = 214 bytes.
 Index     Size   %   Cumulative  %   Brief
     0       72  33.6        72  33.6 list: 0x7f388ae24e80*2
     1       64  29.9       136  63.6 dict (no owner): 0x7f388ae247c0*0
     2       50  23.4       186  86.9 str: 'a'
     3       28  13.1       214 100.0 int: 5"""
SUMMARY = """\
                  types |   # objects |   total size
======================= | =========== | ============
                   dict |         700 |    549.61 KB
                    str |        1024 |   1024     B
  function (as_sql_all) |           4 |    576     B
                   code |           0 |    -64     B"""


def heapy(rows: list[tuple[int, int, str]], header: str = CLASSES) -> PartitionTable:
    return PartitionTable(rows, header)


def test_a_partition_is_written_as_heapy_writes_it() -> None:
    assert write(heapy(ROWS)) == HEAP


def test_a_kind_that_does_not_fit_goes_on_below_itself() -> None:
    long = "dict (no owner), dict of module, function, list, tuple, types.FrameType"
    table = heapy([(2, 101, long), (1, 56, "tuple")], "Referrers by " + CLASSES)
    assert write(table) == WRAPPED


def test_objects_one_by_one_are_written_as_heapy_writes_them() -> None:
    rows = [
        (72, "list: 0x7f388ae24e80*2"),
        (64, "dict (no owner): 0x7f388ae247c0*0"),
        (50, "str: 'a'"),
        (28, "int: 5"),
    ]
    table = IdentityTable("mixed", 4, 214, "Brief", lambda first, last: rows[first:last])
    assert write(table) == BY_ID


def test_ten_rows_are_shown_and_more_brings_the_next_ones() -> None:
    table = heapy([(1, 100 - index, f"kind{index}") for index in range(25)])
    assert write(table).splitlines()[-1] == "<15 more rows. Type e.g. '_.more' to view.>"
    more = More(table, "the set", 0).more
    lines = repr(more).splitlines()
    assert lines[0] == " Index  Count   %     Size   % Cumulative  % " + CLASSES
    assert lines[1].split()[0] == "10"
    assert lines[-1] == "<5 more rows. Type e.g. '_.more' to view.>"
    assert [line.split()[0] for line in repr(more.more).splitlines()[1:]] == list(
        map(str, range(20, 25))
    )
    assert repr(more.more.more) == ""
    assert len(repr(more.all).splitlines()) == 27


def test_a_last_row_is_shown_rather_than_told_of() -> None:
    table = heapy([(1, 100 - index, f"kind{index}") for index in range(11)])
    assert len(write(table).splitlines()) == 13
    assert repr(More(table, "the set", 0).more) == ""


def test_cumulative_figures_go_on_where_the_rows_before_ended() -> None:
    rows = [(1, 100 - index, f"kind{index}") for index in range(25)]
    more = repr(More(heapy(rows), "the set", 0).more).splitlines()
    assert int(more[1].split()[5]) == sum(size for _, size, _ in rows[:11])


def test_an_empty_partition_has_a_title_only() -> None:
    assert write(heapy([])) == "Partition of a set of 0 objects. Total size = 0 bytes."


def test_rows_of_no_bytes_have_no_share() -> None:
    assert write(heapy([(2, 0, "x")])).splitlines()[-1].split() == [
        "0",
        "2",
        "100",
        "0",
        "0",
        "0",
        "0",
        "x",
    ]


@pytest.mark.parametrize(
    ("ours", "heapys"),
    [
        ("code", "types.CodeType"),
        ("builtin_function_or_method", "types.BuiltinMethodType"),
        ("wrapper_descriptor", "types.WrapperDescriptorType"),
        ("getset_descriptor", "types.GetSetDescriptorType"),
        ("function", "function"),
        ("module", "module"),
        ("dict of type", "dict of type"),
        ("dict (no owner)", "dict (no owner)"),
        ("abc.ABCMeta", "abc.ABCMeta"),
        ("StgDict", "builtins.StgDict"),
        ("__main__.Node", "__main__.Node"),
    ],
)
def test_types_have_the_names_heapy_gives_them(ours: str, heapys: str) -> None:
    assert heapy_name(ours) == heapys


def test_a_summary_is_written_as_pympler_writes_it() -> None:
    rows = [
        ("code", 0, -64),
        ("function (as_sql_all)", 4, 576),
        ("str", 1024, 1024),
        ("dict", 700, 562801),
    ]
    assert "\n".join(summary_lines(rows)) == SUMMARY


def test_a_summary_has_fifteen_rows() -> None:
    assert len(list(summary_lines([(f"t{index}", 1, index) for index in range(40)]))) == 17


def test_an_empty_summary_is_a_header() -> None:
    assert list(summary_lines([])) == [
        "  types |   # objects |   total size",
        "======= | =========== | ============",
    ]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "   0     B"),
        (1024, "1024     B"),
        (1025, "   1.00 KB"),
        (562801, " 549.61 KB"),
        (3 << 20, "   3.00 MB"),
        (-5000, "-5000     B"),
    ],
)
def test_sizes_are_written_as_pympler_writes_them(count: int, text: str) -> None:
    assert size(count) == text


def test_types_are_listed_as_objgraph_lists_them() -> None:
    rows = [("tuple", 8959), ("builtin_function_or_method", 800)]
    assert list(common_types_lines(rows)) == [
        "tuple                      8959",
        "builtin_function_or_method 800",
    ]


def test_growth_is_listed_as_objgraph_lists_it() -> None:
    rows = [("wrapper_descriptor", 970, 14), ("tuple", 12282, 10)]
    assert list(growth_lines(rows)) == [
        "wrapper_descriptor      970       +14",
        "tuple                 12282       +10",
    ]

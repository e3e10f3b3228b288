#include "walker/shown_names.h"

#include <datetime.h>

#include <cstdlib>
#include <cstring>

namespace heapscope::walker {
namespace {

// Names by place: the first word's at byte 16 of the object, the next at 24 and so on. "-" is no reference, "@n" goes
// on at byte n, "@n>m" at byte m of what byte n points at, "@n!" at a list that is not shown. In angle brackets: fields
// that no attribute gives.
// `bytes`: the type's basic size, where only that tells versions apart; 0: any.
struct Row {
  const char* type;
  const char* names;
  bool items = false;
  Py_ssize_t bytes = 0;
};

// Where numpy.ufunc has its function for vectorcalls, in the layout that is known.
constexpr Py_ssize_t kUfuncVectorcall = 160;

constexpr Row kRows[] = {
    // ---- itertools and its kin among the builtins
    {"enumerate", "- <iterator> <result> <count>"},
    {"filter", "<function> <iterator>"},
    {"map", "<iterators> <function>"},
    {"reversed", "- <sequence>"},
    {"zip", "- <iterators> <result>"},
    {"itertools.accumulate", "<total> <iterator> <function> <initial>"},
    {"itertools.batched", "<iterator>"},
    {"itertools.chain", "<iterators> <active>"},
    {"itertools.combinations", "<pool> - <result>"},
    {"itertools.combinations_with_replacement", "<pool> - <result>"},
    {"itertools.compress", "<data> <selectors>"},
    {"itertools.count", "- <count> <step>"},
    {"itertools.cycle", "<iterator> <saved>"},
    {"itertools.dropwhile", "<function> <iterator>"},
    {"itertools.filterfalse", "<function> <iterator>"},
    {"itertools.groupby", "<iterator> <function> <target key> <current key> <current value>"},
    {"itertools._grouper", "<parent> <target key>"},
    {"itertools.islice", "<iterator>"},
    {"itertools.pairwise", "<iterator> <previous> <result>"},
    {"itertools.permutations", "<pool> - - <result>"},
    {"itertools.product", "<pools> - <result>"},
    {"itertools.repeat", "<object>"},
    {"itertools.starmap", "<function> <iterator>"},
    {"itertools.takewhile", "<function> <iterator>"},
    {"itertools._tee", "<data>"},
    {"itertools._tee_dataobject", "<iterator> - <next>", true},
    {"itertools.zip_longest", "- - <iterators> <result> <fill value>"},
    // ---- iterators and views
    {"array.arrayiterator", "- <array>"},
    {"bytearray_iterator", "- <sequence>"},
    {"bytes_iterator", "- <sequence>"},
    {"callable_iterator", "<callable> <sentinel>"},
    {"dict_itemiterator", "<dict> @40 <result>"},
    {"dict_items", "<dict>"},
    {"dict_keyiterator", "<dict>"},
    {"dict_keys", "<dict>"},
    {"dict_reverseitemiterator", "<dict> @40 <result>"},
    {"dict_reversekeyiterator", "<dict>"},
    {"dict_reversevalueiterator", "<dict>"},
    {"dict_valueiterator", "<dict>"},
    {"dict_values", "<dict>"},
    {"generic_alias_iterator", "<alias>"},
    {"iterator", "- <sequence>"},
    {"list_iterator", "- <sequence>"},
    {"list_reverseiterator", "- <sequence>"},
    {"memory_iterator", "- <sequence>"},
    {"odict_iterator", "- <dict> @48 <key>"},
    {"set_iterator", "<set>"},
    {"str_ascii_iterator", "- <sequence>"},
    {"str_iterator", "- <sequence>"},
    {"tuple_iterator", "- <sequence>"},
    {"_collections._deque_iterator", "@32 <deque>"},
    {"_collections._deque_reverse_iterator", "@32 <deque>"},
    {"collections._deque_iterator", "@32 <deque>"},
    {"collections._deque_reverse_iterator", "@32 <deque>"},
    {"_struct.unpack_iterator", "<struct> - <exporter>"},
    {"_elementtree._element_iterator", "@40 <root> <tag>"},
    {"items", "<hamt>"},
    {"keys", "<hamt>"},
    {"values", "<hamt>"},
    // ---- builtins
    {"managedbuffer", "@40 <exporter>"},
    {"mappingproxy", "<mapping>"},
    {"memoryview", "- <buffer>"},
    {"method-wrapper", "<descriptor>"},
    {"property", "fget fset fdel __doc__ <name>"},
    {"types.GenericAlias", "__origin__ __args__ __parameters__"},
    {"types.UnionType", "__args__ __parameters__"},
    {"async_generator_asend", "<generator> <sent value>"},
    {"async_generator_athrow", "<generator> <arguments>"},
    {"async_generator_wrapped_value", "<value>"},
    {"anext_awaitable", "<wrapped> <default>"},
    {"coroutine_wrapper", "<coroutine>"},
    {"TaskStepMethWrapper", "<task> <exception>"},
    // ---- context variables
    {"_contextvars.Context", "<previous> <variables>"},
    {"Context", "<previous> <variables>"},
    {"_contextvars.ContextVar", "name <default>"},
    {"ContextVar", "name <default>"},
    {"_contextvars.Token", "<context> var old_value"},
    {"Token", "<context> var old_value"},
    {"hamt", "<root>"},
    {"hamt_array_node",
     "<0> <1> <2> <3> <4> <5> <6> <7> <8> <9> <10> <11> <12> <13> <14> <15> <16> <17> <18> <19> <20> <21> "
     "<22> "
     "<23> <24> <25> <26> <27> <28> <29> <30> <31>"},
    // ---- modules of the standard library
    {"_abc._abc_data", "<registry> <cache> <negative cache>"},
#if PY_VERSION_HEX >= 0x030D0000
    {"_asyncio.Task", "@112 _fut_waiter _coro <name> <context>"},
#elif PY_VERSION_HEX >= 0x030B0000
    {"_asyncio.Task", "@128 _fut_waiter _coro <name> <context>"},
#else
    {"_asyncio.Task", "@152 _fut_waiter _coro <name> <context>"},
#endif
    {"_asyncio.FutureIter", "<future>"},
    {"FutureIter", "<future>"},
    {"_asyncio.TaskStepMethWrapper", "<task> <exception>"},
    {"_csv.Dialect", "@40 lineterminator"},
    {"_csv.reader", "<input> dialect <fields>"},
    {"_csv.writer", "<write> dialect @64 <error>"},
    {"_ctypes.CField", "@40 <type>"},
    {"_ctypes.CFuncPtr", "@96 <thunk> <callable> <converters> argtypes restype <checker> errcheck"},
    {"_ctypes.PyCFuncPtr", "@96 <thunk> <callable> <converters> argtypes restype <checker> errcheck"},
    {"_ctypes.CThunkObject", "@80 <converters> <callable> <restype>"},
    {"_functools._lru_cache_wrapper", "@72 <cache> - <function> - - <mark> <link type> <info type> __dict__"},
    {"functools._lru_cache_wrapper", "@72 <cache> - <function> - - <mark> <link type> <info type> __dict__"},
    {"functools.KeyWrapper", "<compare> obj"},
    {"_io.BytesIO", "<content>"},
    {"_io.BufferedRWPair", "<reader> <writer>"},
    {"_io._BytesIOBuffer", "<stream>"},
    {"_io.IncrementalNewlineDecoder", "<decoder> errors"},
#if PY_VERSION_HEX >= 0x030C0000
    {"_io.StringIO", "@120 <decoder> <newline>"},
#else
    {"_io.StringIO", "@80 <decoder> <newline>"},
#endif
    {"_io.TextIOWrapper",
     "@32 buffer encoding <encoder> <decoder> <newline> errors @120 <decoded> - <pending> - <snapshot> @168 "
     "<raw>"},
#if PY_VERSION_HEX < 0x030D0000
    {"_json.Scanner", "@64 <memo>"},
#endif
    {"_queue.SimpleQueue", "@32 <items>"},
    {"_struct.Struct", "@40 <format>"},
#if PY_VERSION_HEX >= 0x030D0000
    {"_thread._local", "<arguments> <keywords> - <dicts> <watchdogs>"},
#else
    {"_thread._local", "- <arguments> <keywords> - <dicts>"},
#endif
    {"operator.attrgetter", "- <attributes>"},
    {"operator.itemgetter", "- <item>"},
    {"operator.methodcaller", "<name> <arguments> <keywords>"},
    {"_pickle.PickleBuffer", "- <exporter>"},
    {"pickle.PickleBuffer", "- <exporter>"},
    {"re.Pattern", "@32 <groupindex> <indexgroup> pattern"},
    {"_sre.SRE_Pattern", "@32 <groupindex> <indexgroup> pattern"},
#if PY_VERSION_HEX >= 0x030C0000
    {"sqlite3.Connection", "@72 <statements> <cursors> <blobs>"},
#elif PY_VERSION_HEX >= 0x030B0000
    {"sqlite3.Connection", "@64 <statements> <cursors> <blobs>"},
#else
    {"sqlite3.Connection",
     "@48 <isolation level> @80 <statements> <statement references> <cursors> @152 <functions>"},
    {"sqlite3.Statement", "@32 <sql>"},
    {"sqlite3.Cache", "@24 <mapping> <factory> <first> <last>"},
    {"sqlite3.Node", "<key> <data>"},
#endif
    {"sqlite3.Cursor", "@32 <converters> @72 <statement> @96 <next row>"},
    {"sqlite3.Row", "<data> <description>"},
    {"xml.etree.ElementTree.Element", "tag text tail @40>0 attrib", true},
    {"xml.etree.ElementTree.TreeBuilder",
     "<root> <this> <last> <last for tail> <data> <stack> - <element factory> <comment factory> "
     "<instruction factory> <append> <start> <end> <start of namespace> <end of namespace> <comment> "
     "<instruction>"},
    {"xml.etree.ElementTree.XMLParser",
     "- target entity <names> <start of namespace> <end of namespace> <start> <data> <end> <comment> "
     "<instruction> "
     "<doctype> <close>"},
    {"collections.deque", "", true},
    // ---- numpy: 1.22 to 2.0, and since
    {"numpy.ufunc", "@88 <object> <user loops> @208 identity @224! <loops>", false, 232},
    {"numpy.ufunc", "@88 <object> <user loops> @208 identity @224! <loops>", false, 240},
    // ---- pandas
    {"pandas._libs.internals.BlockManager",
     "- blocks axes - <interleaved blocks> <interleaved type> _blknos _blklocs", false, 80},
    {"pandas._libs.internals.BlockManager", "- blocks axes - _blknos _blklocs", false, 64},
    {"pandas._libs.internals.Block", "- _mgr_locs refs - values"},
    {"pandas._libs.internals.BlockPlacement", "- <slice> <array>"},
    {"pandas._libs.internals.BlockValuesRefs", "- referenced_blocks"},
    {"pandas._libs.internals.BlockValuesRefs", "referenced_blocks"},
    {"pandas._libs.arrays.NDArrayBacked", "- _ndarray _dtype"},
    {"pandas._libs.index.IndexEngine", "- values mask mapping"},
    {"pandas._libs.interval.Interval", "left right"},
    {"pandas._libs.tslibs.period._Period", "@32 _dtype", false, 48},
    {"pandas._libs.tslibs.period._Period", "@24 _dtype <frequency>", false, 40},
};

// Futures and the tasks that extend them begin alike.
constexpr char kFuture[] =
    "_loop <callback> <context> <callbacks> _exception <traceback> _result _source_traceback <cancel "
    "message>";

const char* names_of(const PyTypeObject* type, std::size_t& from, bool& items) noexcept {
  for (; from < sizeof kRows / sizeof kRows[0]; ++from) {
    const Row& row = kRows[from];
    if ((row.bytes != 0 && row.bytes != type->tp_basicsize) || std::strcmp(row.type, type->tp_name) != 0)
      continue;
    if (std::strchr(row.names, '!') != nullptr && type->tp_vectorcall_offset != kUfuncVectorcall) continue;
    items = items || row.items;
    ++from;
    return row.names;
  }
  return nullptr;
}

bool is_named(const PyTypeObject* type, const char* name) noexcept {
  return std::strcmp(type->tp_name, name) == 0;
}

}  // namespace

ShownNames::ShownNames(const PyTypeObject* type) noexcept
    : bytes_(static_cast<std::int32_t>(type->tp_basicsize)) {
  for (; type != nullptr && type != &PyBaseObject_Type; type = type->tp_base) {
    std::size_t from = 0;
    while (count_ < kMostRows) {
      const char* names = names_of(type, from, items_);
      if (names == nullptr) break;
      rows_[count_++] = names;
    }
    const bool future = is_named(type, "_asyncio.Future") || is_named(type, "_asyncio.Task");
    if (future && count_ < kMostRows) rows_[count_++] = kFuture;
  }
}

bool ShownNames::next(ShownName& found) noexcept {
  for (;;) {
    if (rest_ == nullptr || *rest_ == '\0') {
      if (row_ == count_) return false;
      rest_ = rows_[row_++];
      offset_ = sizeof(PyObject);
      continue;
    }
    std::int32_t inner = ShownPlace::kNoInner;
    bool hidden = false;
    if (*rest_ == '@') {
      char* end = nullptr;
      offset_ = static_cast<std::int32_t>(std::strtol(rest_ + 1, &end, 10));
      if (*end == '>') inner = static_cast<std::int32_t>(std::strtol(end + 1, &end, 10));
      hidden = *end == '!';
      rest_ = end + (hidden ? 2 : 1);
    }
    const char* name = rest_;
    // A name in brackets may have spaces.
    const char* end = *name == '<' ? std::strchr(name, '>') + 1 : name + std::strcspn(name, " ");
    rest_ = *end == ' ' ? end + 1 : end;
    const std::int32_t offset = offset_;
    offset_ += static_cast<std::int32_t>(sizeof(PyObject*));
    if (*name == '-' || offset_ > bytes_) continue;
    found = {name, static_cast<std::size_t>(end - name), ShownPlace(offset, inner, hidden)};
    return true;
  }
}

HiddenField hidden_field(const PyTypeObject* type, std::int32_t& offset) noexcept {
  for (; type != nullptr && type != &PyBaseObject_Type; type = type->tp_base) {
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0) continue;
    if (is_named(type, "datetime.datetime") && type->tp_basicsize == sizeof(PyDateTime_DateTime)) {
      offset = static_cast<std::int32_t>(offsetof(PyDateTime_DateTime, tzinfo));
      return HiddenField::kZone;
    }
    if (is_named(type, "datetime.time") && type->tp_basicsize == sizeof(PyDateTime_Time)) {
      offset = static_cast<std::int32_t>(offsetof(PyDateTime_Time, tzinfo));
      return HiddenField::kZone;
    }
  }
  return HiddenField::kNone;
}

}  // namespace heapscope::walker

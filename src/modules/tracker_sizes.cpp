#include "modules/tracker_sizes.h"

#include <cstddef>
#include <cstdint>
#include <new>

#include "cpython/object_fields.h"
#include "tracker/python_control.h"
#include "walker/column.h"
#include "walker/deep.h"
#include "walker/known_buffers.h"
#include "walker/native_blocks.h"
#include "walker/references.h"
#include "walker/retained.h"
#include "walker/size_tree.h"
#include "walker/sizes.h"
#include "walker/texts.h"
#include "walker/types.h"
#include "walker/walk.h"

namespace heapscope::modules {
namespace {

using namespace walker;

// The tables that a question needs, for as long as it is answered.
struct Tables {
  Texts texts;
  TypeTable types;
  bool prepare() noexcept { return texts.prepare() && types.prepare(texts); }
};

// Objects that were met are named by their addresses while results are made: no collection may run meanwhile.
class NoCollection {
 public:
  NoCollection() noexcept : enabled_(PyGC_Disable() != 0) {}
  ~NoCollection() {
    if (enabled_) PyGC_Enable();
  }
  NoCollection(const NoCollection&) = delete;
  NoCollection& operator=(const NoCollection&) = delete;

 private:
  bool enabled_;
};

PyObject* const* items_of(PyObject* tuple) { return reinterpret_cast<PyTupleObject*>(tuple)->ob_item; }
std::size_t count_of(PyObject* tuple) { return static_cast<std::size_t>(PyTuple_GET_SIZE(tuple)); }

PyObject* number(std::uint64_t value) { return PyLong_FromUnsignedLongLong(value); }

bool takes_tuple(PyObject* objects) {
  if (PyTuple_CheckExact(objects)) return true;
  PyErr_SetString(PyExc_TypeError, "the objects come in a tuple");
  return false;
}

PyObject* shallow(PyObject*, PyObject* object) {
  Tables tables;
  if (!tables.prepare()) return PyErr_NoMemory();
  bool estimated = false;
  const std::size_t bytes = shallow_size(object, tables.types.find(Py_TYPE(object)), estimated);
  return tables.types.failed() ? PyErr_NoMemory() : number(bytes);
}

PyObject* deep(PyObject*, PyObject* objects) {
  if (!takes_tuple(objects)) return nullptr;
  std::uint64_t bytes = 0;
  {
    Tables tables;
    if (!tables.prepare()) return PyErr_NoMemory();
    DeepWalk walk(tables.types);
    if (!walk.add(items_of(objects), count_of(objects))) return PyErr_NoMemory();
    bytes = walk.size().bytes;
  }
  return number(bytes);
}

// (bytes, objects, estimated, found, stretches): `found` are the objects whose types are or extend `bases`;
// `stretches` are (begin, end) pairs of 8 bytes, of the data of bytes and arrays that were met.
PyObject* deep_figures(PyObject*, PyObject* args) {
  PyObject* objects = nullptr;
  PyObject* bases = nullptr;
  if (!PyArg_ParseTuple(args, "O!O!:deep_figures", &PyTuple_Type, &objects, &PyTuple_Type, &bases))
    return nullptr;
  for (std::size_t at = 0; at < count_of(bases); ++at) {
    if (!PyType_Check(items_of(bases)[at])) return PyErr_Format(PyExc_TypeError, "bases are types");
  }
  Tables tables;
  if (!tables.prepare()) return PyErr_NoMemory();
  const NoCollection pause;
  DeepWalk walk(tables.types);
  walk.look_for(reinterpret_cast<PyTypeObject* const*>(items_of(bases)), count_of(bases));
  if (!walk.add(items_of(objects), count_of(objects))) return PyErr_NoMemory();
  PyObject* found = PyList_New(static_cast<Py_ssize_t>(walk.found().count()));
  for (std::size_t at = 0; found != nullptr && at < walk.found().count(); ++at) {
    auto* object = static_cast<PyObject*>(walk.found()[at]);
    Py_INCREF(object);
    PyList_SET_ITEM(found, static_cast<Py_ssize_t>(at), object);
  }
  if (found == nullptr) return nullptr;
  return Py_BuildValue(
      "(KKKNN)", walk.size().bytes, walk.size().objects, walk.size().estimated, found,
      PyBytes_FromStringAndSize(reinterpret_cast<const char*>(walk.stretches()),
                                static_cast<Py_ssize_t>(walk.stretch_count() * sizeof(DeepWalk::Stretch))));
}

// Of each tuple of a tuple (bytes, objects): of what it reaches and those before it do not.
PyObject* deep_parts(PyObject*, PyObject* groups) {
  if (!takes_tuple(groups)) return nullptr;
  for (std::size_t at = 0; at < count_of(groups); ++at) {
    if (!takes_tuple(items_of(groups)[at])) return nullptr;
  }
  PyObject* parts = PyTuple_New(PyTuple_GET_SIZE(groups));
  if (parts == nullptr) return nullptr;
  PageArray<DeepSize> sizes;
  bool complete = sizes.reserve(count_of(groups) + 1);
  {
    Tables tables;
    complete = complete && tables.prepare();
    const NoCollection pause;
    DeepWalk walk(tables.types);
    for (std::size_t at = 0; at < count_of(groups) && complete; ++at) {
      PyObject* group = items_of(groups)[at];
      complete = walk.add_held(items_of(group), count_of(group));
      sizes[at] = walk.size();
    }
  }
  DeepSize before;
  for (std::size_t at = 0; at < count_of(groups) && complete; ++at) {
    PyObject* part =
        Py_BuildValue("(KK)", sizes[at].bytes - before.bytes, sizes[at].objects - before.objects);
    before = sizes[at];
    complete = part != nullptr;
    if (complete) PyTuple_SET_ITEM(parts, static_cast<Py_ssize_t>(at), part);
  }
  sizes.release();
  if (complete) return parts;
  Py_DECREF(parts);
  return PyErr_Occurred() != nullptr ? nullptr : PyErr_NoMemory();
}

PyObject* retained(PyObject*, PyObject* objects) {
  if (!takes_tuple(objects)) return nullptr;
  std::uint64_t bytes = 0;
  {
    Tables tables;
    if (!tables.prepare()) return PyErr_NoMemory();
    RetainedWalk walk(tables.types);
    if (!walk.release(items_of(objects), count_of(objects))) return PyErr_NoMemory();
    bytes = walk.size().bytes;
  }
  return number(bytes);
}

// ---- native memory

// Whether all that such an object owns is in its size.
bool is_understood(const TypeInfo& info) noexcept {
  if (info.buffer != BufferKind::kNone) return true;
  if (info.layout == Layout::kTraverse || info.sizing == Sizing::kAsked) return false;
  return (info.type_flags & heap::kDefinedInPython) != 0 || cpython::known_type(info.type) != nullptr;
}

// (bytes, blocks, grade, shared_bytes, with_objects) of what the objects of a tuple own.
PyObject* native(PyObject*, PyObject* objects) {
  if (!takes_tuple(objects)) return nullptr;
  NativeFigures figures;
  std::uint64_t retained_bytes = 0;
  bool understood = true;
  bool tracked = false;
  {
    Tables tables;
    if (!tables.prepare()) return PyErr_NoMemory();
    RetainedWalk retained(tables.types);
    if (!retained.release(items_of(objects), count_of(objects))) return PyErr_NoMemory();
    retained_bytes = retained.size().bytes;
    const auto freed = [&](PyObject* object) { return retained.is_freed(object); };
    if (tracker::is_tracking()) {
      Column<Walk> walk;  // in pages of its own
      if (!walk.reserve(1)) return PyErr_NoMemory();
      new (walk.data()) Walk;
      NativeBlocks blocks;
      WalkOptions options;
      options.fingerprints = false;
      const char* failure = walk.data()->run(options);
      auto outcome = NativeBlocks::Outcome::kNoMemory;
      bool measured = false;
      if (failure == nullptr) {
        outcome = blocks.search(*walk.data());
        measured = outcome == NativeBlocks::Outcome::kFound && blocks.measure(*walk.data(), freed, figures);
        tracked = measured;
        retained.each_freed([&](PyObject* object) {
          // Of objects older than the tracking the blocks are not known either.
          if (!is_understood(tables.types.find(Py_TYPE(object))) && !blocks.knows(object)) understood = false;
        });
      }
      walk.data()->release();
      walk.data()->~Walk();
      if (failure != nullptr) {
        PyErr_SetString(PyExc_RuntimeError, failure);
        return nullptr;
      }
      if (!measured && outcome != NativeBlocks::Outcome::kNotTracking) return PyErr_NoMemory();
    }
    if (!tracked) {
      retained.each_freed([&](PyObject* object) {
        const TypeInfo& info = tables.types.find(Py_TYPE(object));
        if (!is_understood(info)) understood = false;
        const void* data = nullptr;
        const std::uint64_t bytes = known_buffer(object, info.buffer, data);
        if (bytes == 0) return;
        figures.bytes += bytes;
        figures.told_bytes += bytes;
        ++figures.blocks;
      });
    }
  }
  const char* grade = !understood                  ? "unknown"
                      : figures.shared_blocks != 0 ? "shared"
                      : figures.indirect != 0      ? "dominated"
                                                   : "exact";
  const std::uint64_t with_objects = retained_bytes - figures.told_bytes + figures.bytes;
  return Py_BuildValue("(KKsKK)", figures.bytes, figures.blocks, grade, figures.shared_bytes, with_objects);
}

// ---- the tree

// What the reference at a position is called: (name, key); key is the object whose value it is, or None.
class ReferenceNames {
 public:
  ReferenceNames(Tables& tables, PyObject* parent) noexcept
      : tables_(tables), parent_(parent), type_(tables.types.find(Py_TYPE(parent))) {}

  // Null with an exception set.
  PyObject* name(std::uint32_t position) {
    if (position < type_.field_count) {
      const heap::RawText text = tables_.texts.rows()[tables_.types.names()[type_.first_name + position]];
      PyObject* field = PyUnicode_DecodeUTF8(tables_.texts.bytes().data() + text.offset,
                                             static_cast<Py_ssize_t>(text.bytes), "replace");
      if (field == nullptr || (text.bytes != 0 && tables_.texts.bytes()[text.offset] == '<')) return field;
      PyObject* attribute = PyUnicode_FromFormat(".%U", field);
      Py_DECREF(field);
      return attribute;
    }
    const std::uint32_t behind = position - type_.field_count;
    switch (type_.tail) {
      case heap::Tail::kItems:
        return PyUnicode_FromFormat("[%u]", behind);
      case heap::Tail::kFlat:
        return PyUnicode_FromFormat(".flat[%u]", behind);
      case heap::Tail::kPairs:
        return pair_name(position, behind);
      case heap::Tail::kMembers:
        return PyUnicode_FromFormat("<member %u>", behind);
      default:
        return PyUnicode_FromFormat("<ref %u>", behind);
    }
  }

 private:
  // Only of keys that are exactly str, int or bytes is the text told: others would run code of the program.
  PyObject* pair_name(std::uint32_t position, std::uint32_t behind) {
    const char* pattern = behind % 2 == 0 ? "<key %S>" : "[%S]";
    PyObject* key = object_at(behind % 2 == 0 ? position : position - 1);
    PyObject* text = nullptr;
    if (key != nullptr && (PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBytes_CheckExact(key))) {
      text = PyObject_Repr(key);
    } else {
      text = PyUnicode_FromFormat("<%s>", key == nullptr ? "?" : Py_TYPE(key)->tp_name);
    }
    if (text == nullptr) return nullptr;
    PyObject* name = PyUnicode_FromFormat(pattern, text);
    Py_DECREF(text);
    return name;
  }
  PyObject* object_at(std::uint32_t wanted) {
    PyObject* found = nullptr;
    std::uint32_t position = 0;
    each_reference(parent_, type_, tables_.types, [&](PyObject* referred) {
      if (position++ == wanted) found = referred;
    });
    return found;
  }

  Tables& tables_;
  PyObject* parent_;
  const TypeInfo& type_;
};

// {name: object} of what an object refers to by a name of its type. Nothing of the program runs.
PyObject* fields(PyObject*, PyObject* object) {
  Tables tables;
  if (!tables.prepare()) return PyErr_NoMemory();
  const TypeInfo& type = tables.types.find(Py_TYPE(object));
  const std::uint32_t count = type.field_count;
  PageArray<PyObject*> found;
  bool complete = found.reserve(count + std::size_t{1});
  std::uint32_t position = 0;
  if (complete) {
    for (std::uint32_t at = 0; at < count; ++at) found[at] = nullptr;
    each_reference(object, type, tables.types, [&](PyObject* referred) {
      if (position < count && referred != nullptr) {
        Py_INCREF(referred);
        found[position] = referred;
      }
      ++position;
    });
  }
  PyObject* named = complete ? PyDict_New() : PyErr_NoMemory();
  ReferenceNames names(tables, object);
  for (std::uint32_t at = 0; complete && at < count; ++at) {
    if (found[at] == nullptr) continue;
    PyObject* name = named == nullptr ? nullptr : names.name(at);
    if (name == nullptr || PyDict_SetItem(named, name, found[at]) != 0) Py_CLEAR(named);
    Py_XDECREF(name);
    Py_DECREF(found[at]);
  }
  found.release();
  return named;
}

class TreeWriter {
 public:
  TreeWriter(Tables& tables, const SizeTree& tree, long detail, std::size_t limit) noexcept
      : tables_(tables), tree_(tree), detail_(detail), limit_(limit) {}

  // (name, type, preview, bytes, total, objects, [child…], rest_count, rest_objects, rest_bytes); null with an
  // exception set.
  PyObject* node(std::uint32_t index, long depth, PyObject* name) {
    if (name == nullptr) return nullptr;
    const SizeNode& node = tree_[index];
    PyObject* children = PyList_New(0);
    std::uint64_t rest_bytes = node.total - node.bytes;
    std::uint64_t rest_objects = node.objects - 1;
    std::size_t shown = 0;
    if (children != nullptr && depth < detail_ && node.children != 0) {
      PageArray<std::uint32_t> chosen;
      shown = choose(node, chosen);
      ReferenceNames names(tables_, node.object);
      for (std::size_t at = 0; at < shown && children != nullptr; ++at) {
        const SizeNode& child = tree_[chosen[at]];
        PyObject* made = this->node(chosen[at], depth + 1, names.name(child.position));
        if (made == nullptr || PyList_Append(children, made) != 0) Py_CLEAR(children);
        Py_XDECREF(made);
        rest_bytes -= child.total;
        rest_objects -= child.objects;
      }
      chosen.release();
    }
    if (children == nullptr) {
      Py_DECREF(name);
      return nullptr;
    }
    return Py_BuildValue("(NNNKKKNKKK)", name, type_name(Py_TYPE(node.object)), preview(node.object),
                         node.bytes, node.total, node.objects, children,
                         static_cast<unsigned long long>(node.children - shown), rest_objects, rest_bytes);
  }

 private:
  PyObject* text_of(std::uint32_t number) {
    const heap::RawText text = tables_.texts.rows()[number];
    return PyUnicode_DecodeUTF8(tables_.texts.bytes().data() + text.offset,
                                static_cast<Py_ssize_t>(text.bytes), "replace");
  }
  PyObject* type_name(PyTypeObject* type) {
    const heap::RawType raw = tables_.types.raw(tables_.types.find(type).number);
    PyObject* name = text_of(raw.name);
    if (raw.module == 0 || name == nullptr) return name;
    PyObject* module = text_of(raw.module);
    PyObject* whole = module == nullptr ? nullptr : PyUnicode_FromFormat("%U.%U", module, name);
    Py_XDECREF(module);
    Py_DECREF(name);
    return whole;
  }
  // The beginning of a text, or a number; else the empty text. Runs no code of the program.
  static PyObject* preview(PyObject* object) {
    constexpr Py_ssize_t kMost = 32;
    if (PyFloat_CheckExact(object)) return PyObject_Repr(object);
    if (PyLong_CheckExact(object) && _PyLong_NumBits(object) <= 64) return PyObject_Repr(object);
    PyObject* begin = nullptr;
    if (PyUnicode_CheckExact(object)) begin = PyUnicode_Substring(object, 0, kMost);
    if (PyBytes_CheckExact(object))
      begin = PyBytes_FromStringAndSize(PyBytes_AS_STRING(object),
                                        Py_SIZE(object) < kMost ? Py_SIZE(object) : kMost);
    if (begin == nullptr) return PyErr_Occurred() != nullptr ? nullptr : PyUnicode_FromString("");
    PyObject* text = PyObject_Repr(begin);
    const bool cut = (PyUnicode_CheckExact(object) ? PyUnicode_GET_LENGTH(object) : Py_SIZE(object)) > kMost;
    Py_DECREF(begin);
    if (!cut || text == nullptr) return text;
    PyObject* shortened = PyUnicode_FromFormat("%U...", text);
    Py_DECREF(text);
    return shortened;
  }

  // The heaviest children, at most limit_, heaviest first; of equal ones the first.
  std::size_t choose(const SizeNode& node, PageArray<std::uint32_t>& chosen) noexcept {
    const std::size_t most = limit_ < node.children ? limit_ : node.children;
    if (most == 0 || !chosen.reserve(most)) return 0;
    std::size_t count = 0;
    for (std::uint32_t child = node.first_child; child < node.first_child + node.children; ++child) {
      const std::uint64_t total = tree_[child].total;
      if (count == most && total <= tree_[chosen[count - 1]].total) continue;
      std::size_t at = count < most ? count++ : count - 1;
      for (; at > 0 && tree_[chosen[at - 1]].total < total; --at) chosen[at] = chosen[at - 1];
      chosen[at] = child;
    }
    return count;
  }

  Tables& tables_;
  const SizeTree& tree_;
  long detail_;
  std::size_t limit_;
};

PyObject* parts_dict(const SizeParts& parts) {
  return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:K}", "payload", parts.payload, "pointers", parts.pointers,
                       "headers", parts.headers, "collector", parts.collector, "index", parts.index, "spare",
                       parts.spare, "other", parts.other);
}

// ([node…], parts)
PyObject* size_tree(PyObject*, PyObject* args) {
  PyObject* objects = nullptr;
  long detail = 0;
  Py_ssize_t limit = 0;
  if (!PyArg_ParseTuple(args, "O!ln:size_tree", &PyTuple_Type, &objects, &detail, &limit)) return nullptr;
  Tables tables;
  if (!tables.prepare()) return PyErr_NoMemory();
  const NoCollection pause;
  SizeTree tree(tables.types);
  if (!tree.grow(items_of(objects), count_of(objects))) return PyErr_NoMemory();
  TreeWriter writer(tables, tree, detail, limit < 0 ? 0 : static_cast<std::size_t>(limit));
  PyObject* nodes = PyList_New(0);
  for (std::uint32_t at = 0; nodes != nullptr && at < tree.arguments(); ++at) {
    PyObject* node = writer.node(at, 0, PyUnicode_FromString(""));
    if (node == nullptr || PyList_Append(nodes, node) != 0) Py_CLEAR(nodes);
    Py_XDECREF(node);
  }
  if (nodes == nullptr) return nullptr;
  return Py_BuildValue("(NN)", nodes, parts_dict(tree.parts()));
}

}  // namespace

PyMethodDef size_methods[] = {
    {"shallow_size", shallow, METH_O,
     "shallow_size(obj, /)\n--\n\nBytes that were asked of the allocator for it."},
    {"deep_size", deep, METH_O,
     "deep_size(objects, /)\n--\n\nBytes of all that belongs to the objects of a tuple, each once."},
    {"deep_figures", deep_figures, METH_VARARGS,
     "deep_figures(objects, bases, /)\n--\n\n(bytes, objects, estimated, [objects whose types extend "
     "bases])."},
    {"deep_parts", deep_parts, METH_O,
     "deep_parts(groups, /)\n--\n\n((bytes, objects), ...) of each tuple: what those before do not reach."},
    {"fields", fields, METH_O, "fields(obj, /)\n--\n\n{name: object} of the named references of an object."},
    {"retained_size", retained, METH_O,
     "retained_size(objects, /)\n--\n\nBytes that would be freed with the objects of a tuple."},
    {"native_size", native, METH_O,
     "native_size(objects, /)\n--\n\n(bytes, blocks, grade, shared_bytes, with_objects) of blocks that they "
     "own."},
    {"size_tree", size_tree, METH_VARARGS,
     "size_tree(objects, detail, limit, /)\n--\n\n([node, ...], parts): where the bytes are."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace heapscope::modules

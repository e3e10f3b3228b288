// A GraphBuilder that knows the types which most synthetic heaps of names and paths are made of.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "heap/graph_builder.h"

namespace heapscope::heap {

class SmallPython : public GraphBuilder {
 public:
  const ObjectId modules_root = root(RootKind::kModules, "sys.modules");
  const ObjectId frame_root = root(RootKind::kFrame, "<thread 'MainThread' handle>", 1, 12, "/app/views.py");
  const TypeId str_type = type({.name = "str"});
  const TypeId int_type = type({.name = "int"});
  const TypeId float_type = type({.name = "float"});
  const TypeId list_type = type({.name = "list", .tail = Tail::kItems});
  const TypeId tuple_type = type({.name = "tuple", .tail = Tail::kItems});
  const TypeId dict_type = type({.name = "dict", .tail = Tail::kPairs});
  const TypeId set_type = type({.name = "set", .tail = Tail::kMembers});
  const TypeId module_type = type({.name = "module", .fields = {"__dict__"}});
  const TypeId type_type =
      type({.name = "type", .fields = {"__dict__", "__mro__"}, .flags = kIsTypeSubclass});
  const TypeId function_type = type({.name = "function", .fields = {"__code__", "__closure__"}});
  const TypeId cell_type = type({.name = "cell", .fields = {"cell_contents"}});
  const TypeId code_type = type({.name = "code", .fields = {"<co_localsplusnames>"}});
  const TypeId property_type = type({.name = "property", .fields = {"fget"}});
  const TypeId generator_type = type({.name = "generator", .fields = {"gi_code"}, .tail = Tail::kLocals});

  ObjectId modules = 0;  // made by the first module()

  ObjectId str(std::string_view value) {
    const ObjectId made = object(str_type, 49 + value.size());
    key_text(made, value);
    return made;
  }
  ObjectId integer(std::string_view digits) {
    const ObjectId made = object(int_type, 28);
    key_text(made, digits, KeyKind::kInt);
    return made;
  }
  ObjectId list(std::initializer_list<ObjectId> items = {}, std::uint64_t size = 56) {
    const ObjectId made = object(list_type, size);
    refer(made, items);
    return made;
  }
  ObjectId dict(std::uint64_t size = 64) { return object(dict_type, size); }
  void put(ObjectId mapping, ObjectId key, ObjectId value) { refer(mapping, {key, value}); }
  void put(ObjectId mapping, std::string_view key, ObjectId value) { refer(mapping, {str(key), value}); }

  // The dict of a new module that is in sys.modules.
  ObjectId module(std::string_view name) {
    if (modules == 0) {
      modules = dict();
      refer(modules_root, modules, "modules");
    }
    const ObjectId made = object(module_type, 72);
    const ObjectId names = dict();
    refer(made, names);
    put(modules, name, made);
    put(names, "__name__", str(name));
    return names;
  }
  // A class with an instance dict; its own dict is returned too.
  std::pair<TypeId, ObjectId> python_class(std::string_view module_name, std::string_view name) {
    const TypeId made = type({.name = std::string(name),
                              .module = std::string(module_name),
                              .fields = {"__dict__"},
                              .flags = kHeapType | kHasInstanceDict | kDefinedInPython});
    const ObjectId object_of_type = object(type_type, 1064);
    const ObjectId names = dict();
    const ObjectId order = object(tuple_type, 56);
    refer(object_of_type, {names, order});
    refer(order, object_of_type);
    type_object(made, object_of_type);
    return {made, names};
  }
  // An instance with a dict of its own, which is returned too.
  std::pair<ObjectId, ObjectId> instance(TypeId type_of_it) {
    const ObjectId made = object(type_of_it, 48);
    const ObjectId names = dict();
    refer(made, names);
    return {made, names};
  }
};

}  // namespace heapscope::heap

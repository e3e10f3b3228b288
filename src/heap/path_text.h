// A path as text: Python where Python can say it.
//
//     sys.modules['__main__'].CACHE['x'][3].name
//     <thread 'MainThread' handle>.rows[0]
//     <held by C: list at 0x7f1c8a2b4e40>[0]
//
// The way module -> __dict__ -> value is written `.NAME`, and an instance's the same, where the attribute is what
// Python would find (a property of that name would hide it: `.__dict__['NAME']`); the variable of a generator is
// `.gi_frame.f_locals['NAME']`, and the cell that a variable lies in is not mentioned.
//
// O(length), and for each attribute what it takes to look it up in the class (class_attribute).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "heap/graph.h"
#include "heap/paths.h"
#include "heap/reference_names.h"
#include "heap/root_set.h"

namespace heapscope::heap {

// An address, as Python writes it: "0x7f1c8a2b4e40".
std::string hexadecimal(std::uint64_t value);

struct PathText {
  std::string text;
  // Evaluates to the object while `sys` is in scope and nothing has changed. False: begins at a frame or another
  // root that has no name in Python, or goes through what Python code cannot reach.
  bool evaluates = false;
};

class PathWriter {
 public:
  PathWriter(const Graph& graph, const RootSet& roots);
  PathText write(const Path& path) const;
  // The same from an object that has the name `base`: the paths between two.
  PathText write(const Path& path, std::string base) const;
  // What a path begins with: a root's label, or how the object is held.
  PathText head(ObjectId object) const;

 private:
  struct Writing;

  std::size_t write_step(Writing& writing, const Path& path, std::size_t at) const;
  std::size_t write_dict_step(Writing& writing, const Path& path, std::size_t at) const;
  std::size_t write_variable(Writing& writing, const Path& path, std::size_t at, const Step& step) const;
  void write_tail(Writing& writing, ObjectId from, const Step& step) const;
  bool is_found_as_attribute(ObjectId owner, std::string_view name, ObjectId value) const;
  bool overrides(TypeId type, std::string_view name) const;
  // "dict", "list", "tuple", "set", "frozenset", "deque" if the type is one of them or derives from it.
  std::string_view container(TypeId type) const;

  const Graph& graph_;
  const RootSet& roots_;
  std::unordered_map<ObjectId, TypeId> types_;  // by the object that the type is
};

}  // namespace heapscope::heap

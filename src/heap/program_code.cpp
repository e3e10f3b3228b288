#include "heap/program_code.h"

#include "heap/attributes.h"

namespace heapscope::heap {

std::vector<bool> program_code(const Graph& graph, const Kinds& kinds) {
  std::vector<bool> types(graph.types().size());
  for (TypeId type = 0; type < types.size(); ++type)
    types[type] = kinds.ends_patterns(kinds.type_kind(type)) && !is_type(graph, type, "", "frame");
  std::vector<bool> code(std::size_t{graph.count()} + 1);
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    const bool is_dict = graph.type(object) == kinds.dict_type();
    const ObjectId judged = is_dict ? kinds.owner(object) : object;  // 0: a dict of nothing
    code[object] = judged != 0 && types[graph.type(judged)];
  }
  return code;
}

}  // namespace heapscope::heap

#include "heap/type_summary.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "heap/attributes.h"

namespace heapscope::heap {
namespace {

std::string_view first_text(const Graph& graph, std::initializer_list<ObjectId> candidates) {
  for (const ObjectId candidate : candidates) {
    const std::string_view text = text_of(graph, candidate);
    if (!text.empty()) return text;
  }
  return "?";
}

enum class Named { kNo, kFunction, kModule, kFrame };

Named how_named(const Graph& graph, TypeId type) {
  if (is_type(graph, type, "", "function")) return Named::kFunction;
  if (is_type(graph, type, "", "module")) return Named::kModule;
  if (is_type(graph, type, "", "frame")) return Named::kFrame;
  return Named::kNo;
}

std::string kind_of(const Graph& graph, ObjectId object, Named named) {
  if (named == Named::kFunction) {
    const ObjectId code = field_of(graph, object, "__code__");
    const std::string_view name = first_text(
        graph, {field_of(graph, object, "__name__"), code != 0 ? field_of(graph, code, "co_name") : 0});
    return "function (" + std::string(name) + ")";
  }
  if (named == Named::kModule) {
    return "module(" +
           std::string(first_text(
               graph, {field_of(graph, object, "md_name"), attribute_of(graph, object, "__name__")})) +
           ")";
  }
  const ObjectId code = field_of(graph, object, "f_code");
  return "frame (codename: " +
         std::string(first_text(graph, {code != 0 ? field_of(graph, code, "co_name") : 0})) + ")";
}

}  // namespace

std::vector<KindTotal> summarize(const Graph& graph, const ObjectSet& objects) {
  struct Total {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Total> by_type(graph.types().size());
  std::vector<Named> named(graph.types().size());
  for (TypeId type = 0; type < named.size(); ++type) named[type] = how_named(graph, type);
  std::unordered_map<std::string, Total> by_kind;
  const auto add = [&](Total& total, ObjectId object) {
    ++total.count;
    total.bytes += graph.size(object);
  };
  for (const ObjectId object : objects.ids()) {
    const TypeId type = graph.type(object);
    if (named[type] == Named::kNo) {
      add(by_type[type], object);
    } else {
      add(by_kind[kind_of(graph, object, named[type])], object);
    }
  }
  for (TypeId type = 0; type < by_type.size(); ++type) {
    if (by_type[type].count == 0) continue;
    Total& total = by_kind[graph.type_name(type)];
    total.count += by_type[type].count;
    total.bytes += by_type[type].bytes;
  }
  std::vector<KindTotal> rows;
  rows.reserve(by_kind.size());
  for (const auto& [kind, total] : by_kind) rows.push_back({kind, total.count, total.bytes});
  std::ranges::sort(rows, [](const KindTotal& a, const KindTotal& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.kind < b.kind;
  });
  return rows;
}

}  // namespace heapscope::heap

#include "exporters/heap_exporters.h"

#include <utility>

namespace heapscope::exporters {
namespace {

constexpr std::pair<std::string_view, HeapExporter> kExporters[] = {
    {"heapsnapshot", write_heapsnapshot}, {"perfetto", write_heap_perfetto}, {"networkx", write_heap_edges},
    {"node-link", write_heap_node_link},  {"json", write_heap_json},
};

}  // namespace

HeapExporter heap_exporter_named(std::string_view name) noexcept {
  for (const auto& [each, exporter] : kExporters) {
    if (each == name) return exporter;
  }
  return nullptr;
}

}  // namespace heapscope::exporters

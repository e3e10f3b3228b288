#include "exporters/exporters.h"

#include <utility>

namespace heapscope::exporters {
namespace {

constexpr std::pair<std::string_view, Exporter> kExporters[] = {
    {"collapsed", write_collapsed},
    {"csv", write_csv},
    {"dot", write_dot},
    {"firefox", write_firefox},
    {"gprof2dot", write_gprof2dot},
    {"json", write_json},
    {"perfetto", write_perfetto},
    {"pprof", write_pprof},
    {"speedscope", write_speedscope},
    {"tracemalloc", write_tracemalloc},
};

}  // namespace

Exporter exporter_named(std::string_view name) noexcept {
  for (const auto& [each, exporter] : kExporters) {
    if (each == name) return exporter;
  }
  return nullptr;
}

}  // namespace heapscope::exporters

// A table to be looked at in parts: its rows in an order, and only those that contain a text.
//
// Rows are those of table.h that have anything of the metric, own or inclusive. O(table) to make, plus the
// length of all places where there is a text; reading rows is O(1) each. Immutable; the capture must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/metric.h"
#include "analysis/table.h"
#include "capture/model.h"

namespace heapscope::analysis {

enum class Order : std::uint8_t { kOwn, kInclusive, kBlocks, kName };

std::optional<Order> order_from(std::string_view name) noexcept;  // "own", "inclusive", "blocks", "name"

struct Listing {
  Amount total;           // of the metric, all rows of the table
  Amount shown;           // of the rows listed
  std::vector<Row> rows;  // in their order; groups without inclusive figures are ordered by their own
  std::size_t all_rows = 0;
};

Listing make_listing(const capture::Capture& capture, GroupBy group_by, Metric metric, Order order,
                     std::string_view text);

}  // namespace heapscope::analysis

#include "analysis/listing.h"

#include <algorithm>
#include <tuple>

#include "analysis/search.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;

bool is_wanted(const Search& search, GroupBy group_by, const Row& row) {
  switch (group_by) {
    case GroupBy::kModule:
    case GroupBy::kThread:
      return search.contains(row.name);
    case GroupBy::kDomain:
      return search.contains(domain_name(row.domain));
    case GroupBy::kFunction:  // its line is its first
      return search.contains_place(row.file, 0, row.function);
    case GroupBy::kSite:
    case GroupBy::kLine:
    case GroupBy::kFile:
      break;
  }
  return search.contains_place(row.file, row.line, row.function);
}

}  // namespace

std::optional<Order> order_from(std::string_view name) noexcept {
  if (name == "own") return Order::kOwn;
  if (name == "inclusive") return Order::kInclusive;
  if (name == "blocks") return Order::kBlocks;
  if (name == "name") return Order::kName;
  return std::nullopt;
}

Listing make_listing(const Capture& capture, GroupBy group_by, Metric metric, Order order,
                     std::string_view text) {
  Table table = make_table(capture, group_by, metric, 0, order == Order::kInclusive);
  Listing listing;
  listing.total = table.total;
  listing.rows = std::move(table.rows);
  const auto is_empty = [&](const Row& row) {
    return rank_of(amount_of(row.figures, metric), metric) == 0 &&
           rank_of(amount_of(row.inclusive, metric), metric) == 0;
  };
  std::erase_if(listing.rows, is_empty);
  listing.all_rows = listing.rows.size();
  const Search search(capture, text);
  if (!search.is_empty()) {
    std::erase_if(listing.rows, [&](const Row& row) { return !is_wanted(search, group_by, row); });
  }
  for (const Row& row : listing.rows) listing.shown += amount_of(row.figures, metric);
  if (order == Order::kBlocks) {
    std::stable_sort(listing.rows.begin(), listing.rows.end(), [&](const Row& a, const Row& b) {
      return amount_of(a.figures, metric).blocks > amount_of(b.figures, metric).blocks;
    });
  } else if (order == Order::kName && group_by == GroupBy::kSite) {
    // Nodes are in preorder: stacks that begin alike lie together.
    std::stable_sort(listing.rows.begin(), listing.rows.end(),
                     [](const Row& a, const Row& b) { return a.node < b.node; });
  } else if (order == Order::kName) {
    std::stable_sort(listing.rows.begin(), listing.rows.end(), [](const Row& a, const Row& b) {
      return std::tie(a.file, a.name, a.line, a.function) < std::tie(b.file, b.name, b.line, b.function);
    });
  }
  return listing;
}

}  // namespace heapscope::analysis

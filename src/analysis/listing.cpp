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
  // What tells two rows apart, in the order of names; nodes are in preorder, so that stacks that begin alike
  // lie together.
  const auto name = [&](const Row& row) {
    const std::uint32_t node = group_by == GroupBy::kSite ? row.node : 0;
    return std::tuple(node, row.domain, row.file, std::string_view(row.name), row.line, row.function,
                      row.owner, std::string_view(row.distribution));
  };
  const auto blocks = [&](const Row& row) { return amount_of(row.figures, metric).blocks; };
  if (order == Order::kBlocks) {
    std::sort(listing.rows.begin(), listing.rows.end(), [&](const Row& a, const Row& b) {
      return blocks(a) != blocks(b) ? blocks(a) > blocks(b) : name(a) < name(b);
    });
  } else if (order == Order::kName) {
    std::sort(listing.rows.begin(), listing.rows.end(),
              [&](const Row& a, const Row& b) { return name(a) < name(b); });
  }
  return listing;
}

}  // namespace heapscope::analysis

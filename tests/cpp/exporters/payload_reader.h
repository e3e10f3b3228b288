// Reads a report's columns by the contract, plainly: numbers as doubles, stacks as lists of names.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "analysis/history.h"
#include "exporters/report_payload.h"

namespace heapscope::tests {

class PayloadReader {
 public:
  explicit PayloadReader(const exporters::ReportPayload& payload) : threads(payload.threads) {
    std::size_t offset = 0;
    for (const exporters::Column& column : payload.columns) {
      offset = (offset + 7) & ~std::size_t{7};
      std::vector<double>& numbers = columns_[column.name];
      EXPECT_TRUE(numbers.empty()) << column.name << " is there twice";
      double sum = 0;
      for (std::size_t at = 0; at < column.length; ++at) {
        const double number = read(payload.data, column.type, offset);
        sum += number;
        numbers.push_back(column.delta ? sum : number);
      }
    }
    EXPECT_EQ(offset, payload.data.size());
  }

  const std::vector<double>& column(const std::string& name) const { return columns_.at(name); }
  bool has(const std::string& name) const { return columns_.contains(name); }
  std::uint32_t id(const std::string& name, std::size_t at) const {
    return static_cast<std::uint32_t>(column(name).at(at));
  }
  double sum(const std::string& name) const {
    double total = 0;
    for (const double number : column(name)) total += number;
    return total;
  }

  std::string string(std::uint32_t id) const {
    const auto& ends = column("string_ends");
    const auto begin = static_cast<std::size_t>(id == 0 ? 0 : ends.at(id - 1));
    std::string text;
    for (std::size_t at = begin; at < static_cast<std::size_t>(ends.at(id)); ++at)
      text.push_back(static_cast<char>(column("string_bytes").at(at)));
    return text;
  }

  PlainFrame frame(std::uint32_t id) const {
    return {string(this->id("frame_function", id)), string(this->id("file_name", this->id("frame_file", id))),
            this->id("frame_line", id)};
  }

  // The last node before it of one depth less.
  std::uint32_t parent(std::uint32_t node) const {
    const auto& depths = column("node_depth");
    std::uint32_t parent = node;
    while (depths.at(parent) != depths.at(node) - 1) --parent;
    return parent;
  }

  std::vector<PlainFrame> stack(std::uint32_t node) const {
    std::vector<PlainFrame> frames;
    for (; node != 0; node = parent(node)) frames.insert(frames.begin(), frame(id("node_frame", node)));
    return frames;
  }

  PlainSite site(std::uint32_t site) const {
    return {id("site_thread", site), stack(id("site_node", site)),
            static_cast<capture::Domain>(id("site_domain", site))};
  }

  capture::Figures figures(const std::string& prefix, std::size_t site) const {
    const auto figure = [&](const char* name) {
      return static_cast<std::uint64_t>(column(prefix + name).at(site));
    };
    return {.live_bytes = figure("live_bytes"),
            .live_blocks = figure("live_blocks"),
            .peak_bytes = figure("peak_bytes"),
            .peak_blocks = figure("peak_blocks"),
            .allocated_bytes = figure("allocated_bytes"),
            .allocations = figure("allocations"),
            .temporary_bytes = figure("temporary_bytes"),
            .temporary_allocations = figure("temporary_allocations"),
            .largest_bytes = figure("largest_bytes")};
  }

  // The figures of every site that has any.
  std::map<PlainSite, capture::Figures> sites(const std::string& prefix) const {
    std::map<PlainSite, capture::Figures> result;
    for (std::uint32_t at = 0; at < column("site_node").size(); ++at) {
      const capture::Figures each = figures(prefix, at);
      EXPECT_TRUE(!each.any() || result.emplace(site(at), each).second) << "a site is there twice";
    }
    return result;
  }

  const std::vector<std::string> threads;

 private:
  template <class Number>
  static double take(const std::string& data, std::size_t& offset) {
    Number number;
    std::memcpy(&number, data.data() + offset, sizeof(number));
    offset += sizeof(number);
    return static_cast<double>(number);
  }

  static double read(const std::string& data, const std::string& type, std::size_t& offset) {
    if (type == "u8") return take<std::uint8_t>(data, offset);
    if (type == "u16") return take<std::uint16_t>(data, offset);
    if (type == "u32") return take<std::uint32_t>(data, offset);
    if (type == "i32") return take<std::int32_t>(data, offset);
    EXPECT_EQ(type, "f64");
    return take<double>(data, offset);
  }

  std::map<std::string, std::vector<double>> columns_;
};

}  // namespace heapscope::tests

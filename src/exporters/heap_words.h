// What objects and references of a heap snapshot are called in exports, and the list of distinct names.
//
// Names are UTF-8 with lone surrogates ("surrogatepass"); a snapshot's texts may be any bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "heap/graph.h"
#include "heap/reference_names.h"
#include "heap/root_set.h"

namespace heapscope::exporters {

// Each text once, numbered in the order in which they were asked for.
class Words {
 public:
  std::uint32_t of(std::string_view text) {
    const auto [entry, added] = numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(size()));
    if (added) texts_.push_back(&entry->first);
    return entry->second;
  }
  std::size_t size() const noexcept { return texts_.size(); }
  const std::string& operator[](std::size_t number) const noexcept { return *texts_[number]; }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<const std::string*> texts_;
};

// Type names by type, with modules. Pseudo types (of roots, of native blocks) have theirs too.
std::vector<std::string> type_names(const heap::Graph& graph);

// The type `str` itself; 0 where there is none.
heap::TypeId str_type(const heap::Graph& graph);

// References in few words, without what they start from: "name", "[3]", "['key']", "<f_back>". Numbers of keys,
// members and the like are left out: they tell little, and would be as many words as there are references.
std::string step_word(const heap::Graph& graph, heap::StepCode step);

// The words' numbers, each word made once.
class StepWords {
 public:
  StepWords(const heap::Graph& graph, Words& words) : graph_(graph), words_(words) {}
  std::uint32_t of(heap::StepCode step);

 private:
  const heap::Graph& graph_;
  Words& words_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
};

// What an object's text is, or the beginning of it: of strings, bytes and ints. Empty: not known.
struct ObjectText {
  std::string_view text;
  heap::KeyKind kind = heap::KeyKind::kStr;
  bool known = false;
  bool cut = false;
};
ObjectText object_text(const heap::Graph& graph, heap::ObjectId object);

std::string_view held_word(heap::Held held) noexcept;  // "named", "immortal", "c", "garbage"; empty: kNo
std::string_view root_kind_word(heap::RootKind kind) noexcept;  // "modules", "frame", …

// "list@0x7f0123456780"; of a root its label. Without blanks.
std::string object_label(const heap::Graph& graph, heap::ObjectId object);

}  // namespace heapscope::exporters

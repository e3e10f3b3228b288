#include "analysis/file_match.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "analysis/modules.h"
#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

struct TextHash {
  std::size_t operator()(std::string_view text) const noexcept { return capture::hash_text(text); }
};

bool has_path(std::string_view name) noexcept { return !name.empty() && name.front() != '<'; }

std::size_t components(std::string_view path) noexcept {
  return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')) + 1;
}

// How many components at its end a file must have in common with another to be the same.
std::size_t least_tail_of(std::string_view name) {
  if (const ImportRoot root = import_root_of(name); root.found) return components(root.below);
  const std::string_view own = name.substr(name.rfind('/') + 1);
  return own.starts_with("__init__.") || own.starts_with("__main__.") ? 2 : 1;
}

// The character `index` from the end of a name that begins with a slash, be it said or not; 0 past its beginning.
char from_end(std::string_view name, std::size_t index) noexcept {
  if (index < name.size()) return name[name.size() - 1 - index];
  return index == name.size() && !name.starts_with('/') ? '/' : '\0';
}

// Whole components that two names have in common at their ends.
std::size_t common_tail(std::string_view a, std::string_view b) noexcept {
  std::size_t count = 0;
  for (std::size_t index = 0;; ++index) {
    const char character = from_end(a, index);
    if (character == '\0' || character != from_end(b, index)) return count;
    if (character == '/') ++count;
  }
}

class Matcher {
 public:
  Matcher(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b)
      : a_(a), b_(b), b_of_a_(a.size(), kNoMatch), taken_(b.size(), false) {}

  std::vector<std::uint32_t> match() {
    match_by([](std::string_view name) { return name; });
    match_by([](std::string_view name) {
      const std::string_view below = has_path(name) ? import_root_of(name).below : std::string_view();
      return below.empty() ? std::string_view() : below;
    });
    match_tails();
    return std::move(b_of_a_);
  }

 private:
  static constexpr std::uint32_t kTwo = 0xFFFFFFFEU;

  void pair(std::uint32_t a, std::uint32_t b) {
    b_of_a_[a] = b;
    taken_[b] = true;
  }

  // Pairs what has the same key, where each side has it once. A code object may have the empty name, so no key is
  // a view of nothing.
  template <class Key>
  void match_by(Key key) {
    struct Holders {
      std::uint32_t a = kNoMatch;
      std::uint32_t b = kNoMatch;
    };
    std::unordered_map<std::string_view, Holders, TextHash> holders;
    for (std::uint32_t file = 0; file < a_.size(); ++file) {
      if (b_of_a_[file] != kNoMatch || key(a_[file]).data() == nullptr) continue;
      std::uint32_t& holder = holders[key(a_[file])].a;
      holder = holder == kNoMatch ? file : kTwo;
    }
    for (std::uint32_t file = 0; file < b_.size(); ++file) {
      if (taken_[file] || key(b_[file]).data() == nullptr) continue;
      const auto found = holders.find(key(b_[file]));
      if (found == holders.end()) continue;
      found->second.b = found->second.b == kNoMatch ? file : kTwo;
    }
    for (const auto& [name, found] : holders) {
      if (found.a < kTwo && found.b < kTwo) pair(found.a, found.b);
    }
  }

  struct Entry {
    std::string_view name;
    std::uint32_t file;
    bool of_a;
    std::size_t least_tail;
  };
  struct Cluster {
    std::vector<std::uint32_t> entries[2];  // without a partner yet: of B, of A
  };

  // Names sorted from their ends: those with a common tail are neighbours. Neighbours are joined, longest common
  // tail first; what is alone with one of the other side, once all with that tail are together, is its partner.
  void match_tails() {
    std::vector<Entry> entries;
    const auto add = [&](std::string_view name, std::uint32_t file, bool of_a) {
      entries.push_back({name, file, of_a, least_tail_of(name)});
    };
    for (std::uint32_t file = 0; file < a_.size(); ++file) {
      if (b_of_a_[file] == kNoMatch && has_path(a_[file])) add(a_[file], file, true);
    }
    for (std::uint32_t file = 0; file < b_.size(); ++file) {
      if (!taken_[file] && has_path(b_[file])) add(b_[file], file, false);
    }
    if (entries.empty()) return;
    std::sort(entries.begin(), entries.end(), [](const Entry& one, const Entry& other) {
      for (std::size_t index = 0;; ++index) {
        const char left = from_end(one.name, index);
        const char right = from_end(other.name, index);
        if (left != right) return left < right;
        if (left == '\0') return one.of_a && !other.of_a;
      }
    });
    std::vector<std::pair<std::size_t, std::uint32_t>> borders;  // common tail, entry before
    for (std::uint32_t at = 1; at < entries.size(); ++at) {
      borders.emplace_back(common_tail(entries[at - 1].name, entries[at].name), at - 1);
    }
    std::sort(borders.begin(), borders.end(), [](const auto& one, const auto& other) {
      return one.first != other.first ? one.first > other.first : one.second < other.second;
    });
    parent_.resize(entries.size());
    std::iota(parent_.begin(), parent_.end(), 0U);
    clusters_.resize(entries.size());
    for (std::uint32_t at = 0; at < entries.size(); ++at) {
      clusters_[at].entries[entries[at].of_a ? 1 : 0].push_back(at);
    }
    for (std::size_t begin = 0; begin < borders.size() && borders[begin].first != 0;) {
      std::size_t end = begin;
      for (; end < borders.size() && borders[end].first == borders[begin].first; ++end)
        join(borders[end].second);
      for (std::size_t at = begin; at < end; ++at) {
        settle(entries, clusters_[root(borders[at].second)], borders[begin].first);
      }
      begin = end;
    }
  }

  void settle(const std::vector<Entry>& entries, Cluster& cluster, std::size_t tail) {
    if (cluster.entries[0].empty() || cluster.entries[1].empty()) return;
    for (std::vector<std::uint32_t>& side : cluster.entries) {
      std::erase_if(side, [&](std::uint32_t at) { return entries[at].least_tail > tail; });
    }
    if (cluster.entries[0].size() == 1 && cluster.entries[1].size() == 1) {
      pair(entries[cluster.entries[1][0]].file, entries[cluster.entries[0][0]].file);
    }
    if (cluster.entries[0].empty() || cluster.entries[1].empty()) return;
    for (std::vector<std::uint32_t>& side : cluster.entries) side.clear();
  }

  std::uint32_t root(std::uint32_t entry) {
    while (parent_[entry] != entry) entry = parent_[entry] = parent_[parent_[entry]];
    return entry;
  }

  void join(std::uint32_t entry) {
    std::uint32_t into = root(entry);
    std::uint32_t from = root(entry + 1);
    const auto size = [&](std::uint32_t id) {
      return clusters_[id].entries[0].size() + clusters_[id].entries[1].size();
    };
    if (size(into) < size(from)) std::swap(into, from);
    parent_[from] = into;
    for (int side = 0; side < 2; ++side) {
      std::vector<std::uint32_t>& all = clusters_[into].entries[side];
      all.insert(all.end(), clusters_[from].entries[side].begin(), clusters_[from].entries[side].end());
      clusters_[from].entries[side] = {};
    }
  }

  const std::vector<std::string_view>& a_;
  const std::vector<std::string_view>& b_;
  std::vector<std::uint32_t> b_of_a_;
  std::vector<bool> taken_;
  std::vector<std::uint32_t> parent_;
  std::vector<Cluster> clusters_;
};

}  // namespace

std::vector<std::uint32_t> match_files(const std::vector<std::string_view>& a,
                                       const std::vector<std::string_view>& b) {
  return Matcher(a, b).match();
}

}  // namespace heapscope::analysis

#include "heap/root_set.h"

#include "heap/column_memory.h"
#include "heap/followed.h"

namespace heapscope::heap {
namespace {

class RootFinder {
 public:
  RootFinder(const Graph& graph, const ExcludedReferences& without)
      : graph_(graph), followed_(graph, without), entries_(std::size_t{graph.count()} + 1) {}

  RootSet find() {
    resize_in_huge_pages(found_.held, entries_);
    resize_in_huge_pages(found_.reached_by, entries_);
    resize_in_huge_pages(found_.excess, entries_);
    resize_in_huge_pages(found_.parent, entries_);
    resize_in_huge_pages(found_.distance, entries_);
    classify();
    queue_ = Column<ObjectId>(entries_);
    found_.named_objects = start_all(Held::kNamed);
    found_.immortal_objects = start_all(Held::kImmortal);
    found_.c_objects = start_all(Held::kByC);
    for (const ObjectId head : garbage_heads()) found_.held[head] = Held::kGarbage;
    found_.garbage_objects = start_all(Held::kGarbage);
    return std::move(found_);
  }

 private:
  void classify() {
    std::vector<std::uint32_t>& seen = found_.excess;
    for (const ObjectId to : graph_.columns().references) ++seen[to];
    for (const Root& root : graph_.roots()) {
      if (root.kind != RootKind::kTask) continue;  // of a task it is a name only
      for (const ObjectId to : graph_.references(root.object)) --seen[to];
    }
    seen[0] = 0;
    for (ObjectId id = 1; id < entries_; ++id) {
      const std::uint32_t references = seen[id];
      seen[id] = 0;
      if (graph_.is(id, kRootObject)) {
        found_.held[id] = Held::kNamed;
      } else if (graph_.is(id, kImmortal)) {
        found_.held[id] = Held::kImmortal;
      } else if (graph_.is_python(id) && graph_.reference_count(id) > references) {
        found_.held[id] = Held::kByC;
        seen[id] = graph_.reference_count(id) - references;
      }
    }
  }

  // Searches from the roots of one kind; how many Python objects they are the first to reach.
  std::uint64_t start_all(Held held) {
    for (ObjectId id = 1; id < entries_; ++id) {
      if (found_.held[id] != held) continue;
      found_.order.push_back(id);
      if (found_.reached_by[id] == Held::kNo) enqueue(id, 0, 0, held);
    }
    std::uint64_t python = 0;
    for (; next_ < queued_; ++next_) {
      const ObjectId from = queue_[next_];
      python += graph_.is_python(from) ? 1U : 0U;
      const std::uint32_t distance = found_.distance[from] + 1;
      followed_.each(from, [&](ObjectId to) {
        if (found_.reached_by[to] == Held::kNo) enqueue(to, from, distance, held);
      });
    }
    return python;
  }

  void enqueue(ObjectId id, ObjectId parent, std::uint32_t distance, Held held) {
    found_.reached_by[id] = held;
    found_.parent[id] = parent;
    found_.distance[id] = distance;
    queue_[queued_++] = id;
  }

  // Searched from in order of addresses, then those that started a search from the last to the first: one that
  // is reached by none later is of a part that nothing outside of it reaches.
  std::vector<ObjectId> garbage_heads() {
    enum Met : std::uint8_t { kNot, kOnce, kTwice };
    Column<Met> met(entries_);
    std::vector<ObjectId> pending;
    const auto spread = [&](ObjectId start, Met before, Met after) {
      met[start] = after;
      pending.push_back(start);
      while (!pending.empty()) {
        const ObjectId from = pending.back();
        pending.pop_back();
        followed_.each(from, [&](ObjectId to) {
          if (found_.reached_by[to] != Held::kNo || met[to] != before) return;
          met[to] = after;
          pending.push_back(to);
        });
      }
    };
    std::vector<ObjectId> starts;
    for (ObjectId id = 1; id < entries_; ++id) {
      if (found_.reached_by[id] != Held::kNo || met[id] != kNot) continue;
      starts.push_back(id);
      spread(id, kNot, kOnce);
    }
    std::vector<ObjectId> heads;
    for (std::size_t next = starts.size(); next-- > 0;) {
      const ObjectId start = starts[next];
      if (met[start] != kOnce) continue;
      heads.push_back(start);
      spread(start, kOnce, kTwice);
    }
    return heads;
  }

  const Graph& graph_;
  Followed followed_;
  std::size_t entries_;
  RootSet found_;
  Column<ObjectId> queue_;
  std::size_t queued_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

RootSet find_roots(const Graph& graph, const ExcludedReferences& without) {
  return RootFinder(graph, without).find();
}

}  // namespace heapscope::heap

#include "exporters/heap_branches.h"

#include <algorithm>
#include <map>
#include <queue>
#include <span>
#include <string_view>
#include <utility>

#include "exporters/heap_report.h"
#include "heap/partition.h"

namespace heapscope::exporters {
namespace {

using heap::ObjectId;
using heap::TypeId;

// Objects that are told together.
struct Group {
  HeapGroup kind = HeapGroup::kNone;  // kNone: one object
  std::string name;
  std::uint64_t bytes = 0;
  std::vector<ObjectId> members;  // of a package none
  std::vector<Group> modules;     // of a package

  std::size_t count() const {
    std::size_t objects = members.size();
    for (const Group& module : modules) objects += module.members.size();
    return objects;
  }
};

std::string_view package_of(std::string_view module) {
  const bool is_name = !module.empty() && module.find_first_of("< ") == std::string_view::npos;
  return is_name ? module.substr(0, module.find('.')) : module;
}

class Branches {
 public:
  Branches(const heap::Heap& snapshot, const HeapReportLimits& limits)
      : graph_(snapshot.graph()),
        dominators_(snapshot.dominators()),
        tree_(snapshot.dominator_tree()),
        snapshot_(snapshot),
        limits_(limits) {}

  // The biggest first, so that what is left out is small wherever it lies.
  std::vector<HeapBranch> make() {
    add_object(0, 0);
    while (!open_.empty()) {
      const std::uint32_t at = open_.top().second;
      open_.pop();
      const auto group = groups_.find(at);
      if (group != groups_.end()) {
        open_group(at, std::exchange(group->second, {}));
      } else if (const auto children = tree_.children(branches_[at].object);
                 at == 0 && children.size() > limits_.tops) {
        show(at, group_tops());
      } else {
        show_objects(at, children);
      }
    }
    return std::move(branches_);
  }

 private:
  std::uint64_t retained(ObjectId object) const { return dominators_.retained[object]; }

  void add_object(ObjectId object, std::uint32_t parent) {
    open_.emplace(retained(object), static_cast<std::uint32_t>(branches_.size()));
    branches_.push_back({object, parent, retained(object), tree_.children(object).size(), 0, 0, {}});
  }

  void add(Group&& group, std::uint32_t parent) {
    if (group.modules.size() == 1) group = Group(std::move(group.modules[0]));
    if (group.count() == 1) {
      add_object(group.members[0], parent);
      return;
    }
    const auto at = static_cast<std::uint32_t>(branches_.size());
    open_.emplace(group.bytes, at);
    branches_.push_back({0, parent, group.bytes, group.count(), 0, 0, {}, group.kind, group.name});
    groups_.emplace(at, std::move(group));
  }

  std::size_t room_for(std::size_t children) const {
    const std::size_t room = limits_.branches > branches_.size() ? limits_.branches - branches_.size() : 0;
    return std::min({limits_.children, room, children});
  }

  void open_group(std::uint32_t at, Group group) {
    if (group.kind == HeapGroup::kPackage) return show(at, std::move(group.modules));
    std::vector<Group> types;
    if (group.kind == HeapGroup::kModule) types = by_type(group);
    if (types.size() > 1) return show(at, std::move(types));
    show_objects(at, group.members);
  }

  // The largest become branches while there is room.
  void show_objects(std::uint32_t at, std::span<const ObjectId> objects) {
    const std::vector<ObjectId> shown = heap::biggest(objects, dominators_, room_for(objects.size()));
    HeapKindTotals kinds;
    std::uint64_t bytes = 0;
    for (const ObjectId object : objects) {
      bytes += retained(object);
      kinds.add(graph_.type(object), retained(object));
    }
    for (const ObjectId object : shown) {
      bytes -= retained(object);
      kinds.remove(graph_.type(object), retained(object));
    }
    branches_[at].kinds = kinds.most(limits_.kinds);
    branches_[at].left_out = objects.size() - shown.size();
    branches_[at].left_out_bytes = bytes;
    for (const ObjectId object : shown) add_object(object, at);
  }

  void show(std::uint32_t at, std::vector<Group> parts) {
    const std::size_t shown = room_for(parts.size());
    const auto larger = [](const Group& a, const Group& b) {
      if (a.bytes != b.bytes) return a.bytes > b.bytes;
      return a.name != b.name ? a.name < b.name : a.members < b.members;
    };
    std::ranges::partial_sort(parts, parts.begin() + static_cast<std::ptrdiff_t>(shown), larger);
    HeapKindTotals kinds;
    HeapBranch& branch = branches_[at];
    const auto leave_out = [&](const std::vector<ObjectId>& members) {
      for (const ObjectId object : members) {
        ++branch.left_out;
        branch.left_out_bytes += retained(object);
        kinds.add(graph_.type(object), retained(object));
      }
    };
    for (std::size_t part = shown; part < parts.size(); ++part) {
      leave_out(parts[part].members);
      for (const Group& module : parts[part].modules) leave_out(module.members);
    }
    branch.kinds = kinds.most(limits_.kinds);
    for (std::size_t part = 0; part < shown; ++part) add(std::move(parts[part]), at);
  }

  std::vector<Group> by_type(const Group& group) const {
    std::map<TypeId, Group> types;
    for (const ObjectId object : group.members) {
      Group& type = types[graph_.type(object)];
      type.bytes += retained(object);
      type.members.push_back(object);
    }
    std::vector<Group> parts;
    for (auto& [type, part] : types) {
      part.kind = HeapGroup::kType;
      part.name = graph_.type_name(type);
      parts.push_back(std::move(part));
    }
    return parts;
  }

  // What retains a hundredth of the whole by itself, the rest by package and module.
  std::vector<Group> group_tops() const {
    std::vector<ObjectId> large;
    std::vector<ObjectId> small;
    for (const ObjectId object : tree_.children(0))
      (retained(object) >= retained(0) / 100 ? large : small).push_back(object);
    const heap::Naming& naming = snapshot_.naming();
    const heap::Divided divided{graph_, naming.kinds, nullptr, &naming.tree, &snapshot_.roots()};
    std::map<std::string, Group, std::less<>> packages;
    for (heap::Part& part :
         heap::partition(divided, heap::ObjectSet(std::move(small)), heap::DivideBy::kModule)) {
      Group module{HeapGroup::kModule, std::move(part.kind), 0, {}, {}};
      for (const ObjectId object : part.set.ids()) {
        module.bytes += retained(object);
        module.members.push_back(object);
      }
      Group& package = packages[std::string(package_of(module.name))];
      package.bytes += module.bytes;
      package.modules.push_back(std::move(module));
    }
    std::vector<Group> parts;
    parts.reserve(large.size() + packages.size());
    for (const ObjectId object : large)
      parts.push_back({HeapGroup::kNone, {}, retained(object), {object}, {}});
    for (auto& [name, package] : packages) {
      package.kind = HeapGroup::kPackage;
      package.name = name;
      parts.push_back(std::move(package));
    }
    return parts;
  }

  const heap::Graph& graph_;
  const heap::Dominators& dominators_;
  const heap::DominatorTree& tree_;
  const heap::Heap& snapshot_;
  const HeapReportLimits& limits_;
  std::vector<HeapBranch> branches_;
  std::map<std::uint32_t, Group> groups_;                              // by branch
  std::priority_queue<std::pair<std::uint64_t, std::uint32_t>> open_;  // bytes, branch
};

}  // namespace

void HeapKindTotals::add(TypeId type, std::uint64_t bytes) {
  HeapKindTotal& total = totals_[type];
  total.type = type;
  ++total.count;
  total.bytes += bytes;
}

void HeapKindTotals::remove(TypeId type, std::uint64_t bytes) {
  HeapKindTotal& total = totals_[type];
  --total.count;
  total.bytes -= bytes;
}

std::vector<HeapKindTotal> HeapKindTotals::most(std::size_t limit) const {
  std::vector<HeapKindTotal> all;
  for (const auto& [type, total] : totals_) {
    if (total.count != 0) all.push_back(total);
  }
  std::ranges::sort(all, [](const HeapKindTotal& a, const HeapKindTotal& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.type < b.type;
  });
  if (all.size() > limit) all.resize(limit);
  return all;
}

std::vector<HeapBranch> make_heap_branches(const heap::Heap& snapshot, const HeapReportLimits& limits) {
  return Branches(snapshot, limits).make();
}

}  // namespace heapscope::exporters

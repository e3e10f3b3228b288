#include "tracker/mappings.h"

namespace heapscope::tracker {
namespace {

constexpr std::uintptr_t kPageMask = 4095;

}  // namespace

std::uintptr_t Mappings::range_end(std::uintptr_t start, std::size_t bytes) noexcept {
  std::uintptr_t end = 0;
  if (bytes == 0 || (start & kPageMask) != 0 || __builtin_add_overflow(start, bytes, &end) ||
      __builtin_add_overflow(end, kPageMask, &end)) {
    return 0;
  }
  return end & ~kPageMask;
}

// ---- pieces and charges

std::uint32_t Mappings::new_node(std::uintptr_t start, std::uintptr_t end, std::uint32_t kind) noexcept {
  std::uint32_t index = free_node_;
  if (index != 0) {
    free_node_ = nodes_[index].left;
  } else if (nodes_.reserve(node_count_ + 1)) {
    index = node_count_++;
  } else {
    return 0;
  }
  random_ ^= random_ << 13;  // xorshift32 (Marsaglia)
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  nodes_[index] = Node{start, end, 0, 0, random_, 0, kind & 3};
  ++piece_count_;
  return index;
}

std::uint32_t Mappings::new_charge(std::uint32_t cohort) noexcept {
  std::uint32_t index = free_charge_;
  if (index != 0) {
    free_charge_ = charges_[index].pieces;
  } else if (charges_.reserve(charge_count_ + 1)) {
    index = charge_count_++;
  } else {
    return 0;
  }
  charges_[index] = Charge{cohort, 0};
  return index;
}

void Mappings::free_node(std::uint32_t node) noexcept {
  nodes_[node].left = free_node_;
  free_node_ = node;
  --piece_count_;
}

void Mappings::free_charge(std::uint32_t charge) noexcept {
  charges_[charge].pieces = free_charge_;
  free_charge_ = charge;
}

// The node's charge loses it.
void Mappings::give_back(Node& node, std::uint32_t pieces) noexcept {
  if (node.charge == 0) return;
  Charge& charge = charges_[node.charge];
  charge.pieces -= pieces;
  discharge_(charge.cohort, node.end - node.start, charge.pieces == 0 ? 1 : 0);
  if (charge.pieces == 0) free_charge(node.charge);
}

void Mappings::set_kind(Node& node, MappingKind kind) noexcept {
  totals_[node.kind] -= node.end - node.start;
  node.kind = number(kind) & 3;
  totals_[node.kind] += node.end - node.start;
}

// ---- the treap

// Pieces that start before `key`, and the others.
void Mappings::split(std::uint32_t tree, std::uintptr_t key, std::uint32_t& below,
                     std::uint32_t& rest) noexcept {
  std::uint32_t* low = &below;
  std::uint32_t* high = &rest;
  while (tree != 0) {
    Node& node = nodes_[tree];
    if (node.start < key) {
      *low = tree;
      low = &node.right;
      tree = node.right;
    } else {
      *high = tree;
      high = &node.left;
      tree = node.left;
    }
  }
  *low = *high = 0;
}

// All of `low` lies before all of `high`.
std::uint32_t Mappings::merge(std::uint32_t low, std::uint32_t high) noexcept {
  std::uint32_t root = 0;
  std::uint32_t* place = &root;
  while (low != 0 && high != 0) {
    if (nodes_[low].priority > nodes_[high].priority) {
      *place = low;
      place = &nodes_[low].right;
      low = *place;
    } else {
      *place = high;
      place = &nodes_[high].left;
      high = *place;
    }
  }
  *place = low != 0 ? low : high;
  return root;
}

std::uint32_t Mappings::take_first(std::uint32_t& tree) noexcept {
  std::uint32_t* place = &tree;
  while (nodes_[*place].left != 0) place = &nodes_[*place].left;
  const std::uint32_t first = *place;
  *place = nodes_[first].right;
  nodes_[first].right = 0;
  return first;
}

// Reserved pieces that touch become one, so that a range committed and decommitted again leaves no trace.
std::uint32_t Mappings::append(std::uint32_t tree, std::uint32_t node) noexcept {
  std::uint32_t last = tree;
  while (last != 0 && nodes_[last].right != 0) last = nodes_[last].right;
  const std::uint32_t reserved = number(MappingKind::kReserved);
  if (last != 0 && nodes_[last].kind == reserved && nodes_[node].kind == reserved &&
      nodes_[last].end == nodes_[node].start) {
    nodes_[last].end = nodes_[node].end;
    free_node(node);
    return tree;
  }
  return merge(tree, node);
}

// The last piece that starts before `at`.
std::uint32_t Mappings::before(std::uintptr_t at) const noexcept {
  std::uint32_t found = 0;
  for (std::uint32_t tree = root_; tree != 0;) {
    const Node& node = nodes_[tree];
    if (node.start < at) found = tree;
    tree = node.start < at ? node.right : node.left;
  }
  return found;
}

std::uint32_t Mappings::at_or_after(std::uintptr_t at) const noexcept {
  std::uint32_t found = 0;
  for (std::uint32_t tree = root_; tree != 0;) {
    const Node& node = nodes_[tree];
    if (node.start >= at) found = tree;
    tree = node.start >= at ? node.left : node.right;
  }
  return found;
}

void Mappings::insert(std::uint32_t node) noexcept {
  std::uint32_t below = 0;
  std::uint32_t above = 0;
  split(root_, nodes_[node].start, below, above);
  root_ = merge(merge(below, node), above);
}

// Makes a piece end and another begin at `at`, if one spans it.
void Mappings::cut(std::uintptr_t at) noexcept {
  const std::uint32_t whole = before(at);
  if (whole == 0 || nodes_[whole].end <= at) return;
  const std::uint32_t tail = new_node(at, nodes_[whole].end, nodes_[whole].kind);
  Node& head = nodes_[whole];
  if (tail == 0) [[unlikely]] {
    Node forgotten = head;
    forgotten.start = at;
    give_back(forgotten, 0);
    totals_[head.kind] -= head.end - at;
  } else {
    nodes_[tail].charge = head.charge;
    if (head.charge != 0) ++charges_[head.charge].pieces;
    insert(tail);
  }
  nodes_[whole].end = at;
}

// The pieces of [start, end) as a tree of their own; root_ is void until it is made of the others.
std::uint32_t Mappings::extract(std::uintptr_t start, std::uintptr_t end, std::uint32_t& below,
                                std::uint32_t& above) noexcept {
  cut(start);
  cut(end);
  std::uint32_t rest = 0;
  std::uint32_t inside = 0;
  split(root_, start, below, rest);
  split(rest, end, inside, above);
  return inside;
}

// ---- what system calls do

void Mappings::map(std::uintptr_t start, std::size_t bytes, MappingKind kind, std::uint32_t cohort) noexcept {
  unmap(start, bytes);
  const std::uint32_t charge = cohort != 0 ? new_charge(cohort) : 0;
  const std::uint32_t index = cohort != 0 && charge == 0 ? 0 : new_node(start, start + bytes, number(kind));
  if (index == 0) [[unlikely]] {
    if (charge != 0) free_charge(charge);
    if (cohort != 0) discharge_(cohort, bytes, 1);
    return;
  }
  nodes_[index].charge = charge & 0x3FFFFFFF;
  if (charge != 0) charges_[charge].pieces = 1;
  totals_[number(kind)] += bytes;
  insert(index);
}

Mappings::Detached Mappings::detach(std::uintptr_t start, std::size_t bytes) noexcept {
  const std::uintptr_t end = range_end(start, bytes);
  if (end == 0 || root_ == 0) return {};
  std::uint32_t below = 0;
  std::uint32_t above = 0;
  const std::uint32_t inside = extract(start, end, below, above);
  root_ = merge(below, above);
  return {inside, generation_};
}

void Mappings::drop(Detached pieces) noexcept {
  if (pieces.generation != generation_) return;
  while (pieces.root != 0) {
    const std::uint32_t first = take_first(pieces.root);
    Node& node = nodes_[first];
    totals_[node.kind] -= node.end - node.start;
    give_back(node, 1);
    free_node(first);
  }
}

void Mappings::reattach(Detached pieces, std::intptr_t distance) noexcept {
  if (pieces.generation != generation_) return;
  // One by one: others may have been mapped into the gaps meanwhile.
  while (pieces.root != 0) {
    const std::uint32_t first = take_first(pieces.root);
    nodes_[first].start += static_cast<std::uintptr_t>(distance);
    nodes_[first].end += static_cast<std::uintptr_t>(distance);
    insert(first);
  }
}

Mappings::Piece Mappings::first(Detached pieces) const noexcept {
  if (pieces.root == 0 || pieces.generation != generation_) return {};
  std::uint32_t index = pieces.root;
  while (nodes_[index].left != 0) index = nodes_[index].left;
  const Node& node = nodes_[index];
  return {node.start, node.end - node.start, static_cast<MappingKind>(node.kind),
          charges_[node.charge].cohort};
}

bool Mappings::is_single(Detached pieces) const noexcept {
  return pieces.root != 0 && pieces.generation == generation_ && nodes_[pieces.root].left == 0 &&
         nodes_[pieces.root].right == 0;
}

template <class Change>
void Mappings::change(std::uintptr_t start, std::size_t bytes, Change change_piece) noexcept {
  const std::uintptr_t end = range_end(start, bytes);
  if (end == 0 || root_ == 0) return;
  std::uint32_t below = 0;
  std::uint32_t above = 0;
  std::uint32_t inside = extract(start, end, below, above);
  while (inside != 0) {
    const std::uint32_t piece = take_first(inside);
    change_piece(nodes_[piece]);
    below = append(below, piece);
  }
  if (above != 0) below = append(below, take_first(above));
  root_ = merge(below, above);
}

void Mappings::make_usable(std::uintptr_t start, std::size_t bytes, std::uint32_t cohort) noexcept {
  const std::uint32_t charge = cohort != 0 ? new_charge(cohort) : 0;
  if (cohort != 0 && charge == 0) [[unlikely]] {
    discharge_(cohort, bytes_in(start, bytes, MappingKind::kReserved), 1);
    return;
  }
  change(start, bytes, [this, charge](Node& node) {
    if (node.kind != number(MappingKind::kReserved)) return;
    set_kind(node, MappingKind::kUsable);
    node.charge = charge & 0x3FFFFFFF;
    if (charge != 0) ++charges_[charge].pieces;
  });
  if (charge != 0 && charges_[charge].pieces == 0) free_charge(charge);
}

void Mappings::make_inaccessible(std::uintptr_t start, std::size_t bytes) noexcept {
  change(start, bytes, [this](Node& node) {
    if (node.kind == number(MappingKind::kFile) || node.kind == number(MappingKind::kReserved)) return;
    give_back(node, 1);
    node.charge = 0;
    set_kind(node, MappingKind::kReserved);
  });
}

// ---- questions

std::size_t Mappings::bytes_in(std::uintptr_t start, std::size_t bytes, MappingKind kind) const noexcept {
  const std::uintptr_t end = range_end(start, bytes);
  if (end == 0) return 0;
  std::size_t sum = 0;
  std::uint32_t index = before(start);
  if (index == 0 || nodes_[index].end <= start) index = at_or_after(start);
  while (index != 0 && nodes_[index].start < end) {
    const Node& node = nodes_[index];
    if (node.kind == number(kind)) {
      sum += (node.end < end ? node.end : end) - (node.start > start ? node.start : start);
    }
    index = at_or_after(node.start + 1);
  }
  return sum;
}

bool Mappings::next(std::uintptr_t from, Piece& piece) const noexcept {
  const std::uint32_t index = at_or_after(from);
  if (index == 0) return false;
  const Node& node = nodes_[index];
  piece = {node.start, node.end - node.start, static_cast<MappingKind>(node.kind),
           node.charge != 0 ? charges_[node.charge].cohort : 0};
  return true;
}

void Mappings::clear() noexcept {
  nodes_.release();
  charges_.release();
  abandon();
}

void Mappings::abandon() noexcept {
  nodes_ = PageArray<Node>{};
  charges_ = PageArray<Charge>{};
  root_ = free_node_ = free_charge_ = 0;
  node_count_ = charge_count_ = 1;
  piece_count_ = 0;
  ++generation_;
  for (std::uint64_t& total : totals_) total = 0;
}

}  // namespace heapscope::tracker

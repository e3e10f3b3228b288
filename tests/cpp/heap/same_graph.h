// Whether two graphs are the same, figure by figure.
#pragma once

#include <gtest/gtest.h>

#include <tuple>

#include "heap/graph.h"

namespace heapscope::heap {

inline void expect_same(const Graph& a, const Graph& b) {
  const GraphColumns& x = a.columns();
  const GraphColumns& y = b.columns();
  EXPECT_EQ(x.chunks, y.chunks);
  EXPECT_EQ(x.places, y.places);
  EXPECT_EQ(x.types_and_flags, y.types_and_flags);
  EXPECT_EQ(x.sizes, y.sizes);
  EXPECT_EQ(x.big_sizes, y.big_sizes);
  EXPECT_EQ(x.reference_counts, y.reference_counts);
  EXPECT_EQ(x.offsets, y.offsets);
  EXPECT_EQ(x.references, y.references);
  EXPECT_EQ(x.names, y.names);
  ASSERT_EQ(x.texts.size(), y.texts.size());
  for (TextId text = 0; text < x.texts.size(); ++text) EXPECT_EQ(x.texts[text], y.texts[text]);
  EXPECT_EQ(x.fingerprints, y.fingerprints);
  EXPECT_EQ(x.birth_stacks, y.birth_stacks);
  EXPECT_EQ(x.birth_moments, y.birth_moments);
  EXPECT_EQ(x.moments, y.moments);
  EXPECT_EQ(x.info, y.info);
  const auto same = [](const auto& left, const auto& right, auto facts) {
    ASSERT_EQ(left.size(), right.size());
    for (std::size_t index = 0; index < left.size(); ++index)
      EXPECT_EQ(facts(left[index]), facts(right[index]));
  };
  same(x.types, y.types, [](const Type& type) {
    return std::tuple(type.object, type.module, type.name, type.first_field, type.field_count,
                      type.basic_bytes, type.tail, type.flags);
  });
  same(x.roots, y.roots, [](const Root& root) {
    return std::tuple(root.object, root.label, root.first_field, root.field_count, root.thread, root.line,
                      root.file, root.kind);
  });
  const auto key_text = [](const KeyText& text) {
    return std::tuple(text.object, text.text, text.kind, text.cut);
  };
  same(x.key_texts, y.key_texts, key_text);
  same(x.previews, y.previews, key_text);
  same(x.weak, y.weak, [](const WeakReference& weak) { return std::tuple(weak.from, weak.to, weak.kind); });
  same(x.stacks, y.stacks,
       [](const StackNode& node) { return std::tuple(node.parent, node.function, node.file, node.line); });
}

}  // namespace heapscope::heap

#include "heap/reference_names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "heap/attributes.h"
#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

std::vector<std::string> labels(const Graph& graph, ObjectId from) {
  std::vector<std::string> made;
  each_step(graph, from, [&](std::uint32_t position, ObjectId to, StepCode code) {
    EXPECT_EQ(graph.references(from)[position], to);
    EXPECT_EQ(code, code_reference(graph, from, position));
    EXPECT_EQ(StepCode::of_bits(code.bits()), code);
    made.push_back(add_step("", step_of(graph, code)));
  });
  return made;
}

using Labels = std::vector<std::string>;

TEST(ReferenceNames, ItemsAreCalledByTheirIndexAndHolesKeepIt) {
  SmallPython heap;
  const ObjectId item = heap.str("x");
  const ObjectId list = heap.list({item, 0, item});
  EXPECT_EQ(labels(heap.graph(), list), (Labels{"[0]", "[2]"}));
}

TEST(ReferenceNames, ValuesAreCalledByTheirKey) {
  SmallPython heap;
  const ObjectId value = heap.list();
  const ObjectId dict = heap.dict();
  const ObjectId bytes = heap.object(heap.str_type, 40);
  heap.key_text(bytes, std::string("\0\xff'", 3), KeyKind::kBytes);
  heap.put(dict, "it's", value);
  heap.put(dict, heap.integer("-7"), value);
  heap.put(dict, bytes, value);
  EXPECT_EQ(labels(heap.graph(), dict), (Labels{"list(_.keys())[0]", "[\"it's\"]", "list(_.keys())[1]",
                                                "[-7]", "list(_.keys())[2]", "[b\"\\x00\\xff'\"]"}));
}

TEST(ReferenceNames, AValueWhoseKeyHasNoTextIsCalledByItsPlaceAmongTheLivingPairs) {
  SmallPython heap;
  const ObjectId value = heap.list();
  const ObjectId dict = heap.dict();
  heap.put(dict, ObjectId{0}, ObjectId{0});  // a deleted entry
  heap.put(dict, "a", value);
  heap.put(dict, heap.object(heap.float_type, 24), value);
  const ObjectId cut = heap.object(heap.str_type, 4096);
  heap.key_text(cut, "only its begin", KeyKind::kStr, true);
  heap.put(dict, cut, value);
  EXPECT_EQ(labels(heap.graph(), dict),
            (Labels{"list(_.keys())[0]", "['a']", "list(_.keys())[1]", "list(_.values())[1]",
                    "list(_.keys())[2]", "list(_.values())[2]"}));
}

TEST(ReferenceNames, MembersOfASetAreCountedWithoutItsHoles) {
  SmallPython heap;
  const ObjectId member = heap.str("x");
  const ObjectId set = heap.object(heap.set_type, 216);
  heap.refer(set, {0, member, 0, member});
  EXPECT_EQ(labels(heap.graph(), set), (Labels{"list(_)[0]", "list(_)[1]"}));
}

TEST(ReferenceNames, FieldsAreAttributesAndWhatPythonCannotReachIsInBrackets) {
  SmallPython heap;
  const TypeId odd = heap.type({.name = "odd", .fields = {"name", "<f_back>", "", "a b", "class"}});
  const ObjectId object = heap.object(odd, 64);
  const ObjectId value = heap.str("v");
  heap.refer(object, {value, value, value, value, value, value});
  EXPECT_EQ(labels(heap.graph(), object), (Labels{".name", ".<f_back>", ".<ref 2>", "getattr(_, 'a b')",
                                                  "getattr(_, 'class')", ".<ref 5>"}));
}

TEST(ReferenceNames, VariablesOfAGeneratorAreThoseOfItsCodeAndThenItsStack) {
  SmallPython heap;
  const ObjectId names = heap.object(heap.tuple_type, 56);
  heap.refer(names, {heap.str("y"), heap.str(".0")});
  const ObjectId code = heap.object(heap.code_type, 200);
  heap.refer(code, names);
  const ObjectId value = heap.list();
  const ObjectId generator = heap.object(heap.generator_type, 200);
  heap.refer(generator, {code, value, value, value});
  EXPECT_EQ(labels(heap.graph(), generator),
            (Labels{".gi_code", ".f_locals['y']", ".f_locals['.0']", ".<stack[0]>"}));
}

TEST(ReferenceNames, VariablesOfAFramesRootAreItsFields) {
  SmallPython heap;
  const ObjectId value = heap.list();
  heap.refer(heap.frame_root, value, "rows");
  EXPECT_EQ(labels(heap.graph(), heap.frame_root), (Labels{".rows"}));
}

TEST(ReferenceNames, ReprIsThatOfPython) {
  EXPECT_EQ(python_repr("a", KeyKind::kStr), "'a'");
  EXPECT_EQ(python_repr("it's", KeyKind::kStr), "\"it's\"");
  EXPECT_EQ(python_repr("'\"", KeyKind::kStr), "'\\'\"'");
  EXPECT_EQ(python_repr("\\\n\x1b", KeyKind::kStr), "'\\\\\\n\\x1b'");
  EXPECT_EQ(python_repr("h\xc3\xa9", KeyKind::kStr), "'h\xc3\xa9'");
  EXPECT_EQ(python_repr("\xed\xb2\x80", KeyKind::kStr), "'\\udc80'");
  EXPECT_EQ(python_repr("\xe2\x80\x8b", KeyKind::kStr), "'\\u200b'");
  EXPECT_EQ(python_repr("h\xc3\xa9", KeyKind::kBytes), "b'h\\xc3\\xa9'");
  EXPECT_EQ(python_repr("42", KeyKind::kInt), "42");
}

TEST(ReferenceNames, DamagedTextIsEscapedByteByByte) {
  for (const std::string_view text : {"\xc3", "\xff", "\xe2\x82", "\xf8\x80\x80\x80\x80", "\xc0\x80"}) {
    const std::string written = python_repr(text, KeyKind::kStr);
    EXPECT_EQ(written.size(), 2 + 4 * text.size()) << written;
  }
}

TEST(Attributes, AreFoundInFieldsAndInDicts) {
  SmallPython heap;
  const auto [lesson, class_names] = heap.python_class("app.models", "Lesson");
  const ObjectId getter = heap.object(heap.property_type, 64);
  heap.put(class_names, "title", getter);
  const auto [object, names] = heap.instance(lesson);
  const ObjectId first = heap.list();
  heap.put(names, "rows", first);
  const Graph graph = heap.graph();
  EXPECT_EQ(attribute_of(graph, object, "__dict__"), names);
  EXPECT_EQ(attribute_of(graph, object, "rows"), first);
  EXPECT_EQ(attribute_of(graph, object, "title"), 0U);
  EXPECT_EQ(class_attribute(graph, lesson, "title"), getter);
  EXPECT_EQ(class_attribute(graph, lesson, "rows"), 0U);
}

}  // namespace
}  // namespace heapscope::heap

#include "exporters/text.h"

#include <gtest/gtest.h>

#include <random>

#include "exporters/json_text.h"

namespace heapscope::tests {
namespace {

using exporters::Forbids;
using exporters::is_plain;
using exporters::plain_text;

std::string json_string(std::string_view text) {
  std::string all;
  exporters::Sink sink([&](std::string_view piece) { all += piece; });
  exporters::JsonText(sink).string(text);
  sink.flush();
  return all;
}

constexpr std::string_view kSurrogate =
    "a\xED\xB3\xBF"
    "b";  // U+DCFF, as surrogatepass writes it

TEST(Text, what_is_utf_8_stays_as_it_is) {
  for (const std::string_view text : {"", "plain", "\xC3\xA4 \xE2\x98\x83 \xF0\x9F\x8D\x95"}) {
    EXPECT_EQ(plain_text(text, Forbids::kControls), text);
    EXPECT_TRUE(is_plain(text, Forbids::kControls));
  }
}

TEST(Text, a_lone_surrogate_is_written_as_its_escape) {
  EXPECT_EQ(plain_text(kSurrogate, Forbids::kNothing), "a\\udcffb");
  EXPECT_FALSE(is_plain(kSurrogate, Forbids::kNothing));
}

TEST(Text, what_a_format_forbids_is_escaped_and_nothing_else) {
  using namespace std::string_view_literals;
  EXPECT_EQ(plain_text("a\0;\n\x7F"sv, Forbids::kNothing), "a\0;\n\x7F"sv);
  EXPECT_EQ(plain_text("a\0;\n\x7F"sv, Forbids::kNul), "a\\x00;\n\x7F"sv);
  EXPECT_EQ(plain_text("a\0;\n\x7F\xC2\x85\xE2\x80\xA8"sv, Forbids::kControls, ";"),
            "a\\x00\\x3b\\x0a\\x7f\\x85\\u2028"sv);
}

// As Python: b"...".decode(errors="replace"), where surrogates are no text either once something else is none.
TEST(Text, what_is_no_text_is_replaced_as_python_does) {
  constexpr std::string_view kMark = "\xEF\xBF\xBD";
  const auto marks = [&](std::size_t count) {
    std::string text;
    while (count-- != 0) text += kMark;
    return text;
  };
  const std::pair<std::string_view, std::size_t> cases[] = {
      {"\xFF", 1},         {"\xC3", 1},     {"\xC0\xAF", 2},     {"\xE2\x98", 1},
      {"\xF0\x9F\x8D", 1}, {"\xF5\x80", 2}, {"\xE0\x80\x80", 3}, {"\xFF\xED\xB3\xBF", 4},
  };
  for (const auto& [bytes, count] : cases) {
    EXPECT_EQ(plain_text(bytes, Forbids::kNothing), marks(count));
  }
}

TEST(Text, any_bytes_become_valid_utf_8_and_what_is_plain_is_told) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 9, '\0');
    // Bytes near the borders of UTF-8's ranges.
    constexpr unsigned char kInteresting[] = {0,    0x1F, ';',  0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                              0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE2, 0xED,
                                              0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF, 'a',  0x85};
    for (char& byte : bytes) byte = static_cast<char>(kInteresting[random() % std::size(kInteresting)]);
    const std::string plain = plain_text(bytes, Forbids::kControls, ";");
    EXPECT_TRUE(is_plain(plain, Forbids::kControls, ";"));
    EXPECT_EQ(is_plain(bytes, Forbids::kControls, ";"), plain == bytes);
    EXPECT_EQ(plain_text(plain, Forbids::kControls, ";"), plain);
  }
}

TEST(JsonText, strings_escape_what_json_and_javascript_do_not_hold) {
  using namespace std::string_view_literals;
  EXPECT_EQ(json_string("a\"\\\n\0\x7F"sv), R"("a\"\\\u000a\u0000\u007f")");
  EXPECT_EQ(json_string(kSurrogate), R"("a\udcffb")");
  EXPECT_EQ(json_string("\xE2\x80\xA8\xE2\x98\x83"), "\"\\u2028\xE2\x98\x83\"");
  EXPECT_EQ(json_string("x\xFF"), R"("x\ufffd")");
}

TEST(JsonText, commas_stand_between_values_at_any_depth) {
  std::string all;
  exporters::Sink sink([&](std::string_view piece) { all += piece; });
  exporters::JsonText json(sink);
  json.begin_object().key("a").begin_array().number(1).begin_array().end_array().null().end_array();
  json.key("b").number(0.1).key("c").number(1.0 / 0.0).key("d").boolean(true).end_object();
  sink.flush();
  EXPECT_EQ(all, R"({"a":[1,[],null],"b":0.1,"c":null,"d":true})");
}

TEST(Sink, pieces_concatenate_to_what_was_appended) {
  std::string expected;
  std::string all;
  exporters::Sink sink([&](std::string_view piece) {
    EXPECT_FALSE(piece.empty());
    all += piece;
  });
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const std::size_t size = round % 20 == 0 ? 2 * exporters::Sink::kPieceBytes : random() % 9000;
    const std::string bytes(size, static_cast<char>('a' + round % 26));
    sink.append(bytes);
    expected += bytes;
  }
  sink.flush();
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace heapscope::tests

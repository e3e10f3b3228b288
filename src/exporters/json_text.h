// Writes JSON, value by value, into a sink. O(1) memory at any depth.
//
// The output is ASCII and UTF-8: control characters, DEL, U+2028 and U+2029, and lone surrogates are escapes,
// so a name reads back exactly (what is no text reads back as U+FFFD). The caller keeps objects and arrays
// balanced; commas are seen to here.
#pragma once

#include <concepts>
#include <string_view>

#include "exporters/sink.h"

namespace heapscope::exporters {

class JsonText {
 public:
  explicit JsonText(Sink& sink) : sink_(sink) {}

  JsonText& begin_object() { return open('{'); }
  JsonText& end_object() { return close('}'); }
  JsonText& begin_array() { return open('['); }
  JsonText& end_array() { return close(']'); }

  // `name` is written as it is: a word of ours.
  JsonText& key(std::string_view name) {
    separate();
    sink_.append('"');
    sink_.append(name);
    sink_.append("\":");
    follows_ = false;
    return *this;
  }
  JsonText& string(std::string_view text);
  JsonText& number(std::integral auto value) {
    separate();
    sink_.append_number(value);
    return *this;
  }
  JsonText& number(double value);  // null where JSON has no such number
  JsonText& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonText& null() { return raw("null"); }
  // A value that is JSON already.
  JsonText& raw(std::string_view json) {
    separate();
    sink_.append(json);
    return *this;
  }
  // The next value begins a line.
  JsonText& new_line() {
    breaks_ = true;
    return *this;
  }

 private:
  JsonText& open(char bracket) {
    separate();
    sink_.append(bracket);
    follows_ = false;
    return *this;
  }
  JsonText& close(char bracket) {
    if (breaks_) sink_.append('\n');
    breaks_ = false;
    sink_.append(bracket);
    follows_ = true;
    return *this;
  }
  void separate() {
    if (follows_) sink_.append(',');
    if (breaks_) sink_.append('\n');
    breaks_ = false;
    follows_ = true;
  }

  Sink& sink_;
  bool follows_ = false;
  bool breaks_ = false;
};

}  // namespace heapscope::exporters

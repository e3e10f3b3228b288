#include "heap/reference_names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "heap/attributes.h"

namespace heapscope::heap {
namespace {

constexpr std::array<std::string_view, 35> kKeywords = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"};

constexpr char kHex[] = "0123456789abcdef";

void add_escape(std::string& out, char letter, std::uint32_t value, int digits) {
  out += '\\';
  out += letter;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kHex[value >> shift & 0xF];
}

bool disturbs(std::uint32_t character) noexcept {
  return (character >= 0x80 && character < 0xA0) || character == 0xAD || character == 0x061C ||
         (character >= 0x200B && character <= 0x200F) || (character >= 0x2028 && character <= 0x202E) ||
         (character >= 0x2060 && character <= 0x206F) || (character >= 0xD800 && character <= 0xDFFF) ||
         character == 0xFEFF || (character >= 0xFFF9 && character <= 0xFFFB);
}

// The character at `text[at]` and how many bytes it has; 0 bytes: no UTF-8.
std::pair<std::uint32_t, std::size_t> character_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char first = byte(at);
  const std::size_t bytes = first >= 0xF0 && first < 0xF8 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (bytes == 0 || first >= 0xF8 || at + bytes > text.size()) return {0, 0};
  std::uint32_t character = first & (0xFFU >> (bytes + 1));
  for (std::size_t index = at + 1; index < at + bytes; ++index) {
    if ((byte(index) & 0xC0) != 0x80) return {0, 0};
    character = character << 6 | (byte(index) & 0x3F);
  }
  return {character, bytes};
}

bool is_internal(std::string_view name) noexcept { return name.starts_with('<'); }

std::string_view without_brackets(std::string_view name) noexcept {
  return name.size() > 2 && name.starts_with('<') && name.ends_with('>') ? name.substr(1, name.size() - 2)
                                                                         : name;
}

std::string bracketed(std::uint32_t index) { return "[" + std::to_string(index) + "]"; }

}  // namespace

bool is_identifier(std::string_view text) noexcept {
  const auto letter = [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || each == '_';
  };
  if (text.empty() || !letter(text[0])) return false;
  const auto fits = [&](char each) { return letter(each) || (each >= '0' && each <= '9'); };
  return std::ranges::all_of(text, fits) && std::ranges::find(kKeywords, text) == kKeywords.end();
}

std::string python_repr(std::string_view text, KeyKind kind) {
  if (kind == KeyKind::kInt) return std::string(text);
  const bool double_quoted =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quoted ? '"' : '\'';
  std::string out;
  if (kind == KeyKind::kBytes) out += 'b';
  out += quote;
  for (std::size_t at = 0; at < text.size();) {
    const char each = text[at];
    const auto value = static_cast<unsigned char>(each);
    if (value >= 0x80 && kind == KeyKind::kStr) {
      const auto [character, bytes] = character_at(text, at);
      if (bytes == 0) {
        add_escape(out, 'x', value, 2);
        ++at;
        continue;
      }
      if (!disturbs(character)) {
        out += text.substr(at, bytes);
      } else if (character < 0x100) {
        add_escape(out, 'x', character, 2);
      } else {
        add_escape(out, 'u', character, 4);
      }
      at += bytes;
      continue;
    }
    ++at;
    if (each == quote || each == '\\') {
      (out += '\\') += each;
    } else if (each == '\n' || each == '\r' || each == '\t') {
      (out += '\\') += each == '\n' ? 'n' : each == '\r' ? 'r' : 't';
    } else if (value < 0x20 || value >= 0x7F) {
      add_escape(out, 'x', value, 2);
    } else {
      out += each;
    }
  }
  return out += quote;
}

ReferenceLayout::ReferenceLayout(const Graph& graph, ObjectId from) : graph_(graph), from_(from) {
  const GraphColumns& columns = graph.columns();
  if (graph.is(from, kRootObject)) {
    const Root& root = columns.roots[from - 1];
    names_ = columns.names.data() + root.first_field;
    fields_ = root.field_count;
    return;
  }
  const Type& type = columns.types[graph.type(from)];
  names_ = columns.names.data() + type.first_field;
  fields_ = type.field_count;
  tail_ = type.tail;
  if (tail_ == Tail::kFlat && is_of_records()) tail_ = Tail::kNone;
}

// An array of records: its references are fields of theirs, of which .flat knows nothing.
bool ReferenceLayout::is_of_records() const {
  const ObjectId description = field_of(graph_, from_, "dtype");
  if (description == 0) return false;
  const std::string_view kind = graph_.text(graph_.columns().types[graph_.type(description)].name);
  return kind == "VoidDType" || kind == "dtype[void]";
}

StepCode ReferenceLayout::variable(std::uint32_t index) const {
  const auto references = graph_.references(from_);
  const ObjectId code = references.empty() ? 0 : references[0];
  if (code == 0) return {StepKind::kUnnamed, KeyKind::kStr, index};
  std::uint32_t left = index;
  for (const std::string_view list : {"co_localsplusnames", "co_varnames", "co_cellvars", "co_freevars"}) {
    const ObjectId names = field_of(graph_, code, list);
    if (names == 0) continue;
    const auto items = graph_.references(names);
    if (left < items.size()) {
      const KeyText* text = items[left] != 0 ? graph_.key_text(items[left]) : nullptr;
      if (text == nullptr) return {StepKind::kUnnamed, KeyKind::kStr, index};
      return {StepKind::kVariable, KeyKind::kStr, text->text};
    }
    left -= static_cast<std::uint32_t>(items.size());
    if (list == "co_localsplusnames") break;  // what 3.10 has instead is part of it
  }
  return {StepKind::kStack, KeyKind::kStr, left};
}

StepCode ReferenceLayout::code(std::uint32_t position, std::uint32_t live_before) const {
  if (position < fields_) {
    const TextId name = names_[position];
    if (name == 0) return {StepKind::kUnnamed, KeyKind::kStr, position};
    const bool internal = is_internal(graph_.text(name));
    return {internal ? StepKind::kInternal : StepKind::kAttribute, KeyKind::kStr, name};
  }
  const std::uint32_t index = position - fields_;
  switch (tail_) {
    case Tail::kItems:
      return {StepKind::kItem, KeyKind::kStr, index};
    case Tail::kFlat:
      return {StepKind::kFlatItem, KeyKind::kStr, index};
    case Tail::kMembers:
      return {StepKind::kMember, KeyKind::kStr, live_before};
    case Tail::kLocals:
      return variable(index);
    case Tail::kPairs: {
      if (index % 2 == 0) return {StepKind::kKey, KeyKind::kStr, live_before};
      const ObjectId key = graph_.references(from_)[position - 1];
      const KeyText* text = key != 0 ? graph_.key_text(key) : nullptr;
      if (text == nullptr || text->cut) return {StepKind::kValue, KeyKind::kStr, live_before};
      return {StepKind::kKeyed, text->kind, text->text};
    }
    case Tail::kNone:
      break;
  }
  return {StepKind::kUnnamed, KeyKind::kStr, position};
}

StepCode code_reference(const Graph& graph, ObjectId from, std::uint32_t position) {
  const ReferenceLayout layout(graph, from);
  std::uint32_t live = 0;
  if (layout.tail() == Tail::kPairs || layout.tail() == Tail::kMembers) {
    const auto references = graph.references(from);
    const std::uint32_t stride = layout.tail() == Tail::kPairs ? 2 : 1;
    for (std::uint32_t at = layout.fields() + stride - 1; at < position; at += stride) {
      live += references[at] != 0 ? 1 : 0;
    }
  }
  return layout.code(position, live);
}

Step step_of(const Graph& graph, StepCode code) {
  Step step{code.kind, code.key, 0, {}};
  switch (code.kind) {
    case StepKind::kAttribute:
    case StepKind::kKeyed:
    case StepKind::kVariable:
      step.text = graph.text(code.value);
      break;
    case StepKind::kInternal:
      step.text = without_brackets(graph.text(code.value));
      break;
    default:
      step.index = code.value;
  }
  return step;
}

Step name_reference(const Graph& graph, ObjectId from, std::uint32_t position) {
  return step_of(graph, code_reference(graph, from, position));
}

std::string add_step(std::string base, const Step& step) {
  const auto wrapped = [&](const char* before, const char* after) {
    return before + (base.empty() ? "_" : base) + after + bracketed(step.index);
  };
  switch (step.kind) {
    case StepKind::kAttribute:
      if (is_identifier(step.text)) return base + "." + step.text;
      return "getattr(" + (base.empty() ? "_" : base) + ", " + python_repr(step.text, KeyKind::kStr) + ")";
    case StepKind::kItem:
      return base + bracketed(step.index);
    case StepKind::kFlatItem:
      return base + ".flat" + bracketed(step.index);
    case StepKind::kKeyed:
      return base + "[" + python_repr(step.text, step.key) + "]";
    case StepKind::kValue:
      return wrapped("list(", ".values())");
    case StepKind::kKey:
      return wrapped("list(", ".keys())");
    case StepKind::kMember:
      return wrapped("list(", ")");
    case StepKind::kVariable:
      return base + ".f_locals[" + python_repr(step.text, KeyKind::kStr) + "]";
    case StepKind::kStack:
      return base + ".<stack" + bracketed(step.index) + ">";
    case StepKind::kInternal:
      return base + ".<" + step.text + ">";
    case StepKind::kUnnamed:
      break;
  }
  return base + ".<ref " + std::to_string(step.index) + ">";
}

}  // namespace heapscope::heap

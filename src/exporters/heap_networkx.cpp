// What NetworkX reads: a list of edges, or JSON of nodes and links, which has room for sizes.
#include "exporters/heap_exporters.h"
#include "exporters/heap_words.h"
#include "exporters/json_text.h"
#include "exporters/text.h"

namespace heapscope::exporters {
namespace {

using heap::Graph;
using heap::ObjectId;

// A Python literal without a blank or a '#', at which read_edgelist cuts lines.
void append_literal(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto escape = [&](char kind, std::uint32_t value, int digits) {
    out += '\\';
    out += kind;
    for (int digit = digits - 1; digit >= 0; --digit) out += kHex[value >> (4 * digit) & 0xF];
  };
  out += '\'';
  const bool surrogates = is_text(text);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at, surrogates);
    at += point.length;
    const std::uint32_t value = point.value;
    if (value == '\'' || value == '\\') {
      (out += '\\') += static_cast<char>(value);
    } else if (value > ' ' && value < 0x7F && value != '#') {
      out += static_cast<char>(value);
    } else if (value < 0x100) {
      escape('x', value, 2);
    } else if (value < 0x10000) {
      escape('u', value, 4);
    } else {
      escape('U', value, 8);
    }
  }
  out += '\'';
}

// A label that is one word of ASCII.
std::string word_of(const Graph& graph, ObjectId object) {
  return plain_text(object_label(graph, object), Forbids::kControls);
}

}  // namespace

void write_heap_edges(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink) {
  const Graph& graph = snapshot.graph();
  sink.append("# heap snapshot of ");
  sink.append(plain_text(request.title, Forbids::kControls));
  sink.append(", written by ");
  sink.append(request.exporter);
  sink.append("\n# networkx.read_edgelist(FILE, create_using=networkx.MultiDiGraph)\n");
  std::string line;
  for (ObjectId from = 1; from <= graph.count(); ++from) {
    if (graph.references(from).empty()) continue;
    const std::string label = word_of(graph, from);
    heap::each_step(graph, from, [&](std::uint32_t, ObjectId to, heap::StepCode step) {
      line.assign(label);
      line += ' ';
      line += word_of(graph, to);
      line += " {'name':";
      append_literal(line, step_word(graph, step));
      line += "}\n";
      sink.append(line);
    });
  }
}

void write_heap_node_link(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink) {
  const Graph& graph = snapshot.graph();
  const heap::RootSet& roots = snapshot.roots();
  const heap::Dominators& tree = snapshot.dominators();
  const std::vector<std::string> types = type_names(graph);
  JsonText json(sink);
  json.begin_object();
  json.key("directed").boolean(true).key("multigraph").boolean(true);
  json.key("graph").begin_object();
  json.key("title").string(request.title).key("exporter").string(request.exporter);
  json.end_object();
  json.key("nodes").begin_array();
  for (ObjectId object = 1; object <= graph.count(); ++object) {
    const bool is_root = graph.is(object, heap::kRootObject);
    json.new_line().begin_object();
    json.key("id").number(object);
    json.key("type");
    json.string(is_root ? graph.text(graph.roots()[object - 1].label)
                        : std::string_view(types[graph.type(object)]));
    if (!is_root) json.key("address").number(graph.address(object));
    json.key("size_bytes").number(graph.size(object));
    json.key("retained_bytes").number(tree.retained[object]);
    if (const std::string_view held = held_word(roots.held[object]); !held.empty()) {
      json.key("held").string(held);
    }
    if (const ObjectText text = object_text(graph, object); text.known) json.key("text").string(text.text);
    json.end_object();
  }
  // NetworkX reads "edges" from 3.4 on, and "links" when it is asked to, as before.
  json.end_array().key("edges").begin_array();
  for (ObjectId from = 1; from <= graph.count(); ++from) {
    heap::each_step(graph, from, [&](std::uint32_t position, ObjectId to, heap::StepCode step) {
      json.new_line().begin_object();
      json.key("source").number(from).key("target").number(to).key("key").number(position);
      json.key("name").string(step_word(graph, step));
      json.end_object();
    });
  }
  json.end_array().end_object();
  sink.append('\n');
}

}  // namespace heapscope::exporters

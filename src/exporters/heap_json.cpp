// Everything that a heap snapshot holds, and what was found out about it, as JSON.
//
// Objects and references are rows of arrays, whose columns `object_fields` and `reference_fields` name; ids are
// those of the snapshot, and an object's type, stack and the like are indices of the lists above them.
#include "exporters/heap_exporters.h"
#include "exporters/heap_words.h"
#include "exporters/json_text.h"

namespace heapscope::exporters {
namespace {

using heap::Graph;
using heap::ObjectId;

class Writer {
 public:
  Writer(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink)
      : roots_(snapshot.roots()),
        dominators_(snapshot.dominators()),
        graph_(snapshot.graph()),
        request_(request),
        json_(sink) {}

  void write() {
    json_.begin_object();
    json_.key("schema").string("heapscope/heap-export/1");
    json_.key("exporter").string(request_.exporter);
    json_.key("title").string(request_.title);
    json_.new_line().key("info").begin_object();
    for (const auto& [key, value] : graph_.columns().info) {
      // Keys are the walk's, but the file may be anybody's.
      bool plain = !key.empty();
      for (const char each : key) plain = plain && ((each >= 'a' && each <= 'z') || each == '_');
      if (plain) json_.key(key).string(value);
    }
    json_.end_object();
    write_types();
    write_roots();
    write_stacks();
    write_objects();
    write_references();
    json_.end_object().new_line();
  }

 private:
  void write_fields(const char* name, std::initializer_list<std::string_view> fields) {
    json_.new_line().key(name).begin_array();
    for (const std::string_view field : fields) json_.string(field);
    json_.end_array();
  }

  void write_types() {
    json_.new_line().key("types").begin_array();
    for (heap::TypeId id = 0; id < graph_.types().size(); ++id) {
      const heap::Type& type = graph_.types()[id];
      json_.new_line().begin_object().key("type").string(graph_.type_name(id));
      json_.key("module").string(graph_.text(type.module)).key("name").string(graph_.text(type.name));
      json_.key("object");
      number_or_null(type.object);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_roots() {
    json_.new_line().key("roots").begin_array();
    for (const heap::Root& root : graph_.roots()) {
      json_.new_line().begin_object().key("id").number(root.object);
      json_.key("kind").string(root_kind_word(root.kind)).key("label").string(graph_.text(root.label));
      json_.key("thread");
      number_or_null(root.thread);
      json_.key("file");
      root.file == 0 ? json_.null() : json_.string(graph_.text(root.file));
      json_.key("line");
      number_or_null(root.line);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_stacks() {
    write_fields("stack_fields", {"parent", "function", "file", "line"});
    json_.new_line().key("stacks").begin_array();
    for (const heap::StackNode& node : graph_.stacks()) {
      json_.new_line().begin_array().number(node.parent).string(graph_.text(node.function));
      json_.string(graph_.text(node.file)).number(node.line).end_array();
    }
    json_.end_array();
  }

  void write_objects() {
    write_fields("object_fields", {"id", "address", "type", "size_bytes", "retained_bytes", "dominator",
                                   "reference_count", "distance", "held", "stack", "born_s", "text"});
    json_.new_line().key("objects").begin_array();
    for (ObjectId id = 1; id <= graph_.count(); ++id) {
      const bool python = graph_.is_python(id);
      json_.new_line().begin_array().number(id);
      number_or_null(graph_.address(id));
      json_.number(graph_.type(id)).number(graph_.size(id)).number(dominators_.retained[id]);
      json_.number(dominators_.parent[id]);
      if (python && !graph_.is(id, heap::kImmortal)) {
        json_.number(graph_.reference_count(id));
      } else {
        json_.null();
      }
      json_.number(roots_.distance[id]);
      const std::string_view held = held_word(roots_.held[id]);
      held.empty() ? json_.null() : json_.string(held);
      number_or_null(graph_.birth_stack(id));
      const std::uint64_t born_ns = graph_.birth_ns(id);
      born_ns == heap::kUnknownTime ? json_.null() : json_.number(static_cast<double>(born_ns) / 1e9);
      const ObjectText text = object_text(graph_, id);
      text.known ? json_.string(text.text) : json_.null();
      json_.end_array();
    }
    json_.end_array();
  }

  void write_references() {
    write_fields("reference_fields", {"from", "to", "name"});
    json_.new_line().key("references").begin_array();
    for (ObjectId from = 1; from <= graph_.count(); ++from) {
      heap::each_step(graph_, from, [&](std::uint32_t, ObjectId to, heap::StepCode step) {
        json_.new_line().begin_array().number(from).number(to).string(step_word(graph_, step)).end_array();
      });
    }
    json_.end_array();
    json_.new_line().key("weak_references").begin_array();
    for (const heap::WeakReference& weak : graph_.weak_references()) {
      json_.new_line().begin_array().number(weak.from).number(weak.to).end_array();
    }
    json_.end_array();
  }

  void number_or_null(std::uint64_t number) { number == 0 ? json_.null() : json_.number(number); }

  const heap::RootSet& roots_;
  const heap::Dominators& dominators_;
  const Graph& graph_;
  const HeapRequest& request_;
  JsonText json_;
};

}  // namespace

void write_heap_json(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink) {
  Writer(snapshot, request, sink).write();
  sink.append('\n');
}

}  // namespace heapscope::exporters

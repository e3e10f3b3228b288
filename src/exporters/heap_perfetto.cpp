// Perfetto's heap graph: objects, types, names of references and roots in packets of protocol buffers.
//
// Made for Android's runtime, so its kinds of roots are named there: frames, threads, sticky classes, … stand for
// ours. Objects that nothing reaches have no root, as the format wants it. An object's id is its number in the
// snapshot.
#include <vector>

#include "exporters/heap_exporters.h"
#include "exporters/heap_words.h"
#include "exporters/protobuf.h"
#include "exporters/text.h"

namespace heapscope::exporters {
namespace {

using heap::Graph;
using heap::Held;
using heap::ObjectId;
using heap::RootKind;

constexpr std::size_t kPacketBytes = std::size_t{1} << 20;
constexpr std::uint32_t kNamedItems = 1'000;  // items beyond have one name together

// Fields of TracePacket, HeapGraph, HeapGraphObject, HeapGraphType and HeapGraphRoot.
constexpr std::uint32_t kTracePacket = 1;
constexpr std::uint32_t kProcessTree = 2, kTimestamp = 8, kSequence = 10, kSequenceFlags = 13,
                        kHeapGraph = 56;
constexpr std::uint32_t kPid = 1, kObjects = 2, kFieldNames = 4, kContinued = 5, kIndex = 6, kRoots = 7,
                        kTypes = 9;
constexpr std::uint32_t kObjectId = 1, kTypeId = 2, kSelfSize = 3, kReferenceFields = 4,
                        kReferenceObjects = 5;
constexpr std::uint32_t kClassName = 3, kKind = 7;
constexpr std::uint64_t kKindNormal = 1;
constexpr std::uint32_t kObjectIds = 1, kRootType = 2;

enum RootType : std::uint32_t {
  kUnknownRoot = 0,
  kJniGlobal = 1,
  kJavaFrame = 3,
  kStickyClass = 5,
  kThreadBlock = 6,
  kThreadObject = 8,
  kInternedString = 9,
  kVmInternal = 13
};

RootType root_type(RootKind kind) noexcept {
  switch (kind) {
    case RootKind::kModules:
    case RootKind::kTypes:
      return kStickyClass;
    case RootKind::kFrame:
      return kJavaFrame;
    case RootKind::kThread:
      return kThreadObject;
    case RootKind::kTask:
      return kThreadBlock;
    case RootKind::kInterpreter:
    case RootKind::kCallbacks:
      return kVmInternal;
    case RootKind::kInterned:
      return kInternedString;
    case RootKind::kNativeGlobals:
      return kJniGlobal;
  }
  return kUnknownRoot;
}

class Writer {
 public:
  Writer(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink)
      : snapshot_(snapshot),
        graph_(snapshot.graph()),
        request_(request),
        sink_(sink),
        steps_(snapshot.graph(), words_) {}

  void write() {
    pid_ = number_of("pid");
    time_ns_ = number_of("time_ns");
    write_process();
    write_objects();
    write_types();
    write_field_names();
    write_roots();
    end_packet(false);
  }

 private:
  std::uint64_t number_of(std::string_view key) const {
    std::uint64_t number = 0;
    for (const char digit : graph_.info(key)) {
      if (digit < '0' || digit > '9' || number > std::uint64_t{1} << 59) return 0;
      number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return number;
  }

  void write_process() {
    std::string process;
    append_field(process, 1, pid_);
    append_field(process, 3, std::string_view(plain_text(request_.title, Forbids::kNothing)));
    std::string tree;
    append_field(tree, 1, std::string_view(process));
    write_packet(kProcessTree, tree);
  }

  void write_objects() {
    std::string object;
    std::string fields;
    std::string targets;
    const ObjectId roots = graph_.root_count();
    for (ObjectId id = 1; id <= graph_.count(); ++id) {
      object.clear();
      fields.clear();
      targets.clear();
      append_field(object, kObjectId, id);
      // Types begin with 1, then come those of roots, one each: they are named by their labels.
      append_field(object, kTypeId,
                   id <= roots ? graph_.types().size() + id : graph_.type(id) + std::uint64_t{1});
      append_field(object, kSelfSize, graph_.size(id));
      heap::each_step(graph_, id, [&](std::uint32_t, ObjectId to, heap::StepCode step) {
        append_varint(fields, field_name(step) + std::uint64_t{1});
        append_varint(targets, to);
      });
      if (!targets.empty()) {
        append_field(object, kReferenceFields, std::string_view(fields));
        append_field(object, kReferenceObjects, std::string_view(targets));
      }
      append_field(body_, kObjects, std::string_view(object));
      if (body_.size() >= kPacketBytes) end_packet(true);
    }
  }

  std::uint32_t field_name(heap::StepCode step) {
    const bool item = step.kind == heap::StepKind::kItem || step.kind == heap::StepKind::kFlatItem;
    if (item && step.value >= kNamedItems) return words_.of("[…]");
    return steps_.of(step);
  }

  void write_type(std::uint64_t number, std::string_view name) {
    std::string type;
    append_field(type, 1, number);
    append_field(type, kClassName, std::string_view(plain_text(name, Forbids::kControls)));
    append_field(type, kKind, kKindNormal);
    append_field(body_, kTypes, std::string_view(type));
    if (body_.size() >= kPacketBytes) end_packet(true);
  }

  void write_types() {
    const std::vector<std::string> names = type_names(graph_);
    for (std::size_t type = 0; type < names.size(); ++type) write_type(type + 1, names[type]);
    for (const heap::Root& root : graph_.roots())
      write_type(names.size() + root.object, graph_.text(root.label));
  }

  void write_field_names() {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      std::string name;
      append_field(name, 1, word + std::uint64_t{1});
      append_field(name, 2, std::string_view(plain_text(words_[word], Forbids::kControls)));
      append_field(body_, kFieldNames, std::string_view(name));
      if (body_.size() >= kPacketBytes) end_packet(true);
    }
  }

  void write_roots() {
    for (const heap::Root& root : graph_.roots()) {
      std::string ids;
      append_varint(ids, root.object);
      write_root(root_type(root.kind), ids);
    }
    write_held(Held::kImmortal, kVmInternal);
    write_held(Held::kByC, kJniGlobal);
  }

  void write_held(Held held, RootType type) {
    std::string ids;
    const heap::RootSet& roots = snapshot_.roots();
    for (const ObjectId object : roots.order) {
      if (roots.held[object] == held && object > graph_.root_count()) append_varint(ids, object);
    }
    if (!ids.empty()) write_root(type, ids);
  }

  void write_root(RootType type, std::string_view ids) {
    std::string root;
    append_field(root, kObjectIds, ids);
    append_field(root, kRootType, type);
    append_field(body_, kRoots, std::string_view(root));
  }

  void end_packet(bool continued) {
    std::string graph;
    append_field(graph, kPid, pid_);
    graph += body_;
    append_field(graph, kContinued, continued ? 1 : 0);
    append_field(graph, kIndex, index_++);
    body_.clear();
    write_packet(kHeapGraph, graph);
  }

  void write_packet(std::uint32_t field, std::string_view message) {
    std::string packet;
    append_field(packet, kTimestamp, time_ns_);
    append_field(packet, kSequence, 1);
    append_field(packet, kSequenceFlags, packets_++ == 0 ? 1 : 0);  // the first: nothing was there before
    append_field(packet, field, message);
    std::string framed;
    append_varint(framed, (kTracePacket << 3) | 2);
    append_varint(framed, packet.size());
    sink_.append(framed);
    sink_.append(packet);
  }

  const heap::Heap& snapshot_;
  const Graph& graph_;
  const HeapRequest& request_;
  Sink& sink_;
  Words words_;
  StepWords steps_;
  std::string body_;  // of the packet that is being filled
  std::uint64_t pid_ = 0;
  std::uint64_t time_ns_ = 0;
  std::uint64_t index_ = 0;
  std::uint64_t packets_ = 0;
};

}  // namespace

void write_heap_perfetto(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink) {
  Writer(snapshot, request, sink).write();
}

}  // namespace heapscope::exporters

#include "walker/walk.h"

#include <unistd.h>

#include "tracker/clock.h"
#include "walker/births.h"
#include "walker/fetch.h"
#include "walker/fingerprint.h"
#include "walker/frames.h"
#include "walker/native_blocks.h"
#include "walker/native_globals.h"
#include "walker/process_facts.h"
#include "walker/references.h"
#include "walker/roots.h"
#include "walker/sizes.h"

namespace heapscope::walker {
namespace {

cpython::Collector collector;
const char* refusal = "heapscope did not look at this interpreter";
PyInterpreterState* walked_interpreter = nullptr;

constexpr char kNoMemory[] = "no memory for the heap snapshot";
constexpr std::size_t kMostKeyBytes = 1024;  // of a key's text
constexpr std::size_t kMostRoots = 65535;
constexpr std::size_t kOftenMet = 16384;   // places
constexpr std::uint32_t kOftenEnough = 4;  // for a preview
constexpr std::size_t kMostPreviewBytes = 80;
constexpr std::size_t kLargeHeap = 128U << 20U;  // resident bytes

// Of the last walk of this process, since the next will need as much; the GIL guards it.
struct Taken {
  std::size_t objects = 0;
  std::size_t references = 0;
  std::size_t fingerprints = 0;
  std::size_t texts = 0;
  std::size_t text_bytes = 0;
  std::size_t key_texts = 0;
};
Taken last;

bool is_full(const WalkOptions& options) noexcept { return options.fingerprints && options.holders; }

bool is_immortal(const PyObject* object) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  return _Py_IsImmortal(const_cast<PyObject*>(object)) != 0;
#else
  // What is frozen into the interpreter counts from 999,999,999.
  return object->ob_refcnt > 400'000'000;
#endif
}

}  // namespace

const char* learn_interpreter() noexcept {
  if (walked_interpreter != nullptr) return refusal;
  walked_interpreter = PyInterpreterState_Get();
  refusal = nullptr;
  if (walked_interpreter != PyInterpreterState_Main())
    refusal = "heap snapshots are taken of the main interpreter only";
  if (refusal == nullptr) refusal = cpython::find_collector(collector);
  if (refusal == nullptr) refusal = learn_roots();
  if (refusal == nullptr && !learn_from_class()) refusal = kNoMemory;
  return refusal;
}

const char* Walk::prepare(const WalkOptions& options) noexcept {
  const std::size_t resident = resident_bytes_of_process();
  Taken expected = last;
  if (!is_full(options)) expected = Taken{last.objects, last.references, 0, 0, 0, 0};
  const bool ready = marks_.prepare(resident >= kLargeHeap) &&
                     texts_.prepare(expected.texts, expected.text_bytes) && types_.prepare(texts_) &&
                     objects_.expect(resident / 48) && references_.expect(resident / 32) &&
                     fingerprints_.expect(resident / 128) &&
                     key_texts_.expect(expected.key_texts + expected.key_texts / 8) &&
                     (!options.fingerprints || often_met_.fill(kOftenMet));
  if (!ready) return kNoMemory;
  objects_.populate(expected.objects);
  references_.populate(expected.references);
  fingerprints_.populate(expected.fingerprints);
  key_texts_.populate(expected.key_texts);
  root_type_ = types_.add_pseudo("<root>");
  return lost() ? kNoMemory : nullptr;
}

bool Walk::begin_root(heap::RootKind kind, std::uint32_t label, std::uint64_t thread, std::uint32_t file,
                      std::uint32_t line) noexcept {
  if (roots_.size() == kMostRoots) return false;
  heap::RawRoot root = {};
  root.object = heap::kRootChunk << 16 | static_cast<std::uint32_t>(roots_.size());
  root.label = label;
  root.first_field = static_cast<std::uint32_t>(types_.names().size());
  root.thread = thread;
  root.file = file;
  root.line = line;
  root.kind = static_cast<std::uint8_t>(kind);
  heap::RawObject row = {};
  row.code = root.object;
  row.type_and_flags = root_type_ << 8 | heap::kRootObject;
  if (!roots_.push(root) || !objects_.push(row)) {
    failed_ = true;
    return false;
  }
  return true;
}

void Walk::root_reference(std::uint32_t name, PyObject* object) noexcept {
  if (object == nullptr) return;
  if (!types_.names().push(name) || !references_.push(marks_.mark(object))) {
    failed_ = true;
    return;
  }
  ++roots_[roots_.size() - 1].field_count;
  ++objects_[objects_.size() - 1].references;
}

void Walk::end_root() noexcept {}

void Walk::add_weak(Code from, Code to, heap::WeakKind kind) noexcept {
  heap::RawWeak weak = {};
  weak.from = from;
  weak.to = to;
  weak.kind = static_cast<std::uint8_t>(kind);
  if (!weak_.push(weak)) failed_ = true;
}

const cpython::Collector& walked_collector() noexcept { return collector; }

void Walk::mark_tracked() noexcept {
  for (std::size_t index = 0; index < cpython::kGenerations; ++index) {
    cpython::each_tracked(*collector.generations[index], [&](PyObject* object) {
      const Code code = marks_.mark(object);
      if (index == cpython::kPermanentGeneration) {
        marks_.set_frozen(code);
        has_frozen_ = true;
      }
    });
  }
}

void Walk::note_content(PyObject* object, const TypeInfo& info, heap::RawObject& row) noexcept {
  std::uint64_t print = 0;
  if (!content_fingerprint(object, info.type, print)) return;
  if (!fingerprints_.push(print)) {
    failed_ = true;
    return;
  }
  row.type_and_flags |= heap::kFingerprinted;
  __builtin_prefetch(&often_met_[print & (kOftenMet - 1)], 1);
}

// The contents of a batch, when the table's places for them have come from memory.
void Walk::count_contents(std::size_t first_fingerprint, std::size_t first_object) noexcept {
  for (std::size_t index = first_object; index < objects_.size(); ++index) {
    if ((objects_[index].type_and_flags & heap::kFingerprinted) == 0) continue;
    const std::uint64_t print = fingerprints_[first_fingerprint++];
    OftenMet& place = often_met_[print & (kOftenMet - 1)];
    if (place.count == 0) {
      place = OftenMet{print, objects_[index].code, 1};
    } else if (place.fingerprint == print) {
      ++place.count;
    } else {
      --place.count;
    }
  }
}

// What visits the references of one object.
struct Recorder {
  Walk& walk;

  [[gnu::always_inline]] void operator()(PyObject* object) noexcept {
    if (!walk.references_.reserve(walk.references_.size() + 1)) {
      walk.failed_ = true;
      return;
    }
    walk.references_.append(object != nullptr ? walk.marks_.mark(object) : 0);
  }
};

void Walk::record(PyObject* object, Code code) noexcept {
  const TypeInfo& info = types_.find(Py_TYPE(object));
  if (!objects_.reserve(objects_.size() + 1)) {
    failed_ = true;
    return;
  }
  const std::size_t first = references_.size();
  heap::RawObject row;
  row.code = code;
  std::uint32_t flags = 0;
  bool estimated = false;
  const std::size_t bytes = shallow_size(object, info, estimated);
  total_bytes_ += bytes;
  if (estimated) flags |= heap::kSizeEstimated;
  if (bytes < heap::kBigSize) {
    row.size = static_cast<std::uint32_t>(bytes);
  } else {
    row.size = heap::kBigSize;
    if (!big_sizes_.push(heap::RawBigSize{static_cast<std::uint32_t>(objects_.size()), 0, bytes}))
      failed_ = true;
  }
  const Py_ssize_t count = Py_REFCNT(object);
  row.reference_count = count < 0                        ? 0
                        : count > Py_ssize_t{0xFFFFFFFF} ? 0xFFFFFFFF
                                                         : static_cast<std::uint32_t>(count);
  if (is_immortal(object)) flags |= heap::kImmortal;
  if (is_collectable(object, info) && cpython::is_tracked(object)) flags |= heap::kTracked;
  if ((reinterpret_cast<std::uintptr_t>(object) & 8) != 0) flags |= heap::kOddAddress;
  if (has_frozen_ && marks_.is_frozen(code)) flags |= heap::kFrozen;
  row.type_and_flags = info.number << 8 | flags;
  if (fingerprint_ && info.has_content) note_content(object, info, row);

  if (object != uncounted_) each_reference(object, info, types_, Recorder{*this});
  row.references = static_cast<std::uint32_t>(references_.size() - first);
  objects_.append(row);

  if (info.tail == heap::Tail::kPairs) {
    // Keys stand before values; the fields before both.
    for (std::size_t index = first + info.field_count; index < references_.size(); index += 2)
      marks_.set_key(references_[index]);
  }
  if (info.tail == heap::Tail::kLocals) note_variable_names(object);
  if (info.name_field < row.references && references_[first + info.name_field] != 0)
    marks_.set_key(references_[first + info.name_field]);
  if (info.is_weak_reference) {
    PyObject* target = reinterpret_cast<PyWeakReference*>(object)->wr_object;
    if (target != nullptr && target != Py_None && Py_REFCNT(target) > 0)
      add_weak(code, marks_.mark(target), heap::WeakKind::kWeakref);
  }
}

// The texts of its variables' names, which name the references of a generator or frame.
void Walk::note_variable_names(PyObject* object) noexcept {
  PyObject* code = nullptr;
  const auto first = [&](PyObject* field) {
    if (code == nullptr) code = field;
  };
  if (cpython::is_generator_type(Py_TYPE(object))) {
    cpython::each_generator_field(object, first);
  } else {
    cpython::each_frame_field(object, first);
  }
  if (code == nullptr || !PyCode_Check(code)) return;
  cpython::each_variable_name(reinterpret_cast<PyCodeObject*>(code),
                              [this](int, PyObject* name) { marks_.set_key(marks_.mark(name)); });
}

// Objects that wait to be recorded.
struct Walk::Batch {
  static constexpr std::size_t kMost = 32;

  PyObject* objects[kMost];
  Code codes[kMost];
  std::size_t count = 0;

  void add(PyObject* object, Code code) noexcept {
    __builtin_prefetch(object);
    objects[count] = object;
    codes[count++] = code;
  }

  void fetch() const noexcept {
    for (std::size_t index = 0; index < count; ++index) fetch_contents(objects[index]);
  }
};

void Walk::record_all(Batch& batch) noexcept {
  batch.fetch();
  const std::size_t fingerprints = fingerprints_.size();
  const std::size_t objects = objects_.size();
  for (std::size_t index = 0; index < batch.count; ++index) record(batch.objects[index], batch.codes[index]);
  batch.count = 0;
  if (fingerprint_ && !failed_) count_contents(fingerprints, objects);
}

// What the tracker does not know of cannot be added.
void Walk::add_native_blocks(const tracker::BlockList* list) noexcept {
  const auto add = [this](NativeBlocks&& blocks) {
    switch (blocks.search(*this)) {
      case NativeBlocks::Outcome::kNotTracking:
        return true;
      case NativeBlocks::Outcome::kNoMemory:
        return false;
      case NativeBlocks::Outcome::kFound:
        break;
    }
    return blocks.add_to(*this);
  };
  if (!(list != nullptr ? add(NativeBlocks(*list)) : add(NativeBlocks()))) failed_ = true;
}

bool Walk::add_row(heap::RawObject row, std::uint64_t bytes) noexcept {
  row.size = bytes < heap::kBigSize ? static_cast<std::uint32_t>(bytes) : heap::kBigSize;
  const auto index = static_cast<std::uint32_t>(objects_.size());
  return (row.size != heap::kBigSize || big_sizes_.push(heap::RawBigSize{index, 0, bytes})) &&
         objects_.push(row);
}

void Walk::shrink(std::size_t index, std::uint64_t by_bytes) noexcept {
  heap::RawObject& row = objects_[index];
  total_bytes_ -= by_bytes;
  if (row.size != heap::kBigSize) {
    row.size -= static_cast<std::uint32_t>(by_bytes);
    return;
  }
  std::size_t at = 0;
  while (big_sizes_[at].object != index) ++at;
  big_sizes_[at].bytes -= by_bytes;
  if (big_sizes_[at].bytes >= heap::kBigSize) return;
  row.size = static_cast<std::uint32_t>(big_sizes_[at].bytes);
  for (; at + 1 < big_sizes_.size(); ++at) big_sizes_[at] = big_sizes_[at + 1];
  big_sizes_.set_size(at);
}

bool Walk::sweep() noexcept {
  bool found = false;
  Batch batch;
  const std::uint32_t count = marks_.chunk_count();
  const std::uint16_t* order = marks_.by_address();
  for (std::uint32_t place = 0; place + 2 < count; ++place) {
    const std::uint32_t number = order[place];
    Chunk& chunk = marks_.chunk(number);
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      std::uint64_t rest = chunk.met[word] & ~chunk.done[word];
      if (rest == 0) continue;
      found = true;
      chunk.done[word] |= rest;
      for (; rest != 0; rest &= rest - 1) {
        const Code code =
            number << 16 | static_cast<Code>(word << 6) | static_cast<Code>(__builtin_ctzll(rest));
        batch.add(reinterpret_cast<PyObject*>(marks_.address_of(code)), code);
        if (batch.count == Batch::kMost) record_all(batch);
      }
      if (lost()) return false;
    }
  }
  record_all(batch);
  return found;
}

void Walk::finish_types() noexcept {
  for (std::size_t number = 0; number < types_.size(); ++number) {
    heap::RawType raw = types_.raw(number);
    // A type was met as the type of an object; as an object only where something refers to it.
    PyTypeObject* type = types_[number].type;
    if (type != nullptr) raw.object = marks_.find(reinterpret_cast<std::uintptr_t>(type));
    if (!raw_types_.push(raw)) failed_ = true;
  }
}

void Walk::write_key_texts() noexcept {
  for (std::uint32_t chunk = 2; chunk < marks_.chunk_count(); ++chunk) {
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      for (std::uint64_t rest = marks_.key_word(chunk, word); rest != 0; rest &= rest - 1) {
        const Code code =
            chunk << 16 | static_cast<Code>(word << 6) | static_cast<Code>(__builtin_ctzll(rest));
        heap::RawKeyText key = {};
        key.object = code;
        if (!key_text(reinterpret_cast<PyObject*>(marks_.address_of(code)), kMostKeyBytes, texts_, key))
          continue;
        if (!key_texts_.push(key)) failed_ = true;
      }
    }
  }
}

void Walk::write_previews() noexcept {
  for (std::size_t index = 0; fingerprint_ && index < kOftenMet; ++index) {
    if (often_met_[index].count < kOftenEnough) continue;
    heap::RawKeyText preview = {};
    preview.object = often_met_[index].code;
    PyObject* object = reinterpret_cast<PyObject*>(marks_.address_of(preview.object));
    if (key_text(object, kMostPreviewBytes, texts_, preview) && !previews_.push(preview)) failed_ = true;
  }
  often_met_.release();
}

void Walk::add_info(const char* key, const char* value) noexcept {
  const char* const texts[] = {key, value};
  for (const char* text : texts) {
    const std::size_t bytes = std::strlen(text) + 1;
    if (!info_.reserve(info_.size() + bytes)) {
      failed_ = true;
      return;
    }
    std::memcpy(info_.data() + info_.size(), text, bytes);
    info_.set_size(info_.size() + bytes);
  }
}

void Walk::add_info(const char* key, std::uint64_t value) noexcept {
  char text[24];
  add_info(key, decimal(value, text));
}

void Walk::write_info(const WalkOptions& options) noexcept {
  char text[4096];
  const std::uint64_t process = options.process != 0 ? options.process : static_cast<std::uint64_t>(getpid());
  add_info("pid", process);
  if (const std::uint64_t began = began_process(process); began != 0) add_info("process_began", began);
  std::size_t length = 0;
  for (const char* version = Py_GetVersion(); *version != '\0' && *version != ' ' && length < 60; ++version)
    text[length++] = *version;
  text[length] = '\0';
  add_info("python", text);
  add_info("command", command_line(text, sizeof text));
  add_info("taken_at", utc_now(text));
  if (options.copy_pause_ns == nullptr) {
    add_info("pause_ns", pause_ns_);
  } else if (const std::uint64_t pause = *options.copy_pause_ns; pause != 0) {
    add_info("pause_ns", pause);
  }
  add_info("walk_cpu_ns", walk_cpu_ns_);
  add_info("forked", options.forked ? "1" : "0");
  add_info("time_ns", tracker::now_ns());
  add_info("trigger", options.trigger);
  add_info("rss_bytes", options.forked ? options.resident_bytes : resident_bytes_of_process());
  add_info("complete", "1");
}

const char* Walk::run(const WalkOptions& options) noexcept {
  if (refusal != nullptr) return refusal;
  if (PyInterpreterState_Get() != walked_interpreter)
    return "heap snapshots are taken of the main interpreter only";
  if (!options.forked) note_native_data();
  const std::uint64_t began = tracker::now_ns();
  const std::uint64_t cpu_began = tracker::clock_ns(CLOCK_THREAD_CPUTIME_ID);
  fingerprint_ = options.fingerprints;
  const char* failure = prepare(options);
  if (failure == nullptr) {
    add_roots(*this);
    mark_tracked();
    do {
      while (sweep()) {
      }
      add_static_types(*this);
    } while (sweep());
    if (options.holders) {
      add_native_globals(*this);  // nothing that is not met yet
      add_unknown_stacks(*this);
    }
    if (options.native && (!options.forked || options.blocks != nullptr)) add_native_blocks(options.blocks);
    // Types are looked up last: all are known then.
    finish_types();
    if (options.holders) write_key_texts();
    write_previews();
    if (options.births != nullptr) {
      if (!options.forked) options.births->hold(false);
      options.births->write(*this);
      options.births->let_go();
    } else {
      add_info("tracked", "0");
    }
    pause_ns_ = tracker::now_ns() - began;
    walk_cpu_ns_ = tracker::clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_began;
    write_info(options);
    if (is_full(options)) {
      last = {objects_.size(),      references_.size(),    fingerprints_.size(),
              texts_.rows().size(), texts_.bytes().size(), key_texts_.size()};
    }
    if (lost()) failure = kNoMemory;
  }
  if (failure != nullptr) {
    release();
    return failure;
  }
  objects_.trim();
  references_.trim();
  fingerprints_.trim();
  return nullptr;
}

std::size_t Walk::sections(Section (&out)[kMostSections]) const noexcept {
  std::size_t count = 0;
  const auto add = [&](heap::RawSectionKind kind, const auto& column) {
    out[count++] =
        Section{kind, static_cast<std::uint32_t>(sizeof(*column.data())), column.data(), column.size_bytes()};
  };
  out[count++] =
      Section{heap::RawSectionKind::kChunks, 8, marks_.bases(), std::size_t{marks_.chunk_count()} * 8};
  add(heap::RawSectionKind::kObjects, objects_);
  add(heap::RawSectionKind::kReferences, references_);
  add(heap::RawSectionKind::kBigSizes, big_sizes_);
  add(heap::RawSectionKind::kTypes, raw_types_);
  add(heap::RawSectionKind::kNames, types_.names());
  add(heap::RawSectionKind::kTexts, texts_.rows());
  add(heap::RawSectionKind::kTextBytes, texts_.bytes());
  add(heap::RawSectionKind::kKeyTexts, key_texts_);
  add(heap::RawSectionKind::kRoots, roots_);
  add(heap::RawSectionKind::kWeakReferences, weak_);
  add(heap::RawSectionKind::kFingerprints, fingerprints_);
  add(heap::RawSectionKind::kPreviews, previews_);
  add(heap::RawSectionKind::kBirths, births_);
  add(heap::RawSectionKind::kMoments, moments_);
  add(heap::RawSectionKind::kStackNodes, stack_nodes_);
  add(heap::RawSectionKind::kInfo, info_);
  return count;
}

void Walk::release() noexcept {
  marks_.release();
  texts_.release();
  types_.release();
  objects_.release();
  references_.release();
  big_sizes_.release();
  raw_types_.release();
  key_texts_.release();
  previews_.release();
  often_met_.release();
  roots_.release();
  weak_.release();
  fingerprints_.release();
  births_.release();
  moments_.release();
  stack_nodes_.release();
  info_.release();
}

}  // namespace heapscope::walker

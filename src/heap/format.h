// The raw form of a heap snapshot: what the walker leaves, in the order in which it met the objects.
//
// Written inside the profiled process (src/walker) with nothing but mmap and write, and read by src/heap, which
// turns it into a Graph (graph.h) and keeps that as the compressed form (sealed_heap.h). It exists twice: as a file,
//
//     RawHeader | RawSection[section_count] | the sections, each aligned to 64 bytes
//
// and as the same sections in memory. The header is written last, so a file without its magic is one that was cut
// short. Little-endian; bytes are requested bytes; all is hostile to its reader: every index is checked.
//
// Objects are named by *codes* while the program stands still: [chunk:16][slot:16], where a chunk is a MiB of the
// address space (RawSectionKind::kChunks tells which) and a slot 16 bytes of it. Two objects never share a slot.
// Code 0 is "none": a hole keeps the position of the references after it. Chunk 1 is no memory: its slots number
// the roots, and blocks of native memory have the code of their first byte like an object.
//
// What a reference is called follows from its position among those of its object: first come the *fields* that the
// object's type lists by name, then the *tail* of its type (list items, dict pairs, …).
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapscope::heap {

inline constexpr char kRawMagic[8] = {'H', 'S', 'N', 'A', 'P', 'R', 'A', 'W'};
inline constexpr std::uint32_t kRawVersion = 2;
inline constexpr std::uint64_t kChunkBytes = std::uint64_t{1} << 20;
inline constexpr std::uint32_t kRootChunk = 1;

enum class RawSectionKind : std::uint32_t {
  kChunks = 1,      // std::uint64_t[]: base address by chunk number; [0] and [1] are 0
  kObjects = 2,     // RawObject[]: in the order of the walk; the roots are among them
  kReferences = 3,  // std::uint32_t[]: codes, object after object in the order of kObjects; 0 is a hole
  kBigSizes = 4,    // RawBigSize[]: sizes that do not fit, ascending by object
  kTypes = 5,       // RawType[]: by type number; [0] is no type
  kNames = 6,       // std::uint32_t[]: text numbers; the fields of types and roots are stretches of it
  kTexts = 7,       // RawText[]: by text number; [0] is the empty text
  kTextBytes = 8,   // char[]: UTF-8, lone surrogates as themselves (surrogatepass)
  kKeyTexts = 9,    // RawKeyText[]: strings and ints that name references (keys, variables), in any order
  kRoots = 10,      // RawRoot[]: the objects of chunk 1
  kWeakReferences = 11,  // RawWeak[]: references that hold nothing
  kBirths = 12,      // RawBirth[]: as many as kObjects, in their order; empty when the program is not tracked
  kStackNodes = 13,  // RawStackNode[]: the stacks of kBirths, [0] is the empty one; parents come first
  kFingerprints =
      14,          // std::uint64_t[]: of the content of each object that has kFingerprinted, in their order
  kPreviews = 15,  // RawKeyText[]: the beginning of some strings and bytes whose content is met often
  kInfo = 16,      // char[]: "key\0value\0" pairs; see below
  kMoments = 17,  // std::uint64_t[]: the times of kBirths in nanoseconds since the recording began, ascending
};

// kInfo: pid, process_began (in the kernel's ticks since it was booted: a process is these two), python (3.11.7), command,
// taken_at (ISO 8601 UTC), pause_ns, walk_cpu_ns, forked (0|1), tracked (0|1), time_ns (CLOCK_MONOTONIC), trigger
// (api|exit|signal|memory-error|peak), rss_bytes, allocated_blocks (sys.getallocatedblocks), complete (0: the walk gave
// up, `reason` says why). When tracked: capture (path), recording_began_ns (CLOCK_MONOTONIC: it tells the recordings of
// a process apart), recorded_ns (from then to the snapshot), live_bytes and peak_bytes (the tracker's).

struct RawHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t section_count;
  std::uint64_t file_bytes;
  std::uint64_t reserved;
};
static_assert(sizeof(RawHeader) == 32);

struct RawSection {
  std::uint32_t kind;
  std::uint32_t record_bytes;
  std::uint64_t offset;  // in the file
  std::uint64_t bytes;
};
static_assert(sizeof(RawSection) == 24);

enum ObjectFlag : std::uint8_t {
  kTracked = 1,         // in one of the collector's lists
  kImmortal = 2,        // its reference count says nothing
  kOddAddress = 4,      // it begins 8 bytes after its slot
  kFrozen = 8,          // in the collector's permanent generation (gc.freeze)
  kSizeEstimated = 16,  // its type sizes itself in Python, which is not run, or is unknown
  kNativeBlock = 32,    // no object: a block of memory that objects own
  kRootObject = 64,     // no object: one of kRoots
  kFingerprinted = 128  // has a place in kFingerprints
};

inline constexpr std::uint32_t kBigSize = 0xFFFFFFFF;  // the size is in kBigSizes

struct RawObject {
  std::uint32_t code;
  std::uint32_t type_and_flags;  // [type number:24][ObjectFlag:8]
  std::uint32_t size;            // shallow bytes
  std::uint32_t
      reference_count;  // saturated; what the walk itself held is taken off; 0 of roots and native blocks
  std::uint32_t references;  // how many follow in kReferences, holes included
};
static_assert(sizeof(RawObject) == 20);

struct RawBigSize {
  std::uint32_t object;  // index in kObjects
  std::uint32_t reserved;
  std::uint64_t bytes;
};
static_assert(sizeof(RawBigSize) == 16);

// What the references after the named fields are.
enum class Tail : std::uint8_t {
  kNone = 0,     // unnamed ones: "<ref 3>"
  kItems = 1,    // [0], [1], …
  kPairs = 2,    // key, value, key, value, … of a mapping, in its order
  kMembers = 3,  // of a set, in its order
  kLocals = 4,   // variables of the code object that is field 0, in the order of co_localsplusnames
                 // (3.10: co_varnames, co_cellvars, co_freevars), then the evaluation stack
  kFlat = 5,     // .flat[0], .flat[1], …: of an array of any number of dimensions
};

enum TypeFlag : std::uint8_t {
  kHeapType = 1,
  kHasFinalizer = 2,    // defines __del__, or a C tp_finalize/tp_del that is no generator's
  kIsTypeSubclass = 4,  // its instances are types
  kIsException = 8,
  kHasInstanceDict = 16,  // its instances have, or may get, a __dict__
  kPseudo = 32,           // of roots and native blocks
  kDefinedInPython = 64,  // by a class statement
  kOpaque = 128,  // neither its traverse function nor a layout tells its references (not asked, or has none)
};

// Names of C fields that no attribute gives are written in angle brackets: "<f_back>". All others are attributes.
struct RawType {
  std::uint32_t object;       // code of the type object; 0 of pseudo types
  std::uint32_t module;       // text number; the empty text: builtins
  std::uint32_t name;         // text number: the qualified name
  std::uint32_t first_field;  // in kNames
  std::uint32_t field_count;
  std::uint32_t basic_bytes;  // tp_basicsize, headers not counted
  std::uint8_t tail;          // Tail
  std::uint8_t flags;         // TypeFlag
  std::uint16_t reserved;
};
static_assert(sizeof(RawType) == 28);

struct RawText {
  std::uint64_t offset;  // in kTextBytes
  std::uint32_t bytes;
  std::uint32_t reserved;
};
static_assert(sizeof(RawText) == 16);

// Of bytes: each byte as the character of its number; of an int: its decimal digits, "True" or "False".
enum class KeyKind : std::uint8_t { kStr = 0, kBytes = 1, kInt = 2 };

struct RawKeyText {
  std::uint32_t object;  // code
  std::uint32_t text;    // text number
  std::uint8_t kind;     // KeyKind
  std::uint8_t cut;      // 1: the text is only its beginning
  std::uint16_t reserved;
};
static_assert(sizeof(RawKeyText) == 12);

enum class RootKind : std::uint8_t {
  kModules = 1,  // sys.modules: one reference, the dict; label "sys.modules"
  kFrame =
      2,  // a frame of a thread: label "<thread 'MainThread' handle>" (the code's name); fields: its variables
  kThread = 3,  // what a thread state holds beside its frames: "<thread 'MainThread'>": context, exception, …
  kInterpreter = 4,  // fields of the interpreter: "<interpreter>": builtins, codec_search_path, …
  kTypes = 5,        // types that nothing else holds: "<static types>"
  // asyncio tasks that run or wait: "<task 'Task-1' main>". Its reference is a name and no hold: asyncio knows its
  // tasks weakly, and the task's reference count does not count it.
  kTask = 6,
  kCallbacks = 7,      // atexit, gc.callbacks, weakref callbacks, signal handlers: "<signal handlers>"
  kInterned = 8,       // interned strings: "<interned>"
  kNativeGlobals = 9,  // static variables of libraries: "<libfoo.so>"
};
// What is held by C code alone (more references counted than seen) and what is immortal are roots too; they are
// found in the graph and not written.

struct RawRoot {
  std::uint32_t object;       // code in chunk 1
  std::uint32_t label;        // text number
  std::uint32_t first_field;  // in kNames: one name a reference, as many as the object has references
  std::uint32_t field_count;
  std::uint64_t thread;  // native thread id; 0: none
  std::uint32_t line;    // of a frame: where it is; 0: unknown
  std::uint32_t file;    // of a frame: text number
  std::uint8_t kind;     // RootKind
  std::uint8_t reserved[7];
};
static_assert(sizeof(RawRoot) == 40);

enum class WeakKind : std::uint8_t { kWeakref = 0, kWeakContainer = 1, kSubclass = 2, kBorrowed = 3 };

struct RawWeak {
  std::uint32_t from;  // code
  std::uint32_t to;    // code
  std::uint8_t kind;   // WeakKind
  std::uint8_t reserved[3];
};
static_assert(sizeof(RawWeak) == 12);

inline constexpr std::uint32_t kUnknownMoment = 0xFFFFFFFF;

// Of the block that the object lies in. It was allocated after this moment and before the next one; a snapshot's own
// instant is between two. So two snapshots of one recording have the same block where births are equal.
struct RawBirth {
  std::uint32_t stack;   // in kStackNodes; 0: unknown
  std::uint32_t moment;  // in kMoments; kUnknownMoment: from before the recording
};
static_assert(sizeof(RawBirth) == 8);

struct RawStackNode {
  std::uint32_t parent;    // its index is lower; 0: outermost
  std::uint32_t function;  // text number: the qualified name, or the name
  std::uint32_t file;      // text number
  std::uint32_t line;
};
static_assert(sizeof(RawStackNode) == 16);

}  // namespace heapscope::heap

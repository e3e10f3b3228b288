// Where each object was allocated, and when: the join of a heap snapshot with the capture that is being recorded.
//
// An object's block is looked up in the tracker's live table, by its address. What a stack is called is written down
// before the walk (prepare), so that nothing of the capture is needed after: the same works in a copied process, whose
// capture is not mapped. Stacks that are new since then are given by their nearest caller that was there.
//
//   prepare()        outside the pause; neither GIL nor the recording lock held
//   hold(for_copy)   at the instant: the recording lock is taken; the live table is made to be copied with the process
//   let_go()         ends that, in the process that called hold()
//   write(walk)      after the sweeps: kBirths, kMoments and kStackNodes; in this process between hold() and let_go()
//
// hold() marks a moment (recorder.h), so that what is born after it has another birth than all that is in the snapshot.
//
// An object from one of CPython's free lists has the stack and birth of its block's first use. Objects from before
// tracking began have none.
// Cost: prepare 0.1 us a stack; write 10 ns an object. Memory: 16 bytes a stack, 8 an object.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tracker/blocks.h"
#include "tracker/live_blocks.h"
#include "walker/column.h"

namespace heapscope::walker {

class Walk;

class Births {
 public:
  Births() noexcept = default;
  Births(const Births&) = delete;
  Births& operator=(const Births&) = delete;

  // False when this process does not track, or memory is out; the others do nothing then.
  bool prepare() noexcept;
  void hold(bool for_copy) noexcept;
  void let_go() noexcept;
  void write(Walk& walk) noexcept;

 private:
  struct Node {
    std::uint32_t parent;
    std::uint32_t code;
    std::uint32_t line;
    bool hidden;  // a thread's root, or a frame that had not begun: its caller stands for it
  };
  struct CodeText {
    std::uint64_t function;  // in texts_
    std::uint64_t file;
    std::uint32_t function_bytes;
    std::uint32_t file_bytes;
  };
  struct Instruction {
    std::uint32_t code;
    std::int32_t offset;
    std::uint32_t node;
  };

  bool copy_nodes() noexcept;
  bool copy_texts(char* const* chunks) noexcept;
  bool find_lines(char* const* chunks) noexcept;
  bool add_text(char* const* chunks, std::uint64_t offset, std::uint32_t bytes,
                std::uint64_t& place) noexcept;
  std::uint32_t cohort_at(std::uintptr_t address) noexcept;
  std::uint32_t stack_of(std::uint32_t cohort) const noexcept;

  bool ready_ = false;
  bool held_ = false;
  bool for_copy_ = false;
  bool lock_taken_ = false;
  std::uint32_t busy_ = 0;
  std::uint32_t run_ = 0;
  std::uint32_t node_count_ = 0;
  std::uint32_t code_count_ = 0;

  Column<Node> nodes_;
  Column<CodeText> codes_;
  Column<char> texts_;
  Column<Instruction> instructions_;
  tracker::Pages<char> scratch_;

  // Of the instant.
  tracker::BlockTable blocks_;
  Column<std::uint32_t> cohort_nodes_;
  Column<std::uint32_t> cohort_moments_;
  Column<std::uint64_t> moments_;       // by number: ns since the recording began
  Column<std::uint32_t> ring_cohorts_;  // by lane and entry
  Column<std::uint32_t> late_parents_;  // of nodes from node_count_ on
  std::uint64_t began_ns_ = 0;          // the recording, which this and the process's id name
  std::uint64_t held_ns_ = 0;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t peak_bytes_ = 0;
  char capture_[4096] = {};
};

}  // namespace heapscope::walker

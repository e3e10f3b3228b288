// The texts of a snapshot (kTexts, kTextBytes): names, keys, labels. Number 0 is the empty text.
//
// Not deduplicated: the reader does that. When memory runs out texts are cut or empty and failed() is true.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cpython/code_text.h"
#include "heap/format.h"
#include "walker/column.h"

namespace heapscope::walker {

class Texts {
 public:
  // `texts` of `bytes` in all are expected; free to be wrong.
  bool prepare(std::size_t texts = 0, std::size_t bytes = 0) noexcept {
    if (texts != 0 && texts_.expect(texts + texts / 8)) texts_.populate(texts);
    if (bytes != 0 && bytes_.expect(bytes + bytes / 8)) bytes_.populate(bytes);
    return texts_.push(heap::RawText{}) && bytes_.reserve(1);
  }
  bool failed() const noexcept { return failed_; }

  std::uint32_t add(const char* text, std::size_t bytes) noexcept {
    if (bytes == 0) return 0;
    write(text, bytes);
    return close();
  }
  std::uint32_t add(const char* text) noexcept { return add(text, std::strlen(text)); }

  // A str as UTF-8, its first `most` bytes to a whole character; `cut` says whether more was left.
  std::uint32_t add(PyObject* text, std::size_t most, bool& cut) noexcept {
    const cpython::CodePoints points = cpython::code_points(text);
    const std::size_t begin = bytes_.size();
    cut = false;
    if (points.ascii) {
      cut = points.count > most;
      write(static_cast<const char*>(points.data), cut ? most : points.count);
    } else {
      for (std::size_t index = 0; index < points.count; ++index) {
        char piece[4];
        const std::size_t size = cpython::encode_utf8(points[index], piece);
        if (bytes_.size() - begin + size > most) {
          cut = true;
          break;
        }
        write(piece, size);
      }
    }
    return bytes_.size() == begin ? 0 : close();
  }
  std::uint32_t add(PyObject* text) noexcept {
    bool cut = false;
    return add(text, kMostNameBytes, cut);
  }

  // Bytes, each the character of its number.
  std::uint32_t add_latin1(const char* text, std::size_t bytes) noexcept {
    for (std::size_t index = 0; index < bytes; ++index) {
      char piece[4];
      write(piece, cpython::encode_utf8(static_cast<unsigned char>(text[index]), piece));
    }
    return close();
  }

  // A text in pieces: write, write, close.
  void write(const char* text, std::size_t bytes) noexcept {
    if (!bytes_.reserve(bytes_.size() + bytes)) {
      failed_ = true;
      return;
    }
    std::memcpy(bytes_.data() + bytes_.size(), text, bytes);
    bytes_.set_size(bytes_.size() + bytes);
  }
  void write(const char* text) noexcept { write(text, std::strlen(text)); }
  void write(PyObject* text) noexcept {
    cpython::write_utf8(text, [this](const char* piece, std::size_t bytes) { write(piece, bytes); });
  }
  std::uint32_t close() noexcept {
    const std::uint64_t begin = end_of_last_;
    end_of_last_ = bytes_.size();
    if (end_of_last_ == begin) return 0;
    if (!texts_.push(heap::RawText{begin, static_cast<std::uint32_t>(end_of_last_ - begin), 0})) {
      failed_ = true;
      return 0;
    }
    return static_cast<std::uint32_t>(texts_.size() - 1);
  }

  const Column<heap::RawText>& rows() const noexcept { return texts_; }
  const Column<char>& bytes() const noexcept { return bytes_; }
  void release() noexcept {
    texts_.release();
    bytes_.release();
    end_of_last_ = 0;
  }

 private:
  static constexpr std::size_t kMostNameBytes = 4096;

  Column<heap::RawText> texts_;
  Column<char> bytes_;
  std::uint64_t end_of_last_ = 0;
  bool failed_ = false;
};

}  // namespace heapscope::walker

// What is kept of the content of strings, bytes and ints: a fingerprint to find equal ones, and texts of keys.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "heap/format.h"
#include "walker/texts.h"

namespace heapscope::walker {

// 64 bits of all `bytes`: equal content, equal print. About 5 GB/s.
inline std::uint64_t fingerprint(const void* data, std::size_t bytes, std::uint64_t seed) noexcept {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::uint64_t kFirst = 0xA0761D6478BD642FU;
  constexpr std::uint64_t kSecond = 0xE7037ED1A0B428DBU;
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint64_t state = mix(seed ^ kFirst, bytes ^ kSecond);
  std::uint64_t words[2];
  std::size_t rest = bytes;
  for (; rest > 16; rest -= 16, at += 16) {
    std::memcpy(words, at, 16);
    state = mix(words[0] ^ kFirst ^ state, words[1] ^ kSecond);
  }
  words[0] = words[1] = 0;
  std::memcpy(words, at, rest);
  return mix(words[0] ^ kFirst ^ state, words[1] ^ kSecond ^ bytes);
}

// Of a str or bytes, subclasses included; false: it has no content to read.
bool content_fingerprint(PyObject* object, PyTypeObject* type, std::uint64_t& print) noexcept;

// The text of a str, bytes or int that names references; false: of another type.
bool key_text(PyObject* object, std::size_t most, Texts& texts, heap::RawKeyText& key) noexcept;

}  // namespace heapscope::walker

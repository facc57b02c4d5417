// XXH3-128 of bytes: whether a file is what was written. It finds damage, not forgery.
//   https://github.com/Cyan4973/xxHash
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace cardiograd {

struct ContentHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const ContentHash&) const = default;
};

// XXH3-128.
ContentHash content_hash(std::string_view content);
// 32 hexadecimal digits.
std::string to_string(const ContentHash& hash);

// The same of content that comes in pieces.
class Hasher {
 public:
  Hasher();
  void update(const void* bytes, std::size_t count);
  void update(std::string_view text) { update(text.data(), text.size()); }
  ContentHash digest() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace cardiograd

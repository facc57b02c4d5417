#include "base/hash.h"

#include <new>

#include <fmt/format.h>
#include <xxhash.h>

namespace cardiograd {

ContentHash content_hash(std::string_view content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  return {hash.low64, hash.high64};
}

std::string to_string(const ContentHash& hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

Hasher::Hasher() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH3_128bits_reset(state_.get());
}

void Hasher::update(const void* bytes, std::size_t count) {
  XXH3_128bits_update(state_.get(), bytes, count);
}

ContentHash Hasher::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
  return {hash.low64, hash.high64};
}

void Hasher::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

}  // namespace cardiograd

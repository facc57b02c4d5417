// Prepared data. The input gets the checksum that belongs to it, without which nothing of it would be looked at.
#include "data/signal_cache.h"

#include <string>

#include "base/hash.h"
#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kSignalCache("signal_cache", [](std::string_view input) {
  const ContentHash hash = content_hash(input);
  std::string content(input);
  content.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  std::string reason;
  data::load_signal_cache(file_with(content), "key", reason);
});

}  // namespace cardiograd::fuzz

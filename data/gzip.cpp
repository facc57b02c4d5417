#include "data/gzip.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include <fmt/format.h>
#include <zlib.h>

#include "base/error.h"

namespace cardiograd::data {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, with gzip's header

class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream& operator*() { return stream_; }

 private:
  z_stream stream_{};
};

}  // namespace

bool is_gzip(std::string_view content) {
  return content.starts_with("\x1F\x8B");
}

std::string gunzip(std::string_view content, std::uintmax_t max_bytes, const std::filesystem::path& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(fmt::format("{}: compressed with gzip: {}", path.string(), what), "Fetch the file again.");
  };
  std::string text;
  std::array<char, 1 << 16> chunk{};
  while (!content.empty()) {
    Inflater inflater;
    z_stream& stream = *inflater;
    int status = Z_OK;
    while (status != Z_STREAM_END) {
      if (stream.avail_in == 0) {
        const std::size_t size = std::min<std::size_t>(content.size(), std::numeric_limits<uInt>::max() / 2);
        if (size == 0) fail("truncated");
        // zlib does not change its input.
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
        stream.avail_in = static_cast<uInt>(size);
        content.remove_prefix(size);
      }
      stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
      stream.avail_out = static_cast<uInt>(chunk.size());
      status = inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        fail(fmt::format("damaged: {}", stream.msg != nullptr ? stream.msg : "unknown data"));
      text.append(chunk.data(), chunk.size() - stream.avail_out);
      if (text.size() > max_bytes)
        throw Error(fmt::format("{}: compressed with gzip: unpacked, more than {} bytes", path.string(), max_bytes),
                    "No recording shrinks so much: look what is in it. If it is one, unpack it first (gunzip).");
    }
    // Another member may follow.
    content = std::string_view(reinterpret_cast<const char*>(stream.next_in), stream.avail_in + content.size());
    if (!is_gzip(content)) break;
  }
  return text;
}

}  // namespace cardiograd::data

#include "data/wfdb_flac.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include <FLAC/stream_decoder.h>
#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::data {
namespace {

// What libFLAC's callbacks read and fill. They throw nothing: an exception must not pass through C.
struct Stream {
  std::string_view rest;
  std::int64_t max_values = 0;
  std::int64_t values = 0;
  unsigned bits = 0;
  bool too_many = false;
  const char* problem = nullptr;
  std::vector<std::vector<std::int32_t>> channels = {};
};

extern "C" {
static FLAC__StreamDecoderReadStatus flac_read(const FLAC__StreamDecoder*, FLAC__byte* buffer, std::size_t* size,
                                               void* data) noexcept {
  auto& stream = *static_cast<Stream*>(data);
  *size = std::min(*size, stream.rest.size());
  std::memcpy(buffer, stream.rest.data(), *size);
  stream.rest.remove_prefix(*size);
  return *size == 0 ? FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM : FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
}

static FLAC__StreamDecoderWriteStatus flac_write(const FLAC__StreamDecoder*, const FLAC__Frame* frame,
                                                 const FLAC__int32* const* buffer, void* data) noexcept {
  auto& stream = *static_cast<Stream*>(data);
  const std::size_t channels = frame->header.channels, samples = frame->header.blocksize;
  stream.bits = std::max<unsigned>(stream.bits, frame->header.bits_per_sample);
  stream.values += static_cast<std::int64_t>(channels * samples);
  stream.too_many = stream.values > stream.max_values;
  if (stream.too_many || (!stream.channels.empty() && stream.channels.size() != channels))
    return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
  try {
    stream.channels.resize(channels);
    for (std::size_t c = 0; c < channels; ++c)
      stream.channels[c].insert(stream.channels[c].end(), buffer[c], buffer[c] + samples);
  } catch (...) {
    return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
  }
  return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

static void flac_error(const FLAC__StreamDecoder*, FLAC__StreamDecoderErrorStatus status, void* data) noexcept {
  static_cast<Stream*>(data)->problem = FLAC__StreamDecoderErrorStatusString[status];
}
}

}  // namespace

std::vector<std::vector<std::int32_t>> decode_flac(std::string_view content, int max_bits, std::int64_t max_values,
                                                   const std::filesystem::path& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(fmt::format("{}: {}", path.string(), what),
                "Expected a FLAC stream as the record's header says; fetch the record again.");
  };
  if (!content.starts_with("fLaC")) fail("no FLAC stream");
  Stream stream{content, max_values};
  const std::unique_ptr<FLAC__StreamDecoder, decltype(&FLAC__stream_decoder_delete)> decoder(
      FLAC__stream_decoder_new(), &FLAC__stream_decoder_delete);
  if (!decoder) throw std::bad_alloc();
  FLAC__stream_decoder_set_md5_checking(decoder.get(), 1);
  const bool started =
      FLAC__stream_decoder_init_stream(decoder.get(), flac_read, nullptr, nullptr, nullptr, nullptr, flac_write,
                                       nullptr, flac_error, &stream) == FLAC__STREAM_DECODER_INIT_STATUS_OK;
  if (!started) fail("libFLAC does not start");
  const bool decoded = FLAC__stream_decoder_process_until_end_of_stream(decoder.get()) != 0;
  const bool same = FLAC__stream_decoder_finish(decoder.get()) != 0;
  if (stream.too_many) fail(fmt::format("more than {} samples", max_values));
  if (stream.problem != nullptr) fail(fmt::format("damaged: {}", stream.problem));
  if (!decoded) fail("damaged: it cannot be decoded to its end");
  if (!same) fail("damaged: the samples do not have the MD5 sum that the stream names");
  if (stream.bits > static_cast<unsigned>(max_bits))
    fail(fmt::format("samples of {} bits, expected at most {}", stream.bits, max_bits));
  return std::move(stream.channels);
}

}  // namespace cardiograd::data

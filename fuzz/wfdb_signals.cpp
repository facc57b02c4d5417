// Samples in each format of WFDB but FLAC: the first byte of the input chooses it.
#include "data/wfdb_decode.h"
#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kWfdbSignals("wfdb_signals", [](std::string_view input) {
  if (input.empty()) return;
  const int format = data::kWfdbFormats.at(static_cast<unsigned char>(input[0]) % data::kWfdbFormats.size());
  if (data::is_flac_format(format)) return;
  input.remove_prefix(1);
  const std::int64_t count = data::wfdb_capacity(format, static_cast<std::int64_t>(input.size()));
  if (static_cast<std::int64_t>(data::wfdb_decode(format, input, count).size()) != count) fail("samples are missing");
});

}  // namespace cardiograd::fuzz

// WFDB annotation files (.atr, .q1c, ...): labeled instants of a record. Source: WFDB Applications Guide, annot(5).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::data {

struct WfdbAnnotation {
  std::int64_t sample = 0;  // from the record's beginning, in annotation time: see WfdbAnnotations::rate
  int code = 1;             // 1 to 49
  int subtype = 0;          // -128 to 127
  int channel = 0;          // 0 to 255
  int number = 0;           // -128 to 127
  std::string aux;          // up to 255 bytes, "(AFIB"; the zero byte that many files add at the end is left out

  bool operator==(const WfdbAnnotation&) const = default;
};

struct WfdbAnnotations {
  // Ticks per second when the file says so ("## time resolution: 500"), 0 otherwise: then the record's rate holds.
  double rate = 0;
  std::vector<WfdbAnnotation> annotations;
};

// "N", "V", "+", ...; "[n]" for the codes that have no meaning of their own.
std::string annotation_mnemonic(int code);
std::optional<int> annotation_code(std::string_view mnemonic);

// Throws Error naming the file and the byte: truncated, without end mark, an unknown code, a time that overflows.
WfdbAnnotations read_wfdb_annotations(const std::filesystem::path& path);
// The same from bytes; `path` is only for messages.
WfdbAnnotations parse_wfdb_annotations(std::string_view bytes, const std::filesystem::path& path);

// Writes in one atomic step. Samples may go backwards, as the format allows. Throws Error naming the annotation for
// values outside the ranges above and steps of more than 2^31 - 1 samples.
void write_wfdb_annotations(const std::filesystem::path& path, const WfdbAnnotations& annotations);

}  // namespace cardiograd::data
